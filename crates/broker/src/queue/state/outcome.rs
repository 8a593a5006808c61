//! What an operation on a queue asks of its caller, to be done without the queue's lock.

use super::super::DeathReason;
use super::super::backlog::Entry;
use super::super::dedup::Seen;
use super::super::dedup::gate::Passed;
use super::super::dedup::line::Line;
use super::super::stored::Change;
use super::Announcement;
use super::load::Load;
use crate::mailbox::Mailbox;
use crate::message::Message;
use crate::queue::stream::Logged;
use crate::queue::stream::read::Read;
use crate::trace::Told;
use leveret_store::Target;
use std::sync::Arc;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Messages that left by dying; they go to the dead-letter exchange if there is one, and out of the store.
    pub(crate) dead: Vec<(Entry, DeathReason)>,
    /// Scheduled messages whose moment has come; they are routed, and out of the store.
    pub(crate) due: Vec<Entry>,
    /// The last consumer left an auto-delete queue.
    pub(crate) unused: bool,
    /// The queue wants to be looked at by then.
    pub(crate) timer_ms: Option<u64>,
    /// A consumer's connection that is behind; the publisher may wait for it.
    pub(crate) congested: Option<Arc<Mailbox>>,
    /// Change of the memory held, in bytes.
    pub(crate) charge: i64,
    /// Messages the store is to hold, and where.
    pub(crate) entered: Vec<(Message, Target)>,
    /// What else the store is to know.
    pub(crate) changes: Vec<Change>,
    /// Some message that entered is in the store alone: nobody may look for it before it was appended.
    pub(crate) cold: bool,
    /// Connections that may show nothing more before this is in the store.
    pub(crate) held: Vec<Arc<Mailbox>>,
    /// Who wants to know when `changes` were appended.
    pub(crate) announcements: Vec<Announcement>,
    /// Messages to be fetched from the store.
    pub(crate) load: Option<Load>,
    /// What a stream adds to the store.
    pub(crate) logged: Option<Box<Logged>>,
    /// Pieces of a stream to be read for its consumers.
    pub(crate) reads: Vec<Read>,
    /// What was seen, for the store to keep with the messages.
    pub(crate) seen: Vec<Seen>,
    /// What a gate let pass, to be routed on by its exchange.
    pub(crate) passed: Vec<Passed>,
    /// There was a duplicate: it is not confirmed before what it repeats is stored.
    pub(crate) awaits: Option<(Arc<Line>, u64)>,
    /// What happened to messages that are sampled, or may be followed.
    pub(crate) told: Vec<Told>,
}

impl Outcome {
    /// Whether nothing is to be done.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        self.charge == 0
            && !self.is_recorded()
            && self.timer_ms.is_none()
            && !self.unused
            && self.load.is_none()
            && self.held.is_empty()
            && self.reads.is_empty()
            && self.told.is_empty()
    }

    /// Whether there is something for the store.
    #[inline]
    pub(crate) fn is_recorded(&self) -> bool {
        let nothing_entered = self.entered.is_empty() && self.changes.is_empty() && self.seen.is_empty();
        let nothing_left = self.dead.is_empty() && self.due.is_empty() && self.passed.is_empty();
        !(nothing_entered && nothing_left && self.awaits.is_none())
    }
}

//! Taking messages without a connection, as a channel does that gets some, settles them and closes.

use super::{Actor, Tap, VirtualHost};
use crate::message::Message;
use crate::name::ResourceKind;
use crate::queue::backlog::Entry;
use crate::queue::past::Return;
use crate::queue::state::Got;
use crate::queue::stream::request;
use crate::queue::{Queue, Settled, load};
use crate::recorder::Recorder;
use crate::refusal::{Permission, Refusal};
use crate::stats::{MessageCounts, TakenCounts};
use leveret_protocol::ReplyCode;
use std::sync::Arc;

/// Messages that are taken at once at most.
pub const TAKE_MESSAGES_MAX: usize = 10_000;
/// Bytes of their bodies, the message that reaches them included.
pub const TAKE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What becomes of messages that were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    /// They are gone, as with `no_ack`.
    Gone,
    /// They go back, and nobody failed: `basic.nack` with requeue. They are marked as redelivered.
    Released,
    /// They go back as failed: `basic.reject` with requeue.
    Rejected,
    /// They are dead-lettered, or gone: `basic.reject`.
    Discarded,
}

/// A message that was taken.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TakenMessage {
    /// The message; one that failed before bears its counts, where deliveries do.
    pub message: Message,
    /// It was delivered before.
    pub redelivered: bool,
    /// Messages that were ready behind it.
    pub left: usize,
}

impl VirtualHost {
    /// Takes messages out of a queue as `basic.get` does, `messages_max` at most (and [`TAKE_MESSAGES_MAX`], [`TAKE_BYTES_MAX`]), and then
    /// settles them all. When that is on stable storage, [`Broker::stored`](crate::Broker::stored) says; they are not to be shown before.
    /// Reads from the disk what is there: not for a task that serves connections.
    ///
    /// # Errors
    /// No read permission, no such queue, another connection's queue, a stream. The store has failed.
    pub fn take(
        self: &Arc<Self>,
        actor: &Actor,
        queue: &str,
        messages_max: usize,
        afterwards: Afterwards,
    ) -> Result<Vec<TakenMessage>, Refusal> {
        self.permit(actor, ResourceKind::Queue, queue, Permission::Read)?;
        let queue = self.owned_queue(actor, queue)?;
        if queue.is_stream() {
            return Err(request::unsupported(&queue, "basic.get"));
        }
        let (mut taken, mut held, mut bytes) = (Vec::new(), Vec::new(), 0);
        while taken.len() < messages_max.min(TAKE_MESSAGES_MAX) && bytes < TAKE_BYTES_MAX {
            let Some((entry, left)) = self.take_one(&queue, afterwards == Afterwards::Gone) else { break };
            let counts = !entry.past.is_none() && queue.counts_deliveries();
            let message = if counts { entry.message.counted(&entry.past) } else { entry.message.clone() };
            bytes += message.body_len();
            if self.is_traced() {
                let tap = Tap { connection: "", channel: 0, user: actor.user.name() };
                self.trace_deliver(tap, &message, queue.name(), entry.redelivered);
            }
            if self.follows().is_on() {
                self.follows().taken(actor.user.name(), &queue, &entry, None);
            }
            taken.push(TakenMessage { message, redelivered: entry.redelivered, left });
            held.push((settled(&entry), entry));
        }
        let count = taken.len() as u64;
        let (get, get_no_ack) = if afterwards == Afterwards::Gone { (0, count) } else { (count, 0) };
        let redeliver = taken.iter().filter(|taken| taken.redelivered).count() as u64;
        let get_empty = u64::from(taken.is_empty());
        let mut counts = MessageCounts::default();
        counts.taken[queue.kind() as usize] =
            TakenCounts { get, get_no_ack, get_empty, redeliver, ..TakenCounts::default() };
        self.count(counts);
        self.put_back(actor, &queue, held, afterwards)?;
        Ok(taken)
    }

    fn take_one(self: &Arc<Self>, queue: &Arc<Queue>, no_ack: bool) -> Option<(Entry, usize)> {
        loop {
            let now_ms = self.clock().now_ms();
            let (got, recorded) =
                queue.with_ticket(|state, queue, outcome| state.get(queue, no_ack, now_ms, outcome));
            self.shared.changes.note(recorded.ticket);
            match got {
                Got::Empty => return None,
                Got::Message(entry, left) => return Some((entry, left)),
                Got::OnDisk(wanted) => load::run(self, queue, &wanted),
            }
        }
    }

    fn put_back(
        &self,
        actor: &Actor,
        queue: &Arc<Queue>,
        held: Vec<(Settled, Entry)>,
        afterwards: Afterwards,
    ) -> Result<(), Refusal> {
        let (by, why) = match afterwards {
            Afterwards::Gone => return Ok(()),
            Afterwards::Released => ("nack", Some(Return::Released)),
            Afterwards::Rejected => ("reject", Some(Return::Rejected)),
            Afterwards::Discarded => ("reject", None),
        };
        if self.follows().is_on() {
            for (_, entry) in &held {
                self.follows().taken(actor.user.name(), queue, entry, Some((by, why.is_some())));
            }
        }
        let now_ms = self.clock().now_ms();
        let mut recorder = Recorder::default();
        queue.record(&mut recorder, |state, queue, outcome| match why {
            Some(why) => {
                let returned = held.into_iter().map(|(settled, entry)| (settled, entry, why)).collect();
                state.requeue(queue, returned, now_ms, outcome);
            }
            None => state.discard(queue, held, now_ms, outcome),
        });
        let recorded = recorder.commit(self.store(), None);
        let recorded = recorded.map_err(|e| Refusal::other(ReplyCode::InternalError, e.to_string()))?;
        self.shared.changes.note(recorded.ticket);
        Ok(())
    }
}

fn settled(entry: &Entry) -> Settled {
    Settled {
        consumer: None,
        charge: entry.message.charge(),
        held: true,
        stored: entry.stored,
        position: entry.position,
        weight: entry.message.body_len() as u32,
    }
}

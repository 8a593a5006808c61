//! Messages coming in: straight to a consumer, into memory, or to the disk.

use super::dedup::Look;
use super::{Outcome, QueueState, Source};
use crate::message::Message;
use crate::queue::backlog::Entry;
use crate::queue::past::Past;
use crate::queue::settings::{Durability, Overflow};
use crate::queue::stored::Stored;
use crate::queue::{DeathReason, Incoming, Queue};
use crate::trace::{Told, What};
use leveret_store::Target;
use std::sync::Arc;

/// Messages of a level that stay in memory even when it is short.
const KEPT_WHEN_SHORT: usize = 256;

impl QueueState {
    /// Takes publishings in, in order; those that an overflowing queue refuses are moved to `rejected`.
    pub(crate) fn publish(
        &mut self,
        queue: &Arc<Queue>,
        incoming: &mut Vec<Incoming>,
        rejected: &mut Vec<Incoming>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        if self.deleted {
            incoming.clear();
            return;
        }
        self.counters.came(incoming);
        if self.timetable.is_some() {
            self.schedule(queue, incoming, now_ms, outcome);
        }
        if self.settings.is_gate {
            self.let_pass(queue, incoming, now_ms, outcome);
        }
        for publishing in incoming.drain(..) {
            let sighting = match self.look(&publishing.message, now_ms) {
                Look::Duplicate => {
                    tell(queue, &publishing.message, What::Duplicate, outcome);
                    continue;
                }
                Look::New(sighting) => Some(sighting),
                Look::Any => None,
            };
            if self.settings.bounded && self.refuses(&publishing.message) {
                self.counters.rejected += 1;
                tell(queue, &publishing.message, What::Refused, outcome);
                if self.settings.overflow == Overflow::RejectPublishDlx {
                    let position = self.backlog.pass();
                    let entry = fresh(position, u64::MAX, publishing.message.clone());
                    self.bury(entry, DeathReason::MaxLen, outcome);
                }
                self.refused(sighting.as_ref(), now_ms);
                rejected.push(publishing);
                continue;
            }
            self.remember(sighting.as_ref(), &publishing.message, now_ms);
            let source = if publishing.moved { Source::Moved } else { Source::New };
            self.enter(queue, publishing.message, source, now_ms, outcome);
            if self.settings.bounded {
                self.drop_overflow(outcome);
            }
        }
        self.end_batch(now_ms, outcome);
        self.finish(queue, now_ms, outcome);
    }

    /// One message in: straight to a consumer when nothing waits before it, else into the backlog.
    #[inline]
    fn enter(
        &mut self,
        queue: &Arc<Queue>,
        message: Message,
        source: Source,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        let expires_ms = self.settings.expires_at(message.ttl_ms(), now_ms);
        let mut entry = fresh(self.backlog.pass(), expires_ms, message);
        if self.backlog.len() == 0
            && !self.paused
            && let Some(slot) = self.consumers.next(queue)
        {
            if !self.consumers.is_no_ack(slot) {
                self.keep(&mut entry, outcome);
                self.charge += entry.message.charge() as i64;
            }
            self.hand_out(slot, entry, source, outcome);
            return;
        }
        self.keep(&mut entry, outcome);
        self.may_expire |= expires_ms != u64::MAX;
        let level = self.backlog.level_of(&entry.message);
        if self.is_cold(queue, level) {
            if entry.stored == Stored::NO {
                self.store(&mut entry, false, outcome);
            }
            if !std::mem::replace(&mut outcome.cold, true) {
                queue.appending().begin();
            }
            self.backlog.push_cold(level, entry.position, entry.message.body_len());
        } else {
            self.charge += entry.message.charge() as i64;
            self.backlog.push(level, entry);
        }
    }

    /// Whether the next message of a level is kept on disk only.
    #[inline]
    fn is_cold(&self, queue: &Queue, level: usize) -> bool {
        self.store.is_some()
            && (self.backlog.cold(level).len() > 0
                || (queue.is_memory_short() && self.backlog.fresh_len(level) >= KEPT_WHEN_SHORT))
    }

    /// Has the store keep a message that is to outlive a restart.
    #[inline]
    pub(super) fn keep(&mut self, entry: &mut Entry, outcome: &mut Outcome) {
        if self.lasts(&entry.message) {
            self.store(entry, true, outcome);
        }
    }

    /// Whether a message outlives a restart here.
    #[inline]
    pub(super) fn lasts(&self, message: &Message) -> bool {
        self.store.is_some()
            && self.settings.durability != Durability::Memory
            && (message.is_persistent() || self.settings.keeps_transient)
    }

    #[inline]
    pub(super) fn store(&mut self, entry: &mut Entry, lasting: bool, outcome: &mut Outcome) {
        entry.stored = Stored::at(self.backlog.level_of(&entry.message), lasting);
        let Some(lane) = entry.stored.lane() else { return };
        let expires_unix_ms = entry.expires_ms.saturating_add(self.unix_origin_ms);
        let target = Target { queue: self.number, lane, position: entry.position, expires_unix_ms };
        outcome.entered.push((entry.message.clone(), target));
    }

    pub(super) fn refuses(&self, message: &Message) -> bool {
        let s = &self.settings;
        s.overflow != Overflow::DropHead
            && (s.max_length.is_some_and(|max| self.backlog.len() as u64 >= max)
                || s.max_length_bytes
                    .is_some_and(|max| self.backlog.body_bytes() + message.body_len() as u64 > max))
    }

    /// Whether more is in the queue than it may hold, and the oldest are to go.
    pub(super) fn overflows(&self) -> bool {
        let s = &self.settings;
        s.bounded
            && s.overflow == Overflow::DropHead
            && (s.max_length.is_some_and(|max| self.backlog.len() as u64 > max)
                || s.max_length_bytes.is_some_and(|max| self.backlog.body_bytes() > max))
    }

    pub(super) fn drop_overflow(&mut self, outcome: &mut Outcome) {
        while self.overflows() {
            // A head that is on disk goes once it was fetched.
            let Some(entry) = self.backlog.pop() else { return };
            self.uncharge(&entry.message);
            self.bury(entry, DeathReason::MaxLen, outcome);
        }
    }
}

/// Something happened to a message that did not come in.
#[inline]
pub(super) fn tell(queue: &Queue, message: &Message, what: What, outcome: &mut Outcome) {
    if queue.is_watched(message) {
        outcome.told.push(Told { message: message.clone(), position: None, attempt: 0, what });
    }
}

pub(super) fn fresh(position: u64, expires_ms: u64, message: Message) -> Entry {
    Entry { position, expires_ms, past: Past::default(), redelivered: false, stored: Stored::NO, message }
}

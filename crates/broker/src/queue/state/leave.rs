//! Messages going out: taken one by one, settled, refused, purged.

use super::{Outcome, QueueState};
use crate::queue::backlog::{Entry, Front};
use crate::queue::stored::{Change, Stored};
use crate::queue::{DeathReason, Queue, Settled};
use crate::trace::{Told, What};
use std::sync::Arc;

use super::load::Load;

/// What `basic.get` finds.
#[derive(Debug)]
pub(crate) enum Got {
    Empty,
    /// The next message and how many stay ready.
    Message(Entry, usize),
    /// The next message has to be fetched from the disk first.
    OnDisk(Load),
}

impl QueueState {
    /// `basic.get`.
    pub(crate) fn get(
        &mut self,
        queue: &Arc<Queue>,
        no_ack: bool,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> Got {
        self.used_ms = now_ms;
        self.drop_expired(now_ms, outcome);
        if self.paused {
            self.counters.got_empty += 1;
            self.finish(queue, now_ms, outcome);
            return Got::Empty;
        }
        if let Front::OnDisk(level) = self.backlog.front() {
            self.backlog.cold_mut(level).reading();
            return Got::OnDisk(self.load_of(level, 64));
        }
        let mut entry = self.backlog.pop();
        if let Some(entry) = &mut entry {
            if no_ack {
                self.uncharge(&entry.message);
                self.counters.got_no_ack += 1;
                forget(entry, outcome);
            } else {
                self.unacked += 1;
                self.unacked_bytes += entry.message.body_len() as u64;
                self.counters.got += 1;
                self.announce(entry, false, outcome);
            }
            self.counters.redelivered += u64::from(entry.redelivered);
        } else {
            self.counters.got_empty += 1;
        }
        self.finish(queue, now_ms, outcome);
        entry.map_or(Got::Empty, |entry| Got::Message(entry, self.backlog.len()))
    }

    /// Messages that consumers are done with. (Their leaving the store is recorded by the caller.)
    pub(crate) fn settle(
        &mut self,
        queue: &Arc<Queue>,
        settled: &[Settled],
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        self.counters.acked += settled.len() as u64;
        self.release(settled);
        for s in settled {
            self.charge -= s.charge as i64;
        }
        self.finish(queue, now_ms, outcome);
    }

    /// Messages that consumers refused for good.
    pub(crate) fn discard(
        &mut self,
        queue: &Arc<Queue>,
        refused: Vec<(Settled, Entry)>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        for (settled, entry) in refused {
            self.release(std::slice::from_ref(&settled));
            self.charge -= settled.charge as i64;
            self.bury(entry, DeathReason::Rejected, outcome);
        }
        self.finish(queue, now_ms, outcome);
    }

    pub(super) fn release(&mut self, settled: &[Settled]) {
        let held = settled.iter().filter(|s| s.held).count() as u64;
        debug_assert!(held <= self.unacked, "a message is settled once");
        self.unacked = self.unacked.saturating_sub(held);
        let bytes = settled.iter().filter(|s| s.held).map(|s| u64::from(s.weight)).sum();
        self.unacked_bytes = self.unacked_bytes.saturating_sub(bytes);
        let mut at = 0;
        while at < settled.len() {
            let consumer = settled[at].consumer;
            let run = settled[at..].iter().take_while(|s| s.consumer == consumer).count();
            if let Some(id) = consumer {
                self.consumers.return_credit(id, run as u32);
            }
            at += run;
        }
    }

    /// Drops all ready messages, and those that wait to be ready again; unacked ones stay. Returns how many.
    pub(crate) fn purge(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) -> usize {
        self.drop_expired(now_ms, outcome);
        let count = self.empty(queue, "purged", outcome);
        self.counters.purged += count as u64;
        self.may_expire = false;
        self.finish(queue, now_ms, outcome);
        count
    }

    /// Takes every ready message out of memory and store. Who follows messages hears of those in memory, and `why` they are gone.
    pub(super) fn empty(&mut self, queue: &Queue, why: &'static str, outcome: &mut Outcome) -> usize {
        let count = self.backlog.len();
        let count = count + self.waiting.len() + self.empty_timetable(queue, why, outcome);
        let (all, cold) = self.backlog.clear();
        for mut entry in all.into_iter().chain(self.waiting.clear()) {
            if queue.is_watched(&entry.message) {
                outcome.told.push(Told::of(&entry, What::Purged { why }));
            }
            self.uncharge(&entry.message);
            forget(&mut entry, outcome);
        }
        for c in cold {
            for stored in [Stored::at(c.level, true), Stored::at(c.level, false)] {
                let Some(lane) = stored.lane() else { continue };
                outcome.changes.push(Change::Clear { lane, first: c.first, last: c.last });
            }
        }
        count
    }
}

/// Has the store forget a message that left for good.
#[inline]
pub(super) fn forget(entry: &mut Entry, outcome: &mut Outcome) {
    if let Some(lane) = entry.stored.lane() {
        let weight = entry.message.body_len() as u32;
        outcome.changes.push(Change::Settle { lane, position: entry.position, weight });
        entry.stored = Stored::NO;
    }
}

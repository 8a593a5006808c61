//! What a stream shows of itself, and what a restart hands to it.

use super::Stream;
use super::chunk::Chunk;
use super::log::Kept;
use super::read::{self, Read};
use crate::queue::consumers::Subscription;
use crate::queue::settings::Settings;
use crate::queue::{ConsumerId, Counters};

impl Stream {
    /// Messages from the first offset to the last.
    pub(crate) fn messages(&self) -> usize {
        (self.log.next() - self.log.first()) as usize
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.log.bytes()
    }

    pub(crate) fn unacked(&self) -> u64 {
        self.unacked
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted
    }

    pub(crate) fn timer_ms(&self) -> Option<u64> {
        Some(self.timer_ms).filter(|ms| *ms != u64::MAX)
    }

    /// Its consumers, with the unacked messages of each.
    pub(crate) fn consumers(&self) -> impl Iterator<Item = (&Subscription, u32)> {
        self.readers.iter().flatten().map(|reader| (&reader.subscription, reader.unacked))
    }

    /// Its first messages: those in memory, or what to read.
    pub(crate) fn browse(&self, messages_max: usize) -> Result<Vec<Kept>, Read> {
        let first = self.log.first();
        match self.log.tail_from(first) {
            Some(tail) => Ok(tail.take(messages_max).cloned().collect()),
            None => Err(Read {
                reader: ConsumerId { slot: u32::MAX, generation: 0 },
                from: first,
                through: self.committed().max(first + 1) - 1,
                filter: None,
                since_ms: 0,
                bytes_max: usize::MAX,
                messages_max: messages_max.min(read::MESSAGES_MAX),
            }),
        }
    }

    /// Where the log ends.
    pub(crate) fn log_next(&self) -> u64 {
        self.log.next()
    }

    /// A restart found these chunks of offsets `first..next`.
    pub(crate) fn restore(&mut self, first: u64, next: u64, chunks: Vec<Chunk>) {
        self.log.restore(first, next, chunks);
        if let Some(commits) = &self.commits {
            commits.restore(next);
        }
    }

    /// And these messages behind the last of them, up to `next`.
    pub(crate) fn restore_tail(&mut self, found: Vec<Kept>, next: u64) {
        let charged = self.log.tail_charge();
        for kept in found {
            self.log.append_at(kept.offset, kept.message, kept.unix_ms);
        }
        self.log.skip_to(next);
        self.charge += self.log.tail_charge() as i64 - charged as i64;
    }
}

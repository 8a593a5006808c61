//! The part of a queue that is on disk: when it is fetched, and what a restart found.

use super::{Outcome, QueueState};
use crate::inspect::QueuedMessage;
use crate::queue::Queue;
use crate::queue::backlog::{Entry, Front};
use crate::queue::waiting::Then;
use std::sync::Arc;

/// Messages of a level in memory below which more are fetched, while somebody consumes.
const LOAD_BELOW: usize = 1024;
/// Messages fetched at a time, at most.
pub(super) const LOAD_MESSAGES_MAX: usize = 4096;
/// Bytes fetched at a time: reading stops with the message that reaches it.
const LOAD_BYTES_MAX: usize = 1024 * 1024;
/// Messages fetched only to learn when the first one dies.
const PEEK_MESSAGES: usize = 16;

/// Messages of a queue to be fetched from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) level: usize,
    /// Behind this position.
    pub(crate) after: u64,
    pub(crate) messages_max: usize,
    pub(crate) bytes_max: usize,
    /// Position of the last one there was when this was asked for.
    last: u64,
    generation: u32,
}

/// What a load found beside the messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looked {
    /// Everything up to this position was found or cannot be read; `u64::MAX`: there is no more.
    pub(crate) through: u64,
    /// Something may have been on its way into the store that the load could not see.
    pub(crate) raced: bool,
}

impl Load {
    #[cfg(test)]
    pub(crate) fn of_all() -> Self {
        Self { level: 0, after: 0, messages_max: 1, bytes_max: 1, last: 0, generation: 0 }
    }

    /// Messages of a level behind a position, without a bound in bytes.
    pub(crate) fn of_span(level: usize, after: u64, messages_max: usize) -> Self {
        Self { level, after, messages_max, bytes_max: usize::MAX, last: 0, generation: 0 }
    }

    /// The same from another place on.
    pub(crate) fn from(self, after: u64) -> Self {
        Self { after, ..self }
    }

    /// The same with no bound in bytes.
    pub(super) fn whole(self) -> Self {
        Self { bytes_max: usize::MAX, ..self }
    }

    /// Whether there are positions behind the one it begins at.
    pub(crate) fn is_possible(&self) -> bool {
        self.after < u64::MAX
    }
}

impl QueueState {
    /// Takes over what a restart found of a level.
    pub(crate) fn adopt(&mut self, level: usize, messages: u64, bytes: u64, last: u64) {
        if let Some(table) = &mut self.timetable {
            return table.adopt(messages, bytes);
        }
        self.backlog.adopt(level.min(self.backlog.levels() - 1), messages, bytes, last);
        self.may_expire |= messages > 0;
    }

    /// Messages that a restart found waiting were read out of the middle of a level: they wait on.
    pub(crate) fn hold_loaded(
        &mut self,
        level: usize,
        entries: Vec<Entry>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        if level >= self.backlog.levels() {
            return;
        }
        for entry in entries {
            let body_len = entry.message.body_len();
            if self.backlog.take_from_disk(level, entry.position, body_len) {
                self.charge += entry.message.charge() as i64;
                let held_until_ms = entry.past.held_until_unix_ms().saturating_sub(self.unix_origin_ms);
                self.waiting.hold(held_until_ms, entry, Then::Ready { since_ms: now_ms });
            }
        }
        outcome.charge += std::mem::take(&mut self.charge);
    }

    /// Asks for messages from the disk when they will be needed soon.
    pub(super) fn want_load(&mut self, outcome: &mut Outcome) {
        if self.backlog.cold_len() == 0 || self.deleted {
            return;
        }
        let waiting = match self.backlog.front() {
            Front::OnDisk(level) => Some(level),
            _ => None,
        };
        let consumed = self.consumers.len() > 0 && !self.paused;
        // Heads of all levels expire, not only the one that is next.
        let headless = self.may_expire.then(|| self.backlog.headless_level()).flatten();
        let load = if consumed {
            let low = (0..self.backlog.levels())
                .rev()
                .find(|level| self.backlog.cold(*level).len() > 0)
                .filter(|level| self.backlog.fresh_len(*level) < LOAD_BELOW);
            waiting.or(low).map(|level| (level, LOAD_MESSAGES_MAX))
        } else if self.overflows() {
            waiting.map(|level| (level, LOAD_MESSAGES_MAX))
        } else {
            None
        };
        let load = load.or(headless.map(|level| (level, PEEK_MESSAGES)));
        if let Some((level, messages_max)) = load
            && self.backlog.cold_mut(level).begin_load()
        {
            self.backlog.cold_mut(level).reading();
            outcome.load = Some(self.load_of(level, messages_max));
        }
    }

    /// What is in memory of each level, and what to load of it to see the rest.
    pub(crate) fn levels_for_browsing(&self, messages_max: usize) -> Vec<(Vec<QueuedMessage>, Option<Load>)> {
        let levels = self.backlog.look();
        levels
            .map(|(level, entries, more)| {
                let load = Load { bytes_max: usize::MAX, ..self.load_of(level, messages_max) };
                (entries.take(messages_max).map(QueuedMessage::from).collect(), more.then_some(load))
            })
            .collect()
    }

    pub(super) fn load_of(&self, level: usize, messages_max: usize) -> Load {
        Load {
            level,
            after: self.backlog.cold(level).after(),
            messages_max,
            bytes_max: LOAD_BYTES_MAX,
            last: self.backlog.cold(level).last(),
            generation: self.backlog.generation(),
        }
    }

    /// Messages came from the disk. Returns how many that should have been there could not be found.
    pub(crate) fn loaded(
        &mut self,
        queue: &Arc<Queue>,
        load: &Load,
        entries: Vec<Entry>,
        looked: Looked,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> u64 {
        let lost = self.take_over(queue, load, entries, looked, now_ms, outcome);
        self.backlog.cold_mut(load.level).has_read();
        lost
    }

    fn take_over(
        &mut self,
        queue: &Arc<Queue>,
        load: &Load,
        entries: Vec<Entry>,
        looked: Looked,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> u64 {
        if self.timetable.is_some() && !self.deleted {
            let lost = self.scheduled_loaded(entries, looked, now_ms, outcome);
            self.finish(queue, now_ms, outcome);
            return lost;
        }
        let cold = self.backlog.cold(load.level);
        // Another load was faster, or the queue was purged or deleted.
        if self.deleted || self.backlog.generation() != load.generation || cold.after() != load.after {
            return 0;
        }
        self.backlog.cold_mut(load.level).end_load();
        for entry in entries {
            if self.backlog.cold(load.level).is_gone(entry.position) {
                continue;
            }
            self.charge += entry.message.charge() as i64;
            let held_until_ms = entry.past.held_until_unix_ms().saturating_sub(self.unix_origin_ms);
            if held_until_ms > now_ms {
                self.backlog.take_cold(load.level, &entry);
                self.waiting.hold(held_until_ms, entry, Then::Ready { since_ms: now_ms });
                continue;
            }
            self.may_expire |= entry.expires_ms != u64::MAX;
            self.backlog.warm(load.level, entry);
        }
        let mut lost = 0;
        if looked.through != u64::MAX {
            self.backlog.cold_mut(load.level).looked_through(looked.through);
        } else if !looked.raced && self.backlog.cold(load.level).is_rest_older_than(load.last) {
            lost = self.backlog.give_up_cold(load.level);
        }
        if self.settings.bounded {
            self.drop_overflow(outcome);
        }
        self.finish(queue, now_ms, outcome);
        lost
    }
}

//! Looking behind a place, and taking single messages out of the middle.

use super::{Load, Outcome, QueueState};
use crate::message::Message;
use crate::queue::backlog::Entry;
use crate::queue::select::Place;
use crate::queue::waiting::Then;
use crate::queue::{DeathReason, Queue};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A message that was seen where it lies.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) place: Place,
    pub(crate) entry: Entry,
    /// It waits for its next delivery until then, in milliseconds of the broker's clock.
    pub(crate) waits_until_ms: Option<u64>,
}

/// One that was taken out of the middle.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) entry: Entry,
    level: usize,
    /// It was on disk only.
    cold: bool,
}

impl QueueState {
    /// What lies behind a place (`None`: all), in the order it would leave, at most `messages_max`; then what to load to see more before
    /// going on in memory. What waits comes last, in the order of its positions.
    pub(crate) fn look_behind(&self, from: Option<Place>, messages_max: usize) -> (Vec<Seen>, Option<Load>) {
        let mut seen = Vec::new();
        let top = self.backlog.levels() - 1;
        let (first, mut after) = match from {
            None => (top, 0),
            Some(place) => (place.level.min(top), place.position),
        };
        let is_past_ready = from.is_some_and(|place| place.waits);
        let levels = if is_past_ready { 0..0 } else { 0..first + 1 };
        for level in levels.rev() {
            for entry in self.backlog.behind(level, after) {
                if seen.len() >= messages_max {
                    return (seen, None);
                }
                let place = Place::ready(level, entry.position);
                seen.push(Seen { place, entry: entry.clone(), waits_until_ms: None });
            }
            let cold = self.backlog.cold(level);
            if cold.len() > 0 && after < u64::MAX && seen.len() < messages_max {
                let load = self.load_of(level, messages_max - seen.len());
                return (seen, Some(load.from(after.max(cold.after()))));
            }
            after = 0;
        }
        let after = if is_past_ready { after } else { 0 };
        let waiting = self.waiting.behind(after).take(messages_max - seen.len());
        seen.extend(waiting.map(|(due_ms, entry)| Seen {
            place: Place::waiting(self.backlog.level_of(&entry.message), entry.position),
            entry: entry.clone(),
            waits_until_ms: Some(due_ms),
        }));
        (seen, None)
    }

    /// The message of a place, if it is in memory; otherwise what to load to see whether it is on disk.
    pub(crate) fn look_at(&self, place: Place) -> (Option<Seen>, Option<Load>) {
        let level = place.level.min(self.backlog.levels() - 1);
        let before = place.position.saturating_sub(1);
        let is_it = |entry: &&Entry| entry.position == place.position;
        if let Some(entry) = self.backlog.behind(level, before).next().filter(is_it) {
            let place = Place::ready(level, place.position);
            return (Some(Seen { place, entry: entry.clone(), waits_until_ms: None }), None);
        }
        if let Some((due_ms, entry)) = self.waiting.behind(before).next().filter(|(_, entry)| is_it(entry)) {
            let place = Place::waiting(level, place.position);
            return (Some(Seen { place, entry: entry.clone(), waits_until_ms: Some(due_ms) }), None);
        }
        let cold = self.backlog.cold(level);
        let is_possible = cold.len() > 0 && place.position > cold.after() && place.position <= cold.last();
        (None, is_possible.then(|| self.load_of(level, 1).from(before)))
    }

    /// Leaves out of what was read from the disk what is there no more, or not only.
    pub(crate) fn drop_gone(&self, level: usize, entries: &mut Vec<Entry>) {
        if level < self.backlog.levels() {
            let cold = self.backlog.cold(level);
            entries.retain(|entry| !cold.is_gone(entry.position));
        }
    }

    /// Position of the message that entered last.
    pub(crate) fn last_position(&self) -> u64 {
        self.backlog.last_position()
    }

    /// Takes messages out of the middle. `None` for those that are there no more. [`taken`](Self::taken) is to follow.
    pub(crate) fn take_out(&mut self, seen: &[Seen]) -> Vec<Option<Taken>> {
        let levels = self.backlog.levels();
        if self.deleted {
            return seen.iter().map(|_| None).collect();
        }
        let mut by_level: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for Place { level, position, .. } in seen.iter().map(|seen| seen.place).filter(|p| p.level < levels) {
            by_level.entry(level).or_default().push(position);
        }
        let mut found = BTreeMap::new();
        for (level, mut positions) in by_level {
            positions.sort_unstable();
            found.append(&mut self.backlog.take(level, &positions));
        }
        seen.iter().map(|seen| self.taken_out(seen, &mut found)).collect()
    }

    fn taken_out(&mut self, seen: &Seen, found: &mut BTreeMap<u64, Entry>) -> Option<Taken> {
        let Place { level, position, .. } = seen.place;
        if let Some(entry) = found.remove(&position).or_else(|| self.waiting.take(position)) {
            self.uncharge(&entry.message);
            return Some(Taken { entry, level, cold: false });
        }
        let body_len = seen.entry.message.body_len();
        let is_on_disk =
            level < self.backlog.levels() && self.backlog.take_from_disk(level, position, body_len);
        is_on_disk.then(|| Taken { entry: seen.entry.clone(), level, cold: true })
    }

    /// Some were taken out, and went elsewhere.
    pub(crate) fn taken(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) {
        self.finish(queue, now_ms, outcome);
    }

    /// What was taken out goes for good. (Its leaving the store is recorded here.)
    pub(crate) fn drop_taken(&mut self, taken: &mut Taken, outcome: &mut Outcome) {
        self.counters.purged += 1;
        super::leave::forget(&mut taken.entry, outcome);
    }

    /// What was taken out dies as if its time to live had ended.
    pub(crate) fn expire_taken(&mut self, taken: Taken, outcome: &mut Outcome) {
        self.bury(taken.entry, DeathReason::Expired, outcome);
    }

    /// What was taken out is in another queue.
    pub(crate) fn count_moved(&mut self, messages: u64) {
        self.counters.moved += messages;
    }

    /// What was taken out could not go elsewhere.
    pub(crate) fn put_back_taken(
        &mut self,
        queue: &Arc<Queue>,
        taken: Taken,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        if self.deleted {
            return;
        }
        let Taken { entry, level, cold } = taken;
        if cold && self.backlog.put_back_on_disk(level, entry.position, entry.message.body_len()) {
            return self.finish(queue, now_ms, outcome);
        }
        self.charge += entry.message.charge() as i64;
        let waits_until_ms = entry.past.held_until_unix_ms().saturating_sub(self.unix_origin_ms);
        if waits_until_ms > now_ms {
            self.waiting.hold(waits_until_ms, entry, Then::Ready { since_ms: now_ms });
        } else {
            self.may_expire |= entry.expires_ms != u64::MAX;
            self.backlog.put_back_in_place(level, entry);
        }
        self.finish(queue, now_ms, outcome);
    }

    /// The store knows that some were taken out.
    pub(crate) fn taken_for_good(&mut self, places: impl Iterator<Item = Place>) {
        for place in places {
            if place.level < self.backlog.levels() {
                self.backlog.cold_mut(place.level).gone_for_good(place.position);
            }
        }
    }

    /// Whether the queue would refuse a message because it is full.
    pub(crate) fn would_refuse(&self, message: &Message) -> bool {
        self.settings.bounded && self.refuses(message)
    }
}

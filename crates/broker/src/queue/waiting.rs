//! Messages that are not to be delivered now: those that came back and are tried again later, and dead ones that no queue took yet.
//! What is ready overtakes them.

use super::DeathReason;
use super::backlog::Entry;
use std::collections::BTreeMap;

/// What happens to a message that has waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It is ready again, in its place, having waited since this moment.
    Ready { since_ms: u64 },
    /// It is dead-lettered, once more.
    Die(DeathReason),
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// By the moment something is to happen to them, then by position.
    held: BTreeMap<(u64, u64), (Entry, Then)>,
    /// The moment of each, by position.
    places: BTreeMap<u64, u64>,
}

impl Waiting {
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    /// Keeps a message until `due_ms`, or until it dies if that is sooner.
    pub(crate) fn hold(&mut self, due_ms: u64, entry: Entry, then: Then) {
        let due_ms = if matches!(then, Then::Ready { .. }) { due_ms.min(entry.expires_ms) } else { due_ms };
        self.places.insert(entry.position, due_ms);
        self.held.insert((due_ms, entry.position), (entry, then));
    }

    /// When the next one is done waiting.
    #[inline]
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.held.first_key_value().map(|((ms, _), _)| *ms)
    }

    /// One that is done waiting.
    #[inline]
    pub(crate) fn pop_due(&mut self, now_ms: u64) -> Option<(Entry, Then)> {
        if self.next_ms()? > now_ms {
            return None;
        }
        let position = self.held.first_key_value()?.0.1;
        self.remove(position)
    }

    /// Takes one out before it is done waiting.
    pub(crate) fn take(&mut self, position: u64) -> Option<Entry> {
        self.remove(position).map(|(entry, _)| entry)
    }

    fn remove(&mut self, position: u64) -> Option<(Entry, Then)> {
        let due_ms = self.places.remove(&position)?;
        self.held.remove(&(due_ms, position))
    }

    /// Those behind a position, by position, and until when they wait.
    pub(crate) fn behind(&self, position: u64) -> impl Iterator<Item = (u64, &Entry)> {
        let places = self.places.range(position.saturating_add(1)..);
        places.filter_map(|(position, due_ms)| {
            self.held.get(&(*due_ms, *position)).map(|(entry, _)| (*due_ms, entry))
        })
    }

    /// Takes all out.
    pub(crate) fn clear(&mut self) -> Vec<Entry> {
        self.places.clear();
        std::mem::take(&mut self.held).into_values().map(|(entry, _)| entry).collect()
    }
}

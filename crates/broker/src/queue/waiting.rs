//! Messages that came back and are not to be delivered again yet. What is ready overtakes them; they return to their places.

use super::backlog::Entry;
use std::collections::BTreeMap;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// By the moment something is to happen to them, then by position.
    held: BTreeMap<(u64, u64), Entry>,
    /// The moment of each, by position.
    places: BTreeMap<u64, u64>,
}

impl Waiting {
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    /// Keeps a message until `due_ms`, or until it dies if that is sooner.
    pub(crate) fn hold(&mut self, due_ms: u64, entry: Entry) {
        let due_ms = due_ms.min(entry.expires_ms);
        self.places.insert(entry.position, due_ms);
        self.held.insert((due_ms, entry.position), entry);
    }

    /// When the next one is done waiting.
    #[inline]
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.held.first_key_value().map(|((ms, _), _)| *ms)
    }

    /// One that is done waiting.
    #[inline]
    pub(crate) fn pop_due(&mut self, now_ms: u64) -> Option<Entry> {
        if self.next_ms()? > now_ms {
            return None;
        }
        let position = self.held.first_key_value()?.0.1;
        self.take(position)
    }

    /// Takes one out before it is done waiting.
    pub(crate) fn take(&mut self, position: u64) -> Option<Entry> {
        let due_ms = self.places.remove(&position)?;
        let entry = self.held.remove(&(due_ms, position))?;
        Some(entry)
    }

    /// Those behind a position, by position, and until when they wait.
    pub(crate) fn behind(&self, position: u64) -> impl Iterator<Item = (u64, &Entry)> {
        let places = self.places.range(position.saturating_add(1)..);
        places.filter_map(|(position, due_ms)| Some((*due_ms, self.held.get(&(*due_ms, *position))?)))
    }

    /// Takes all out.
    pub(crate) fn clear(&mut self) -> Vec<Entry> {
        self.places.clear();
        std::mem::take(&mut self.held).into_values().collect()
    }
}

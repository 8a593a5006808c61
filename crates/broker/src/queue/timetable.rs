//! Messages that wait for their moment, in the order of these moments: what a delayed exchange holds.
//!
//! A message's position is its moment (milliseconds since 1970) followed by a number, so the store keeps the order as well. The
//! next few thousand are in memory; those behind them are on disk only and are fetched when their turn comes near. Like everything
//! in a queue's state it knows no clock and does no I/O, but for asking the store whether a position of an earlier run is taken.

use super::backlog::Entry;
use super::stored::Stored;
use leveret_store::Store;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Bits of a position that tell messages of the same moment apart.
const NUMBER_BITS: u32 = 22;
/// Messages in memory from which on later ones go to disk only.
const NEAR_MAX: usize = if cfg!(test) { 16 } else { 4096 };
/// Bytes of their bodies for the same.
const NEAR_BYTES_MAX: usize = 4 << 20;
/// Messages in memory below which the next ones are fetched.
const NEAR_MIN: usize = NEAR_MAX / 4;

/// The moment in a position.
pub(crate) fn due_of(position: u64) -> u64 {
    position >> NUMBER_BITS
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Timetable {
    near: BTreeMap<u64, Entry>,
    near_bytes: usize,
    /// On disk only: how many, and bytes of their bodies.
    far: u64,
    far_bytes: u64,
    /// Up to here everything is in memory.
    horizon: u64,
    loading: bool,
    /// Taken out behind the horizon: a load may still find them.
    gone: BTreeSet<u64>,
    /// Tells messages of the same moment apart.
    number: u64,
    /// A position of an earlier run, or of long ago, may come again: the store is asked.
    asks: bool,
    store: Option<Arc<Store>>,
    queue: u64,
    /// How long a message waits that says nothing of its own.
    pub(crate) delay_ms: u64,
    /// What messages say of their own counts.
    pub(crate) heeds_messages: bool,
}

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Memory,
    Disk,
}

impl Timetable {
    pub(crate) fn new(queue: u64, store: Option<Arc<Store>>) -> Self {
        Self {
            near: BTreeMap::new(),
            near_bytes: 0,
            far: 0,
            far_bytes: 0,
            horizon: u64::MAX,
            loading: false,
            gone: BTreeSet::new(),
            number: 0,
            asks: false,
            store,
            queue,
            delay_ms: 0,
            heeds_messages: true,
        }
    }

    /// Messages that wait.
    pub(crate) fn len(&self) -> usize {
        self.near.len() + self.far as usize
    }

    pub(crate) fn body_bytes(&self) -> u64 {
        self.near_bytes as u64 + self.far_bytes
    }

    /// Up to here everything is in memory.
    pub(crate) fn horizon(&self) -> u64 {
        self.horizon
    }

    pub(crate) fn is_loading(&self) -> bool {
        self.loading
    }

    /// Takes over what a restart found.
    pub(crate) fn adopt(&mut self, messages: u64, bytes: u64) {
        if messages > 0 {
            (self.far, self.far_bytes) = (self.far + messages, self.far_bytes + bytes);
            self.horizon = 0;
            self.asks = true;
        }
    }

    /// A position for a message that is due then.
    pub(crate) fn place(&mut self, due_unix_ms: u64) -> u64 {
        let due = due_unix_ms.min(u64::MAX >> NUMBER_BITS) << NUMBER_BITS;
        loop {
            let number = self.number & ((1 << NUMBER_BITS) - 1);
            self.number += 1;
            self.asks |= self.number >= 1 << NUMBER_BITS;
            let position = due | number;
            if position > 0 && !self.near.contains_key(&position) && !self.is_taken(position) {
                return position;
            }
        }
    }

    fn is_taken(&self, position: u64) -> bool {
        let lanes = [true, false].into_iter().filter_map(|lasting| Stored::at(0, lasting).lane());
        self.asks
            && self
                .store
                .as_ref()
                .is_some_and(|store| lanes.into_iter().any(|lane| store.is_live(self.queue, lane, position)))
    }

    /// Where a message with this position is to be kept.
    pub(crate) fn choose(&mut self, position: u64) -> Keep {
        if self.store.is_none() || self.loading {
            return Keep::Memory;
        }
        if self.far == 0 {
            self.horizon = u64::MAX;
            if self.near.len() >= NEAR_MAX || self.near_bytes >= NEAR_BYTES_MAX {
                // The first that goes to disk only, if it is behind all that is in memory.
                self.horizon = self.last_near();
            }
        }
        if position < self.horizon { Keep::Memory } else { Keep::Disk }
    }

    pub(crate) fn keep(&mut self, entry: Entry) {
        self.near_bytes += entry.message.body_len();
        self.near.insert(entry.position, entry);
    }

    /// Counts one that is on disk only.
    pub(crate) fn keep_far(&mut self, body_len: usize) {
        self.far += 1;
        self.far_bytes += body_len as u64;
    }

    /// The last one in memory when there are far more than are wanted; it is to go to disk.
    pub(crate) fn evict(&mut self) -> Option<Entry> {
        let is_crowded = self.near.len() > 2 * NEAR_MAX || self.near_bytes > 2 * NEAR_BYTES_MAX;
        if !is_crowded || self.loading || self.store.is_none() || self.near.len() < 2 {
            return None;
        }
        let (_, entry) = self.near.pop_last()?;
        self.near_bytes -= entry.message.body_len();
        self.keep_far(entry.message.body_len());
        self.horizon = self.horizon.min(self.last_near());
        Some(entry)
    }

    fn last_near(&self) -> u64 {
        self.near.last_key_value().map_or(0, |(position, _)| *position)
    }

    /// When the next one is due, in milliseconds since 1970, as far as is known.
    pub(crate) fn next_due_unix_ms(&self) -> Option<u64> {
        self.near.first_key_value().map(|(position, _)| due_of(*position))
    }

    /// One that is due.
    pub(crate) fn pop_due(&mut self, now_unix_ms: u64) -> Option<Entry> {
        let first = *self.near.first_key_value()?.0;
        // What is behind the horizon may come before it.
        if due_of(first) > now_unix_ms || first > self.horizon {
            return None;
        }
        self.take(first)
    }

    /// Takes one out of memory.
    pub(crate) fn take(&mut self, position: u64) -> Option<Entry> {
        let entry = self.near.remove(&position)?;
        self.near_bytes -= entry.message.body_len();
        if position > self.horizon {
            self.gone.insert(position);
        }
        Some(entry)
    }

    /// Takes one out of those on disk, that was seen there.
    pub(crate) fn take_far(&mut self, position: u64, body_len: usize) -> bool {
        if self.far == 0 || position <= self.horizon || self.loading {
            return false;
        }
        self.far -= 1;
        self.far_bytes = self.far_bytes.saturating_sub(body_len as u64);
        self.gone.insert(position)
    }

    /// Whether more is to be fetched; says that this is under way.
    pub(crate) fn begin_load(&mut self) -> bool {
        // One that came while messages were fetched may lie behind the horizon, and others on disk before it.
        let is_short = self.near.len() < NEAR_MIN
            || self.near.first_key_value().is_some_and(|(first, _)| *first > self.horizon);
        let wants = self.far > 0 && !self.loading && is_short;
        self.loading |= wants;
        wants
    }

    /// A load ended: everything up to `through` was found, unless something that it could not see was `raced` into the store.
    /// Returns what is new of it, and how many could not be found.
    pub(crate) fn loaded(&mut self, entries: Vec<Entry>, through: u64, raced: bool) -> (usize, u64) {
        self.loading = false;
        let mut new = 0;
        for entry in entries {
            let position = entry.position;
            let is_known = position <= self.horizon || self.near.contains_key(&position);
            if is_known || self.gone.contains(&position) {
                continue;
            }
            self.far = self.far.saturating_sub(1);
            self.far_bytes = self.far_bytes.saturating_sub(entry.message.body_len() as u64);
            new += 1;
            self.keep(entry);
        }
        let mut lost = 0;
        // After a race it is looked for again from where this load began; what was found is in memory already.
        if !raced {
            self.horizon = through;
            self.gone = self.gone.split_off(&through);
            lost = if through == u64::MAX { std::mem::take(&mut self.far) } else { 0 };
        }
        // What races into the store is counted already: with none left there, nobody would look again.
        if self.far == 0 {
            (self.horizon, self.far_bytes) = (u64::MAX, 0);
            self.gone.clear();
        }
        (new, lost)
    }

    /// Takes everything out: what is in memory, and how many were on disk only.
    pub(crate) fn clear(&mut self) -> (Vec<Entry>, u64) {
        let far = std::mem::take(&mut self.far);
        (self.near_bytes, self.far_bytes, self.horizon) = (0, 0, u64::MAX);
        self.gone.clear();
        (std::mem::take(&mut self.near).into_values().collect(), far)
    }

    /// What is in memory behind a position, in order.
    pub(crate) fn near_after(&self, after: u64) -> impl Iterator<Item = &Entry> {
        self.near.range(after.saturating_add(1)..).map(|(_, entry)| entry)
    }
}

#[cfg(test)]
mod tests;

//! The part of a backlog that is on disk only: how many, how large, and from where on. It lies behind everything of its level that is
//! in memory.
//!
//! Single ones can be taken out of its middle. Until the store knows, and as long as somebody reads who may not know, they are
//! remembered: a load must not bring them back.

use std::collections::BTreeMap;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Cold {
    count: u64,
    bytes: u64,
    /// All up to here were loaded or were never on disk.
    after: u64,
    /// Position of the last one.
    last: u64,
    loading: bool,
    /// Loads that somebody began and that have not ended.
    in_flight: u32,
    /// Taken out of the middle, and whether the store knows.
    gone: BTreeMap<u64, bool>,
}

impl Cold {
    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What to load next lies behind this position.
    pub(crate) fn after(&self) -> u64 {
        self.after
    }

    /// Position of the last one.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Whether there are some, and none came after `last`.
    pub(crate) fn is_rest_older_than(&self, last: u64) -> bool {
        self.count > 0 && self.last <= last
    }

    /// Takes over what a restart found.
    pub(crate) fn adopt(&mut self, count: u64, bytes: u64, last: u64) {
        let bytes = if count == 0 { 0 } else { bytes };
        *self = Self { count, bytes, after: 0, last, in_flight: self.in_flight, ..Self::default() };
    }

    #[inline]
    pub(crate) fn push(&mut self, position: u64, bytes: usize) {
        if self.count == 0 {
            self.after = position - 1;
        }
        self.count += 1;
        self.bytes += bytes as u64;
        self.last = position;
    }

    /// Says that a load is under way. `false`: one is already.
    pub(crate) fn begin_load(&mut self) -> bool {
        !std::mem::replace(&mut self.loading, true)
    }

    pub(crate) fn is_loading(&self) -> bool {
        self.loading
    }

    pub(crate) fn end_load(&mut self) {
        self.loading = false;
    }

    /// A message of it is in memory now.
    #[inline]
    pub(crate) fn took(&mut self, position: u64, bytes: usize) {
        self.count = self.count.saturating_sub(1);
        // What a restart found may be an estimate; none are left of nothing.
        self.bytes = if self.count == 0 { 0 } else { self.bytes.saturating_sub(bytes as u64) };
        self.after = self.after.max(position);
    }

    /// Everything up to `through` was looked at.
    pub(crate) fn looked_through(&mut self, through: u64) {
        self.after = self.after.max(through);
    }

    /// Somebody begins to read.
    pub(crate) fn reading(&mut self) {
        self.in_flight += 1;
    }

    /// Somebody read, and what was found was dealt with.
    pub(crate) fn has_read(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.in_flight == 0 {
            self.gone.retain(|_, known| !*known);
        }
    }

    /// Takes one out of the middle that was seen there. `false`: it is there no more.
    pub(crate) fn take(&mut self, position: u64, bytes: usize) -> bool {
        let is_here = self.count > 0 && position > self.after && position <= self.last;
        if !is_here || self.gone.contains_key(&position) {
            return false;
        }
        self.count -= 1;
        self.bytes = self.bytes.saturating_sub(bytes as u64);
        self.gone.insert(position, false);
        true
    }

    /// Puts one back that was taken. `false`: what was loaded meanwhile lies behind it, so it belongs into memory.
    pub(crate) fn untake(&mut self, position: u64, bytes: usize) -> bool {
        self.gone.remove(&position);
        if position <= self.after {
            return false;
        }
        self.count += 1;
        self.bytes += bytes as u64;
        self.last = self.last.max(position);
        true
    }

    /// Whether one was taken out of the middle.
    pub(crate) fn is_gone(&self, position: u64) -> bool {
        self.gone.contains_key(&position)
    }

    /// The store knows that one was taken out.
    pub(crate) fn gone_for_good(&mut self, position: u64) {
        if self.in_flight == 0 {
            self.gone.remove(&position);
        } else if let Some(known) = self.gone.get_mut(&position) {
            *known = true;
        }
    }

    /// Empties it. Returns how many there were and their range of positions.
    pub(crate) fn clear(&mut self) -> (u64, u64, u64) {
        let cleared = (self.count, self.after + 1, self.last);
        // A load that is under way must not take this for the place it began at.
        *self = Self { after: self.last, last: self.last, in_flight: self.in_flight, ..Self::default() };
        cleared
    }
}

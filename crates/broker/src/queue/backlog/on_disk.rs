//! What of a backlog is on disk only: counted here, found by whoever loads it.

use super::{Backlog, Entry, Level};
use crate::queue::cold::Cold;

impl Backlog {
    /// Messages on disk only.
    pub(crate) fn cold_len(&self) -> u64 {
        self.cold
    }

    pub(crate) fn cold(&self, level: usize) -> &Cold {
        &self.levels[level].cold
    }

    pub(crate) fn cold_mut(&mut self, level: usize) -> &mut Cold {
        &mut self.levels[level].cold
    }

    /// Tells loads apart that were asked for before and after a purge.
    pub(crate) fn generation(&self) -> u32 {
        self.cleared
    }

    /// The highest level of which some is on disk and nothing in memory: when its head dies is not known.
    pub(crate) fn headless_level(&self) -> Option<usize> {
        let is_headless = |level: &Level| level.front().is_none() && level.cold.len() > 0;
        self.levels.iter().rposition(is_headless)
    }

    /// Counts a message at the end of its level that is kept on disk only.
    pub(crate) fn push_cold(&mut self, level: usize, position: u64, body_len: usize) {
        self.len += 1;
        self.cold += 1;
        self.body_bytes += body_len as u64;
        self.levels[level].cold.push(position, body_len);
    }

    /// Takes over what a restart found of a level.
    pub(crate) fn adopt(&mut self, level: usize, count: u64, bytes: u64, last: u64) {
        self.levels[level].cold.adopt(count, bytes, last);
        self.len += count as usize;
        self.cold += count;
        self.body_bytes += bytes;
        self.next_position = self.next_position.max(last + 1);
    }

    /// A message of a level came from the disk, and goes elsewhere.
    pub(crate) fn take_cold(&mut self, level: usize, entry: &Entry) {
        let cold = &mut self.levels[level].cold;
        if cold.len() > 0 {
            self.cold -= 1;
            self.len -= 1;
            self.body_bytes = self.body_bytes.saturating_sub(entry.message.body_len() as u64);
            cold.took(entry.position, entry.message.body_len());
        }
    }

    /// A message of a level came from the disk.
    pub(crate) fn warm(&mut self, level: usize, entry: Entry) {
        let cold = &mut self.levels[level].cold;
        if cold.len() > 0 {
            self.cold -= 1;
            cold.took(entry.position, entry.message.body_len());
        } else {
            // More than was counted: after damage the count was given up.
            self.len += 1;
            self.body_bytes += entry.message.body_len() as u64;
        }
        self.levels[level].fresh.push_back(entry);
    }

    /// Gives up what of a level's messages on disk could not be found. Returns how many.
    pub(crate) fn give_up_cold(&mut self, level: usize) -> u64 {
        let cold = &mut self.levels[level].cold;
        let bytes = cold.bytes();
        let (count, _, _) = cold.clear();
        self.cold -= count;
        self.len -= count as usize;
        self.body_bytes = self.body_bytes.saturating_sub(bytes);
        count
    }
}

//! The ready messages of a queue, in the order they will leave it.
//!
//! Every message has a position, given when it entered. A message that was delivered and comes back returns to its
//! position. Because messages leave from the front, whatever comes back lies before everything that was never
//! delivered: so each priority level is a sorted map of returned messages followed by a plain queue of fresh ones, and behind
//! these, when memory is short or after a restart, those that are on disk only.

mod middle;
mod on_disk;

use super::cold::Cold;
use super::past::Past;
use super::stored::{LEVELS_MAX, Stored};
use crate::message::Message;
use std::collections::{BTreeMap, VecDeque};

/// A message in its place.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Place in the queue; grows with every message that enters.
    pub(crate) position: u64,
    /// Time (of the broker's clock) after which it is dead; `u64::MAX` for never.
    pub(crate) expires_ms: u64,
    /// What became of it, if it came back.
    pub(crate) past: Past,
    /// Delivered before, or handed out by a broker that then crashed.
    pub(crate) redelivered: bool,
    /// Where the store holds it.
    pub(crate) stored: Stored,
    pub(crate) message: Message,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Front {
    Empty,
    InMemory,
    /// The next message of this level has to be loaded first.
    OnDisk(usize),
}

/// Messages on disk that a purge took out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cleared {
    pub(crate) level: usize,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) count: u64,
}

#[derive(Debug, Default)]
struct Level {
    returned: BTreeMap<u64, Entry>,
    fresh: VecDeque<Entry>,
    cold: Cold,
}

impl Level {
    fn front(&self) -> Option<&Entry> {
        self.returned.first_key_value().map(|(_, entry)| entry).or_else(|| self.fresh.front())
    }

    fn pop(&mut self) -> Option<Entry> {
        if !self.returned.is_empty() {
            return self.returned.pop_first().map(|(_, entry)| entry);
        }
        let entry = self.fresh.pop_front();
        if self.fresh.is_empty() && self.fresh.capacity() > 4096 {
            self.fresh = VecDeque::new();
        }
        entry
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Backlog {
    /// One level per priority, the lowest first.
    levels: Vec<Level>,
    len: usize,
    body_bytes: u64,
    /// How many of `len` are on disk only.
    cold: u64,
    /// How often it was cleared; a load that began before knows by it that it comes too late.
    cleared: u32,
    next_position: u64,
}

impl Backlog {
    /// `max_priority` as in `x-max-priority`; `None` for a queue without priorities.
    pub(crate) fn new(max_priority: Option<u8>) -> Self {
        let levels = (usize::from(max_priority.unwrap_or(0)) + 1).min(LEVELS_MAX);
        Self {
            levels: (0..levels).map(|_| Level::default()).collect(),
            len: 0,
            body_bytes: 0,
            cold: 0,
            cleared: 0,
            next_position: 1,
        }
    }

    /// Messages, those on disk included.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn body_bytes(&self) -> u64 {
        self.body_bytes
    }

    /// Messages of a level that are in memory and were not delivered yet.
    pub(crate) fn fresh_len(&self, level: usize) -> usize {
        self.levels[level].fresh.len()
    }

    /// The level a message belongs to.
    #[inline]
    pub(crate) fn level_of(&self, message: &Message) -> usize {
        let last = self.levels.len() - 1;
        if last == 0 { 0 } else { usize::from(message.priority()).min(last) }
    }

    pub(crate) fn levels(&self) -> usize {
        self.levels.len()
    }

    /// What `pop` would find.
    #[inline]
    pub(crate) fn front(&self) -> Front {
        if self.cold == 0 {
            return if self.len > 0 { Front::InMemory } else { Front::Empty };
        }
        for (at, level) in self.levels.iter().enumerate().rev() {
            if level.front().is_some() {
                return Front::InMemory;
            }
            if level.cold.len() > 0 {
                return Front::OnDisk(at);
            }
        }
        Front::Empty
    }

    /// What `pop` would give, if it is in memory.
    pub(crate) fn head(&self) -> Option<&Entry> {
        if self.front() != Front::InMemory {
            return None;
        }
        self.levels.iter().rev().find_map(|level| level.front())
    }

    /// Gives the next message its position without keeping it: it leaves at once.
    #[inline]
    pub(crate) fn pass(&mut self) -> u64 {
        let position = self.next_position;
        self.next_position += 1;
        position
    }

    /// Keeps a message that has its position, at the end of its level.
    #[inline]
    pub(crate) fn push(&mut self, level: usize, entry: Entry) {
        self.len += 1;
        self.body_bytes += entry.message.body_len() as u64;
        self.levels[level].fresh.push_back(entry);
    }

    /// Puts a delivered message back where it was.
    pub(crate) fn put_back(&mut self, entry: Entry) {
        self.len += 1;
        self.body_bytes += entry.message.body_len() as u64;
        let level = self.level_of(&entry.message);
        self.levels[level].returned.insert(entry.position, entry);
    }

    /// The next message, if it is in memory; see [`front`](Self::front).
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let mut found = None;
        for level in self.levels.iter_mut().rev() {
            found = level.pop();
            if found.is_some() || level.cold.len() > 0 {
                break;
            }
        }
        let entry = found?;
        self.len -= 1;
        self.body_bytes -= entry.message.body_len() as u64;
        Some(entry)
    }

    /// Messages at the head of some priority level that died before `now_ms`; RabbitMQ's classic queues look no further.
    pub(crate) fn pop_expired(&mut self, now_ms: u64) -> Option<Entry> {
        for level in &mut self.levels {
            if level.front().is_some_and(|entry| entry.expires_ms <= now_ms) {
                let entry = level.pop()?;
                self.len -= 1;
                self.body_bytes -= entry.message.body_len() as u64;
                return Some(entry);
            }
        }
        None
    }

    /// When the next head of a level dies.
    pub(crate) fn next_expiry_ms(&self) -> Option<u64> {
        let heads = self.levels.iter().filter_map(|level| level.front().map(|entry| entry.expires_ms));
        heads.min().filter(|ms| *ms != u64::MAX)
    }

    /// What of each level is in memory, in the order it would leave, and whether more of it is on disk; highest level first.
    pub(crate) fn look(&self) -> impl Iterator<Item = (usize, impl Iterator<Item = &Entry>, bool)> {
        let levels = self.levels.iter().enumerate().rev();
        levels.map(|(at, level)| (at, level.returned.values().chain(&level.fresh), level.cold.len() > 0))
    }

    /// Position of the message that entered last.
    pub(crate) fn last_position(&self) -> u64 {
        self.next_position - 1
    }

    /// Takes everything out: what is in memory, and where the rest lies.
    pub(crate) fn clear(&mut self) -> (Vec<Entry>, Vec<Cleared>) {
        self.cleared += 1;
        let mut cold = Vec::new();
        for (level, at) in self.levels.iter_mut().zip(0..) {
            if level.cold.len() > 0 || level.cold.is_loading() {
                let bytes = level.cold.bytes();
                let (count, first, last) = level.cold.clear();
                self.len -= count as usize;
                self.body_bytes = self.body_bytes.saturating_sub(bytes);
                if count > 0 {
                    cold.push(Cleared { level: at, first, last, count });
                }
            }
        }
        self.cold = 0;
        let mut all = Vec::with_capacity(self.len);
        while let Some(entry) = self.pop() {
            all.push(entry);
        }
        (all, cold)
    }
}

#[cfg(test)]
mod tests;

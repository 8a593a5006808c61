//! The ready messages of a queue, in the order they will leave it.
//!
//! Every message has a position, given when it entered. A message that was delivered and comes back returns to its
//! position. Because messages leave from the front, whatever comes back lies before everything that was never
//! delivered: so each priority level is a sorted map of returned messages followed by a plain queue of fresh ones, and behind
//! these, when memory is short or after a restart, those that are on disk only.

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

    /// Messages on disk only.
    pub(crate) fn cold_len(&self) -> u64 {
        self.cold
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

    /// What of a level is in memory behind a position, in the order it would leave.
    pub(crate) fn behind(&self, level: usize, position: u64) -> impl Iterator<Item = &Entry> {
        let level = &self.levels[level];
        let first = level.fresh.partition_point(|entry| entry.position <= position);
        let returned = level.returned.range(position.saturating_add(1)..).map(|(_, entry)| entry);
        returned.chain(level.fresh.range(first..))
    }

    /// Takes those out of the middle of a level that are in memory. `positions` are sorted.
    pub(crate) fn take(&mut self, level: usize, positions: &[u64]) -> BTreeMap<u64, Entry> {
        let Level { returned, fresh, .. } = &mut self.levels[level];
        let came_back = positions.iter().filter_map(|position| returned.remove_entry(position));
        let mut taken: BTreeMap<u64, Entry> = came_back.collect();
        let place =
            |fresh: &VecDeque<Entry>, position| fresh.binary_search_by_key(position, |e| e.position).ok();
        let depth = |at: usize| at.min(fresh.len() - at);
        let moves: usize = positions.iter().filter_map(|position| place(fresh, position)).map(depth).sum();
        if moves <= fresh.len() {
            for position in positions {
                let entry = place(fresh, position).and_then(|at| fresh.remove(at));
                taken.extend(entry.map(|entry| (entry.position, entry)));
            }
        } else {
            // One pass over all is less work than moving what lies behind, or before, each of them.
            fresh.retain(|entry| {
                let stays = positions.binary_search(&entry.position).is_err();
                if !stays {
                    taken.insert(entry.position, entry.clone());
                }
                stays
            });
        }
        self.len -= taken.len();
        self.body_bytes -= taken.values().map(|entry| entry.message.body_len() as u64).sum::<u64>();
        taken
    }

    /// Takes one out of the middle of what is on disk only, that was seen there. `false`: it is there no more.
    pub(crate) fn take_from_disk(&mut self, level: usize, position: u64, body_len: usize) -> bool {
        let taken = self.levels[level].cold.take(position, body_len);
        if taken {
            self.len -= 1;
            self.cold -= 1;
            self.body_bytes = self.body_bytes.saturating_sub(body_len as u64);
        }
        taken
    }

    /// Puts one back that [`take_from_disk`](Self::take_from_disk) took. `false`: it belongs into memory by now.
    pub(crate) fn put_back_on_disk(&mut self, level: usize, position: u64, body_len: usize) -> bool {
        let kept = self.levels[level].cold.untake(position, body_len);
        if kept {
            self.len += 1;
            self.cold += 1;
            self.body_bytes += body_len as u64;
        }
        kept
    }

    /// Puts one back that [`take`](Self::take) took: into its place, which may lie behind others that were never delivered.
    pub(crate) fn put_back_in_place(&mut self, level: usize, entry: Entry) {
        let fresh = &mut self.levels[level].fresh;
        if fresh.front().is_none_or(|first| entry.position < first.position) {
            return self.put_back(entry);
        }
        self.len += 1;
        self.body_bytes += entry.message.body_len() as u64;
        let at = fresh.partition_point(|other| other.position < entry.position);
        fresh.insert(at, entry);
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
mod tests {
    use super::*;
    use crate::message::Parts;
    use leveret_protocol::{Properties, RawProperties};

    fn message(text: &str, priority: Option<u8>) -> Message {
        let mut raw = Vec::new();
        Properties { priority, ..Properties::default() }.encode(&mut raw);
        let properties = RawProperties::parse(&raw).unwrap();
        let parts = Parts { exchange: b"", routing_key: b"q", properties };
        Message::new(parts, text.as_bytes().to_vec().into(), None, 1)
    }

    fn push(backlog: &mut Backlog, message: Message, expires_ms: u64) {
        let (position, level) = (backlog.pass(), backlog.level_of(&message));
        let stored = Stored::NO;
        backlog.push(
            level,
            Entry { position, expires_ms, past: Past::default(), redelivered: false, stored, message },
        );
    }

    fn drain(backlog: &mut Backlog) -> String {
        let mut all = String::new();
        while let Some(entry) = backlog.pop() {
            all.push_str(std::str::from_utf8(entry.message.body()).unwrap());
        }
        all
    }

    #[test]
    fn what_comes_back_returns_to_its_place_in_any_order() {
        let mut backlog = Backlog::new(None);
        for text in ["a", "b", "c", "d", "e"] {
            push(&mut backlog, message(text, None), u64::MAX);
        }
        let mut taken: Vec<Entry> = (0..4).filter_map(|_| backlog.pop()).collect();
        let d = taken.remove(3);
        let b = taken.remove(1);
        backlog.put_back(d);
        backlog.put_back(b);
        assert_eq!((backlog.len(), backlog.body_bytes()), (3, 3));
        assert_eq!(drain(&mut backlog), "bde");
        assert_eq!((backlog.len(), backlog.body_bytes()), (0, 0));
    }

    #[test]
    fn higher_priorities_leave_first() {
        let mut backlog = Backlog::new(Some(5));
        for (text, priority) in [("a", None), ("b", Some(3)), ("c", Some(9)), ("d", Some(3)), ("e", Some(0))]
        {
            push(&mut backlog, message(text, priority), u64::MAX);
        }
        assert_eq!(drain(&mut backlog), "cbdae");
    }

    #[test]
    fn some_are_taken_out_of_the_middle_and_put_back_in_place() {
        for count in [3_u64, 400] {
            let mut backlog = Backlog::new(None);
            (0..count).for_each(|_| push(&mut backlog, message("x", None), u64::MAX));
            let mut first = backlog.pop().unwrap();
            first.redelivered = true;
            backlog.put_back(first);
            let wanted: Vec<u64> = (1..=count + 5).filter(|position| position % 2 == 1).collect();
            let taken = backlog.take(0, &wanted);
            assert_eq!(taken.len() as u64, count.div_ceil(2));
            assert_eq!(backlog.len() as u64, count / 2);
            assert_eq!(backlog.body_bytes(), count / 2);
            taken.into_values().rev().for_each(|entry| backlog.put_back_in_place(0, entry));
            let order: Vec<u64> = std::iter::from_fn(|| backlog.pop()).map(|entry| entry.position).collect();
            assert_eq!(order, (1..=count).collect::<Vec<_>>());
            assert_eq!((backlog.len(), backlog.body_bytes()), (0, 0));
        }
    }

    /// The accident this guards against: a load that had begun before brings back what was taken out of the disk's middle meanwhile.
    #[test]
    fn what_was_taken_from_the_disk_is_remembered_while_somebody_reads_who_may_not_know() {
        let mut backlog = Backlog::new(None);
        backlog.adopt(0, 10, 100, 10);
        backlog.cold_mut(0).reading();
        assert!(backlog.take_from_disk(0, 5, 10));
        assert!(!backlog.take_from_disk(0, 5, 10), "once");
        assert_eq!((backlog.len(), backlog.cold_len(), backlog.body_bytes()), (9, 9, 90));
        backlog.cold_mut(0).gone_for_good(5);
        assert!(backlog.cold(0).is_gone(5), "the store knows, the reader may not");
        backlog.cold_mut(0).has_read();
        assert!(!backlog.cold(0).is_gone(5));
        assert!(backlog.take_from_disk(0, 6, 10) && backlog.put_back_on_disk(0, 6, 10));
        assert!(!backlog.cold(0).is_gone(6));
        assert!(backlog.take_from_disk(0, 7, 10));
        backlog.cold_mut(0).looked_through(8);
        assert!(!backlog.put_back_on_disk(0, 7, 10), "what is loaded lies behind it by now");
        assert!(!backlog.take_from_disk(0, 3, 10) && !backlog.take_from_disk(0, 11, 10));
    }

    #[test]
    fn only_heads_expire() {
        let mut backlog = Backlog::new(None);
        push(&mut backlog, message("a", None), 10);
        push(&mut backlog, message("b", None), u64::MAX);
        push(&mut backlog, message("c", None), 5);
        assert_eq!(backlog.next_expiry_ms(), Some(10));
        assert!(backlog.pop_expired(9).is_none());
        assert_eq!(backlog.pop_expired(10).unwrap().message.body(), b"a");
        assert!(backlog.pop_expired(100).is_none());
        assert_eq!(backlog.next_expiry_ms(), None);
    }

    #[test]
    fn what_is_on_disk_comes_after_its_level_and_before_lower_ones() {
        let mut backlog = Backlog::new(Some(1));
        push(&mut backlog, message("low", None), u64::MAX);
        let position = backlog.pass();
        backlog.push_cold(1, position, 3);
        assert_eq!((backlog.len(), backlog.cold_len(), backlog.body_bytes()), (2, 1, 6));
        assert_eq!(backlog.front(), Front::OnDisk(1));
        assert!(backlog.pop().is_none(), "the lower level waits for the higher one");
        let message = message("top", Some(1));
        let stored = Stored::at(1, true);
        backlog.warm(
            1,
            Entry {
                position,
                expires_ms: u64::MAX,
                past: Past::default(),
                redelivered: false,
                stored,
                message,
            },
        );
        assert_eq!((backlog.len(), backlog.cold_len(), backlog.body_bytes()), (2, 0, 6));
        assert_eq!(drain(&mut backlog), "toplow");
        assert_eq!((backlog.len(), backlog.body_bytes()), (0, 0));
    }

    #[test]
    fn clearing_names_the_range_on_disk() {
        let mut backlog = Backlog::new(None);
        backlog.adopt(0, 10, 100, 50);
        push(&mut backlog, message("x", None), u64::MAX);
        let (memory, disk) = backlog.clear();
        assert_eq!(memory.len(), 1);
        assert_eq!(disk, [Cleared { level: 0, first: 1, last: 50, count: 10 }]);
        assert_eq!(
            (backlog.len(), backlog.cold_len(), backlog.body_bytes(), backlog.front()),
            (0, 0, 0, Front::Empty)
        );
        assert_eq!(backlog.pass(), 52);
    }
}

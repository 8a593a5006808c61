//! The ready messages of a queue, in the order they will leave it.
//!
//! Every message has a position, given when it entered. A message that was delivered and comes back returns to its
//! position. Because messages leave from the front, whatever comes back lies before everything that was never
//! delivered: so each priority level is a sorted map of returned messages followed by a plain queue of fresh ones.

use crate::message::Message;
use std::collections::{BTreeMap, VecDeque};

/// A message in its place.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Place in the queue; grows with every message that enters.
    pub(crate) position: u64,
    /// Time (of the broker's clock) after which it is dead; `u64::MAX` for never.
    pub(crate) expires_ms: u64,
    /// How often it was delivered.
    pub(crate) delivery_count: u32,
    /// Delivered before, or handed out by a broker that then crashed.
    pub(crate) redelivered: bool,
    pub(crate) message: Message,
}

#[derive(Debug, Default)]
struct Level {
    returned: BTreeMap<u64, Entry>,
    fresh: VecDeque<Entry>,
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
    next_position: u64,
}

impl Backlog {
    /// `max_priority` as in `x-max-priority`; `None` for a queue without priorities.
    pub(crate) fn new(max_priority: Option<u8>) -> Self {
        let levels = usize::from(max_priority.unwrap_or(0)) + 1;
        Self {
            levels: (0..levels).map(|_| Level::default()).collect(),
            len: 0,
            body_bytes: 0,
            next_position: 1,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn body_bytes(&self) -> u64 {
        self.body_bytes
    }

    #[inline]
    fn level_of(&mut self, message: &Message) -> &mut Level {
        let last = self.levels.len() - 1;
        let at = if last == 0 { 0 } else { usize::from(message.priority()).min(last) };
        &mut self.levels[at]
    }

    /// Gives the next message its position without keeping it: it leaves at once.
    #[inline]
    pub(crate) fn pass(&mut self) -> u64 {
        let position = self.next_position;
        self.next_position += 1;
        position
    }

    #[inline]
    pub(crate) fn push(&mut self, message: Message, expires_ms: u64) {
        let position = self.pass();
        self.len += 1;
        self.body_bytes += message.body_len() as u64;
        let entry = Entry { position, expires_ms, delivery_count: 0, redelivered: false, message };
        self.level_of(&entry.message).fresh.push_back(entry);
    }

    /// Puts a delivered message back where it was.
    pub(crate) fn put_back(&mut self, entry: Entry) {
        self.len += 1;
        self.body_bytes += entry.message.body_len() as u64;
        self.level_of(&entry.message).returned.insert(entry.position, entry);
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let entry = self.levels.iter_mut().rev().find_map(Level::pop)?;
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

    /// Takes everything out.
    pub(crate) fn clear(&mut self) -> Vec<Entry> {
        let mut all = Vec::with_capacity(self.len);
        while let Some(entry) = self.pop() {
            all.push(entry);
        }
        all
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
            backlog.push(message(text, None), u64::MAX);
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
            backlog.push(message(text, priority), u64::MAX);
        }
        assert_eq!(drain(&mut backlog), "cbdae");
    }

    #[test]
    fn only_heads_expire() {
        let mut backlog = Backlog::new(None);
        backlog.push(message("a", None), 10);
        backlog.push(message("b", None), u64::MAX);
        backlog.push(message("c", None), 5);
        assert_eq!(backlog.next_expiry_ms(), Some(10));
        assert!(backlog.pop_expired(9).is_none());
        assert_eq!(backlog.pop_expired(10).unwrap().message.body(), b"a");
        assert!(backlog.pop_expired(100).is_none());
        assert_eq!(backlog.next_expiry_ms(), None);
    }
}

//! Messages a channel was given and has not settled, by delivery tag.

use crate::message::Message;
use crate::queue::backlog::Entry;
use crate::queue::past::Past;
use crate::queue::stored::Stored;
use crate::queue::{ConsumerId, Settled};
use std::collections::VecDeque;

/// The tag of a delivery that was not written when its channel closed.
pub(crate) const UNWRITTEN: u64 = u64::MAX;

/// One of them.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) tag: u64,
    /// The channel's number for the queue.
    pub(crate) queue: u32,
    /// `None`: taken by `basic.get`.
    pub(crate) consumer: Option<ConsumerId>,
    pub(crate) position: u64,
    pub(crate) expires_ms: u64,
    pub(crate) delivered_ms: u64,
    pub(crate) past: Past,
    pub(crate) redelivered: bool,
    /// On its way to a consumer that never acknowledges; such a slot only lives while its channel is closed.
    pub(crate) no_ack: bool,
    /// Where the store holds it.
    pub(crate) stored: Stored,
    pub(crate) message: Message,
}

impl Slot {
    pub(crate) fn settled(&self) -> Settled {
        Settled {
            consumer: self.consumer,
            charge: self.message.charge(),
            held: !self.no_ack,
            stored: self.stored,
            position: self.position,
            weight: self.message.body_len() as u32,
        }
    }

    pub(crate) fn into_entry(self) -> (Settled, Entry) {
        let settled = self.settled();
        let entry = Entry {
            position: self.position,
            expires_ms: self.expires_ms,
            past: self.past,
            redelivered: self.redelivered,
            stored: self.stored,
            message: self.message,
        };
        (settled, entry)
    }
}

/// Holes kept beside as many as there are messages.
const HOLES_MAX: usize = 64;

/// Sorted by tag, with holes where single tags were settled out of order.
#[derive(Debug, Default)]
pub(crate) struct Unacked {
    slots: VecDeque<Option<Slot>>,
    /// Tags of the slots; kept apart so that a hole still has one.
    tags: VecDeque<u64>,
    len: usize,
}

impl Unacked {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn push(&mut self, slot: Slot) {
        self.tags.push_back(slot.tag);
        self.slots.push_back(Some(slot));
        self.len += 1;
    }

    /// Takes one message out. `None`: no such tag.
    pub(crate) fn take(&mut self, tag: u64) -> Option<Slot> {
        let at = if self.tags.front() == Some(&tag) { 0 } else { self.tags.binary_search(&tag).ok()? };
        let slot = self.slots[at].take()?;
        self.len -= 1;
        while matches!(self.slots.front(), Some(None)) {
            self.slots.pop_front();
            self.tags.pop_front();
        }
        if self.slots.len() > 2 * self.len + HOLES_MAX {
            // One message that is held must not keep a place for each that was settled behind it.
            self.restore([]);
        }
        self.shrink();
        Some(slot)
    }

    /// Takes all up to `tag` out, in order; 0 stands for all. `None`: `tag` was never given or is settled already.
    pub(crate) fn take_through(&mut self, tag: u64, mut each: impl FnMut(Slot)) -> Option<()> {
        if tag != 0 {
            let at = self.tags.binary_search(&tag).ok()?;
            self.slots[at].as_ref()?;
        }
        while let Some(first) = self.tags.front() {
            if tag != 0 && *first > tag {
                break;
            }
            self.tags.pop_front();
            if let Some(slot) = self.slots.pop_front().flatten() {
                self.len -= 1;
                each(slot);
            }
        }
        while matches!(self.slots.front(), Some(None)) {
            self.slots.pop_front();
            self.tags.pop_front();
        }
        self.shrink();
        Some(())
    }

    /// How many were given by consumers (not by `basic.get`).
    pub(crate) fn consumed(&self) -> usize {
        self.slots.iter().flatten().filter(|slot| slot.consumer.is_some()).count()
    }

    /// Puts slots back that a rolled-back transaction had taken.
    pub(crate) fn restore(&mut self, slots: impl IntoIterator<Item = Slot>) {
        let mut all: Vec<Slot> = slots.into_iter().chain(self.slots.drain(..).flatten()).collect();
        all.sort_by_key(|slot| slot.tag);
        self.tags = all.iter().map(|slot| slot.tag).collect();
        self.len = all.len();
        self.slots = all.into_iter().map(Some).collect();
    }

    /// In the order of their delivery.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().flatten()
    }

    fn shrink(&mut self) {
        if self.tags.is_empty() && self.tags.capacity() > 4096 {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Parts;
    use leveret_protocol::RawProperties;

    fn filled(tags: &[u64]) -> Unacked {
        let parts = Parts { exchange: b"", routing_key: b"q", properties: RawProperties::EMPTY };
        let message = Message::new(parts, Default::default(), None, 1);
        let mut unacked = Unacked::default();
        for tag in tags {
            unacked.push(Slot {
                tag: *tag,
                queue: 0,
                consumer: None,
                position: *tag,
                expires_ms: u64::MAX,
                delivered_ms: 0,
                past: Past::default(),
                redelivered: false,
                no_ack: false,
                stored: Stored::NO,
                message: message.clone(),
            });
        }
        unacked
    }

    #[test]
    fn tags_are_settled_once_alone_or_in_ranges() {
        let mut unacked = filled(&[1, 2, 4, 5, 8]);
        assert!(unacked.take(3).is_none(), "a tag that a no-ack consumer used");
        assert!(unacked.take(4).is_some());
        assert!(unacked.take(4).is_none());
        let mut seen = Vec::new();
        assert!(unacked.take_through(4, |slot| seen.push(slot.tag)).is_none(), "settled already");
        assert!(unacked.take_through(5, |slot| seen.push(slot.tag)).is_some());
        assert_eq!((seen, unacked.len()), (vec![1, 2, 5], 1));
        assert!(unacked.take_through(0, |_| ()).is_some());
        assert_eq!(unacked.len(), 0);
        assert!(unacked.take_through(0, |_| ()).is_some(), "all of nothing");
        assert!(unacked.take_through(8, |_| ()).is_none());
    }
}

//! What was published and not confirmed yet, by delivery tag: a ring whose front is the oldest. No hashing, no searching.
//!
//! One per channel. Bounds are the caller's: it asks [`Ring::len`] and [`Ring::bytes`].

use std::collections::{VecDeque, vec_deque};

/// In-flight messages of one channel, in the order they were written.
///
/// ```
/// use leveret_client::confirms::Ring;
///
/// let mut ring = Ring::new();
/// for body in ["a", "b", "c", "d"] {
///     ring.push(body, 1);
/// }
/// assert_eq!(ring.confirm(2, false)?.collect::<Vec<_>>(), ["b"]); // out of order
/// assert_eq!(ring.confirm(3, true)?.collect::<Vec<_>>(), ["a", "c"]); // all up to three
/// assert_eq!((ring.len(), ring.bytes()), (1, 1));
/// assert_eq!(ring.take_unconfirmed().collect::<Vec<_>>(), ["d"]); // the connection was lost: to be sent again
/// assert_eq!(ring.push("d", 1), 1); // tags begin anew
/// # Ok::<(), leveret_client::confirms::UnknownConfirm>(())
/// ```
#[derive(Debug)]
pub struct Ring<T> {
    /// The tag of `slots[0]`.
    base: u64,
    /// `None`: confirmed before its elders. The front is never `None`.
    slots: VecDeque<Option<(T, usize)>>,
    len: usize,
    bytes: usize,
}

/// The broker confirmed what was never sent, or twice. Nothing is lost by ignoring it, but it deserves a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the broker confirmed delivery tag {tag}, which is {}", if *.future { "not sent yet" } else { "confirmed already" })]
pub struct UnknownConfirm {
    /// The tag.
    pub tag: u64,
    /// Whether it is above every tag sent.
    pub future: bool,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Ring<T> {
    /// A ring whose first tag is 1, as on every new channel.
    #[must_use]
    pub const fn new() -> Self {
        Self { base: 1, slots: VecDeque::new(), len: 0, bytes: 0 }
    }

    /// Adds what is being written now; returns its tag. `bytes` is what it counts in [`Ring::bytes`].
    #[inline]
    pub fn push(&mut self, item: T, bytes: usize) -> u64 {
        let tag = self.next_tag();
        self.slots.push_back(Some((item, bytes)));
        self.len += 1;
        self.bytes += bytes;
        tag
    }

    /// The tag the next push gets.
    #[must_use]
    pub fn next_tag(&self) -> u64 {
        self.base + self.slots.len() as u64
    }

    /// Messages in flight.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is in flight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The sum of their bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The message with that tag, if it is in flight.
    #[must_use]
    pub fn get(&self, tag: u64) -> Option<&T> {
        let index = usize::try_from(tag.checked_sub(self.base)?).ok()?;
        self.slots.get(index)?.as_ref().map(|(item, _)| item)
    }

    /// What is in flight with its tags, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, &T)> {
        let base = self.base;
        self.slots
            .iter()
            .enumerate()
            .filter_map(move |(index, slot)| slot.as_ref().map(|(item, _)| (base + index as u64, item)))
    }

    /// Takes out what an ack or nack completes, in the order of tags: that one, or with `multiple` everything up to it that is
    /// still in flight; `0` with `multiple` is everything. What the iterator was not asked for is taken out all the same when it
    /// is dropped.
    ///
    /// # Errors
    /// [`UnknownConfirm`] for a tag that was never given or, without `multiple`, is not in flight any more.
    pub fn confirm(&mut self, tag: u64, multiple: bool) -> Result<Completed<'_, T>, UnknownConfirm> {
        let next = self.next_tag();
        if tag >= next || (tag == 0 && !multiple) {
            return Err(UnknownConfirm { tag, future: tag >= next });
        }
        if multiple {
            let end = if tag == 0 { next } else { tag + 1 };
            return Ok(Completed { ring: self, end, one: None });
        }
        let index = tag.checked_sub(self.base).and_then(|index| usize::try_from(index).ok());
        let taken = index.and_then(|index| self.slots.get_mut(index)).and_then(Option::take);
        let Some((item, bytes)) = taken else { return Err(UnknownConfirm { tag, future: false }) };
        self.len -= 1;
        self.bytes -= bytes;
        self.pop_holes();
        Ok(Completed { ring: self, end: 0, one: Some(item) })
    }

    /// Takes out everything in order and starts over with tag 1: the channel is gone, and whether these messages arrived is not
    /// known. They are to be sent again before anything new.
    pub fn take_unconfirmed(&mut self) -> Unconfirmed<T> {
        let slots = std::mem::take(self).slots;
        Unconfirmed { slots: slots.into_iter() }
    }

    /// Gives memory back that a burst needed; for when nothing has happened for a while.
    pub fn shrink(&mut self) {
        self.slots.shrink_to_fit();
    }

    fn pop_holes(&mut self) {
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.base += 1;
        }
    }

    fn pop_below(&mut self, end: u64) -> Option<T> {
        while self.base < end {
            let slot = self.slots.pop_front()?;
            self.base += 1;
            if let Some((item, bytes)) = slot {
                self.len -= 1;
                self.bytes -= bytes;
                return Some(item);
            }
        }
        None
    }
}

/// Messages that one ack or nack completed, see [`Ring::confirm`].
#[derive(Debug)]
pub struct Completed<'a, T> {
    ring: &'a mut Ring<T>,
    end: u64,
    one: Option<T>,
}

impl<T> Iterator for Completed<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.one.take().or_else(|| self.ring.pop_below(self.end))
    }
}

impl<T> Drop for Completed<'_, T> {
    fn drop(&mut self) {
        while self.next().is_some() {}
        self.ring.pop_holes();
    }
}

/// Messages of unknown fate, see [`Ring::take_unconfirmed`].
#[derive(Debug)]
pub struct Unconfirmed<T> {
    slots: vec_deque::IntoIter<Option<(T, usize)>>,
}

impl<T> Iterator for Unconfirmed<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.slots.find_map(|slot| slot.map(|(item, _)| item))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_never_sent_or_is_confirmed_already_is_an_error() {
        let mut ring = Ring::new();
        ring.push('a', 1);
        ring.push('b', 1);
        for (tag, multiple, future) in
            [(3, false, true), (3, true, true), (0, false, false), (u64::MAX, true, true)]
        {
            assert_eq!(ring.confirm(tag, multiple).err(), Some(UnknownConfirm { tag, future }));
        }
        assert_eq!(ring.confirm(2, false).unwrap().collect::<String>(), "b");
        assert_eq!(ring.confirm(2, false).err(), Some(UnknownConfirm { tag: 2, future: false }));
        assert_eq!(ring.confirm(2, true).unwrap().collect::<String>(), "a", "b is not completed twice");
        assert_eq!(ring.confirm(2, true).unwrap().count(), 0, "nor is a");
        assert_eq!((ring.len(), ring.bytes(), ring.next_tag()), (0, 0, 3));
    }

    #[test]
    fn an_iterator_that_is_dropped_has_done_its_work() {
        let mut ring = Ring::new();
        (0..9).for_each(|n| _ = ring.push(n, 10));
        drop(ring.confirm(4, false).unwrap());
        assert_eq!(ring.confirm(6, true).unwrap().next(), Some(0));
        assert_eq!((ring.len(), ring.bytes(), ring.get(6), ring.get(7)), (3, 30, None, Some(&6)));
        assert_eq!(ring.iter().map(|(tag, _)| tag).collect::<Vec<_>>(), [7, 8, 9]);
    }

    #[test]
    fn the_ring_does_not_grow_while_the_oldest_is_confirmed() {
        let mut ring = Ring::new();
        for n in 0..100_000u64 {
            let tag = ring.push(n, 1);
            if tag > 2 {
                assert_eq!(ring.confirm(tag - 2, false).unwrap().next(), Some(n - 2));
            }
        }
        assert!(ring.slots.capacity() <= 8 && ring.len() == 2);
    }

    #[derive(Debug, Clone)]
    enum Op {
        Push(usize),
        Confirm(u64, bool),
        Recover,
    }

    fn ops() -> impl Strategy<Value = Vec<Op>> {
        let op = prop_oneof![
            4 => (0usize..100).prop_map(Op::Push),
            4 => (0u64..30, any::<bool>()).prop_map(|(tag, multiple)| Op::Confirm(tag, multiple)),
            1 => Just(Op::Recover),
        ];
        proptest::collection::vec(op, 0..200)
    }

    proptest! {
        #[test]
        fn it_does_what_a_map_does(ops in ops()) {
            let (mut ring, mut model, mut next, mut serial) = (Ring::new(), BTreeMap::new(), 1u64, 0);
            for op in ops {
                match op {
                    Op::Push(bytes) => {
                        prop_assert_eq!(ring.push(serial, bytes), next);
                        model.insert(next, (serial, bytes));
                        (next, serial) = (next + 1, serial + 1);
                    }
                    Op::Confirm(tag, multiple) => {
                        let expected: Option<Vec<i32>> = match (tag, multiple) {
                            (tag, _) if tag >= next => None,
                            (tag, false) => model.remove(&tag).map(|(n, _)| vec![n]),
                            (tag, true) => {
                                let rest = if tag == 0 { BTreeMap::new() } else { model.split_off(&(tag + 1)) };
                                Some(std::mem::replace(&mut model, rest).into_values().map(|(n, _)| n).collect())
                            }
                        };
                        prop_assert_eq!(ring.confirm(tag, multiple).ok().map(Iterator::collect), expected);
                    }
                    Op::Recover => {
                        let expected: Vec<i32> = std::mem::take(&mut model).into_values().map(|(n, _)| n).collect();
                        prop_assert_eq!(ring.take_unconfirmed().collect::<Vec<_>>(), expected);
                        next = 1;
                    }
                }
                prop_assert_eq!(ring.len(), model.len());
                prop_assert_eq!(ring.bytes(), model.values().map(|(_, bytes)| bytes).sum::<usize>());
                prop_assert!(!matches!(ring.slots.front(), Some(None)), "the front is never a hole");
                prop_assert!(ring.iter().map(|(tag, n)| (tag, *n)).eq(model.iter().map(|(tag, (n, _))| (*tag, *n))));
            }
        }
    }
}

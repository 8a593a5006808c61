//! Destinations as small numbers, and sets of them that are quick to walk and to change.

use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::RandomState;

/// A queue or exchange, as a number that the topology gave it.
///
/// The types of exchanges know nothing else of a destination, so walking a set of them reads four bytes for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Target(u32);

const EXCHANGE_BIT: u32 = 1 << 31;

/// What a [`Target`] stands for: the place of a queue or of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetKind {
    Queue(u32),
    Exchange(u32),
}

impl Target {
    pub(crate) fn queue(place: u32) -> Self {
        Self(place & !EXCHANGE_BIT)
    }

    pub(crate) fn exchange(place: u32) -> Self {
        Self(place | EXCHANGE_BIT)
    }

    pub(crate) fn kind(self) -> TargetKind {
        let place = self.0 & !EXCHANGE_BIT;
        if self.0 & EXCHANGE_BIT == 0 { TargetKind::Queue(place) } else { TargetKind::Exchange(place) }
    }
}

/// Where bindings lead. Several that differ only in what the exchange type ignores lead to one target.
pub(crate) type TargetSet = CountedSet<Target>;

/// A multiset of small numbers, quick to walk (a slice) and to change (an index, once walking would be slow).
#[derive(Debug)]
pub(crate) struct CountedSet<T> {
    items: Vec<T>,
    /// How often the item in the same place of `items` was inserted.
    counts: Vec<u32>,
    /// Places in `items`.
    #[expect(clippy::box_collection, reason = "there may be a million small sets, which should be small")]
    places: Option<Box<HashMap<T, u32, RandomState>>>,
}

impl<T> Default for CountedSet<T> {
    fn default() -> Self {
        Self { items: Vec::new(), counts: Vec::new(), places: None }
    }
}

/// From this size on, a set keeps an index.
const INDEXED_FROM: usize = 64;

impl<T: Copy + Eq + Hash> CountedSet<T> {
    pub(crate) fn as_slice(&self) -> &[T] {
        &self.items
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn place(&self, item: T) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(&item).map(|place| *place as usize),
            None => self.items.iter().position(|found| *found == item),
        }
    }

    pub(crate) fn insert(&mut self, item: T) {
        if let Some(place) = self.place(item) {
            self.counts[place] += 1;
            return;
        }
        self.items.push(item);
        self.counts.push(1);
        if let Some(places) = &mut self.places {
            places.insert(item, (self.items.len() - 1) as u32);
        } else if self.items.len() == INDEXED_FROM {
            self.places = Some(Box::new(self.items.iter().copied().zip(0..).collect()));
        }
    }

    /// Undoes one insertion of the item, if there is one.
    pub(crate) fn remove(&mut self, item: T) {
        let Some(place) = self.place(item) else { return };
        self.counts[place] -= 1;
        if self.counts[place] > 0 {
            return;
        }
        self.items.swap_remove(place);
        self.counts.swap_remove(place);
        if let Some(places) = &mut self.places {
            places.remove(&item);
            if let Some(moved) = self.items.get(place) {
                places.insert(*moved, place as u32);
            }
        }
        if self.items.is_empty() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_and_exchanges_are_told_apart() {
        assert_eq!(Target::queue(7).kind(), TargetKind::Queue(7));
        assert_eq!(Target::exchange(7).kind(), TargetKind::Exchange(7));
    }

    #[test]
    fn a_target_stays_until_its_last_binding_goes() {
        for size in [3, INDEXED_FROM as u32 + 10] {
            let mut set = TargetSet::default();
            (0..size).for_each(|place| set.insert(Target::queue(place)));
            set.insert(Target::queue(1));
            set.remove(Target::queue(1));
            assert_eq!(set.as_slice().len(), size as usize);
            set.remove(Target::queue(1));
            assert!(!set.as_slice().contains(&Target::queue(1)));
            set.remove(Target::queue(1));
            (0..size).filter(|place| *place != 1).for_each(|place| {
                assert!(set.as_slice().contains(&Target::queue(place)));
                set.remove(Target::queue(place));
            });
            assert!(set.is_empty());
        }
    }
}

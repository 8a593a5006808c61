//! Looking into the middle of a backlog, and taking single messages out of it.

use super::{Backlog, Entry, Level};
use std::collections::{BTreeMap, VecDeque};

impl Backlog {
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
}

#[cfg(test)]
mod tests {
    use super::super::tests::{message, push};
    use super::*;

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
}

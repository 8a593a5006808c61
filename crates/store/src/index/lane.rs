//! The live messages of one lane: where they are, how many, how large, and what may have been seen of them.

use super::run::{Run, SPAN_MAX};
use crate::record::Place;
use crate::types::History;
use std::collections::{BTreeMap, VecDeque};

/// A message in a file that is not sealed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) position: u64,
    pub(crate) file: u32,
    pub(crate) offset: u32,
    /// 0: it is dead.
    pub(crate) len: u32,
}

/// Where a live message lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spot {
    At(Place),
    /// In the block at this offset of a sealed file, of so many entries.
    Block {
        file: u32,
        at: u32,
        entries: u16,
    },
}

/// See the module's documentation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LaneState {
    /// In the order of their positions.
    pub(super) open: VecDeque<Open>,
    /// Those that came behind a higher position, and those that were moved.
    pub(super) strays: BTreeMap<u64, Open>,
    /// Narrow ones, by first position; they may overlap.
    pub(super) runs: VecDeque<Run>,
    /// Wide ones, by first position. They overlap as they like: each is looked at.
    pub(super) wide: Vec<Run>,
    pub(super) live: u64,
    pub(super) weight: i64,
    /// Highest position seen.
    pub(super) last: u64,
    /// Highest position that may have been delivered.
    pub(super) delivering: u64,
    /// Up to here everything counts as redelivered.
    pub(super) redelivered_through: u64,
    /// Histories of messages that came back.
    pub(super) returned: BTreeMap<u64, History>,
}

/// What was taken out: the file it lay in and its bytes there.
pub(super) struct Killed {
    pub(super) file: u32,
    pub(super) bytes: u32,
}

impl LaneState {
    pub(super) fn insert(&mut self, position: u64, place: Place) {
        let open = Open { position, file: place.file, offset: place.offset, len: place.len };
        if self.open.back().is_none_or(|last| last.position < position) {
            self.open.push_back(open);
        } else {
            self.strays.insert(position, open);
        }
    }

    fn open_at(&self, position: u64) -> Option<usize> {
        let first = self.open.front()?.position;
        let guess = usize::try_from(position.checked_sub(first)?).ok()?;
        if self.open.get(guess).is_some_and(|open| open.position == position) {
            return Some(guess);
        }
        self.open.binary_search_by_key(&position, |open| open.position).ok()
    }

    /// Takes a message's place out; count and weight stay as they are.
    pub(super) fn displace(&mut self, position: u64) -> Option<Killed> {
        if let Some(at) = self.open_at(position)
            && self.open[at].len > 0
        {
            let open = &mut self.open[at];
            let killed = Killed { file: open.file, bytes: open.len };
            open.len = 0;
            while self.open.front().is_some_and(|open| open.len == 0) {
                self.open.pop_front();
            }
            if self.open.is_empty() && self.open.capacity() > 1024 {
                self.open = VecDeque::new();
            }
            return Some(killed);
        }
        if let Some(open) = self.strays.remove(&position) {
            return Some(Killed { file: open.file, bytes: open.len });
        }
        if let Some(at) = self.run_of(position) {
            let run = &mut self.runs[at];
            run.kill(position);
            let killed = Killed { file: run.file, bytes: run.record_bytes };
            if run.live == 0 {
                self.runs.remove(at);
            }
            return Some(killed);
        }
        let at = self.wide_of(position)?;
        let run = &mut self.wide[at];
        run.kill(position);
        let killed = Killed { file: run.file, bytes: run.record_bytes };
        if run.live == 0 {
            self.wide.remove(at);
        }
        Some(killed)
    }

    fn wide_of(&self, position: u64) -> Option<usize> {
        let end = self.wide.partition_point(|run| run.first <= position);
        self.wide[..end].iter().position(|run| run.has(position))
    }

    /// Takes everything in `first..=last` out. What lies in whole runs is not looked at one by one.
    pub(super) fn clear(&mut self, first: u64, last: u64, each: &mut dyn FnMut(Killed)) {
        let from = self.open.partition_point(|open| open.position < first);
        let to = self.open.partition_point(|open| open.position <= last).max(from);
        for open in self.open.range_mut(from..to).filter(|open| open.len > 0) {
            self.live -= 1;
            each(Killed { file: open.file, bytes: std::mem::take(&mut open.len) });
        }
        while self.open.front().is_some_and(|open| open.len == 0) {
            self.open.pop_front();
        }
        if first <= last {
            for (_, open) in self.strays.extract_if(first..=last, |_, _| true) {
                self.live -= 1;
                each(Killed { file: open.file, bytes: open.len });
            }
            self.returned.extract_if(first..=last, |_, _| true).for_each(drop);
        }
        let live = &mut self.live;
        let mut clear = |run: &mut Run| {
            let killed = run.clear(first, last);
            *live -= u64::from(killed);
            (0..killed).for_each(|_| each(Killed { file: run.file, bytes: run.record_bytes }));
            run.live > 0
        };
        self.runs.retain_mut(&mut clear);
        self.wide.retain_mut(&mut clear);
    }

    fn run_of(&self, position: u64) -> Option<usize> {
        let mut at = self.runs.partition_point(|run| run.first <= position);
        while at > 0 && self.runs[at - 1].first + SPAN_MAX > position {
            at -= 1;
            if self.runs[at].has(position) {
                return Some(at);
            }
        }
        None
    }

    pub(super) fn has(&self, position: u64) -> bool {
        self.open_at(position).is_some_and(|at| self.open[at].len > 0)
            || self.strays.contains_key(&position)
            || self.run_of(position).is_some()
            || self.wide_of(position).is_some()
    }

    /// Live positions above `after`, at most `max` and in order, and where they lie.
    pub(super) fn find(&self, after: u64, max: usize, found: &mut Vec<(u64, Spot)>) {
        let from = found.len();
        let start = self.open.partition_point(|open| open.position <= after);
        let place = |open: &Open| Spot::At(Place { file: open.file, offset: open.offset, len: open.len });
        let open = self.open.range(start..).filter(|open| open.len > 0).take(max);
        found.extend(open.map(|open| (open.position, place(open))));
        let strays = self.strays.range(after + 1..).take(max);
        found.extend(strays.map(|(position, open)| (*position, place(open))));
        let start = self.runs.partition_point(|run| run.first + SPAN_MAX <= after);
        find_in(self.runs.range(start..), after, max, found);
        find_in(self.wide.iter().filter(|run| run.last() > after), after, max, found);
        found[from..].sort_unstable_by_key(|(position, _)| *position);
        found.truncate(from + max);
    }

    pub(super) fn add_run(&mut self, run: Run) {
        if run.is_wide() {
            let at = self.wide.partition_point(|other| other.first <= run.first);
            return self.wide.insert(at, run);
        }
        let at = self.runs.partition_point(|other| other.first <= run.first);
        self.runs.insert(at, run);
    }

    /// All runs.
    pub(super) fn all_runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().chain(&self.wide)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.open.capacity() * size_of::<Open>()
            + self.strays.len() * 48
            + self.runs.capacity() * size_of::<Run>()
            + self.wide.capacity() * size_of::<Run>()
            + self.all_runs().map(Run::heap_bytes).sum::<usize>()
            + self.returned.len() * 48
    }
}

/// Of runs by first position: live positions above `after`, at least the lowest `max`.
///
/// Runs may overlap, also in chains from the first to the last: only those are looked into that begin below the highest position of the
/// lowest `max` so far.
fn find_in<'a>(runs: impl Iterator<Item = &'a Run>, after: u64, max: usize, found: &mut Vec<(u64, Spot)>) {
    let from = found.len();
    let mut highest = 0;
    for run in runs {
        let mut below = u64::MAX;
        if found.len() - from >= max {
            if run.first > highest {
                break;
            }
            let (_, last, _) = found[from..].select_nth_unstable_by_key(max - 1, |(position, _)| *position);
            highest = last.0;
            found.truncate(from + max);
            if run.first > highest {
                break;
            }
            below = highest;
        }
        let spot = Spot::Block { file: run.file, at: run.at, entries: run.entries };
        for position in run.positions(after).take_while(|position| *position < below).take(max) {
            found.push((position, spot));
            highest = highest.max(position);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::run::{Block, cut};
    use super::*;

    /// A schedule of years lies in every file from end to end. Looking for the next few once went through all of it.
    #[test]
    fn the_next_ones_are_found_without_a_look_at_all_others() {
        let mut lane = LaneState::default();
        let mut all = Vec::new();
        for (file, count) in [(0, 30_000_u64), (1, 30_000), (2, 10_000)] {
            // In each file as far apart as its count says, so that blocks of different files never end together.
            let positions: Vec<u64> =
                (1..=count).map(|number| number * ((1 << 60) / count) + u64::from(file)).collect();
            for range in cut(&positions) {
                let block = &positions[range];
                let (first, last) = (block[0], block[block.len() - 1]);
                let entries = block.len() as u16;
                let of = Block { file, at: 0, entries, first, span: last - first + 1, record_bytes: 1 };
                lane.add_run(Run::new(of, block));
            }
            all.extend(positions);
        }
        all.sort_unstable();
        for (after, max) in [(0, 1), (0, 4096), (1 << 59, 1000), (1 << 59, 1), (all[all.len() - 10], 4096)] {
            let mut found = Vec::new();
            lane.find(after, max, &mut found);
            let start = all.partition_point(|position| *position <= after);
            let wanted = &all[start..all.len().min(start + max)];
            assert_eq!(found.iter().map(|(position, _)| *position).collect::<Vec<_>>(), wanted);
            assert!(found.capacity() <= 4 * max.max(1024), "{} were looked at for {max}", found.capacity());
        }
    }
}

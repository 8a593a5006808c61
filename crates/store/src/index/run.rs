//! The live messages of one footer block: about a bit each where positions are close together, a number each where they are not.

/// Entries of a block, at most.
pub(crate) const BLOCK_ENTRIES_MAX: usize = 1024;
/// Positions a narrow block may span for each entry it has: from there on numbers cost no more than bits.
pub(crate) const SPAN_PER_ENTRY_MAX: u64 = 64;
/// Positions a narrow block spans at most.
pub(crate) const SPAN_MAX: u64 = BLOCK_ENTRIES_MAX as u64 * SPAN_PER_ENTRY_MAX;

/// Which positions of a run are live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Members {
    /// All of the span.
    All,
    /// One bit for each position of the span.
    Bits(Box<[u64]>),
    /// These, sorted: the run is wide.
    List(Vec<u64>),
}

/// See the module's documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first: u64,
    /// Positions from `first` on, of which some are live.
    pub(crate) span: u64,
    pub(crate) file: u32,
    /// Where the block lies in the file.
    pub(crate) at: u32,
    /// Entries of the block.
    pub(crate) entries: u16,
    pub(crate) live: u16,
    /// Mean bytes of a record.
    pub(crate) record_bytes: u32,
    pub(crate) members: Members,
}

/// A block that a run is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    pub(crate) file: u32,
    pub(crate) at: u32,
    pub(crate) entries: u16,
    pub(crate) first: u64,
    pub(crate) span: u64,
    pub(crate) record_bytes: u32,
}

/// Whether so many entries lie too far apart for bits.
pub(crate) fn is_wide(span: u64, entries: usize) -> bool {
    span > SPAN_MAX || span > entries as u64 * SPAN_PER_ENTRY_MAX
}

impl Run {
    /// A run of a block, of which the sorted `positions` are live.
    pub(crate) fn new(block: Block, positions: &[u64]) -> Self {
        let Block { file, at, entries, first, span, record_bytes } = block;
        let members = if is_wide(span, entries.into()) {
            Members::List(positions.into())
        } else if (positions.len() as u64) < span {
            let mut bits = vec![0_u64; (span as usize).div_ceil(64)];
            for position in positions {
                let bit = (position - first) as usize;
                bits[bit / 64] |= 1 << (bit % 64);
            }
            Members::Bits(bits.into())
        } else {
            Members::All
        };
        Self { first, span, file, at, entries, live: positions.len() as u16, record_bytes, members }
    }

    /// Its positions are listed one by one.
    pub(crate) fn is_wide(&self) -> bool {
        matches!(self.members, Members::List(_))
    }

    /// The last position of the span.
    pub(crate) fn last(&self) -> u64 {
        self.first.saturating_add(self.span - 1)
    }

    pub(crate) fn has(&self, position: u64) -> bool {
        let Some(bit) = position.checked_sub(self.first).filter(|bit| *bit < self.span) else {
            return false;
        };
        match &self.members {
            Members::All => true,
            Members::Bits(bits) => bits[bit as usize / 64] >> (bit % 64) & 1 == 1,
            Members::List(list) => list.binary_search(&position).is_ok(),
        }
    }

    /// Takes a position out. `false`: it was not there.
    pub(crate) fn kill(&mut self, position: u64) -> bool {
        if !self.has(position) {
            return false;
        }
        let span = self.span as usize;
        if matches!(self.members, Members::All) {
            let mut bits = vec![u64::MAX; span.div_ceil(64)];
            if !span.is_multiple_of(64)
                && let Some(last) = bits.last_mut()
            {
                *last = (1 << (span % 64)) - 1;
            }
            self.members = Members::Bits(bits.into());
        }
        match &mut self.members {
            Members::All => {}
            Members::Bits(bits) => {
                let bit = (position - self.first) as usize;
                bits[bit / 64] &= !(1 << (bit % 64));
            }
            Members::List(list) => {
                if let Ok(at) = list.binary_search(&position) {
                    list.remove(at);
                }
            }
        }
        self.live -= 1;
        true
    }

    /// Takes the positions in `first..=last` out. Returns how many were live.
    pub(crate) fn clear(&mut self, first: u64, last: u64) -> u16 {
        let end = self.last();
        if last < self.first || first > end {
            return 0;
        }
        if first <= self.first && last >= end {
            return std::mem::take(&mut self.live);
        }
        if let Members::List(list) = &mut self.members {
            let before = list.len();
            list.retain(|position| !(first..=last).contains(position));
            let killed = (before - list.len()) as u16;
            self.live -= killed;
            return killed;
        }
        let inside = first.max(self.first)..=last.min(end);
        inside.filter(|position| self.kill(*position)).count() as u16
    }

    /// Live positions above `after`, in order.
    pub(crate) fn positions(&self, after: u64) -> impl Iterator<Item = u64> + '_ {
        let (list, dense) = match &self.members {
            Members::List(list) => (&list[list.partition_point(|position| *position <= after)..], 0),
            _ => (&[][..], self.span),
        };
        let from = after.saturating_add(1).saturating_sub(self.first).min(dense);
        let dense = (from..dense).map(|bit| self.first + bit).filter(|position| self.has(*position));
        list.iter().copied().chain(dense)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.members {
            Members::All => 0,
            Members::Bits(words) => words.len() * 8,
            Members::List(list) => list.capacity() * 8,
        }
    }
}

/// Entries below which a block of its own is not worth its head.
const ALONE_MIN: usize = 32;

/// Cuts sorted positions into what one block takes each: ranges of indices. Neighbours too sparse for bits share a wide block.
pub(crate) fn cut(positions: &[u64]) -> Vec<std::ops::Range<usize>> {
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
    // The last range is made of such as are not worth a block.
    let mut is_sparse = false;
    for range in cut_dense(positions) {
        match ranges.last_mut() {
            Some(last)
                if is_sparse && range.len() < ALONE_MIN && last.len() + range.len() <= BLOCK_ENTRIES_MAX =>
            {
                last.end = range.end;
            }
            _ => {
                is_sparse = range.len() < ALONE_MIN;
                ranges.push(range);
            }
        }
    }
    ranges
}

fn cut_dense(positions: &[u64]) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for at in 1..=positions.len() {
        let is_full = at - start == BLOCK_ENTRIES_MAX;
        let is_sparse = positions.get(at).is_some_and(|next| {
            next - positions[start] >= ((at - start + 1) as u64 * SPAN_PER_ENTRY_MAX).min(SPAN_MAX)
        });
        if at == positions.len() || is_full || is_sparse {
            ranges.push(start..at);
            start = at;
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(positions: &[u64]) -> Run {
        let (first, last) = (positions[0], positions[positions.len() - 1]);
        let entries = positions.len() as u16;
        Run::new(Block { file: 1, at: 0, entries, first, span: last - first + 1, record_bytes: 1 }, positions)
    }

    #[test]
    fn far_positions_share_a_wide_block_and_near_ones_a_narrow_one() {
        let far: Vec<u64> = (1..=3000).map(|n| n << 30).collect();
        assert_eq!(cut(&far), [0..1024, 1024..2048, 2048..3000]);
        let near: Vec<u64> = (1..=3000).collect();
        assert_eq!(cut(&near), [0..1024, 1024..2048, 2048..3000]);
        let mixed: Vec<u64> = (1..=100).chain([1 << 40, 1 << 41]).chain((1 << 42)..(1 << 42) + 50).collect();
        assert_eq!(cut(&mixed), [0..100, 100..102, 102..152]);
        assert!(run(&far[..1024]).is_wide() && run(&mixed[100..102]).is_wide());
        assert!(!run(&near[..1024]).is_wide() && !run(&mixed[102..]).is_wide());
    }

    #[test]
    fn members_are_the_same_in_every_form() {
        for step in [1, 3, 1 << 20] {
            let positions: Vec<u64> = (1..=200).map(|n| n * step).collect();
            let mut run = run(&positions);
            assert!(positions.iter().all(|position| run.has(*position)));
            assert!(!run.has(0) && !run.has(200 * step + 1));
            assert!(run.kill(7 * step) && !run.kill(7 * step) && !run.has(7 * step));
            let left: Vec<u64> = run.positions(5 * step).collect();
            let wanted: Vec<u64> = positions[5..].iter().copied().filter(|p| *p != 7 * step).collect();
            assert_eq!((left, run.live), (wanted, 199));
        }
    }

    #[test]
    fn a_stretch_is_cleared_as_one_by_one() {
        let alive: Vec<u64> = (100..200).filter(|position| position % 3 != 0).collect();
        for (first, last) in
            [(0, u64::MAX), (0, 99), (200, 300), (0, 150), (150, 160), (130, 1000), (100, 199)]
        {
            for alive in [&alive, &(100..200).collect()] {
                let entries = alive.len() as u16;
                let block = Block { file: 1, at: 0, entries, first: 100, span: 100, record_bytes: 10 };
                let mut run = Run::new(block, alive);
                let rest: Vec<u64> =
                    alive.iter().copied().filter(|at| !(first..=last).contains(at)).collect();
                assert_eq!(usize::from(run.clear(first, last)), alive.len() - rest.len(), "{first}..={last}");
                assert_eq!(usize::from(run.live), rest.len());
                if !rest.is_empty() {
                    assert_eq!(run.positions(0).collect::<Vec<_>>(), rest);
                }
            }
        }
    }
}

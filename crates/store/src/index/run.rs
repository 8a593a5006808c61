//! The live messages of one footer block: about a bit each.

/// Entries of a block, at most.
pub(crate) const BLOCK_ENTRIES_MAX: usize = 1024;
/// Positions a block may span for each entry it has.
pub(crate) const SPAN_PER_ENTRY_MAX: u64 = 64;
/// Positions a block spans at most.
pub(crate) const SPAN_MAX: u64 = BLOCK_ENTRIES_MAX as u64 * SPAN_PER_ENTRY_MAX;

/// See the module's documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first: u64,
    /// Positions from `first` on, of which some are live.
    pub(crate) span: u32,
    pub(crate) file: u32,
    /// Where the block lies in the file.
    pub(crate) at: u32,
    /// Entries of the block.
    pub(crate) entries: u16,
    pub(crate) live: u16,
    /// Mean bytes of a record.
    pub(crate) record_bytes: u32,
    /// One bit for each position of the span; `None`: all are live.
    pub(crate) bits: Option<Box<[u64]>>,
}

impl Run {
    /// A run of a block, of which the sorted `positions` are live.
    pub(crate) fn new(
        file: u32,
        at: u32,
        entries: u16,
        first: u64,
        span: u32,
        record_bytes: u32,
        positions: &[u64],
    ) -> Self {
        let mut run =
            Self { first, span, file, at, entries, live: positions.len() as u16, record_bytes, bits: None };
        if positions.len() < span as usize {
            let mut bits = vec![0_u64; (span as usize).div_ceil(64)];
            for position in positions {
                let bit = (position - first) as usize;
                bits[bit / 64] |= 1 << (bit % 64);
            }
            run.bits = Some(bits.into());
        }
        run
    }

    pub(crate) fn has(&self, position: u64) -> bool {
        let Some(bit) = position.checked_sub(self.first).filter(|bit| *bit < u64::from(self.span)) else {
            return false;
        };
        self.bits.as_ref().is_none_or(|bits| bits[bit as usize / 64] >> (bit % 64) & 1 == 1)
    }

    /// Takes a position out. `false`: it was not there.
    pub(crate) fn kill(&mut self, position: u64) -> bool {
        if !self.has(position) {
            return false;
        }
        let span = self.span as usize;
        let bits = self.bits.get_or_insert_with(|| {
            let mut bits = vec![u64::MAX; span.div_ceil(64)];
            if !span.is_multiple_of(64)
                && let Some(last) = bits.last_mut()
            {
                *last = (1 << (span % 64)) - 1;
            }
            bits.into()
        });
        let bit = (position - self.first) as usize;
        bits[bit / 64] &= !(1 << (bit % 64));
        self.live -= 1;
        true
    }

    /// Takes the positions in `first..=last` out. Returns how many were live.
    pub(crate) fn clear(&mut self, first: u64, last: u64) -> u16 {
        let end = self.first + u64::from(self.span.max(1)) - 1;
        if last < self.first || first > end {
            return 0;
        }
        if first <= self.first && last >= end {
            return std::mem::take(&mut self.live);
        }
        let inside = first.max(self.first)..=last.min(end);
        inside.filter(|position| self.kill(*position)).count() as u16
    }

    /// Live positions above `after`, in order.
    pub(crate) fn positions(&self, after: u64) -> impl Iterator<Item = u64> + '_ {
        let from = (after + 1).saturating_sub(self.first).min(u64::from(self.span));
        (from..u64::from(self.span)).map(|bit| self.first + bit).filter(|position| self.has(*position))
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.bits.as_ref().map_or(0, |bits| bits.len() * 8)
    }
}

/// Cuts sorted positions into what one block takes each: ranges of indices.
pub(crate) fn cut(positions: &[u64]) -> Vec<std::ops::Range<usize>> {
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

    #[test]
    fn a_stretch_is_cleared_as_one_by_one() {
        let alive: Vec<u64> = (100..200).filter(|position| position % 3 != 0).collect();
        for (first, last) in
            [(0, u64::MAX), (0, 99), (200, 300), (0, 150), (150, 160), (130, 1000), (100, 199)]
        {
            for alive in [&alive, &(100..200).collect()] {
                let mut run = Run::new(1, 0, alive.len() as u16, 100, 100, 10, alive);
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

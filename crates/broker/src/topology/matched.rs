//! Sets of targets that are gathered for one message: nearly always a handful, sometimes a hundred thousand.

use crate::exchange::{Target, TargetKind};

/// A set that stays off the heap while it is small.
pub(super) struct Matched {
    few: [Target; FEW],
    len: usize,
    /// Those that came after the first few: a bit for each place, of queues and of exchanges.
    more: [Vec<u64>; 2],
}

const FEW: usize = 16;

impl Matched {
    pub(super) fn new() -> Self {
        Self { few: [Target::queue(0); FEW], len: 0, more: [Vec::new(), Vec::new()] }
    }

    /// Whether the target was not in the set.
    #[inline]
    pub(super) fn insert(&mut self, target: Target) -> bool {
        if self.few[..self.len].contains(&target) {
            return false;
        }
        if let Some(free) = self.few.get_mut(self.len) {
            *free = target;
            self.len += 1;
            return true;
        }
        let (bits, place) = match target.kind() {
            TargetKind::Queue(place) => (&mut self.more[0], place as usize),
            TargetKind::Exchange(place) => (&mut self.more[1], place as usize),
        };
        if bits.len() <= place / 64 {
            bits.resize((place / 64 + 1).next_power_of_two(), 0);
        }
        let (word, bit) = (&mut bits[place / 64], 1 << (place % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_is_new_once() {
        let mut matched = Matched::new();
        for round in 0..3 {
            for place in (0..1000).step_by(7) {
                assert_eq!(matched.insert(Target::queue(place)), round == 0);
                assert_eq!(matched.insert(Target::exchange(place)), round == 0);
            }
        }
    }
}

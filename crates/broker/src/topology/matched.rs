//! Sets of targets that are gathered for one message: nearly always a handful, sometimes a hundred thousand.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use crate::exchange::Target;

/// A set that stays off the heap while it is small.
pub(super) struct Matched {
    few: [Target; FEW],
    len: usize,
    /// Those that came after the first few.
    many: HashSet<Target, RandomState>,
}

const FEW: usize = 24;

impl Matched {
    pub(super) fn new() -> Self {
        Self { few: [Target::queue(0); FEW], len: 0, many: HashSet::default() }
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
        self.many.insert(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_is_new_once() {
        let mut matched = Matched::new();
        for round in 0..3 {
            for place in 0..100 {
                assert_eq!(matched.insert(Target::queue(place)), round == 0);
                assert_eq!(matched.insert(Target::exchange(place)), round == 0);
            }
        }
    }
}

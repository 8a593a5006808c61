//! Publishings that wait for their confirm: which sequence numbers are open, and when each was due.

/// A bounded window over the sequence numbers of one channel in confirm mode. Confirms may come out of order.
pub(crate) struct Confirms {
    /// When the publishing in this slot was due; 0 when it is settled. Its length is a power of two.
    due_ns: Vec<u64>,
    window: u64,
    oldest: u64,
    next: u64,
    open: u64,
}

impl Confirms {
    /// At most `window` publishings open at once.
    pub(crate) fn new(window: u64) -> Confirms {
        // Room for more than the window: an old one may stay open while newer ones are settled around it.
        let slots = (window.max(1) * 4).next_power_of_two();
        Confirms { due_ns: vec![0; slots as usize], window, oldest: 1, next: 1, open: 0 }
    }

    /// How many are open.
    pub(crate) fn open(&self) -> u64 {
        self.open
    }

    /// How many may be published now.
    pub(crate) fn room(&self) -> u64 {
        let slots = self.due_ns.len() as u64 - (self.next - self.oldest);
        (self.window - self.open).min(slots)
    }

    /// The next sequence number is on its way.
    pub(crate) fn published(&mut self, due_ns: u64) {
        let slot = self.slot(self.next);
        self.due_ns[slot] = due_ns.max(1);
        self.next += 1;
        self.open += 1;
    }

    /// Settles one sequence number, or all up to it; calls `each` with their due times. Returns how many were
    /// open. Numbers that were never given out are ignored.
    pub(crate) fn settle(&mut self, tag: u64, multiple: bool, mut each: impl FnMut(u64)) -> u64 {
        let last = if tag == 0 && multiple { self.next - 1 } else { tag.min(self.next - 1) };
        let first = if multiple { self.oldest } else { tag.max(self.oldest) };
        let mut settled = 0;
        for number in first..=last {
            let slot = self.slot(number);
            let due_ns = std::mem::take(&mut self.due_ns[slot]);
            if due_ns != 0 {
                each(due_ns);
                settled += 1;
            }
        }
        while self.oldest < self.next && self.due_ns[self.slot(self.oldest)] == 0 {
            self.oldest += 1;
        }
        self.open -= settled;
        settled
    }

    fn slot(&self, number: u64) -> usize {
        (number & (self.due_ns.len() as u64 - 1)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settles_in_any_order() {
        let mut confirms = Confirms::new(4);
        (1..=4).for_each(|due| confirms.published(due * 10));
        assert_eq!((confirms.room(), confirms.open()), (0, 4));
        let mut dues = vec![];
        assert_eq!(confirms.settle(3, false, |due| dues.push(due)), 1);
        assert_eq!(confirms.settle(3, false, |due| dues.push(due)), 0);
        assert_eq!(confirms.settle(3, true, |due| dues.push(due)), 2);
        assert_eq!(confirms.settle(0, true, |due| dues.push(due)), 1);
        assert_eq!(dues, [30, 10, 20, 40]);
        assert_eq!((confirms.room(), confirms.open()), (4, 0));
    }

    #[test]
    fn one_straggler_does_not_let_the_slots_run_over() {
        let mut confirms = Confirms::new(4);
        confirms.published(7);
        let mut newest = 1;
        while confirms.room() > 0 {
            confirms.published(8);
            newest += 1;
            assert_eq!(confirms.settle(newest, false, |_| ()), 1);
        }
        assert_eq!((newest, confirms.open()), (16, 1));
        assert_eq!(confirms.settle(1, false, |due| assert_eq!(due, 7)), 1);
        assert_eq!(confirms.room(), 4);
    }

    #[test]
    fn numbers_never_given_out_are_ignored() {
        let mut confirms = Confirms::new(2);
        confirms.published(1);
        assert_eq!(confirms.settle(99, false, |_| ()), 0);
        assert_eq!(confirms.settle(99, true, |_| ()), 1);
        assert_eq!(confirms.settle(u64::MAX, true, |_| ()), 0);
    }
}

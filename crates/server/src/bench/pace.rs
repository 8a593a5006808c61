//! When each message is due at a fixed rate.
//!
//! A message's clock starts when it was due, not when there was time to send it: a broker that stalls for a
//! second delays everything due in that second, and the percentiles must show all of it.

/// The schedule of one publisher.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    start_ns: u64,
    ns_per_message: f64,
}

impl Pace {
    /// Publisher `index` of `publishers`, which together send `rate` messages a second from `start_ns` on,
    /// evenly spaced and taking turns.
    pub(crate) fn new(rate: f64, publishers: usize, index: usize, start_ns: u64) -> Pace {
        let ns_between_publishers = 1e9 / rate;
        Pace {
            start_ns: start_ns + (ns_between_publishers * index as f64) as u64,
            ns_per_message: ns_between_publishers * publishers as f64,
        }
    }

    /// When message `number` (from 0) is due.
    pub(crate) fn due_ns(&self, number: u64) -> u64 {
        self.start_ns + (number as f64 * self.ns_per_message) as u64
    }

    /// How many messages are due by `now_ns`.
    pub(crate) fn due_by(&self, now_ns: u64) -> u64 {
        match now_ns.checked_sub(self.start_ns) {
            None => 0,
            Some(elapsed) => (elapsed as f64 / self.ns_per_message) as u64 + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publishers_take_turns() {
        let pace = |index| Pace::new(1000.0, 2, index, 5_000_000);
        assert_eq!([0, 1, 2].map(|n| pace(0).due_ns(n)), [5_000_000, 7_000_000, 9_000_000]);
        assert_eq!([0, 1, 2].map(|n| pace(1).due_ns(n)), [6_000_000, 8_000_000, 10_000_000]);
    }

    #[test]
    fn due_by_counts_what_due_ns_says() {
        let pace = Pace::new(12_345.0, 3, 1, 1_000);
        assert_eq!(pace.due_by(0), 0);
        for number in [0, 1, 7, 1_000, 123_456_789] {
            let due = pace.due_ns(number);
            assert!(pace.due_by(due + 1) > number, "{number}");
            assert!(pace.due_by(due - 1_000) <= number, "{number}");
        }
    }

    #[test]
    fn an_hour_at_full_rate_does_not_drift() {
        let pace = Pace::new(1_000_000.0, 1, 0, 0);
        assert_eq!(pace.due_by(3_600_000_000_000), 3_600_000_001);
        assert_eq!(pace.due_ns(3_600_000_000), 3_600_000_000_000);
    }
}

//! How long something took, counted in classes, for who watches over time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the classes in microseconds; what takes longer than the last belongs to a class of its own.
pub const LATENCY_BOUNDS_US: [u64; 16] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000,
];

/// Counts durations; each costs two additions.
#[derive(Debug, Default)]
pub struct Histogram {
    classes: [AtomicU64; LATENCY_BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

/// The counts of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latencies {
    /// How many took no longer than each of [`LATENCY_BOUNDS_US`] and longer than the one before; at last those that took longer than all.
    pub classes: [u64; LATENCY_BOUNDS_US.len() + 1],
    /// All of them together, in microseconds.
    pub sum_us: u64,
}

impl Histogram {
    /// `count` things took so long.
    pub fn add(&self, took: Duration, count: u64) {
        let us = took.as_micros().min(u64::MAX.into()) as u64;
        let class = LATENCY_BOUNDS_US.partition_point(|bound| *bound < us);
        self.classes[class].fetch_add(count, Ordering::Relaxed);
        self.sum_us.fetch_add(us.saturating_mul(count), Ordering::Relaxed);
    }

    /// The counts so far.
    pub fn get(&self) -> Latencies {
        Latencies {
            classes: std::array::from_fn(|at| self.classes[at].load(Ordering::Relaxed)),
            sum_us: self.sum_us.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_in_the_class_that_ends_with_them() {
        let histogram = Histogram::default();
        for (us, count) in [(0, 1), (50, 1), (51, 2), (5_000_000, 1), (5_000_001, 3)] {
            histogram.add(Duration::from_micros(us), count);
        }
        let got = histogram.get();
        assert_eq!((got.classes[0], got.classes[1], got.classes[15], got.classes[16]), (2, 2, 1, 3));
        assert_eq!(got.sum_us, 50 + 2 * 51 + 5_000_000 + 3 * 5_000_001);
    }
}

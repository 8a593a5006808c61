//! Latencies as a histogram of nanoseconds, exact to a thousandth.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Longest latency told apart; longer ones count as this.
const CEILING_NS: u64 = 3_600_000_000_000;

/// Counts latencies. Runs of the same due time, as a batch has, cost one entry.
pub(crate) struct Latencies {
    histogram: Histogram<u64>,
    run_due_ns: u64,
    run_length: u64,
}

impl Latencies {
    /// Nothing counted.
    ///
    /// # Errors
    /// Never for these bounds; the histogram's own error otherwise.
    pub(crate) fn new() -> Result<Latencies, String> {
        let histogram = Histogram::new_with_bounds(1, CEILING_NS, 3).map_err(|error| error.to_string())?;
        Ok(Latencies { histogram, run_due_ns: 0, run_length: 0 })
    }

    /// Counts a message due at `due_ns`; all messages up to the next [`arrived`](Self::arrived) arrive together.
    #[inline]
    pub(crate) fn due(&mut self, due_ns: u64, arrived_ns: u64) {
        if due_ns != self.run_due_ns {
            self.arrived(arrived_ns);
            self.run_due_ns = due_ns;
        }
        self.run_length += 1;
    }

    /// What was counted and not yet entered arrived at `arrived_ns`.
    pub(crate) fn arrived(&mut self, arrived_ns: u64) {
        if self.run_length > 0 {
            let latency = arrived_ns.saturating_sub(self.run_due_ns).max(1);
            self.histogram.saturating_record_n(latency, self.run_length);
            self.run_length = 0;
        }
    }

    /// Takes over what another thread counted.
    pub(crate) fn add(&mut self, other: &Latencies) {
        // Both have the same bounds, the only way this fails.
        let _ = self.histogram.add(&other.histogram);
    }

    /// The percentiles; none when nothing was counted.
    pub(crate) fn summary(&self) -> Option<Percentiles> {
        let at = |quantile| self.histogram.value_at_quantile(quantile) as f64 / 1000.0;
        (!self.histogram.is_empty()).then(|| Percentiles {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: self.histogram.max() as f64 / 1000.0,
            count: self.histogram.len(),
        })
    }
}

/// Latencies in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Percentiles {
    /// Half were faster.
    pub(crate) p50: f64,
    /// 90 % were faster.
    pub(crate) p90: f64,
    /// 99 % were faster.
    pub(crate) p99: f64,
    /// 99.9 % were faster.
    pub(crate) p999: f64,
    /// The slowest.
    pub(crate) max: f64,
    /// How many were measured.
    pub(crate) count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_a_thousand() {
        let mut latencies = Latencies::new().unwrap();
        for micros in 1..=1000u64 {
            latencies.due(1, 1 + micros * 1000);
            latencies.arrived(1 + micros * 1000);
        }
        let found = latencies.summary().unwrap();
        let close = |value: f64, expected: f64| (value / expected - 1.0).abs() < 0.002;
        assert!(close(found.p50, 500.0) && close(found.p90, 900.0) && close(found.p99, 990.0), "{found:?}");
        assert!(close(found.max, 1000.0), "{found:?}");
        assert_eq!(found.count, 1000);
    }

    #[test]
    fn runs_count_every_message() {
        let mut latencies = Latencies::new().unwrap();
        for due in [5_000, 5_000, 5_000, 6_000] {
            latencies.due(due, 10_000);
        }
        latencies.arrived(10_000);
        let found = latencies.summary().unwrap();
        assert_eq!(found.count, 4);
        assert!((found.max - 5.0).abs() < 0.01 && (found.p50 - 5.0).abs() < 0.01, "{found:?}");
        assert_eq!(Latencies::new().unwrap().summary(), None);
    }

    #[test]
    fn absurd_latencies_are_capped_and_threads_are_added() {
        let mut one = Latencies::new().unwrap();
        one.due(1, u64::MAX);
        one.arrived(u64::MAX);
        let mut all = Latencies::new().unwrap();
        all.add(&one);
        all.add(&one);
        assert_eq!(all.summary().unwrap().count, 2);
    }
}

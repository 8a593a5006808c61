//! How late messages came.

use std::time::{Duration, Instant};

/// Moments told in microseconds since the program's own beginning: they travel in bodies.
#[derive(Clone, Copy)]
pub(crate) struct Ruler(Instant);

impl Ruler {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now_us(self) -> u64 {
        self.0.elapsed().as_micros() as u64
    }
}

/// Collects by how much each message was late.
#[derive(Default)]
pub(crate) struct Late {
    by_us: Vec<i64>,
}

impl Late {
    pub(crate) fn note(&mut self, due_us: u64, now_us: u64) {
        self.by_us.push(now_us as i64 - due_us as i64);
    }

    pub(crate) fn len(&self) -> usize {
        self.by_us.len()
    }

    /// Prints the percentiles, in milliseconds.
    pub(crate) fn report(&mut self, what: &str) {
        self.by_us.sort_unstable();
        let Some(last) = self.by_us.len().checked_sub(1) else { return };
        let at = |share: f64| self.by_us[(last as f64 * share) as usize] as f64 / 1000.0;
        let [first, p50, p99, p999, worst] = [0.0, 0.5, 0.99, 0.999, 1.0].map(at);
        println!(
            "{what}: {} messages; earliest {first:.2} ms, p50 {p50:.2}, p99 {p99:.2}, p99.9 {p999:.2}, latest {worst:.2} ms after their moment",
            last + 1
        );
    }
}

/// How long nothing may come before the program gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

//! A relay's figures.

use metrics::{Counter, Gauge, counter, gauge};

use super::OutboxStats;
use super::rows::Outcome;

/// What [`metrics`](crate::metrics) lists of outboxes.
pub(super) struct Figures {
    sent: Counter,
    failed: Counter,
    waiting: Gauge,
    failing: Gauge,
    oldest: Gauge,
}

impl Figures {
    pub(super) fn new(table: &str) -> Self {
        let ended = |outcome: &'static str| counter!("leveret_outbox_attempts_total", "table" => table.to_owned(), "outcome" => outcome);
        let now = |name: &'static str| gauge!(name, "table" => table.to_owned());
        Self {
            sent: ended("sent"),
            failed: ended("failed"),
            waiting: now("leveret_outbox_waiting"),
            failing: now("leveret_outbox_failing"),
            oldest: now("leveret_outbox_oldest_seconds"),
        }
    }

    pub(super) fn count(&self, outcome: &Outcome) {
        match outcome {
            Outcome::Sent => self.sent.increment(1),
            Outcome::Failed { .. } => self.failed.increment(1),
            Outcome::Released => {}
        }
    }

    pub(super) fn tell(&self, stats: OutboxStats) {
        self.waiting.set(stats.waiting as f64);
        self.failing.set(stats.failing as f64);
        self.oldest.set(stats.oldest.unwrap_or_default().as_secs_f64());
    }
}

//! What a worker did.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use metrics::Counter;

use crate::metrics::WorkerMetrics;

/// What a worker did while it ran, and what it left when it stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DrainReport {
    /// Handled, or failed in a way that does not matter ([`Class::Ignore`](crate::Class::Ignore)).
    pub acked: u64,
    /// Not handled again, because the idempotency store knew them as done. They are among `acked`.
    pub duplicates: u64,
    /// To be tried again, after a pause in the broker.
    pub retried: u64,
    /// To the dead letters.
    pub dead_lettered: u64,
    /// Requests that failed, which their askers were told ([`WorkerBuilder::responder`](crate::WorkerBuilder::responder)).
    pub refused: u64,
    /// Requests whose askers had given up: not begun, or not carried out ([`rpc`](crate::rpc)).
    pub given_up: u64,
    /// Could not be handled and were thrown away ([`Queue::discard_failed`](crate::Queue::discard_failed)).
    pub discarded: u64,
    /// Back to the queue without having been handled: the handler said so, or it was dropped when the time to stop was over.
    pub released: u64,
    /// Handled, but the connection they came on was lost before that could be said: they are delivered again.
    pub stale: u64,
    /// Came while it stopped, were not begun and went back to the queue.
    pub requeued: usize,
    /// Still in a handler that could not be stopped: the broker delivers them again.
    pub abandoned: usize,
}

impl DrainReport {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            acked: self.acked + other.acked,
            duplicates: self.duplicates + other.duplicates,
            retried: self.retried + other.retried,
            dead_lettered: self.dead_lettered + other.dead_lettered,
            refused: self.refused + other.refused,
            given_up: self.given_up + other.given_up,
            discarded: self.discarded + other.discarded,
            released: self.released + other.released,
            stale: self.stale + other.stale,
            requeued: self.requeued + other.requeued,
            abandoned: self.abandoned + other.abandoned,
        }
    }
}

/// The same while it runs.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) acked: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) retried: AtomicU64,
    pub(crate) dead_lettered: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) given_up: AtomicU64,
    pub(crate) discarded: AtomicU64,
    pub(crate) released: AtomicU64,
    pub(crate) stale: AtomicU64,
    /// Published again with a count in them; not told, because that is no end.
    pub(crate) recounted: AtomicU64,
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Acked,
    Duplicate,
    Retried,
    DeadLettered,
    Refused,
    GivenUp,
    Discarded,
    Released,
    /// Published again with a count in it, which is no end.
    Recounted,
}

impl Outcome {
    pub(crate) fn of<'a>(
        self,
        counters: &'a Counters,
        metrics: &'a WorkerMetrics,
    ) -> (&'a AtomicU64, Option<&'a Counter>) {
        match self {
            Self::Acked => (&counters.acked, Some(&metrics.acked)),
            Self::Duplicate => (&counters.duplicates, Some(&metrics.duplicates)),
            Self::Retried => (&counters.retried, Some(&metrics.retried)),
            Self::DeadLettered => (&counters.dead_lettered, Some(&metrics.dead_lettered)),
            Self::Refused => (&counters.refused, Some(&metrics.refused)),
            Self::GivenUp => (&counters.given_up, Some(&metrics.given_up)),
            Self::Discarded => (&counters.discarded, Some(&metrics.discarded)),
            Self::Released => (&counters.released, Some(&metrics.released)),
            Self::Recounted => (&counters.recounted, None),
        }
    }
}

impl Counters {
    pub(crate) fn report(&self) -> DrainReport {
        DrainReport {
            acked: self.acked.load(Relaxed) + self.duplicates.load(Relaxed),
            duplicates: self.duplicates.load(Relaxed),
            retried: self.retried.load(Relaxed),
            dead_lettered: self.dead_lettered.load(Relaxed),
            refused: self.refused.load(Relaxed),
            given_up: self.given_up.load(Relaxed),
            discarded: self.discarded.load(Relaxed),
            released: self.released.load(Relaxed),
            stale: self.stale.load(Relaxed),
            ..DrainReport::default()
        }
    }
}

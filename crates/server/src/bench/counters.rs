//! What the threads of a run share: counts and the times of the phases.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Counters and switches of one run. All relaxed: they are statistics and hints, never hand data over.
#[derive(Debug)]
pub(crate) struct Counters {
    /// Messages written to sockets.
    pub(crate) published: AtomicU64,
    /// Publishings confirmed with an ack.
    pub(crate) confirmed: AtomicU64,
    /// Publishings refused with a nack.
    pub(crate) nacked: AtomicU64,
    /// Deliveries received whole.
    pub(crate) consumed: AtomicU64,
    /// Deliveries of each consumer connection, noted at its end.
    by_consumer: Mutex<Vec<u64>>,
    /// Times a publisher heard `connection.blocked`.
    pub(crate) blocked: AtomicU64,
    /// A thread has failed; the run is over.
    pub(crate) failed: AtomicBool,
    /// Publishers finish what they have begun and stop.
    pub(crate) stop_publishing: AtomicBool,
    /// Consumers stop.
    pub(crate) stop_consuming: AtomicBool,
    /// Messages due before this are warm-up.
    pub(crate) measure_from_ns: AtomicU64,
    /// Messages due from this on are too late to count.
    pub(crate) measure_until_ns: AtomicU64,
}

impl Counters {
    /// Nothing counted; latencies are measured from `measure_from_ns` on.
    pub(crate) fn new(measure_from_ns: u64) -> Counters {
        Counters {
            published: AtomicU64::new(0),
            confirmed: AtomicU64::new(0),
            nacked: AtomicU64::new(0),
            consumed: AtomicU64::new(0),
            by_consumer: Mutex::default(),
            blocked: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            stop_publishing: AtomicBool::new(false),
            stop_consuming: AtomicBool::new(false),
            measure_from_ns: AtomicU64::new(measure_from_ns),
            measure_until_ns: AtomicU64::new(u64::MAX),
        }
    }

    /// A consumer connection has ended with so many deliveries.
    pub(crate) fn note_consumer(&self, deliveries: u64) {
        self.by_consumer.lock().unwrap_or_else(PoisonError::into_inner).push(deliveries);
    }

    /// Deliveries of each consumer connection that has ended.
    pub(crate) fn by_consumer(&self) -> Vec<u64> {
        self.by_consumer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a message due then belongs to the measured part of the run.
    pub(crate) fn is_measured(&self, due_ns: u64) -> bool {
        due_ns >= self.measure_from_ns.load(Relaxed) && due_ns < self.measure_until_ns.load(Relaxed)
    }

    /// The counts now.
    pub(crate) fn snapshot(&self) -> Counts {
        Counts {
            published: self.published.load(Relaxed),
            confirmed: self.confirmed.load(Relaxed),
            nacked: self.nacked.load(Relaxed),
            consumed: self.consumed.load(Relaxed),
        }
    }
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Messages written to sockets.
    pub(crate) published: u64,
    /// Publishings confirmed.
    pub(crate) confirmed: u64,
    /// Publishings refused.
    pub(crate) nacked: u64,
    /// Deliveries received.
    pub(crate) consumed: u64,
}

impl Counts {
    /// What happened since `earlier`.
    pub(crate) fn since(self, earlier: Counts) -> Counts {
        Counts {
            published: self.published - earlier.published,
            confirmed: self.confirmed - earlier.confirmed,
            nacked: self.nacked - earlier.nacked,
            consumed: self.consumed - earlier.consumed,
        }
    }
}

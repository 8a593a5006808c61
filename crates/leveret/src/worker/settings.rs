//! What a worker was told.

use std::fmt;
use std::time::Duration;

use leveret_client::FieldTable;

use super::breaker::CircuitBreaker;
use super::concurrency::Concurrency;
use super::verdict::Classifier;
use crate::idempotency::Idempotency;
use crate::message::Incoming;

/// The key by which messages are handled in order.
pub(crate) type Key = Box<dyn Fn(&Incoming) -> String + Send + Sync>;

/// See the methods of [`WorkerBuilder`](super::WorkerBuilder).
pub(crate) struct Settings {
    pub(crate) concurrency: Concurrency,
    pub(crate) prefetch: Option<u16>,
    pub(crate) adaptive_prefetch: bool,
    pub(crate) handler_time: Duration,
    pub(crate) order_by: Option<Key>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) grace: Duration,
    pub(crate) drain: Duration,
    pub(crate) poison_after: Option<u32>,
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) breaker: Option<CircuitBreaker>,
    pub(crate) classifiers: Vec<Classifier>,
    pub(crate) arguments: FieldTable,
    pub(crate) tag: String,
    /// A handler is called with so many at a time, of which the first waited so long at most.
    pub(crate) batch: Option<(u16, Duration)>,
    /// Who asked is told.
    pub(crate) answers: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 8.into(),
            prefetch: None,
            adaptive_prefetch: false,
            handler_time: Duration::from_millis(10),
            order_by: None,
            deadline: None,
            grace: Duration::from_secs(5),
            drain: Duration::from_secs(25),
            poison_after: Some(20),
            idempotency: None,
            breaker: None,
            classifiers: Vec::new(),
            arguments: FieldTable::new(),
            tag: String::new(),
            batch: None,
            answers: false,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("concurrency", &self.concurrency)
            .field("prefetch", &self.prefetch)
            .field("ordered", &self.order_by.is_some())
            .field("deadline", &self.deadline)
            .field("grace", &self.grace)
            .field("drain", &self.drain)
            .field("poison_after", &self.poison_after)
            .field("idempotency", &self.idempotency)
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}

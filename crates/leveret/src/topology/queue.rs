//! A queue and what belongs to it.

use std::time::Duration;

use leveret_client::{FieldName, FieldTable, FieldValue};

use crate::retry::Retry;

/// What kind of queue it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueKind {
    /// On one node.
    Classic,
    /// On several nodes of a RabbitMQ cluster; it counts deliveries.
    Quorum,
    /// Of this connection alone, and gone with it.
    Temporary,
    /// Somebody else declares it.
    Existing,
}

/// A queue as an application wants it: with retries and dead letters.
///
/// ```
/// use leveret::Queue;
/// use std::time::Duration;
///
/// let orders = Queue::durable("orders")
///     .retry([5, 15, 30].map(Duration::from_secs))
///     .dead_letter()
///     .argument("x-max-length", 1_000_000);
/// assert_eq!(orders.dead_letter_queue(), Some("orders.dead"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    pub(crate) name: String,
    pub(crate) kind: QueueKind,
    pub(crate) retry: Option<Retry>,
    pub(crate) dead: Option<String>,
    pub(crate) discard: bool,
    pub(crate) arguments: FieldTable,
}

impl Queue {
    fn new(name: impl Into<String>, kind: QueueKind) -> Self {
        let (name, arguments) = (name.into(), FieldTable::new());
        Self { name, kind, retry: None, dead: None, discard: false, arguments }
    }

    /// A queue that survives restarts.
    pub fn durable(name: impl Into<String>) -> Self {
        Self::new(name, QueueKind::Classic)
    }

    /// A quorum queue: replicated in a RabbitMQ cluster. Leveret has one machine and keeps it there.
    pub fn quorum(name: impl Into<String>) -> Self {
        Self::new(name, QueueKind::Quorum)
    }

    /// A queue of this connection alone, gone with it and made again when the connection comes back. What is in it is lost then.
    pub fn temporary(name: impl Into<String>) -> Self {
        Self::new(name, QueueKind::Temporary)
    }

    /// A queue that somebody else declares. It is only looked for; [`retry`](Self::retry) and [`dead_letter`](Self::dead_letter) are
    /// done with queues beside it, and the broker's own ladder is not used.
    pub fn existing(name: impl Into<String>) -> Self {
        Self::new(name, QueueKind::Existing)
    }

    /// Messages whose handling failed are tried again after these pauses. Default: they go to the dead letters at the first failure.
    #[must_use]
    pub fn retry(self, retry: impl Into<Retry>) -> Self {
        Self { retry: Some(retry.into()), ..self }
    }

    /// What cannot be handled is kept in a durable queue beside it, named as this one with `.dead` behind.
    #[must_use]
    pub fn dead_letter(self) -> Self {
        let dead = format!("{}.dead", self.name);
        self.dead_letter_to(dead)
    }

    /// The same in a queue of that name. It is declared as a durable one unless the topology declares it otherwise.
    #[must_use]
    pub fn dead_letter_to(self, queue: impl Into<String>) -> Self {
        Self { dead: Some(queue.into()), ..self }
    }

    /// What cannot be handled is thrown away. A worker asks for this or for [`dead_letter`](Self::dead_letter).
    #[must_use]
    pub fn discard_failed(self) -> Self {
        Self { discard: true, ..self }
    }

    /// Messages nobody took die after this time (`x-message-ttl`): to the dead letters, if there are.
    #[must_use]
    pub fn message_ttl(self, ttl: Duration) -> Self {
        self.argument("x-message-ttl", millis(ttl))
    }

    /// Any other argument.
    #[must_use]
    pub fn argument(mut self, name: impl Into<FieldName>, value: impl Into<FieldValue>) -> Self {
        self.arguments.insert(name, value);
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its dead letters are, if it has them.
    #[must_use]
    pub fn dead_letter_queue(&self) -> Option<&str> {
        self.dead.as_deref()
    }

    /// Where messages wait on a broker without ladders of its own for the attempt after this pause. The name has all that the queue's
    /// arguments are made of: another ladder is other queues, and what waits in the old ones comes back all the same.
    #[must_use]
    pub fn rung(&self, delay: Duration) -> String {
        let ms = delay.as_millis();
        let delay = if ms.is_multiple_of(1000) { format!("{}s", ms / 1000) } else { format!("{ms}ms") };
        match self.retry.as_ref().map_or(0, Retry::jitter_percent) {
            0 => format!("{}.retry.{delay}", self.name),
            percent => format!("{}.retry.{delay}+{percent}%", self.name),
        }
    }
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

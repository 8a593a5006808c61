//! What a consumer can be told.

use std::time::Duration;

use leveret_protocol::FieldTable;

/// How to consume.
///
/// ```
/// # async fn example(connection: leveret_client::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_client::{ConsumerOptions, FieldTable};
///
/// let first = FieldTable::from([("x-priority", 10)]);
/// let options = ConsumerOptions::new("orders", 20).tag("worker-1").arguments(first);
/// let consumer = connection.consumer(options).await?;
/// # drop(consumer);
/// # Ok(()) }
/// # leveret_test::run_example(example);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConsumerOptions {
    /// The queue.
    pub queue: String,
    /// Unsettled deliveries the broker may have on the way to this consumer, 1 to 65535. See [`prefetch_for`].
    pub prefetch: u16,
    /// The consumer tag; empty: the broker makes one.
    pub tag: String,
    /// No other consumer on the queue. Default: false.
    pub exclusive: bool,
    /// Arguments, for example `x-priority`.
    pub arguments: FieldTable,
    /// How often it tries to subscribe again after the broker cancelled it (its queue was deleted or moved) or refused it (404, 405) since
    /// it last succeeded; then it ends with what the broker said last. Between attempts it pauses for 50 ms at first, 10 s from the sixth
    /// on. Attempts to connect again do not count. Default: no limit; [`Consumer::interrupted`](super::Consumer::interrupted) tells.
    pub resubscribes_max: Option<u32>,
}

impl ConsumerOptions {
    /// Consumes this queue with this prefetch; 0 is taken for 1.
    pub fn new(queue: impl Into<String>, prefetch: u16) -> Self {
        let (tag, arguments) = (String::new(), FieldTable::new());
        let (queue, prefetch) = (queue.into(), prefetch.max(1));
        Self { queue, prefetch, tag, exclusive: false, arguments, resubscribes_max: None }
    }

    /// Sets the consumer tag.
    #[must_use]
    pub fn tag(self, tag: impl Into<String>) -> Self {
        Self { tag: tag.into(), ..self }
    }

    /// Sets [`exclusive`](Self::exclusive).
    #[must_use]
    pub fn exclusive(self, exclusive: bool) -> Self {
        Self { exclusive, ..self }
    }

    /// Sets the arguments.
    #[must_use]
    pub fn arguments(self, arguments: FieldTable) -> Self {
        Self { arguments, ..self }
    }

    /// Sets [`resubscribes_max`](Self::resubscribes_max).
    #[must_use]
    pub fn resubscribes_max(self, resubscribes_max: u32) -> Self {
        Self { resubscribes_max: Some(resubscribes_max), ..self }
    }
}

/// A prefetch that keeps this many workers busy: what arrives during a round trip, and one more each; for handlers of a second
/// and more just one more than workers, because a crash counts against everything prefetched.
///
/// ```
/// use std::time::Duration;
/// use leveret_client::prefetch_for;
///
/// let (ms, s) = (Duration::from_millis, Duration::from_secs);
/// assert_eq!(prefetch_for(8, ms(4), ms(2)), 24);
/// assert_eq!(prefetch_for(8, ms(4), s(3)), 9);
/// ```
#[must_use]
pub fn prefetch_for(workers: u16, round_trip: Duration, handler: Duration) -> u16 {
    if handler >= Duration::from_secs(1) {
        return workers.saturating_add(1);
    }
    let handler = handler.as_micros().max(1);
    let each = round_trip.as_micros().div_ceil(handler) + 1;
    u16::try_from(u128::from(workers) * each).unwrap_or(u16::MAX).clamp(1, 2000)
}

//! How a publisher sends: what messages get that they lack, what may be in flight, how long they may wait.

use std::borrow::Cow;
use std::time::Duration;

#[cfg(doc)]
use super::Publisher;

/// How a publisher sends.
///
/// ```
/// # async fn example(connection: leveret_client::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_client::{Message, PublisherOptions};
/// use std::time::Duration;
///
/// let mut options = PublisherOptions::to_queue("orders");
/// options.deadline = Duration::from_secs(5);
/// options.linger = Duration::from_millis(2); // fewer writes, each confirm so much later
/// let orders = connection.publisher(options).await?;
/// orders.send(Message::new("one coffee").header("table", 7)).await?;
/// # Ok(()) }
/// # leveret_test::run_example(example);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PublisherOptions {
    /// The exchange of messages that name none; empty: the default exchange.
    pub exchange: Cow<'static, str>,
    /// The routing key of messages that name none.
    pub routing_key: Cow<'static, str>,
    /// Wait for confirms. Without them `Ok` means no more than *written*. Default: true.
    pub confirms: bool,
    /// A message no queue takes is an error. Default: true.
    pub mandatory: bool,
    /// Messages without `delivery_mode` are persistent. Default: true.
    pub persistent: bool,
    /// Messages without an id get one. Default: true.
    pub message_ids: bool,
    /// From `send` to the confirm. Default: 30 s.
    pub deadline: Duration,
    /// Messages in flight, then senders wait; 1 to 1 048 576. Default: 4096.
    pub in_flight_max: usize,
    /// Bytes of bodies in flight, then senders wait. Default: 16 MiB.
    pub in_flight_bytes_max: usize,
    /// How long a message may wait for others to be written with it. Zero: no longer than the write that is under way takes, and what
    /// came meanwhile goes out together. More makes writes fewer, and every confirm that much later: `send` waits for it too. It is
    /// over at once when [`batch_bytes`](Self::batch_bytes) are queued, when the bounds on what is in flight are reached, by
    /// [`flush`](Publisher::flush), and when the publisher or its connection is closed. Other publishers' messages are not held up, and
    /// order stays. As Kafka's `linger.ms`. At most half of the deadline counts. Default: 0.
    pub linger: Duration,
    /// Bytes of queued messages that end [`linger`](Self::linger). (One write takes what
    /// [`WriteOptions::batch_bytes_max`](crate::options::WriteOptions) says.) Default: 64 KiB.
    pub batch_bytes: usize,
    /// Adds `x-producer-id` and `x-producer-sequence` for brokers that drop duplicates by them. Default: none.
    pub producer_id: Option<String>,
}

impl Default for PublisherOptions {
    fn default() -> Self {
        Self {
            exchange: "".into(),
            routing_key: "".into(),
            confirms: true,
            mandatory: true,
            persistent: true,
            message_ids: true,
            deadline: Duration::from_secs(30),
            in_flight_max: 4096,
            in_flight_bytes_max: 16 << 20,
            linger: Duration::ZERO,
            batch_bytes: 64 << 10,
            producer_id: None,
        }
    }
}

impl PublisherOptions {
    /// To an exchange, with this routing key unless a message has its own.
    pub fn to(exchange: impl Into<Cow<'static, str>>, routing_key: impl Into<Cow<'static, str>>) -> Self {
        Self { exchange: exchange.into(), routing_key: routing_key.into(), ..Self::default() }
    }

    /// To a queue, by the default exchange.
    pub fn to_queue(queue: impl Into<Cow<'static, str>>) -> Self {
        Self::to("", queue)
    }

    /// Sets [`confirms`](Self::confirms).
    #[must_use]
    pub fn confirms(self, confirms: bool) -> Self {
        Self { confirms, ..self }
    }

    /// Sets [`mandatory`](Self::mandatory).
    #[must_use]
    pub fn mandatory(self, mandatory: bool) -> Self {
        Self { mandatory, ..self }
    }

    /// Sets [`persistent`](Self::persistent).
    #[must_use]
    pub fn persistent(self, persistent: bool) -> Self {
        Self { persistent, ..self }
    }

    /// Sets [`message_ids`](Self::message_ids).
    #[must_use]
    pub fn message_ids(self, message_ids: bool) -> Self {
        Self { message_ids, ..self }
    }

    /// Sets [`deadline`](Self::deadline).
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Sets both bounds on what is in flight.
    #[must_use]
    pub fn in_flight(self, messages: usize, bytes: usize) -> Self {
        Self { in_flight_max: messages, in_flight_bytes_max: bytes, ..self }
    }

    /// Sets [`linger`](Self::linger).
    #[must_use]
    pub fn linger(self, linger: Duration) -> Self {
        Self { linger, ..self }
    }

    /// Sets [`batch_bytes`](Self::batch_bytes).
    #[must_use]
    pub fn batch_bytes(self, batch_bytes: usize) -> Self {
        Self { batch_bytes, ..self }
    }

    /// Sets [`producer_id`](Self::producer_id).
    #[must_use]
    pub fn producer_id(self, id: impl Into<String>) -> Self {
        Self { producer_id: Some(id.into()), ..self }
    }
}

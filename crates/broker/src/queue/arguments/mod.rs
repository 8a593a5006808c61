//! What the arguments of a queue ask for.
//!
//! RabbitMQ's arguments from 3.10 to 4.x. One that is known but has a value nobody could act on is refused, with RabbitMQ's
//! words; one that is known and belongs to another queue type is refused too; one that is unknown is kept and means nothing.

mod check;
mod kind;

use leveret_protocol::{FieldTable, FieldValue};

use crate::name::{Name, ResourceKind};
use crate::queue::dedup::DedupSettings;
use crate::queue::retry::{Delays, Retry, RetryType};
use crate::queue::stream::age;
use crate::queue::{Durability, QueueSpec};
use crate::refusal::Refusal;
use check::Checks;
pub use kind::{Overflow, QueueKind};

/// How often a message of a quorum queue is redelivered unless `x-delivery-limit` says otherwise (RabbitMQ 4.0).
pub const DELIVERY_LIMIT_DEFAULT: u32 = 20;

/// The longest time that `x-message-ttl` and `x-expires` may name: ten years, in milliseconds.
pub const EXPIRY_MS_MAX: i64 = 315_360_000_000;

/// The arguments of a queue, checked and looked up once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueArguments {
    kind: QueueKind,
    message_ttl_ms: Option<u64>,
    expires_ms: Option<u64>,
    max_length: Option<u64>,
    max_length_bytes: Option<u64>,
    overflow: Option<Overflow>,
    dead_letter_exchange: Option<Name>,
    dead_letter_routing_key: Option<Box<[u8]>>,
    dead_letter_at_least_once: bool,
    max_priority: Option<u8>,
    single_active_consumer: bool,
    delivery_limit: Option<u32>,
    consumer_timeout_ms: Option<u64>,
    durability: Option<Durability>,
    retry: Option<Retry>,
    max_age_ms: Option<u64>,
    stream_segment_bytes: Option<u64>,
    stream_filter_bytes: Option<u8>,
    dedup: Option<DedupSettings>,
}

impl QueueArguments {
    /// Checks and reads the arguments of a queue that is to be created.
    ///
    /// # Errors
    /// 406, for the argument that RabbitMQ names first when several are wrong. A quorum queue or stream that is not durable, or is
    /// exclusive or auto-delete, is refused too.
    pub fn parse(name: &Name, vhost: &Name, spec: &QueueSpec) -> Result<Self, Refusal> {
        let arguments = &spec.arguments;
        if let Some(other) = arguments.get("x-dead-letter-exchange").filter(|value| !is_long_string(value)) {
            return Err(Refusal::argument_type(
                other,
                "x-dead-letter-exchange",
                ResourceKind::Queue,
                name,
                vhost,
            ));
        }
        let checks = Checks { name, vhost, arguments };
        let kind = checks.kind()?;
        checks.values(kind)?;
        checks.names(kind)?;
        if kind != QueueKind::Classic {
            checks.replicated_properties(spec)?;
        }
        if kind == QueueKind::Stream {
            checks.stream_bounds()?;
        }
        Ok(Self::read(kind, arguments))
    }

    /// Reads arguments that were checked, with what policies make of them.
    pub(crate) fn read(kind: QueueKind, arguments: &FieldTable) -> Self {
        let text = |name: &str| arguments.get(name).and_then(FieldValue::as_str);
        let number = |name: &str| arguments.get(name).and_then(FieldValue::as_i64);
        let unsigned = |name: &str| number(name).and_then(|number| u64::try_from(number).ok());
        let delivery_limit = match (kind, number("x-delivery-limit")) {
            (QueueKind::Classic | QueueKind::Stream, _) => None,
            (QueueKind::Quorum, None) => Some(DELIVERY_LIMIT_DEFAULT),
            // Below zero there is no limit.
            (QueueKind::Quorum, Some(..0)) => None,
            (QueueKind::Quorum, Some(limit)) => Some(u32::try_from(limit).unwrap_or(u32::MAX)),
        };
        Self {
            kind,
            message_ttl_ms: unsigned("x-message-ttl"),
            expires_ms: unsigned("x-expires"),
            max_length: unsigned("x-max-length"),
            max_length_bytes: unsigned("x-max-length-bytes"),
            overflow: text("x-overflow").and_then(Overflow::parse),
            dead_letter_exchange: text("x-dead-letter-exchange").map(Name::from),
            dead_letter_routing_key: arguments
                .get("x-dead-letter-routing-key")
                .and_then(FieldValue::as_bytes)
                .map(Into::into),
            dead_letter_at_least_once: text("x-dead-letter-strategy") == Some("at-least-once"),
            max_priority: number("x-max-priority").and_then(|priority| u8::try_from(priority).ok()),
            single_active_consumer: arguments
                .get("x-single-active-consumer")
                .and_then(FieldValue::as_bool)
                .unwrap_or_default(),
            delivery_limit,
            consumer_timeout_ms: unsigned("x-consumer-timeout"),
            durability: text("x-durability").and_then(kind::durability),
            retry: retry(arguments),
            max_age_ms: text("x-max-age").and_then(|text| age::parse(text.as_bytes())),
            stream_segment_bytes: unsigned("x-stream-max-segment-size-bytes"),
            stream_filter_bytes: number("x-stream-filter-size-bytes")
                .and_then(|bytes| u8::try_from(bytes).ok()),
            dedup: DedupSettings::of(arguments),
        }
    }

    /// `x-durability`: what a confirm of a persistent message means in a durable queue.
    pub fn durability(&self) -> Option<Durability> {
        self.durability
    }

    /// `x-retry-delays`, `x-retry-jitter`, `x-delayed-retry-type`, `-min` and `-max`: how long a message waits that came back.
    pub(crate) fn retry(&self) -> Option<&Retry> {
        self.retry.as_ref()
    }

    /// `x-message-deduplication`, `x-deduplication-header`, `x-cache-size`, `x-cache-ttl`: duplicates are dropped.
    pub(crate) fn dedup(&self) -> Option<&DedupSettings> {
        self.dedup.as_ref()
    }

    /// `x-queue-type`.
    pub fn kind(&self) -> QueueKind {
        self.kind
    }

    /// `x-message-ttl`: how long a message may wait, in milliseconds. 0 is to be delivered at once or dropped.
    pub fn message_ttl_ms(&self) -> Option<u64> {
        self.message_ttl_ms
    }

    /// `x-expires`: how long the queue may be unused, in milliseconds. Never 0.
    pub fn expires_ms(&self) -> Option<u64> {
        self.expires_ms
    }

    /// `x-max-length`: how many messages may be ready.
    pub fn max_length(&self) -> Option<u64> {
        self.max_length
    }

    /// `x-max-length-bytes`: how many bytes the bodies of ready messages may have together.
    pub fn max_length_bytes(&self) -> Option<u64> {
        self.max_length_bytes
    }

    /// `x-overflow`: what happens to the message that is too much.
    pub fn overflow(&self) -> Option<Overflow> {
        self.overflow
    }

    /// `x-dead-letter-exchange`: where dead messages go. Empty for the default exchange; it need not exist.
    pub fn dead_letter_exchange(&self) -> Option<&str> {
        self.dead_letter_exchange.as_deref()
    }

    /// `x-dead-letter-routing-key`: the routing key of dead messages, in place of their own. At most 255 bytes, not necessarily UTF-8.
    pub fn dead_letter_routing_key(&self) -> Option<&[u8]> {
        self.dead_letter_routing_key.as_deref()
    }

    /// `x-dead-letter-strategy: at-least-once`: a dead message stays until where it goes has confirmed it. Quorum queues only.
    pub fn dead_letter_at_least_once(&self) -> bool {
        self.dead_letter_at_least_once
    }

    /// `x-max-priority`: the highest priority that is told from lower ones. Classic queues only.
    pub fn max_priority(&self) -> Option<u8> {
        self.max_priority
    }

    /// `x-single-active-consumer`: only one consumer at a time gets messages.
    pub fn single_active_consumer(&self) -> bool {
        self.single_active_consumer
    }

    /// `x-delivery-limit`: after how many redeliveries a message is dead. `None` for never: always so for classic queues, and for
    /// quorum queues when a number below 0 was given; [`DELIVERY_LIMIT_DEFAULT`] when none was.
    pub fn delivery_limit(&self) -> Option<u32> {
        self.delivery_limit
    }

    /// `x-max-age`: how long a stream keeps a segment after its last message came, in milliseconds. Streams only.
    pub fn max_age_ms(&self) -> Option<u64> {
        self.max_age_ms
    }

    /// `x-stream-max-segment-size-bytes`: when a stream begins another segment. Streams only.
    pub fn stream_segment_bytes(&self) -> Option<u64> {
        self.stream_segment_bytes
    }

    /// `x-stream-filter-size-bytes`: bytes of the filter of each chunk of a stream, 16 to 255. Streams only.
    pub fn stream_filter_bytes(&self) -> Option<u8> {
        self.stream_filter_bytes
    }

    /// `x-consumer-timeout`: how long a consumer may keep a message unsettled, in milliseconds.
    pub fn consumer_timeout_ms(&self) -> Option<u64> {
        self.consumer_timeout_ms
    }
}

/// What the arguments about retries ask for together.
fn retry(arguments: &FieldTable) -> Option<Retry> {
    let number = |name: &str| {
        arguments.get(name).and_then(FieldValue::as_i64).and_then(|number| u64::try_from(number).ok())
    };
    let kind = arguments.get("x-delayed-retry-type").and_then(FieldValue::as_str).and_then(RetryType::parse);
    let jitter_percent = number("x-retry-jitter").unwrap_or(0);
    let ladder = arguments.get("x-retry-delays").and_then(crate::queue::retry::ladder);
    match (kind, ladder) {
        (Some(None), _) => None,
        (kind, Some(ladder)) => {
            let kind = kind.flatten().unwrap_or(RetryType::Failed);
            Some(Retry { kind, delays: Delays::Ladder(ladder), jitter_percent })
        }
        (Some(Some(kind)), None) => {
            let min_ms = number("x-delayed-retry-min")?;
            let delays = Delays::Linear { min_ms, max_ms: number("x-delayed-retry-max") };
            Some(Retry { kind, delays, jitter_percent })
        }
        (None, None) => None,
    }
}

fn is_long_string(value: &FieldValue) -> bool {
    matches!(value, FieldValue::LongString(_))
}

#[cfg(test)]
mod tests;

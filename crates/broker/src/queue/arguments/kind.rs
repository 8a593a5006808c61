//! Words that arguments may have as values.

use crate::queue::Durability;

/// `x-durability`.
pub(super) fn durability(name: &str) -> Option<Durability> {
    match name {
        "memory" => Some(Durability::Memory),
        "written" => Some(Durability::Written),
        "synced" => Some(Durability::Synced),
        _ => None,
    }
}

/// `x-queue-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum QueueKind {
    /// `classic`.
    #[default]
    Classic,
    /// `quorum`: always durable and shared, with a limit on redeliveries.
    Quorum,
    /// `stream`: a log that consuming does not shorten, always durable and shared.
    Stream,
}

impl QueueKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Classic, Self::Quorum, Self::Stream];

    /// The kind of this name.
    pub fn parse(name: &[u8]) -> Option<Self> {
        match name {
            b"classic" => Some(Self::Classic),
            b"quorum" => Some(Self::Quorum),
            b"stream" => Some(Self::Stream),
            _ => None,
        }
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Quorum => "quorum",
            Self::Stream => "stream",
        }
    }

    /// The name in RabbitMQ's reply texts.
    pub(crate) fn module(self) -> &'static str {
        match self {
            Self::Classic => "rabbit_classic_queue",
            Self::Quorum => "rabbit_quorum_queue",
            Self::Stream => "rabbit_stream_queue",
        }
    }

    /// The arguments this kind can have, in the order in which they are compared when a queue is declared again.
    pub(in crate::queue) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Classic => &[
                "x-expires",
                "x-message-ttl",
                "x-dead-letter-exchange",
                "x-dead-letter-routing-key",
                "x-max-length",
                "x-max-length-bytes",
                "x-max-priority",
                "x-overflow",
                "x-queue-mode",
                "x-queue-version",
                "x-single-active-consumer",
                "x-queue-type",
                "x-queue-master-locator",
                "x-queue-leader-locator",
                "x-durability",
                "x-retry-delays",
                "x-retry-jitter",
                "x-delayed-retry-type",
                "x-delayed-retry-min",
                "x-delayed-retry-max",
                "x-message-deduplication",
                "x-deduplication-header",
                "x-cache-size",
                "x-cache-ttl",
                "x-cache-persistence",
            ],
            Self::Quorum => &[
                "x-dead-letter-exchange",
                "x-dead-letter-routing-key",
                "x-dead-letter-strategy",
                "x-expires",
                "x-max-length",
                "x-max-length-bytes",
                "x-max-in-memory-length",
                "x-max-in-memory-bytes",
                "x-overflow",
                "x-single-active-consumer",
                "x-queue-type",
                "x-quorum-initial-group-size",
                "x-quorum-target-group-size",
                "x-delivery-limit",
                "x-message-ttl",
                "x-queue-leader-locator",
                "x-durability",
                "x-retry-delays",
                "x-retry-jitter",
                "x-delayed-retry-type",
                "x-delayed-retry-min",
                "x-delayed-retry-max",
                "x-message-deduplication",
                "x-deduplication-header",
                "x-cache-size",
                "x-cache-ttl",
                "x-cache-persistence",
            ],
            Self::Stream => &[
                "x-max-length-bytes",
                "x-queue-type",
                "x-max-age",
                "x-stream-max-segment-size-bytes",
                "x-initial-cluster-size",
                "x-queue-leader-locator",
                "x-stream-filter-size-bytes",
            ],
        }
    }
}

/// `x-overflow`: what a full queue does with the next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// `drop-head`: the oldest ready messages make room.
    DropHead,
    /// `reject-publish`: the message is not taken, and not confirmed.
    RejectPublish,
    /// `reject-publish-dlx`: the same, and it is dead-lettered.
    RejectPublishDlx,
}

impl Overflow {
    /// The behaviour of this name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "drop-head" => Some(Self::DropHead),
            "reject-publish" => Some(Self::RejectPublish),
            "reject-publish-dlx" => Some(Self::RejectPublishDlx),
            _ => None,
        }
    }
}

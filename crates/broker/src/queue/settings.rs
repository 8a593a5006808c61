//! What a queue's arguments ask of its engine, looked up once.

use super::QueueSpec;
use super::arguments::{Overflow as Asked, QueueArguments, QueueKind};
use super::dedup::DedupSettings;
use super::retry::Retry;
use crate::name::Name;

/// What a full queue does with the next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Overflow {
    /// Drops (dead-letters) from the head.
    #[default]
    DropHead,
    /// Refuses the publishing with a nack.
    RejectPublish,
    /// Refuses it and dead-letters it.
    RejectPublishDlx,
}

/// When a message counts as stored. `x-durability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Durability {
    /// At once: it is in memory and gone after a restart.
    #[default]
    Memory,
    /// When it was handed to the operating system: it survives the broker's end, not the machine's.
    Written,
    /// When it is on stable storage.
    Synced,
}

/// Settings in force. Source of each: RabbitMQ's "Queues", "TTL", "Length limit" and "Dead letter" pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) auto_delete: bool,
    /// What a confirm of a persistent message means.
    pub(crate) durability: Durability,
    /// Transient messages outlive a restart as well: RabbitMQ's quorum queues store whatever the delivery mode says.
    pub(crate) keeps_transient: bool,
    /// `x-message-ttl`.
    pub(crate) message_ttl_ms: Option<u64>,
    /// `x-expires`: the queue goes after this time without use.
    pub(crate) expires_ms: Option<u64>,
    pub(crate) max_length: Option<u64>,
    pub(crate) max_length_bytes: Option<u64>,
    pub(crate) overflow: Overflow,
    /// One of the two lengths is set.
    pub(crate) bounded: bool,
    pub(crate) dead_letter_exchange: Option<Name>,
    pub(crate) dead_letter_routing_key: Option<Vec<u8>>,
    /// `x-dead-letter-strategy: at-least-once`: a dead message stays until a queue took it.
    pub(crate) dead_letter_at_least_once: bool,
    pub(crate) max_priority: Option<u8>,
    pub(crate) single_active_consumer: bool,
    /// `x-delivery-limit`: redeliveries after which a message dies.
    pub(crate) delivery_limit: Option<u32>,
    /// `x-retry-delays`, `x-delayed-retry-type`: how long a message waits that came back.
    pub(crate) retry: Option<Retry>,
    /// `x-message-deduplication` and what goes with it.
    pub(crate) dedup: Option<DedupSettings>,
    /// It keeps nothing: what it lets pass is routed on by its exchange.
    pub(crate) is_gate: bool,
    /// `x-consumer-timeout`.
    pub(crate) consumer_timeout_ms: Option<u64>,
}

impl Settings {
    /// When a message that enters now is dead: the shorter of its own and the queue's time to live.
    #[inline]
    pub(crate) fn expires_at(&self, message_ttl_ms: Option<u64>, now_ms: u64) -> u64 {
        match (self.message_ttl_ms, message_ttl_ms) {
            (None, None) => u64::MAX,
            (Some(ttl), None) | (None, Some(ttl)) => now_ms.saturating_add(ttl),
            (Some(a), Some(b)) => now_ms.saturating_add(a.min(b)),
        }
    }
}

impl Settings {
    /// What a queue declared like this asks for, its arguments merged with the policies.
    pub(crate) fn of(spec: &QueueSpec, a: &QueueArguments) -> Settings {
        let overflow = match a.overflow() {
            Some(Asked::RejectPublish) => Overflow::RejectPublish,
            Some(Asked::RejectPublishDlx) => Overflow::RejectPublishDlx,
            _ => Overflow::DropHead,
        };
        Self {
            auto_delete: spec.auto_delete,
            durability: match (spec.durable && spec.exclusive_owner.is_none(), a.durability()) {
                (false, _) => Durability::Memory,
                (true, durability) => durability.unwrap_or(Durability::Synced),
            },
            keeps_transient: a.kind() == QueueKind::Quorum,
            message_ttl_ms: a.message_ttl_ms(),
            expires_ms: a.expires_ms(),
            max_length: a.max_length(),
            max_length_bytes: a.max_length_bytes(),
            overflow,
            bounded: a.max_length().is_some() || a.max_length_bytes().is_some(),
            dead_letter_exchange: a.dead_letter_exchange().map(Name::from),
            dead_letter_routing_key: a.dead_letter_routing_key().map(<[u8]>::to_vec),
            // As in RabbitMQ it takes a queue that drops nothing from its head.
            dead_letter_at_least_once: a.dead_letter_at_least_once() && overflow == Overflow::RejectPublish,
            max_priority: a.max_priority(),
            single_active_consumer: a.single_active_consumer(),
            delivery_limit: a.delivery_limit(),
            retry: a.retry().cloned(),
            dedup: a.dedup().cloned(),
            is_gate: false,
            consumer_timeout_ms: a.consumer_timeout_ms(),
        }
    }
}

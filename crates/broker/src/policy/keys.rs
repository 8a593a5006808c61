//! The keys a policy's definition may have: one table.
//!
//! A key of a queue that is not ignored stands for the argument of the same name with `x-` before it: it is merged into the queue's
//! arguments, and whatever reads arguments follows. So a new argument becomes a key of policies by a row here.

use super::Kinds;
use super::merge::Merge;
use crate::erlang_term;
use crate::queue::dedup::{check_size, check_ttl};
use serde_json::Value;

/// One key.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// Kinds of entities a policy with this key is for; it does not match others, as in RabbitMQ.
    pub(super) kinds: Kinds,
    /// Operator policies may have it.
    pub(super) operator: bool,
    pub(super) effect: Effect,
    /// Whether the value can be; what it is not, in RabbitMQ's words.
    check: fn(&Value) -> bool,
    noun: &'static str,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It is an argument of queues.
    Argument(Merge),
    /// It is read where exchanges are.
    Exchange,
    /// Nothing: it is about clusters, or how RabbitMQ stores messages, or a plugin that is not served. It is taken with a warning,
    /// because definitions files have it.
    None,
}

impl Key {
    /// What is wrong with the value, if anything.
    pub(super) fn refuse(&self, value: &Value) -> Option<String> {
        if (self.check)(value) {
            return None;
        }
        Some(format!("{} is not a valid {}", erlang_term::json(value), self.noun))
    }

    pub(super) fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }
}

const CLASSIC: Kinds = Kinds::CLASSIC.or(Kinds::EXCHANGE);
const QUORUM: Kinds = Kinds::QUORUM.or(Kinds::EXCHANGE);
const STREAM: Kinds = Kinds::STREAM.or(Kinds::EXCHANGE);
const MESSAGES: Kinds = CLASSIC.or(QUORUM);
const ALL: Kinds = Kinds::ALL;

const USER: bool = false;
const BOTH: bool = true;

use Effect::{Argument, Exchange, None as Nothing};

const fn key(
    name: &'static str,
    kinds: Kinds,
    operator: bool,
    effect: Effect,
    check: fn(&Value) -> bool,
    noun: &'static str,
) -> Key {
    Key { name, kinds, operator, effect, check, noun }
}

/// In alphabetical order, in which they are looked at. Those of RabbitMQ 3.10 and later; `delay`, `durability`,
/// `retry-delays`, `retry-jitter` and the five about duplicates are ours.
#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    key("alternate-exchange", ALL, USER, Exchange, text, "alternate exchange name"),
    key("cache-persistence", MESSAGES, USER, Argument(Merge::Declared), cache_persistence, "cache persistence"),
    key("cache-size", MESSAGES, USER, Argument(Merge::Declared), cache_size, "cache size"),
    key("cache-ttl", MESSAGES, USER, Argument(Merge::Declared), cache_ttl, "cache TTL"),
    key("consumer-timeout", ALL, USER, Argument(Merge::Smaller), count, "consumer timeout"),
    key("dead-letter-exchange", MESSAGES, USER, Argument(Merge::Declared), short, "dead letter exchange name"),
    key("dead-letter-routing-key", MESSAGES, USER, Argument(Merge::Declared), short, "dead letter routing key"),
    key("dead-letter-strategy", QUORUM, USER, Argument(Merge::Declared), dead_letter_strategy, "dead letter strategy"),
    key("deduplication-header", MESSAGES, USER, Argument(Merge::Declared), short, "header name"),
    key("delay", ALL, USER, Exchange, ttl, "delay in milliseconds"),
    key("delayed-retry-max", MESSAGES, USER, Argument(Merge::Declared), expires, "delay in milliseconds"),
    key("delayed-retry-min", MESSAGES, USER, Argument(Merge::Declared), expires, "delay in milliseconds"),
    key("delayed-retry-type", MESSAGES, USER, Argument(Merge::Declared), retry_type, "delayed retry type"),
    key("delivery-limit", QUORUM, BOTH, Argument(Merge::SmallerLimit), integer, "delivery limit"),
    key("durability", MESSAGES, USER, Argument(Merge::Declared), durability, "durability"),
    key("expires", MESSAGES, BOTH, Argument(Merge::Smaller), expires, "queue expiry"),
    key("federation-upstream", ALL, USER, Nothing, any, ""),
    key("federation-upstream-pattern", ALL, USER, Nothing, any, ""),
    key("federation-upstream-set", ALL, USER, Nothing, any, ""),
    key("ha-mode", CLASSIC, USER, Nothing, ha_mode, "ha-mode value"),
    key("ha-params", CLASSIC, USER, Nothing, any, ""),
    key("ha-promote-on-failure", CLASSIC, USER, Nothing, any, ""),
    key("ha-promote-on-shutdown", CLASSIC, USER, Nothing, any, ""),
    key("ha-sync-batch-size", CLASSIC, USER, Nothing, any, ""),
    key("ha-sync-mode", CLASSIC, USER, Nothing, any, ""),
    key("initial-cluster-size", STREAM, USER, Nothing, count, "cluster size"),
    key("max-age", STREAM, USER, Argument(Merge::SmallerAge), age, "max age"),
    key("max-in-memory-bytes", MESSAGES, BOTH, Nothing, count, "maximum memory in bytes"),
    key("max-in-memory-length", MESSAGES, BOTH, Nothing, count, "maximum memory in bytes"),
    key("max-length", MESSAGES, BOTH, Argument(Merge::Smaller), count, "maximum length"),
    key("max-length-bytes", ALL, BOTH, Argument(Merge::Smaller), count, "maximum length in bytes"),
    key("message-deduplication", MESSAGES, USER, Argument(Merge::Declared), flag, "boolean"),
    key("message-ttl", MESSAGES, BOTH, Argument(Merge::Smaller), ttl, "message TTL"),
    key("overflow", MESSAGES, BOTH, Argument(Merge::Declared), overflow, "overflow value"),
    key("queue-leader-locator", QUORUM.or(STREAM), USER, Nothing, leader_locator, "queue leader locator value"),
    key("queue-master-locator", CLASSIC, USER, Nothing, text, "queue master locator"),
    key("queue-mode", CLASSIC, USER, Nothing, queue_mode, "queue-mode value"),
    key("queue-version", ALL, USER, Nothing, queue_version, "queue-version value"),
    key("retry-delays", MESSAGES, USER, Argument(Merge::Declared), ladder, "list of delays in milliseconds"),
    key("retry-jitter", MESSAGES, USER, Argument(Merge::Smaller), percent, "percentage"),
    key("routing-key", ALL, USER, Nothing, text, "routing key"),
    key("shards-per-node", ALL, USER, Nothing, count, "number of shards"),
    key("stream-max-segment-size-bytes", STREAM, USER, Argument(Merge::Smaller), count, "segment size"),
    key("target-group-size", QUORUM, BOTH, Nothing, count, "target group size"),
];

fn any(_: &Value) -> bool {
    true
}

fn flag(value: &Value) -> bool {
    value.is_boolean()
}

fn cache_persistence(value: &Value) -> bool {
    matches!(value.as_str(), Some("memory" | "disk"))
}

fn cache_size(value: &Value) -> bool {
    value.as_i64().is_some_and(|size| check_size(size).is_ok())
}

fn cache_ttl(value: &Value) -> bool {
    value.as_i64().is_some_and(|ms| check_ttl(ms).is_ok())
}

fn text(value: &Value) -> bool {
    value.is_string()
}

/// A name or routing key travels as a short string.
fn short(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() <= 255)
}

fn integer(value: &Value) -> bool {
    value.is_i64()
}

fn count(value: &Value) -> bool {
    value.as_i64().is_some_and(|number| number >= 0)
}

fn ttl(value: &Value) -> bool {
    value.as_i64().is_some_and(|ms| (0..=crate::queue::arguments::EXPIRY_MS_MAX).contains(&ms))
}

fn expires(value: &Value) -> bool {
    value.as_i64().is_some_and(|ms| (1..=crate::queue::arguments::EXPIRY_MS_MAX).contains(&ms))
}

fn age(value: &Value) -> bool {
    value.as_str().is_some_and(|text| super::merge::age_seconds(text).is_some())
}

fn retry_type(value: &Value) -> bool {
    matches!(value.as_str(), Some("disabled" | "failed" | "returned" | "all"))
}

fn ladder(value: &Value) -> bool {
    let max = crate::queue::RETRY_DELAYS_MAX;
    match value {
        Value::Array(delays) => delays.len() <= max && delays.iter().all(ttl),
        Value::String(text) => crate::queue::is_ladder(text),
        _ => false,
    }
}

fn percent(value: &Value) -> bool {
    value.as_i64().is_some_and(|number| (0..=100).contains(&number))
}

fn dead_letter_strategy(value: &Value) -> bool {
    matches!(value.as_str(), Some("at-most-once" | "at-least-once"))
}

fn durability(value: &Value) -> bool {
    matches!(value.as_str(), Some("memory" | "written" | "synced"))
}

fn overflow(value: &Value) -> bool {
    matches!(value.as_str(), Some("drop-head" | "reject-publish" | "reject-publish-dlx"))
}

fn ha_mode(value: &Value) -> bool {
    matches!(value.as_str(), Some("all" | "exactly" | "nodes"))
}

fn leader_locator(value: &Value) -> bool {
    matches!(value.as_str(), Some("client-local" | "balanced" | "random" | "least-leaders"))
}

fn queue_mode(value: &Value) -> bool {
    matches!(value.as_str(), Some("default" | "lazy"))
}

fn queue_version(value: &Value) -> bool {
    matches!(value.as_i64(), Some(1 | 2))
}

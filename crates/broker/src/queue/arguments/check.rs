//! Which arguments a queue can have, and with what values.

use leveret_protocol::{FieldTable, FieldValue};

use super::{EXPIRY_MS_MAX, Overflow, QueueKind};
use crate::erlang_term;
use crate::name::{Name, ResourceKind};
use crate::queue::QueueSpec;
use crate::queue::dedup::{check_size, check_ttl};
use crate::queue::retry::{RETRY_DELAYS_MAX, RetryType, ladder};
use crate::queue::stream::age;
use crate::refusal::Refusal;

/// Largest `x-stream-max-segment-size-bytes`, as RabbitMQ.
const SEGMENT_BYTES_MAX: i64 = 3_000_000_000;
/// What `x-stream-filter-size-bytes` may be, as RabbitMQ 3.13.
const FILTER_BYTES: std::ops::RangeInclusive<i64> = 16..=255;

/// What is wrong with a value, as RabbitMQ prints it.
type Verdict = Result<(), String>;

/// A check of one argument.
type Check = (&'static str, fn(&FieldValue, &FieldTable) -> Verdict);

/// In the order in which RabbitMQ looks at them: the first that is wrong is told.
///
/// The ones about versions, modes, locators, memory and group sizes describe clusters or how RabbitMQ stores messages; on one
/// machine every valid value means the same.
const CHECKS: [Check; 36] = [
    ("x-expires", |value, _| expiry(value, 1)),
    ("x-message-ttl", |value, _| expiry(value, 0)),
    ("x-dead-letter-exchange", |value, _| short(value)),
    ("x-dead-letter-routing-key", dead_letter_routing_key),
    ("x-dead-letter-strategy", |value, _| {
        one_of(value, &["at-most-once", "at-least-once"], "invalid_dlx_strategy")
    }),
    ("x-max-length", |value, _| not_negative(value).map(drop)),
    ("x-max-length-bytes", |value, _| not_negative(value).map(drop)),
    ("x-max-in-memory-length", |value, _| not_negative(value).map(drop)),
    ("x-max-in-memory-bytes", |value, _| not_negative(value).map(drop)),
    ("x-max-priority", |value, _| match not_negative(value)? {
        ..=255 => Ok(()),
        priority => Err(format!("{{max_value_exceeded,{priority}}}")),
    }),
    ("x-overflow", |value, _| {
        let name = long_string(value)?;
        Overflow::parse(name).map(drop).ok_or_else(|| "invalid_overflow".into())
    }),
    ("x-queue-mode", |value, _| match long_string(value)? {
        "default" | "lazy" => Ok(()),
        other => Err(erlang_term::string(&format!("unsupported queue mode '{other}'"))),
    }),
    ("x-queue-version", |value, _| match not_negative(value)? {
        1 | 2 => Ok(()),
        other => Err(erlang_term::string(&format!("unsupported queue version '{other}'"))),
    }),
    ("x-single-active-consumer", |value, _| value.as_bool().map(drop).ok_or_else(|| unacceptable(value))),
    ("x-quorum-initial-group-size", |value, _| positive(value)),
    ("x-quorum-target-group-size", |value, _| positive(value)),
    ("x-max-age", |value, _| {
        let text = long_string(value)?;
        age::parse(text.as_bytes()).map(drop).ok_or_else(|| "invalid_max_age".into())
    }),
    ("x-stream-max-segment-size-bytes", |value, _| not_negative(value).map(drop)),
    ("x-initial-cluster-size", |value, _| positive(value)),
    ("x-queue-leader-locator", |value, _| {
        one_of(value, &["client-local", "balanced", "random", "least-leaders"], "invalid_queue_locator_arg")
    }),
    // A strategy for clusters; on one node any means the same.
    ("x-queue-master-locator", |_, _| Ok(())),
    ("x-delivery-limit", |value, _| integer(value).map(drop)),
    ("x-consumer-timeout", |value, _| not_negative(value).map(drop)),
    ("x-delayed-retry-type", |value, arguments| match long_string(value).map(RetryType::parse)? {
        Some(Some(_))
            if !arguments.contains_key("x-delayed-retry-min")
                && !arguments.contains_key("x-retry-delays") =>
        {
            Err("delayed_retry_min_required".into())
        }
        Some(_) => Ok(()),
        None => Err("invalid_delayed_retry_type".into()),
    }),
    ("x-delayed-retry-min", |value, _| expiry(value, 1)),
    ("x-delayed-retry-max", |value, _| expiry(value, 1)),
    ("x-retry-delays", |value, _| match ladder(value) {
        Some(_) => Ok(()),
        None => Err(format!(
            "\"expected an array of up to {RETRY_DELAYS_MAX} delays in milliseconds, 0 to {EXPIRY_MS_MAX}\""
        )),
    }),
    ("x-retry-jitter", |value, _| match not_negative(value)? {
        ..=100 => Ok(()),
        percent => Err(format!("{{max_value_exceeded,{percent}}}")),
    }),
    ("x-queue-type", |_, _| Ok(())),
    ("x-stream-filter-size-bytes", |value, _| not_negative(value).map(drop)),
    ("x-message-deduplication", |value, _| value.as_bool().map(drop).ok_or_else(|| unacceptable(value))),
    ("x-deduplication-header", |value, _| long_string(value).and_then(|_| short(value))),
    ("x-cache-size", |value, _| check_size(integer(value)?)),
    ("x-cache-ttl", |value, _| check_ttl(integer(value)?)),
    ("x-cache-persistence", |value, _| one_of(value, &["memory", "disk"], "invalid_cache_persistence")),
    ("x-durability", |value, _| one_of(value, &["memory", "written", "synced"], "invalid_durability")),
];

/// The arguments of one queue under examination.
pub(super) struct Checks<'a> {
    pub(super) name: &'a Name,
    pub(super) vhost: &'a Name,
    pub(super) arguments: &'a FieldTable,
}

impl Checks<'_> {
    /// The queue type.
    pub(super) fn kind(&self) -> Result<QueueKind, Refusal> {
        let Some(value) = self.arguments.get("x-queue-type") else { return Ok(QueueKind::default()) };
        let reason = match value {
            FieldValue::LongString(name) => match QueueKind::parse(name) {
                Some(kind) => return Ok(kind),
                None => erlang_term::string(&format!(
                    "unsupported queue type '{}'",
                    String::from_utf8_lossy(name)
                )),
            },
            other => unacceptable(other),
        };
        Err(self.invalid("x-queue-type", reason))
    }

    /// The values of the arguments that the queue type has.
    pub(super) fn values(&self, kind: QueueKind) -> Result<(), Refusal> {
        for (arg, check) in CHECKS {
            // Not one of a queue type in RabbitMQ, yet honoured.
            let applies = kind.arguments().contains(&arg) || arg == "x-consumer-timeout";
            if let Some(value) = self.arguments.get(arg).filter(|_| applies) {
                check(value, self.arguments).map_err(|reason| self.invalid(arg, reason))?;
            }
        }
        Ok(())
    }

    /// That there is no argument of another queue type.
    pub(super) fn names(&self, kind: QueueKind) -> Result<(), Refusal> {
        let of_another_kind = |arg: &str| {
            let known = QueueKind::ALL.iter().any(|kind| kind.arguments().contains(&arg));
            known && !kind.arguments().contains(&arg)
        };
        let mut names = self.arguments.iter().filter_map(|(arg, _)| arg.as_str());
        match names.find(|arg| of_another_kind(arg)) {
            None => Ok(()),
            Some(arg) => Err(Refusal::precondition(format!(
                "invalid arg '{arg}' for queue '{}' in vhost '{}' of queue type {}",
                self.name,
                self.vhost,
                kind.module()
            ))),
        }
    }

    /// That the queue is durable, shared and stays.
    pub(super) fn replicated_properties(&self, spec: &QueueSpec) -> Result<(), Refusal> {
        let property = if spec.auto_delete {
            "auto-delete"
        } else if spec.exclusive_owner.is_some() {
            "exclusive-owner"
        } else if !spec.durable {
            "non-durable"
        } else {
            return Ok(());
        };
        Err(Refusal::precondition(format!(
            "invalid property '{property}' for queue '{}' in vhost '{}'",
            self.name, self.vhost
        )))
    }

    /// Bounds of a stream's arguments that RabbitMQ looks at last, in words of their own.
    pub(super) fn stream_bounds(&self) -> Result<(), Refusal> {
        let number = |arg: &str| self.arguments.get(arg).and_then(FieldValue::as_i64);
        if number("x-stream-max-segment-size-bytes").is_some_and(|bytes| bytes > SEGMENT_BYTES_MAX) {
            return Err(Refusal::precondition("Exceeded max value for x-stream-max-segment-size-bytes"));
        }
        if number("x-stream-filter-size-bytes").is_some_and(|bytes| !FILTER_BYTES.contains(&bytes)) {
            return Err(Refusal::precondition("Invalid value for  x-stream-filter-size-bytes"));
        }
        Ok(())
    }

    fn invalid(&self, arg: &str, reason: String) -> Refusal {
        Refusal::InvalidArgument {
            arg: arg.into(),
            kind: ResourceKind::Queue,
            name: self.name.clone(),
            vhost: self.vhost.clone(),
            reason,
        }
    }
}

pub(super) fn integer(value: &FieldValue) -> Result<i64, String> {
    let other = || erlang_term::string(&format!("expected integer, got {}", value.type_name()));
    value.as_i64().ok_or_else(other)
}

fn not_negative(value: &FieldValue) -> Result<i64, String> {
    match integer(value)? {
        number @ ..0 => Err(format!("{{value_negative,{number}}}")),
        number => Ok(number),
    }
}

fn positive(value: &FieldValue) -> Verdict {
    if not_negative(value)? == 0 { Err("{value_zero,0}".into()) } else { Ok(()) }
}

/// Milliseconds.
fn expiry(value: &FieldValue, min: i64) -> Verdict {
    match integer(value)? {
        0 if min > 0 => Err("{value_zero,0}".into()),
        number @ ..0 => Err(format!("{{value_negative,{number}}}")),
        number if number > EXPIRY_MS_MAX => Err(format!("{{value_too_large,{number}}}")),
        _ => Ok(()),
    }
}

fn unacceptable(value: &FieldValue) -> String {
    format!("{{unacceptable_type,{}}}", value.type_name())
}

fn long_string(value: &FieldValue) -> Result<&str, String> {
    match value {
        FieldValue::LongString(text) => Ok(std::str::from_utf8(text).unwrap_or("\u{fffd}")),
        other => Err(unacceptable(other)),
    }
}

fn one_of(value: &FieldValue, words: &[&str], otherwise: &str) -> Verdict {
    if words.contains(&long_string(value)?) { Ok(()) } else { Err(otherwise.into()) }
}

/// A name or key travels as a short string. RabbitMQ takes longer ones here and fails when a message dies.
fn short(value: &FieldValue) -> Verdict {
    match value.as_bytes().map_or(0, <[u8]>::len) {
        ..=255 => Ok(()),
        len => Err(format!("{{value_too_large,{len}}}")),
    }
}

fn dead_letter_routing_key(value: &FieldValue, arguments: &FieldTable) -> Verdict {
    match value {
        FieldValue::LongString(_) if !arguments.contains_key("x-dead-letter-exchange") => {
            Err("routing_key_but_no_dlx_defined".into())
        }
        FieldValue::LongString(_) => short(value),
        other => Err(unacceptable(other)),
    }
}

//! Exchanges that drop duplicates: the type `x-message-deduplication` of RabbitMQ's plugin, which is a `fanout` otherwise, and any other
//! with the argument `x-message-deduplication`, as LavinMQ has it.

use super::{ExchangeKind, ExchangeSpec};
use crate::name::ResourceKind;
use crate::queue::dedup::{DedupSettings, check_size, check_ttl};
use crate::refusal::Refusal;
use leveret_protocol::FieldValue;

/// The arguments that belong to it.
pub(crate) const DEDUP_ARGUMENTS: [&str; 5] = [
    "x-message-deduplication",
    "x-deduplication-header",
    "x-cache-size",
    "x-cache-ttl",
    "x-cache-persistence",
];

impl ExchangeSpec {
    /// What it asks of deduplication; `None` if it lets everything through.
    ///
    /// # Errors
    /// 406 when an argument is unacceptable; the type `x-message-deduplication` must have an `x-cache-size`, with the plugin's words.
    pub(crate) fn deduplication(&self, vhost: &str) -> Result<Option<DedupSettings>, Refusal> {
        let arguments = &self.arguments;
        let invalid = |arg: &str, reason: String| Refusal::InvalidArgument {
            arg: arg.into(),
            kind: ResourceKind::Exchange,
            name: self.name.clone(),
            vhost: vhost.into(),
            reason,
        };
        let wrong_type = |value: &FieldValue| format!("{{unacceptable_type,{}}}", value.type_name());
        let by_type = self.kind == ExchangeKind::Deduplicating;
        let by_argument = match arguments.get("x-message-deduplication") {
            None => false,
            Some(FieldValue::Bool(on)) => *on,
            Some(other) => return Err(invalid("x-message-deduplication", wrong_type(other))),
        };
        if by_type && !arguments.contains_key("x-cache-size") {
            return Err(Refusal::precondition(
                "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0",
            ));
        }
        if !by_type && !by_argument {
            return Ok(None);
        }
        for (arg, check) in [("x-cache-size", check_size as fn(i64) -> _), ("x-cache-ttl", check_ttl)] {
            let Some(value) = arguments.get(arg) else { continue };
            let number = DedupSettings::number(value).ok_or_else(|| invalid(arg, wrong_type(value)))?;
            check(number).map_err(|reason| invalid(arg, reason))?;
        }
        match arguments.get("x-deduplication-header") {
            None | Some(FieldValue::LongString(_)) => {}
            Some(other) => return Err(invalid("x-deduplication-header", wrong_type(other))),
        }
        match arguments.get("x-cache-persistence").map(FieldValue::as_str) {
            None | Some(Some("disk" | "memory")) => Ok(Some(DedupSettings::of_exchange(arguments))),
            Some(_) => Err(invalid("x-cache-persistence", "invalid_cache_persistence".into())),
        }
    }
}

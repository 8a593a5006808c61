//! `x-delayed-message`: an exchange that keeps a message for a while before it routes it as an exchange of another type would.
//!
//! Source: the contract of RabbitMQ's plugin of that name. The header `x-delay` says for how many milliseconds; a message without
//! it, or with a value that is no number above zero, is routed at once. A delayed message arrives with its `x-delay` negated.

use super::{ExchangeKind, ExchangeSpec};
use crate::queue::arguments::EXPIRY_MS_MAX;
use crate::refusal::Refusal;
use leveret_protocol::{FieldValue, RawProperties, RawValue};

/// Argument that names the type to route by.
pub const DELAYED_TYPE: &str = "x-delayed-type";
/// Header that says how long to wait.
pub(crate) const DELAY: &str = "x-delay";

/// How long a message says it is to wait, in milliseconds; 0 for not at all, ten years at most. `None`: it says nothing.
#[inline]
pub(crate) fn own_delay_ms(properties: RawProperties<'_>) -> Option<u64> {
    let value = properties.headers()?.get(DELAY)?;
    Some(number(value).unwrap_or(0).clamp(0, EXPIRY_MS_MAX) as u64)
}

/// Whole numbers, numbers in a text, and what is left of others without their fraction.
fn number(value: RawValue<'_>) -> Option<i64> {
    match value {
        RawValue::LongString(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        RawValue::F32(number) => Some(number as i64),
        RawValue::F64(number) => Some(number as i64),
        RawValue::Timestamp(_) | RawValue::Bool(_) => None,
        other => other.decode().ok()?.as_i64(),
    }
}

/// The properties of a message that has waited, its `x-delay` negated as the plugin does: it is not delayed again by an exchange
/// further on, and its receivers see that it was.
pub(crate) fn waited(properties: RawProperties<'_>, out: &mut Vec<u8>) {
    let headers = properties.headers().and_then(|raw| raw.decode().ok()).map(|mut headers| {
        if let Some(ms) = properties.headers().and_then(|headers| headers.get(DELAY)).and_then(number) {
            let negated = -ms;
            let value = i32::try_from(negated).map_or(FieldValue::I64(negated), FieldValue::I32);
            headers.insert(DELAY, value);
        }
        headers
    });
    properties.write_with_headers(headers.as_ref(), true, out);
}

impl ExchangeSpec {
    /// The type it routes by: its own, the one that an `x-delayed-message` exchange names, `fanout` for `x-message-deduplication`.
    ///
    /// # Errors
    /// 406 when that one is not named, or is one of these two again; 503 when there is no such type.
    pub fn routing_kind(&self) -> Result<ExchangeKind, Refusal> {
        match self.kind {
            ExchangeKind::Delayed => {}
            ExchangeKind::Deduplicating => return Ok(ExchangeKind::Fanout),
            kind => return Ok(kind),
        }
        let refused =
            || Refusal::precondition("Invalid argument, 'x-delayed-type' must be an existing exchange type");
        let name = self.arguments.get(DELAYED_TYPE).and_then(FieldValue::as_str).ok_or_else(refused)?;
        match ExchangeKind::parse(name)? {
            ExchangeKind::Delayed | ExchangeKind::Deduplicating => Err(refused()),
            kind => Ok(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leveret_protocol::{FieldTable, Properties};

    fn raw(value: FieldValue) -> Vec<u8> {
        let mut raw = Vec::new();
        let headers = Some(FieldTable::from([(DELAY, value)]));
        Properties { headers, ..Properties::default() }.encode(&mut raw);
        raw
    }

    #[test]
    fn numbers_in_any_form_count_and_nothing_else_does() {
        let long = "x".repeat(3);
        for (value, ms) in [
            (FieldValue::I32(1500), 1500),
            (FieldValue::I64(5_000_000_000), 5_000_000_000),
            (FieldValue::U8(3), 3),
            (FieldValue::from("1500"), 1500),
            (FieldValue::F64(1500.9), 1500),
            (FieldValue::I32(0), 0),
            (FieldValue::I32(-1500), 0),
            (FieldValue::I64(i64::MAX), EXPIRY_MS_MAX as u64),
            (FieldValue::from(&*long), 0),
            (FieldValue::Bool(true), 0),
            (FieldValue::Void, 0),
        ] {
            let raw = raw(value.clone());
            assert_eq!(own_delay_ms(RawProperties::parse(&raw).unwrap()), Some(ms), "{value:?}");
        }
        assert_eq!(own_delay_ms(RawProperties::EMPTY), None);
    }

    #[test]
    fn what_has_waited_says_so_and_does_not_wait_again() {
        let raw = raw("1500".into());
        let mut out = Vec::new();
        waited(RawProperties::parse(&raw).unwrap(), &mut out);
        let properties = RawProperties::parse(&out).unwrap();
        assert_eq!(properties.headers().unwrap().decode().unwrap().get(DELAY), Some(&FieldValue::I32(-1500)));
        assert_eq!(own_delay_ms(properties), Some(0));
    }
}

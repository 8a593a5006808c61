//! Where a consumer of a stream begins: the consume argument `x-stream-offset`. Source: RabbitMQ, "Streams", "Consuming".

use super::age;
use crate::erlang_term;
use leveret_protocol::FieldValue;

/// See the module's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum OffsetSpec {
    /// The oldest message there is.
    First,
    /// The newest message there is; the next one if there is none.
    Last,
    /// What is published from now on.
    #[default]
    Next,
    /// This one; the oldest if it is gone, and nothing before it if it is yet to come.
    Offset(u64),
    /// The first that came at this time (milliseconds since 1970) or later.
    From(u64),
}

impl OffsetSpec {
    /// Reads the argument; an interval counts back from `unix_ms`.
    ///
    /// # Errors
    /// What is wrong, as RabbitMQ prints it.
    pub(crate) fn parse(value: Option<&FieldValue>, unix_ms: u64) -> Result<Self, String> {
        let Some(value) = value else { return Ok(Self::default()) };
        match value {
            FieldValue::LongString(text) | FieldValue::ByteArray(text) => match &**text {
                b"first" => Ok(Self::First),
                b"last" => Ok(Self::Last),
                b"next" => Ok(Self::Next),
                text => age::parse(text)
                    .map(|ms| Self::From(unix_ms.saturating_sub(ms)))
                    .ok_or_else(|| invalid(value)),
            },
            FieldValue::Timestamp(seconds) => Ok(Self::From(seconds.saturating_mul(1000))),
            number => match number.as_i64() {
                Some(offset) => Ok(Self::Offset(offset.max(0) as u64)),
                None => Err(invalid(value)),
            },
        }
    }
}

fn invalid(value: &FieldValue) -> String {
    format!("{{invalid_stream_offset_arg,{{{},{}}}}}", value.type_name(), erlang_term::value(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let now = 1_000_000_000;
        for (value, spec) in [
            (FieldValue::from("first"), OffsetSpec::First),
            ("last".into(), OffsetSpec::Last),
            ("next".into(), OffsetSpec::Next),
            (5_i64.into(), OffsetSpec::Offset(5)),
            (5_u8.into(), OffsetSpec::Offset(5)),
            ((-5).into(), OffsetSpec::Offset(0)),
            (FieldValue::Timestamp(7), OffsetSpec::From(7000)),
            ("10s".into(), OffsetSpec::From(now - 10_000)),
            ("1Y".into(), OffsetSpec::From(0)),
        ] {
            assert_eq!(OffsetSpec::parse(Some(&value), now), Ok(spec), "{value:?}");
        }
        assert_eq!(OffsetSpec::parse(None, now), Ok(OffsetSpec::Next));
    }

    #[test]
    fn anything_else_is_named() {
        for (value, told) in [
            (FieldValue::from("5"), "{longstr,<<\"5\">>}"),
            ("".into(), "{longstr,<<>>}"),
            (true.into(), "{bool,true}"),
            (FieldValue::Void, "{void,undefined}"),
        ] {
            let told = format!("{{invalid_stream_offset_arg,{told}}}");
            assert_eq!(OffsetSpec::parse(Some(&value), 0), Err(told));
        }
    }
}

//! Filter values: what a publisher says of a message in `x-stream-filter-value`, what a consumer asks for in `x-stream-filter`, and
//! the summary of a chunk that tells whether it may hold any of it. Source: RabbitMQ, "Streams", "Filtering".
//!
//! A summary is a Bloom filter, so it may say yes in vain and never no in vain. Unlike RabbitMQ, which delivers whole chunks and
//! leaves the rest to the client, single messages are compared as well: what does not match is not delivered.

use crate::message::Message;
use leveret_protocol::field_table::RawValue;
use leveret_protocol::{FieldTable, FieldValue};

const VALUE_HEADER: &str = "x-stream-filter-value";
/// Bits set for each value.
const HASHES: u64 = 3;
/// Bytes of a summary unless `x-stream-filter-size-bytes` says otherwise, as RabbitMQ.
pub(crate) const SUMMARY_BYTES: u8 = 16;

/// What a consumer wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    values: Vec<Box<[u8]>>,
    /// Messages without a value, too.
    unfiltered: bool,
}

impl Filter {
    /// From the arguments of `basic.consume`: `x-stream-filter` is a text or an array of texts, of which others are passed over.
    pub(crate) fn parse(arguments: &FieldTable) -> Option<Self> {
        let values = match arguments.get("x-stream-filter")? {
            FieldValue::LongString(value) => vec![value.as_slice().into()],
            FieldValue::Array(values) => {
                let texts = values.iter().filter_map(|value| match value {
                    FieldValue::LongString(value) => Some(value.as_slice().into()),
                    _ => None,
                });
                texts.collect()
            }
            _ => return None,
        };
        let unfiltered = arguments.get("x-stream-match-unfiltered").and_then(FieldValue::as_bool);
        Some(Self { values, unfiltered: unfiltered.unwrap_or(false) })
    }

    /// Whether a message is wanted.
    pub(crate) fn matches(&self, message: &Message) -> bool {
        match value_of(message) {
            Some(value) => self.values.iter().any(|wanted| **wanted == *value),
            None => self.unfiltered,
        }
    }

    /// Whether there may be a wanted message among those summed up.
    pub(crate) fn may_match(&self, summary: &Summary) -> bool {
        (self.unfiltered && summary.unfiltered) || self.values.iter().any(|value| summary.may_have(value))
    }
}

/// The filter value of a message. Most have no headers and cost nothing.
pub(crate) fn value_of(message: &Message) -> Option<&[u8]> {
    match message.properties().headers()?.get(VALUE_HEADER)? {
        RawValue::LongString(value) => Some(value),
        _ => None,
    }
}

/// What filter values some messages have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Summary {
    /// Some message has none.
    pub(crate) unfiltered: bool,
    /// Empty: no message has any.
    pub(crate) bits: Box<[u8]>,
}

impl Summary {
    /// Says that anything may be there.
    pub(crate) fn anything() -> Self {
        Self { unfiltered: true, bits: [u8::MAX].into() }
    }

    /// Adds a message's value; a summary has `bytes` once there is one.
    pub(crate) fn add(&mut self, value: Option<&[u8]>, bytes: u8) {
        let Some(value) = value else {
            self.unfiltered = true;
            return;
        };
        if self.bits.is_empty() {
            self.bits = vec![0; usize::from(bytes.max(1))].into();
        }
        for bit in bits(value, self.bits.len()) {
            self.bits[bit / 8] |= 1 << (bit % 8);
        }
    }

    fn may_have(&self, value: &[u8]) -> bool {
        !self.bits.is_empty()
            && bits(value, self.bits.len()).all(|bit| self.bits[bit / 8] >> (bit % 8) & 1 == 1)
    }
}

/// The bits of a value. They are on disk: a value has the same ones for ever.
fn bits(value: &[u8], bytes: usize) -> impl Iterator<Item = usize> {
    // FNV-1a, its halves mixed for the second hash.
    let hash = value.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let step = (hash >> 32 | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 17 | 1;
    let count = bytes as u64 * 8;
    (0..HASHES).map(move |n| (hash.wrapping_add(step.wrapping_mul(n)) % count) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Parts;
    use leveret_protocol::{Properties, RawProperties};

    fn message(value: Option<&str>) -> Message {
        let mut raw = Vec::new();
        let headers = value.map(|value| FieldTable::from([(VALUE_HEADER, FieldValue::from(value))]));
        Properties { headers, ..Properties::default() }.encode(&mut raw);
        let properties = RawProperties::parse(&raw).unwrap();
        Message::new(Parts { exchange: b"", routing_key: b"q", properties }, Default::default(), None, 1)
    }

    fn filter(arguments: &[(&str, FieldValue)]) -> Option<Filter> {
        Filter::parse(&arguments.iter().cloned().collect())
    }

    #[test]
    fn a_consumer_names_one_value_or_several() {
        let array = FieldValue::Array(vec!["a".into(), 5.into(), "b".into()]);
        for (arguments, wanted) in [
            (vec![("x-stream-filter", "a".into())], [true, false, false, false]),
            (vec![("x-stream-filter", array.clone())], [true, true, false, false]),
            (
                vec![("x-stream-filter", array), ("x-stream-match-unfiltered", true.into())],
                [true, true, false, true],
            ),
        ] {
            let filter = filter(&arguments).unwrap();
            let messages = [Some("a"), Some("b"), Some("c"), None];
            assert_eq!(messages.map(|value| filter.matches(&message(value))), wanted, "{arguments:?}");
        }
        assert_eq!(filter(&[("x-stream-match-unfiltered", true.into())]), None);
        assert_eq!(filter(&[("x-stream-filter", 5.into())]), None);
    }

    #[test]
    fn a_summary_never_denies_what_is_there_and_mostly_denies_what_is_not() {
        for bytes in [16, 255] {
            let mut summary = Summary::default();
            for n in 0..10 {
                summary.add(Some(format!("region-{n}").as_bytes()), bytes);
            }
            let one = |n| filter(&[("x-stream-filter", format!("region-{n}").as_str().into())]).unwrap();
            assert!((0..10).all(|n| one(n).may_match(&summary)));
            let vain = (10..1010).filter(|n| one(*n).may_match(&summary)).count();
            assert!(vain < 100, "{vain} of 1000 in {bytes} bytes");
        }
    }

    #[test]
    fn messages_without_a_value_are_summed_up_as_well() {
        let both = filter(&[("x-stream-filter", "a".into()), ("x-stream-match-unfiltered", true.into())]);
        let one = filter(&[("x-stream-filter", "a".into())]).unwrap();
        let mut summary = Summary::default();
        assert!(!both.clone().unwrap().may_match(&summary));
        summary.add(None, 16);
        assert!(both.unwrap().may_match(&summary) && !one.may_match(&summary));
        assert!(one.may_match(&Summary::anything()));
    }
}

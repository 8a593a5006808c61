//! What a message is known by: its id in a header, and its producer's sequence.

use super::DedupSettings;
use super::siphash::{Key, hash};
use crate::queue::arguments::EXPIRY_MS_MAX;
use leveret_protocol::{FieldTable, RawProperties, RawTable, RawValue};

/// Name of a header that stands for the property as well.
const MESSAGE_ID: &str = "message-id";
const TTL: &str = "x-cache-ttl";
/// What Leveret's client calls them.
const PRODUCER_ID: &str = "x-producer-id";
const PRODUCER_SEQUENCE: &str = "x-producer-sequence";

/// See the module's documentation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// Hash of its id, and for how long it is remembered; `None`: until the window is full.
    pub(super) id: Option<(u128, Option<u64>)>,
    /// Hash of its producer's name, and its sequence.
    pub(super) producer: Option<(u128, u64)>,
    /// Its id is in the window already.
    pub(super) is_known: bool,
}

impl Sighting {
    pub(super) fn of(
        properties: RawProperties<'_>,
        settings: &DedupSettings,
        key: &Key,
        scratch: &mut Vec<u8>,
    ) -> Self {
        scratch.clear();
        let headers = properties.headers();
        let has_id =
            headers.and_then(|headers| headers.get(&settings.header)).is_some_and(|id| put(id, scratch));
        if !has_id
            && &*settings.header == MESSAGE_ID
            && let Some(id) = properties.message_id()
        {
            scratch.push(b'S');
            scratch.extend_from_slice(id.as_bytes());
        }
        let ttl_ms = || {
            let own = headers.and_then(|headers| headers.get(TTL)).and_then(integer);
            own.map(|ms| ms.clamp(0, EXPIRY_MS_MAX) as u64).or(settings.ttl_ms)
        };
        let id = (!scratch.is_empty()).then(|| (hash(key, scratch), ttl_ms()));
        let producer = headers.and_then(|headers| producer(headers, key, scratch));
        Self { id, producer, is_known: false }
    }
}

/// Whether a message bears an id in this header, or its producer's sequence.
pub(crate) fn is_known_by(properties: RawProperties<'_>, header: &str) -> bool {
    let headers = properties.headers();
    let id = headers.and_then(|headers| headers.get(header));
    let has_sequence = |headers: RawTable<'_>| {
        headers.get(PRODUCER_ID).is_some() && headers.get(PRODUCER_SEQUENCE).and_then(integer).is_some()
    };
    id.is_some_and(|id| id != RawValue::Void)
        || (header == MESSAGE_ID && properties.message_id().is_some())
        || headers.is_some_and(has_sequence)
}

fn producer(headers: RawTable<'_>, key: &Key, scratch: &mut Vec<u8>) -> Option<(u128, u64)> {
    let RawValue::LongString(name) = headers.get(PRODUCER_ID)? else { return None };
    let sequence = u64::try_from(integer(headers.get(PRODUCER_SEQUENCE)?)?).ok()?;
    scratch.clear();
    scratch.push(b'p');
    scratch.extend_from_slice(name);
    Some((hash(key, scratch), sequence))
}

/// The bytes that stand for a value: a kind and what it is. Whole numbers are the same in whatever width they come.
fn put(value: RawValue<'_>, out: &mut Vec<u8>) -> bool {
    let (kind, bytes): (u8, &[u8]) = match value {
        RawValue::LongString(text) => (b'S', text),
        RawValue::ByteArray(bytes) => (b'x', bytes),
        RawValue::Void => return false,
        other => {
            if let Some(number) = integer(other) {
                out.push(b'l');
                out.extend_from_slice(&number.to_le_bytes());
                return true;
            }
            // Rare ones, as they are on the wire.
            let Ok(value) = other.decode() else { return false };
            out.push(b'?');
            FieldTable::from([("", value)]).encode(out);
            return true;
        }
    };
    out.push(kind);
    out.extend_from_slice(bytes);
    true
}

fn integer(value: RawValue<'_>) -> Option<i64> {
    Some(match value {
        RawValue::I8(number) => number.into(),
        RawValue::U8(number) => number.into(),
        RawValue::I16(number) => number.into(),
        RawValue::U16(number) => number.into(),
        RawValue::I32(number) => number.into(),
        RawValue::U32(number) => number.into(),
        RawValue::I64(number) => number,
        _ => return None,
    })
}

//! Counting and summing messages, so that two queues can be compared without keeping either.

use leveret_client::{FieldTable, RawProperties};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;

/// SHA-256 of routing key, properties and body.
pub(super) type Digest = [u8; 32];

/// Headers that quorum queues and queues with retries add to what they deliver again.
const HISTORY: [&str; 4] = ["x-delivery-count", "x-acquired-count", "x-first-failed-at", "x-last-failure"];
/// Header that streams add.
const OFFSET: &str = "x-stream-offset";

/// Sums of the messages of one queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Messages.
    pub(super) count: u64,
    /// Depends on each message and on their order.
    pub(super) chain: Digest,
    /// Depends on each message, not on their order.
    pub(super) set: u128,
}

impl Sums {
    /// One more.
    pub(super) fn add(&mut self, digest: &Digest) {
        self.count += 1;
        self.chain = Sha256::new().chain_update(self.chain).chain_update(digest).finalize().into();
        let (head, _) = digest.split_at(16);
        let number = head.iter().fold(0u128, |number, byte| number << 8 | u128::from(*byte));
        self.set = self.set.wrapping_add(number);
    }

    /// The checksum in which order counts, as far as it is shown.
    pub(super) fn in_order(&self) -> String {
        if self.count == 0 { "-".into() } else { hex(&self.chain[..8]) }
    }

    /// The one in which it does not.
    pub(super) fn any_order(&self) -> String {
        if self.count == 0 { "-".into() } else { format!("{:016x}", self.set >> 64) }
    }
}

/// What a message is known by, however often it was delivered.
pub(super) fn digest(routing_key: &[u8], properties: RawProperties<'_>, body: &[u8]) -> Digest {
    let properties = without(properties, |name| name == OFFSET || HISTORY.contains(&name));
    let len = |part: &[u8]| (part.len() as u64).to_be_bytes();
    Sha256::new()
        .chain_update(len(routing_key))
        .chain_update(routing_key)
        .chain_update(len(&properties))
        .chain_update(&properties)
        .chain_update(body)
        .finalize()
        .into()
}

/// The properties as the message was published with: without what the broker added for this delivery. Every other byte stays.
///
/// What died before may have a history of its own, in the same headers: it is left alone unless this delivery, of a queue that `counts`
/// them, has put another in its place.
pub(super) fn own_properties(raw: RawProperties<'_>, counts: bool, is_redelivered: bool) -> Cow<'_, [u8]> {
    without(raw, |name| name == OFFSET || counts && is_redelivered && HISTORY.contains(&name))
}

fn without(raw: RawProperties<'_>, goes: impl Fn(&str) -> bool) -> Cow<'_, [u8]> {
    let Some(headers) = raw.headers() else { return Cow::Borrowed(raw.as_bytes()) };
    let names = HISTORY.into_iter().chain([OFFSET]);
    let gone: Vec<&str> = names.filter(|name| goes(name) && headers.get(name).is_some()).collect();
    if gone.is_empty() {
        return Cow::Borrowed(raw.as_bytes());
    }
    let Ok(mut table) = headers.decode() else { return Cow::Borrowed(raw.as_bytes()) };
    for name in gone {
        table.remove(name);
    }
    let left: Option<&FieldTable> = (!table.is_empty()).then_some(&table);
    let mut bytes = Vec::new();
    raw.write_with_headers(left, true, &mut bytes);
    Cow::Owned(bytes)
}

/// Hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The other way round.
pub(super) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use leveret_client::Properties;

    #[test]
    fn order_counts_in_one_sum_and_not_in_the_other() {
        let none = RawProperties::EMPTY;
        let messages = [digest(b"k", none, b"a"), digest(b"k", none, b"b"), digest(b"ka", none, b"")];
        let of = |order: &[usize]| {
            let mut sums = Sums::default();
            order.iter().for_each(|at| sums.add(&messages[*at]));
            sums
        };
        let (one, other) = (of(&[0, 1, 2]), of(&[1, 0, 2]));
        assert_eq!((one.count, one.set), (other.count, other.set));
        assert_ne!(one.chain, other.chain);
        assert_ne!(of(&[0, 1]).set, of(&[0, 0]).set);
        assert_eq!(from_hex::<32>(&hex(&one.chain)), Some(one.chain));
        assert_eq!(from_hex::<2>("zz00"), None);
    }

    #[test]
    fn what_the_broker_added_is_not_the_messages() {
        let encode = |headers: &[(&'static str, i64)]| {
            let mut table = FieldTable::new();
            headers.iter().for_each(|(name, value)| _ = table.insert(*name, *value));
            let headers = (!table.is_empty()).then_some(table);
            let mut bytes = Vec::new();
            Properties { headers, delivery_mode: Some(2), ..Properties::default() }.encode(&mut bytes);
            bytes
        };
        let own = |bytes: &[u8], counts, again| {
            own_properties(RawProperties::parse(bytes).unwrap(), counts, again).into_owned()
        };
        let history = encode(&[("a", 1), ("x-delivery-count", 3), ("x-acquired-count", 4)]);
        assert_eq!(own(&history, true, true), encode(&[("a", 1)]));
        // A dead letter's own.
        assert_eq!(own(&history, true, false), history);
        assert_eq!(own(&history, false, true), history);
        assert_eq!(own(&encode(&[("x-stream-offset", 3)]), false, false), encode(&[]));
        assert_eq!(own(&encode(&[("a", 1)]), true, true), encode(&[("a", 1)]));
        let of = |bytes: &[u8]| digest(b"k", RawProperties::parse(bytes).unwrap(), b"body");
        assert_eq!(of(&history), of(&encode(&[("a", 1)])));
        assert_ne!(of(&history), of(&encode(&[("a", 2)])));
    }
}

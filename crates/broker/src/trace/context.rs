//! Where a message belongs in a trace: as its publisher said it, and as the broker keeps it beside the message.

use crate::message::Message;
use leveret_protocol::{RawProperties, RawValue};

/// Bytes of a [`TraceContext`] beside a message, its mark included.
pub(crate) const CONTEXT_BYTES: usize = 33;
/// Tells a context from what else may stand before a header frame, whose first byte is at most 2.
const MARK: u8 = b't';
const HEADER: &str = "traceparent";
/// `00-` trace id `-` span id `-` flags.
const LEN: usize = 55;

/// What the publisher said. Source: W3C, "Trace Context", section 3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parent {
    pub(crate) trace_id: [u8; 16],
    pub(crate) span_id: [u8; 8],
    pub(crate) sampled: bool,
}

/// A `traceparent` that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The `traceparent` header, if there is one: a long string, or a byte array as some libraries write.
pub(crate) fn find(properties: RawProperties<'_>) -> Option<Result<Parent, Malformed>> {
    Some(match properties.headers()?.get(HEADER)? {
        RawValue::LongString(text) | RawValue::ByteArray(text) => Parent::parse(text),
        _ => Err(Malformed),
    })
}

impl Parent {
    fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let is_dashed = [2, 35, 52].iter().all(|at| text.get(*at) == Some(&b'-'));
        // A later version may add something behind another dash.
        let is_long_enough = match text.get(..2) {
            Some(b"00") => text.len() == LEN,
            _ => text.len() == LEN || text.get(LEN) == Some(&b'-'),
        };
        if !is_dashed || !is_long_enough {
            return Err(Malformed);
        }
        let [version] = hex(&text[..2])?;
        let trace_id: [u8; 16] = hex(&text[3..35])?;
        let span_id: [u8; 8] = hex(&text[36..52])?;
        let [flags] = hex(&text[53..55])?;
        if version == 0xff || trace_id == [0; 16] || span_id == [0; 8] {
            return Err(Malformed);
        }
        Ok(Self { trace_id, span_id, sampled: flags & 1 == 1 })
    }
}

/// Lower-case digits alone, as the standard wants them.
fn hex<const BYTES: usize>(digits: &[u8]) -> Result<[u8; BYTES], Malformed> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(Malformed),
    };
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

/// Where a sampled message belongs: borne beside it, in memory and on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceContext {
    pub(crate) trace_id: [u8; 16],
    /// The span that brought it where it is: its publishing or its dead-lettering.
    pub(crate) span_id: [u8; 8],
    /// When that began, in nanoseconds since 1970.
    pub(crate) published_ns: u64,
}

/// Whether what stands before a header frame begins with this byte and is a context.
pub(crate) fn marks_context(byte: u8) -> bool {
    byte == MARK
}

impl TraceContext {
    pub(crate) fn to_bytes(self) -> [u8; CONTEXT_BYTES] {
        let mut bytes = [MARK; CONTEXT_BYTES];
        bytes[1..17].copy_from_slice(&self.trace_id);
        bytes[17..25].copy_from_slice(&self.span_id);
        bytes[25..].copy_from_slice(&self.published_ns.to_be_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; CONTEXT_BYTES] = bytes.try_into().ok()?;
        Some(Self {
            trace_id: bytes[1..17].try_into().ok()?,
            span_id: bytes[17..25].try_into().ok()?,
            published_ns: u64::from_be_bytes(bytes[25..].try_into().ok()?),
        })
    }

    /// The id of a span about the message in one queue: the same whenever it is asked for, so that nobody has to keep it.
    pub(crate) fn span_of(&self, queue: u64, position: u64, attempt: u32) -> [u8; 8] {
        let seeds = [queue, position, u64::from(attempt)];
        let mixed = seeds.iter().fold(u64::from_be_bytes(self.span_id), |id, seed| mix(id ^ mix(*seed)));
        mixed.max(1).to_be_bytes()
    }

    /// The span that the publisher wrote into the message, for a link to it.
    pub(crate) fn creation(message: &Message) -> Option<Parent> {
        find(message.properties())?.ok()
    }
}

fn mix(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_the_standard_allows_is_read() {
        let parent = Parent::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(parent.trace_id[..3], [0x4b, 0xf9, 0x2f]);
        assert_eq!(parent.span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
        assert!(parent.sampled);
        let flags = |flags: &str| Parent::parse(GOOD.replace("-01", flags).as_bytes()).map(|p| p.sampled);
        assert_eq!(flags("-00"), Ok(false));
        assert_eq!(flags("-fe"), Ok(false), "flags that nobody knows yet");
        assert_eq!(flags("-03"), Ok(true));
        let later = GOOD.replacen("00", "cc", 1) + "-what-comes-later";
        assert!(Parent::parse(later.as_bytes()).is_ok());
    }

    #[test]
    fn what_it_forbids_is_malformed() {
        let cases = [
            "",
            "00",
            &GOOD[..54],
            &(GOOD.to_owned() + "-more"),
            &(GOOD.to_owned() + "0"),
            &GOOD.replacen("00", "ff", 1),
            &GOOD.replace("4bf92f", "4BF92F"),
            &GOOD.replace("4bf92f", "4bf92g"),
            &GOOD.replace('-', "_"),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
            &GOOD.replace("00f067aa0ba902b7", "0000000000000000"),
        ];
        for case in cases {
            assert_eq!(Parent::parse(case.as_bytes()), Err(Malformed), "{case}");
        }
    }

    #[test]
    fn spans_of_one_message_have_ids_of_their_own() {
        let context = TraceContext { trace_id: [1; 16], span_id: [2; 8], published_ns: 3 };
        assert_eq!(TraceContext::from_bytes(&context.to_bytes()), Some(context));
        let ids: std::collections::BTreeSet<_> =
            (0..1000).map(|n: u64| context.span_of(n % 10, n / 10 % 10, (n / 100) as u32)).collect();
        assert_eq!(ids.len(), 1000);
        assert_eq!(context.span_of(7, 8, 9), context.span_of(7, 8, 9));
    }
}

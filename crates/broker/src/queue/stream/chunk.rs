//! A chunk: some thousand messages of a stream that lie behind each other, summed up. The summaries are what a stream keeps in memory
//! of what is on disk: enough to find a time, to skip what a filter does not want and to know what retention may take.

use super::filter::Summary;

/// See the module's documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Offsets of its first and last message.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// When they came, in milliseconds since 1970.
    pub(crate) first_ms: u64,
    pub(crate) last_ms: u64,
    /// Bytes of its messages, with what they cost in the log.
    pub(crate) bytes: u64,
    /// The first of a segment.
    pub(crate) begins_segment: bool,
    pub(crate) filter: Summary,
}

const VERSION: u8 = 1;
const BEGINS_SEGMENT: u8 = 1;
const UNFILTERED: u8 = 2;

impl Chunk {
    /// One without messages, which the first is about to enter.
    pub(crate) fn begin(offset: u64, unix_ms: u64, begins_segment: bool) -> Self {
        Self {
            first: offset,
            last: offset,
            first_ms: unix_ms,
            last_ms: unix_ms,
            bytes: 0,
            begins_segment,
            filter: Summary::default(),
        }
    }

    /// How many messages are in it, but for those that a crash took from its middle.
    pub(crate) fn messages(&self) -> u64 {
        self.last - self.first + 1
    }

    /// As the store keeps it: version u8, flags u8, first, last, first_ms, last_ms, bytes (u64 each), the filter's bits.
    pub(crate) fn encode(&self) -> Box<[u8]> {
        let flags =
            u8::from(self.begins_segment) * BEGINS_SEGMENT + u8::from(self.filter.unfiltered) * UNFILTERED;
        let mut bytes = vec![VERSION, flags];
        for number in [self.first, self.last, self.first_ms, self.last_ms, self.bytes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.filter.bits);
        bytes.into()
    }

    /// `None`: these bytes are none.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let ([VERSION, flags], rest) = bytes.split_first_chunk()? else { return None };
        let (numbers, bits) = rest.split_at_checked(40)?;
        let mut words = numbers.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        let (first, last) = (words.next()?, words.next()?);
        let chunk = Self {
            first,
            last,
            first_ms: words.next()?,
            last_ms: words.next()?,
            bytes: words.next()?,
            begins_segment: flags & BEGINS_SEGMENT != 0,
            filter: Summary { unfiltered: flags & UNFILTERED != 0, bits: bits.into() },
        };
        (first <= last).then_some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written() {
        let mut chunk = Chunk { last: 9, last_ms: 77, bytes: 1000, ..Chunk::begin(3, 55, true) };
        for value in [None, Some(&b"a"[..])] {
            chunk.filter.add(value, 16);
            let bytes = chunk.encode();
            assert_eq!(Chunk::decode(&bytes), Some(chunk.clone()));
            assert_eq!(Chunk::decode(&bytes[..41]), None);
        }
        assert_eq!(Chunk::decode(b""), None);
        assert_eq!(Chunk::decode(&[2; 60]), None);
    }
}

//! What a record says. The index is made of these and of nothing else, in the order they have in the log.

use crate::types::{History, Lane, Target};

/// Where a record's frame lies: `len` bytes at `offset` of a log file, its own eight bytes of length and checksum included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// Number of the log file.
    pub(crate) file: u32,
    /// Bytes from the start of the file.
    pub(crate) offset: u32,
    /// Bytes of the frame.
    pub(crate) len: u32,
}

/// One record, borrowed from the bytes it was decoded from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op<'a> {
    /// A message arrives in its targets, or (`moved`) what is still live of it is found here from now on.
    Message {
        /// The places it takes.
        targets: Targets<'a>,
        /// Bytes of its body.
        weight: u32,
        /// Its bytes; empty where they were appended by reference and only the index is asked.
        payload: &'a [u8],
        /// Relocates the targets that are live, and never inserts any.
        moved: bool,
    },
    /// Positions `first..first + count`, all of them live or not yet seen, are done with.
    Settle {
        /// Number of the queue.
        queue: u64,
        /// Lane of the queue.
        lane: Lane,
        /// First position.
        first: u64,
        /// How many, one after the other.
        count: u32,
        /// Bytes of their bodies together.
        weight: u64,
    },
    /// Everything live in `first..=last` is done with.
    Clear {
        /// Number of the queue.
        queue: u64,
        /// Lane of the queue.
        lane: Lane,
        /// First position.
        first: u64,
        /// Last position.
        last: u64,
    },
    /// A message came back: redelivered from now on, with this history.
    Returned {
        /// Number of the queue.
        queue: u64,
        /// Lane of the queue.
        lane: Lane,
        /// The message's position.
        position: u64,
        /// What became of it.
        history: History,
    },
    /// Positions up to here may have been delivered; written ahead of the deliveries.
    Delivering {
        /// Number of the queue.
        queue: u64,
        /// Lane of the queue.
        lane: Lane,
        /// The highest position.
        through: u64,
    },
    /// Exactly the positions up to here have been delivered; written at an orderly stop.
    Delivered {
        /// Number of the queue.
        queue: u64,
        /// Lane of the queue.
        lane: Lane,
        /// The highest position.
        through: u64,
    },
    /// The queue and everything in it is gone.
    DropQueue {
        /// Number of the queue.
        queue: u64,
    },
    /// A definition is set.
    Put {
        /// Its key.
        key: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
    /// A definition goes.
    Remove {
        /// Its key.
        key: &'a [u8],
    },
}

/// The targets of a message, as they stand in its record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Targets<'a>(&'a [[u8; TARGET_BYTES]]);

/// Bytes of one encoded target.
pub(crate) const TARGET_BYTES: usize = 25;

impl<'a> Targets<'a> {
    /// Targets as they stand in a record: whole multiples of [`TARGET_BYTES`]; what is left over is not looked at.
    pub(crate) fn from_encoded(bytes: &'a [u8]) -> Self {
        Self(bytes.as_chunks().0)
    }

    /// One after the other, without copying.
    pub(crate) fn iter(&self) -> TargetsIter<'a> {
        TargetsIter(self.0)
    }
}

impl<'a> IntoIterator for Targets<'a> {
    type Item = Target;
    type IntoIter = TargetsIter<'a>;

    fn into_iter(self) -> TargetsIter<'a> {
        self.iter()
    }
}

impl PartialEq for Targets<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Targets<'_> {}

/// Iterator over [`Targets`].
#[derive(Debug, Clone)]
pub(crate) struct TargetsIter<'a>(&'a [[u8; TARGET_BYTES]]);

impl Iterator for TargetsIter<'_> {
    type Item = Target;

    #[inline]
    fn next(&mut self) -> Option<Target> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(decode_target(first))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.0.len();
        (left, Some(left))
    }
}

/// Queue, position, time of expiry, lane.
#[inline]
pub(crate) fn encode_target(target: &Target) -> [u8; TARGET_BYTES] {
    let mut bytes = [0; TARGET_BYTES];
    bytes[..8].copy_from_slice(&target.queue.to_le_bytes());
    bytes[8..16].copy_from_slice(&target.position.to_le_bytes());
    bytes[16..24].copy_from_slice(&target.expires_unix_ms.to_le_bytes());
    bytes[24] = target.lane;
    bytes
}

#[inline]
fn decode_target(bytes: &[u8; TARGET_BYTES]) -> Target {
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(word)
    };
    Target { queue: word(0), lane: bytes[24], position: word(8), expires_unix_ms: word(16) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_round_trip() {
        let targets = [
            Target { queue: 1, lane: 0, position: 7, expires_unix_ms: u64::MAX },
            Target { queue: u64::MAX, lane: 0x85, position: 1 << 40, expires_unix_ms: 12 },
        ];
        let bytes: Vec<u8> = targets.iter().flat_map(encode_target).collect();
        let encoded = Targets::from_encoded(&bytes);
        assert!(encoded.into_iter().eq(targets));
    }
}

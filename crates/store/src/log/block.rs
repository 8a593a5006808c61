//! Footer blocks: where the live messages of a sealed file lie.

use crate::record::{u32_at, u64_at};

/// Bytes of one entry.
pub(crate) const ENTRY_BYTES: usize = 16;

/// Where a message's record lies in the file of the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockEntry {
    pub(crate) position: u64,
    pub(crate) offset: u32,
    pub(crate) len: u32,
}

/// Bytes of a block of so many entries.
pub(crate) fn bytes(entries: usize) -> usize {
    entries * ENTRY_BYTES + 4
}

/// Appends a block of entries in the order of their positions.
pub(crate) fn encode(entries: &[BlockEntry], out: &mut Vec<u8>) {
    let start = out.len();
    for entry in entries {
        out.extend_from_slice(&entry.position.to_le_bytes());
        out.extend_from_slice(&entry.offset.to_le_bytes());
        out.extend_from_slice(&entry.len.to_le_bytes());
    }
    let crc = crc32c::crc32c(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// `None`: damaged.
pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<BlockEntry>> {
    let (entries, crc) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(entries) != u32::from_le_bytes(*crc) {
        return None;
    }
    let entry =
        |e: &[u8]| Some(BlockEntry { position: u64_at(e, 0)?, offset: u32_at(e, 8)?, len: u32_at(e, 12)? });
    entries.chunks_exact(ENTRY_BYTES).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_round_trip_and_show_damage() {
        let entries: Vec<_> =
            (0..100).map(|n| BlockEntry { position: n * 3, offset: n as u32 * 7, len: n as u32 }).collect();
        let mut out = Vec::new();
        encode(&entries, &mut out);
        assert_eq!(out.len(), bytes(100));
        assert_eq!(decode(&out).unwrap(), entries);
        out[5] ^= 1;
        assert!(decode(&out).is_none());
    }
}

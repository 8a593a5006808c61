//! The index on disk, whole.
//!
//! ```text
//! "LVRTCKP1" | format u32 | first u32 | group u64 | body len u64 | body crc u32 | header crc u32 | body: the index
//! ```
//! `first`: records of the log files from this number on come on top of it. `group`: number of the last group before them.

use super::Store;
use crate::disk::{Disk, read_full, write_all};
use crate::index::Index;
use crate::record::{u32_at, u64_at};
use std::io::{self, IoSlice};

const MAGIC: &[u8; 8] = b"LVRTCKP1";
const HEADER_BYTES: usize = 40;
const FORMAT: u32 = 2;

/// What stands at the head of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CheckpointHead {
    pub(super) first: u32,
    pub(super) group: u64,
}

pub(super) fn name(number: u64) -> String {
    format!("checkpoint-{number:016x}")
}

pub(super) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("checkpoint-")?;
    if digits.len() == 16 { u64::from_str_radix(digits, 16).ok() } else { None }
}

fn encode(head: CheckpointHead, index: &Index) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    index.encode(&mut bytes);
    let len = (bytes.len() - HEADER_BYTES) as u64;
    let crc = crc32c::crc32c(&bytes[HEADER_BYTES..]);
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    bytes[12..16].copy_from_slice(&head.first.to_le_bytes());
    bytes[16..24].copy_from_slice(&head.group.to_le_bytes());
    bytes[24..32].copy_from_slice(&len.to_le_bytes());
    bytes[32..36].copy_from_slice(&crc.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..36]);
    bytes[36..40].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<(CheckpointHead, Index)> {
    let (head, body) = bytes.split_at_checked(HEADER_BYTES)?;
    let is_good = &head[..8] == MAGIC
        && u32_at(head, 36)? == crc32c::crc32c(&head[..36])
        && u64_at(head, 24)? == body.len() as u64
        && u32_at(head, 32)? == crc32c::crc32c(body);
    let format = u32_at(head, 8)?;
    if !is_good || !(1..=FORMAT).contains(&format) {
        return None;
    }
    Some((
        CheckpointHead { first: u32_at(head, 12)?, group: u64_at(head, 16)? },
        Index::decode(body, format)?,
    ))
}

/// Reads a checkpoint. `None`: it makes no sense.
///
/// # Errors
/// It cannot be read.
pub(super) fn read(disk: &dyn Disk, number: u64) -> io::Result<Option<(CheckpointHead, Index)>> {
    let file = disk.open(&name(number))?;
    let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(0)];
    let count = read_full(&*file, 0, &mut bytes)?;
    bytes.truncate(count);
    Ok(decode(&bytes))
}

impl Store {
    /// A checkpoint as bytes.
    pub(super) fn encode_checkpoint(head: CheckpointHead, index: &Index) -> Vec<u8> {
        encode(head, index)
    }

    /// Writes a checkpoint beside the last one. Returns its bytes.
    pub(super) fn put_checkpoint(&self, number: u64, bytes: &[u8]) -> io::Result<u64> {
        const BESIDE: &str = "checkpoint-new";
        // Left over from a crash while it was written.
        let _ = self.disk.remove(BESIDE);
        let file = self.disk.create(BESIDE)?;
        write_all(&*file, 0, &mut [IoSlice::new(bytes)])?;
        file.sync()?;
        self.disk.rename(BESIDE, &name(number))?;
        self.disk.sync_names()?;
        self.figures.checkpoints.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(bytes.len() as u64)
    }
}

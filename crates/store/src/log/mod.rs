//! Log files: their names and the headers in them.
//!
//! ```text
//! file    "LVRTLOG1" | format u32 | number u32 | crc u32 | zeros to 4096 | groups, each from a multiple of 4096 on
//! group   "LVRTGRP1" | file u32 | len u32 (this header and the batches) | number u64 | synced u64 | zero u32 | crc u32 | batches | zeros
//! block   entries of (position u64, offset u32, len u32), by position | crc u32
//! ```
//! `synced`: all groups up to that number were on stable storage when this one was written. Blocks come behind the last group of a
//! sealed file, at places that the checkpoint knows.

pub(crate) mod block;
pub(crate) mod scan;

use crate::record::{u32_at, u64_at};

/// Groups start at multiples of this, so that a page that was synced is never written again.
pub(crate) const ALIGNMENT: u64 = 4096;
/// Bytes of a group's header.
pub(crate) const GROUP_HEADER_BYTES: usize = 40;
/// The format of log files that this version writes.
pub(crate) const FORMAT: u32 = 1;

const FILE_MAGIC: &[u8; 8] = b"LVRTLOG1";
const GROUP_MAGIC: &[u8; 8] = b"LVRTGRP1";

/// Name of a log file.
pub(crate) fn name(number: u32) -> String {
    format!("log-{number:08x}")
}

/// Name of a file that is to become a log file.
pub(crate) fn spare_name(number: u32) -> String {
    format!("spare-{number:08x}")
}

/// The number in a name of this kind.
pub(crate) fn number_of(name: &str, kind: &str) -> Option<u32> {
    let digits = name.strip_prefix(kind)?.strip_prefix('-')?;
    if digits.len() == 8 { u32::from_str_radix(digits, 16).ok() } else { None }
}

/// The next multiple of [`ALIGNMENT`].
pub(crate) fn align(bytes: u64) -> u64 {
    bytes.next_multiple_of(ALIGNMENT)
}

/// The first 4096 bytes of a log file.
pub(crate) fn file_header(number: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ALIGNMENT as usize);
    bytes.extend_from_slice(FILE_MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes.resize(ALIGNMENT as usize, 0);
    bytes
}

/// The number a log file says it has. `None`: no log file of this format.
pub(crate) fn parse_file_header(bytes: &[u8]) -> Option<u32> {
    let is_good = bytes.get(..8)? == FILE_MAGIC
        && u32_at(bytes, 8)? == FORMAT
        && u32_at(bytes, 16)? == crc32c::crc32c(&bytes[..16]);
    if is_good { u32_at(bytes, 12) } else { None }
}

/// The head of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupHeader {
    pub(crate) file: u32,
    /// Bytes of this header and the batches.
    pub(crate) len: u32,
    pub(crate) number: u64,
    pub(crate) synced: u64,
}

impl GroupHeader {
    pub(crate) fn encode(&self) -> [u8; GROUP_HEADER_BYTES] {
        let mut bytes = [0; GROUP_HEADER_BYTES];
        bytes[..8].copy_from_slice(GROUP_MAGIC);
        bytes[8..12].copy_from_slice(&self.file.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.len.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.synced.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..36]);
        bytes[36..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// `None`: no group of this file starts here.
    pub(crate) fn parse(bytes: &[u8], file: u32) -> Option<Self> {
        let head: &[u8; GROUP_HEADER_BYTES] = bytes.first_chunk()?;
        if &head[..8] != GROUP_MAGIC || crc32c::crc32c(&head[..36]) != u32_at(head, 36)? {
            return None;
        }
        let header = Self {
            file: u32_at(head, 8)?,
            len: u32_at(head, 12)?,
            number: u64_at(head, 16)?,
            synced: u64_at(head, 24)?,
        };
        (header.file == file && header.len as usize >= GROUP_HEADER_BYTES).then_some(header)
    }
}

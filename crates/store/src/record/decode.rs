//! Bytes of the log to records.

use super::{
    BATCH_HEADER_BYTES, CHECKED_FROM, CLEAR, DELIVERED, DELIVERING, DROP_QUEUE, HISTORY, MESSAGE, MOVED, Op,
    PUT, REMOVE, RETURNED, SETTLE, TARGET_BYTES, Targets, content,
};
use crate::types::History;

/// The head of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    /// Bytes of its records.
    pub(crate) len: u32,
    pub(crate) count: u32,
    pub(crate) nonce: u64,
}

impl BatchHeader {
    /// `None`: these bytes are no head of a batch.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let head: &[u8; BATCH_HEADER_BYTES] = bytes.first_chunk()?;
        if crc32c::crc32c(&head[..20]) != u32_at(head, 20)? {
            return None;
        }
        Some(Self { len: u32_at(head, 0)?, count: u32_at(head, 4)?, nonce: u64_at(head, 8)? })
    }
}

/// A record where it lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    /// Bytes from the start of the batch's records.
    pub(crate) at: usize,
    pub(crate) len: usize,
    pub(crate) op: Op<'a>,
}

/// Bytes that are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordError {
    /// Where they begin.
    pub(crate) at: usize,
    /// Where the next record may begin, if the length can be believed.
    pub(crate) next: Option<usize>,
}

/// The records of a batch, one after the other; a bad one is told, and the next looked for behind it.
pub(crate) fn records<'a>(
    header: BatchHeader,
    bytes: &'a [u8],
) -> impl Iterator<Item = Result<Record<'a>, RecordError>> {
    let bytes = &bytes[..bytes.len().min(header.len as usize)];
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= header.len as usize {
            return None;
        }
        match check(header.nonce, bytes, at) {
            Some((len, op)) => {
                let record = Record { at, len, op };
                at += len;
                Some(Ok(record))
            }
            None => {
                // The next one whose checksum is right: a bad length must not take the others with it.
                let next = (at + 1..bytes.len()).find(|next| check(header.nonce, bytes, *next).is_some());
                let error = RecordError { at, next };
                at = next.unwrap_or(header.len as usize);
                Some(Err(error))
            }
        }
    })
}

fn check(nonce: u64, bytes: &[u8], at: usize) -> Option<(usize, Op<'_>)> {
    let len = u32_at(bytes, at)?;
    let record = bytes.get(at..at.checked_add(len as usize)?)?;
    // Before the checksum: behind damage this is asked at every byte, and sums over what only looks like a length take for ever.
    if u32_at(record, CHECKED_FROM)? != nonce as u32 {
        return None;
    }
    Some((len as usize, parse(content(record)?)?))
}

/// What a record says, without its checksum being looked at; of a message that lies elsewhere by reference only the head is there.
pub(crate) fn parse(content: &[u8]) -> Option<Op<'_>> {
    let (kind, rest) = content.split_first()?;
    Some(match *kind {
        MESSAGE | MOVED => {
            let count = usize::from(u16::from_le_bytes(*rest.first_chunk()?));
            let weight = u32_at(rest, 2)?;
            let targets = rest.get(6..)?;
            let split = count * TARGET_BYTES;
            let (targets, payload) = (targets.get(..split)?, &targets[split..]);
            Op::Message { targets: Targets::from_encoded(targets), weight, payload, moved: *kind == MOVED }
        }
        SETTLE => {
            let (queue, lane, first) = place(rest)?;
            Op::Settle { queue, lane, first, count: u32_at(rest, 17)?, weight: u64_at(rest, 21)? }
        }
        CLEAR => {
            let (queue, lane, first) = place(rest)?;
            Op::Clear { queue, lane, first, last: u64_at(rest, 17)? }
        }
        RETURNED => {
            let (queue, lane, position) = place(rest)?;
            let delivery_count = u32_at(rest, 17)?;
            let history = History { delivery_count, acquired_count: delivery_count, ..History::default() };
            Op::Returned { queue, lane, position, history }
        }
        HISTORY => {
            let (queue, lane, position) = place(rest)?;
            Op::Returned { queue, lane, position, history: history(rest.get(17..)?)? }
        }
        DELIVERING => {
            let (queue, lane, through) = place(rest)?;
            Op::Delivering { queue, lane, through }
        }
        DELIVERED => {
            let (queue, lane, through) = place(rest)?;
            Op::Delivered { queue, lane, through }
        }
        DROP_QUEUE => Op::DropQueue { queue: u64_at(rest, 0)? },
        PUT => {
            let len = usize::from(u16::from_le_bytes(*rest.first_chunk()?));
            let rest = &rest[2..];
            Op::Put { key: rest.get(..len)?, value: &rest[len..] }
        }
        REMOVE => Op::Remove { key: rest },
        _ => return None,
    })
}

/// Bytes of an encoded history.
pub(crate) const HISTORY_BYTES: usize = 25;

/// Delivery count, acquired count, held until, first failed, reason.
pub(crate) fn encode_history(history: &History) -> [u8; HISTORY_BYTES] {
    let mut bytes = [0; HISTORY_BYTES];
    bytes[..4].copy_from_slice(&history.delivery_count.to_le_bytes());
    bytes[4..8].copy_from_slice(&history.acquired_count.to_le_bytes());
    bytes[8..16].copy_from_slice(&history.held_until_unix_ms.to_le_bytes());
    bytes[16..24].copy_from_slice(&history.first_failed_unix_ms.to_le_bytes());
    bytes[24] = history.reason;
    bytes
}

pub(crate) fn history(bytes: &[u8]) -> Option<History> {
    Some(History {
        delivery_count: u32_at(bytes, 0)?,
        acquired_count: u32_at(bytes, 4)?,
        held_until_unix_ms: u64_at(bytes, 8)?,
        first_failed_unix_ms: u64_at(bytes, 16)?,
        reason: *bytes.get(24)?,
    })
}

fn place(bytes: &[u8]) -> Option<(u64, u8, u64)> {
    Some((u64_at(bytes, 0)?, *bytes.get(16)?, u64_at(bytes, 8)?))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

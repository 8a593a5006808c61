//! Records, and the batches they are appended in: values to bytes and back.
//!
//! ```text
//! batch    len u32 (of the records) | count u32 | nonce u64 | zero u32 | crc u32 of these 20 bytes | records
//! record   len u32 (all of it) | crc u32 (of len and what follows) | salt u32 | kind u8 | what the kind says
//! ```
//! Little endian throughout. A record carries the low half of its batch's nonce, so that bytes left over in a recycled file never pass
//! for records of the batch that was to replace them.

mod batch;
mod decode;
mod op;

pub use batch::Batch;
pub(crate) use decode::{
    BatchHeader, HISTORY_BYTES, encode_history, history, parse, records, u32_at, u64_at,
};
pub(crate) use op::{Op, Place, TARGET_BYTES, Targets, encode_target};

/// Bytes before a batch's first record.
pub(crate) const BATCH_HEADER_BYTES: usize = 24;
/// Bytes before a record's kind.
pub(crate) const RECORD_HEADER_BYTES: usize = 12;
/// Bytes of a record that its checksum does not go over.
const CHECKED_FROM: usize = 8;

const MESSAGE: u8 = 1;
const MOVED: u8 = 2;
const SETTLE: u8 = 3;
const CLEAR: u8 = 4;
const RETURNED: u8 = 5;
const DELIVERING: u8 = 6;
const DELIVERED: u8 = 7;
const DROP_QUEUE: u8 = 8;
const PUT: u8 = 9;
const REMOVE: u8 = 10;
/// What [`RETURNED`] says, and more; since format 2.
const HISTORY: u8 = 11;

/// The checksum of a record of `len` bytes, of which these follow the checksum.
fn checksum(len: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(len, bytes)
}

/// The content of a record that lies alone, from its kind on. `None`: it is damaged.
pub(crate) fn content(record: &[u8]) -> Option<&[u8]> {
    let len = u32_at(record, 0)?;
    let is_good =
        record.len() == len as usize && checksum(len, record.get(CHECKED_FROM..)?) == u32_at(record, 4)?;
    if is_good { record.get(RECORD_HEADER_BYTES..) } else { None }
}

//! What is appended as one: all of it survives, or nothing.

use super::{
    BATCH_HEADER_BYTES, CHECKED_FROM, CLEAR, DELIVERED, DELIVERING, DROP_QUEUE, HISTORY, MESSAGE, MOVED, PUT,
    RECORD_HEADER_BYTES, REMOVE, SETTLE, TARGET_BYTES, checksum, encode_history, encode_target,
};
use crate::types::{History, Lane, Target};
use bytes::Bytes;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tails shorter than this are copied: a reference costs more.
const TAIL_BYTES_MIN: usize = 4096;
/// Targets that share a record however short the message is.
const TARGETS_MIN: usize = 64;
/// Room kept between appends.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// Nonces of this process; where they start differs from the last one's.
static NONCE: LazyLock<AtomicU64> =
    LazyLock::new(|| AtomicU64::new(RandomState::new().hash_one(std::process::id())));

/// Records to be appended together. Reused, so that its room is allocated once.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) bytes: Vec<u8>,
    /// Bytes kept by reference: where in `bytes` they belong.
    pub(crate) tails: Vec<(usize, Bytes)>,
    count: u32,
    nonce: u64,
    /// A record of settled positions that the next one may extend.
    settling: Option<Settling>,
}

#[derive(Debug)]
struct Settling {
    queue: u64,
    lane: Lane,
    first: u64,
    count: u32,
    weight: u64,
}

/// Targets that share a record with a message of this length: they take no more bytes than it does, or than
/// [`TARGETS_MIN`] of them.
fn targets_max(len: usize) -> usize {
    (len / TARGET_BYTES).clamp(TARGETS_MIN, u16::MAX.into())
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.count == 0 && self.settling.is_none()
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = Vec::new();
        }
        self.tails.clear();
        self.count = 0;
        self.settling = None;
    }

    /// A message enters its targets. `weight` is the length of its body; its bytes are `head` and `tail` one after the other, and
    /// a long tail is shared instead of copied. Of many targets each so many have the message once: who reads it for one of them reads
    /// not much more than the message.
    pub fn message(&mut self, targets: &[Target], weight: u32, head: &[u8], tail: Option<Bytes>) {
        let len = head.len() + tail.as_ref().map_or(0, Bytes::len);
        for targets in targets.chunks(targets_max(len)) {
            self.put_message(MESSAGE, targets, weight, head, tail.clone());
        }
    }

    /// What is live of a message is found here from now on.
    pub(crate) fn moved(&mut self, targets: &[Target], weight: u32, payload: &[u8]) {
        self.put_message(MOVED, targets, weight, payload, None);
    }

    fn put_message(&mut self, kind: u8, targets: &[Target], weight: u32, head: &[u8], tail: Option<Bytes>) {
        let at = self.begin(kind);
        self.bytes.extend_from_slice(&(targets.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(&weight.to_le_bytes());
        for target in targets {
            self.bytes.extend_from_slice(&encode_target(target));
        }
        self.bytes.extend_from_slice(head);
        match tail {
            Some(tail) if tail.len() >= TAIL_BYTES_MIN => self.end(at, Some(tail)),
            Some(tail) => {
                self.bytes.extend_from_slice(&tail);
                self.end(at, None);
            }
            None => self.end(at, None),
        }
    }

    /// A message left for good. Consecutive positions in consecutive calls become one record.
    #[inline]
    pub fn settle(&mut self, queue: u64, lane: Lane, position: u64, weight: u32) {
        if let Some(s) = &mut self.settling
            && (s.queue, s.lane) == (queue, lane)
            && s.first + u64::from(s.count) == position
        {
            s.count += 1;
            s.weight += u64::from(weight);
            return;
        }
        self.end_settling();
        self.settling = Some(Settling { queue, lane, first: position, count: 1, weight: weight.into() });
    }

    fn end_settling(&mut self) {
        if let Some(s) = self.settling.take() {
            let at = self.begin_record(SETTLE);
            self.place(s.queue, s.lane, s.first);
            self.bytes.extend_from_slice(&s.count.to_le_bytes());
            self.bytes.extend_from_slice(&s.weight.to_le_bytes());
            self.end(at, None);
        }
    }

    /// Everything live from `first` through `last` left for good.
    pub fn clear_range(&mut self, queue: u64, lane: Lane, first: u64, last: u64) {
        let at = self.begin(CLEAR);
        self.place(queue, lane, first);
        self.bytes.extend_from_slice(&last.to_le_bytes());
        self.end(at, None);
    }

    /// A message came back to its place; this is what became of it so far.
    pub fn returned(&mut self, queue: u64, lane: Lane, position: u64, history: History) {
        let at = self.begin(HISTORY);
        self.place(queue, lane, position);
        self.bytes.extend_from_slice(&encode_history(&history));
        self.end(at, None);
    }

    /// Positions up to `through` may have been delivered.
    pub fn delivering(&mut self, queue: u64, lane: Lane, through: u64) {
        let at = self.begin(DELIVERING);
        self.place(queue, lane, through);
        self.end(at, None);
    }

    /// Exactly the positions up to `through` were delivered.
    pub fn delivered(&mut self, queue: u64, lane: Lane, through: u64) {
        let at = self.begin(DELIVERED);
        self.place(queue, lane, through);
        self.end(at, None);
    }

    /// A queue is gone with all that is in it.
    pub fn drop_queue(&mut self, queue: u64) {
        let at = self.begin(DROP_QUEUE);
        self.bytes.extend_from_slice(&queue.to_le_bytes());
        self.end(at, None);
    }

    /// Sets a definition. Keys are at most 65,535 bytes.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        debug_assert!(key.len() <= usize::from(u16::MAX), "a key has a two-byte length");
        let at = self.begin(PUT);
        self.bytes.extend_from_slice(&(key.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        self.end(at, None);
    }

    /// Takes a definition away.
    pub fn remove(&mut self, key: &[u8]) {
        let at = self.begin(REMOVE);
        self.bytes.extend_from_slice(key);
        self.end(at, None);
    }

    fn place(&mut self, queue: u64, lane: Lane, position: u64) {
        self.bytes.extend_from_slice(&queue.to_le_bytes());
        self.bytes.extend_from_slice(&position.to_le_bytes());
        self.bytes.push(lane);
    }

    #[inline]
    fn begin(&mut self, kind: u8) -> usize {
        self.end_settling();
        self.begin_record(kind)
    }

    #[inline]
    fn begin_record(&mut self, kind: u8) -> usize {
        if self.bytes.is_empty() {
            self.bytes.resize(BATCH_HEADER_BYTES, 0);
            self.nonce = NONCE.fetch_add(1, Ordering::Relaxed);
        }
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; RECORD_HEADER_BYTES]);
        self.bytes.push(kind);
        at
    }

    #[inline]
    fn end(&mut self, at: usize, tail: Option<Bytes>) {
        let tail_len = tail.as_ref().map_or(0, Bytes::len);
        let len = (self.bytes.len() - at + tail_len) as u32;
        self.bytes[at + 8..at + 12].copy_from_slice(&(self.nonce as u32).to_le_bytes());
        let mut crc = checksum(len, &self.bytes[at + CHECKED_FROM..]);
        if let Some(tail) = tail {
            crc = crc32c::crc32c_append(crc, &tail);
            self.tails.push((self.bytes.len(), tail));
        }
        self.bytes[at..at + 4].copy_from_slice(&len.to_le_bytes());
        self.bytes[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
        self.count += 1;
    }

    /// Writes the header; afterwards `bytes` with the tails in their places is what goes into the log. Returns how long that is.
    pub(crate) fn seal(&mut self) -> usize {
        self.end_settling();
        let len = self.bytes.len() + self.tails.iter().map(|(_, tail)| tail.len()).sum::<usize>();
        if self.bytes.is_empty() {
            return 0;
        }
        self.bytes[..4].copy_from_slice(&((len - BATCH_HEADER_BYTES) as u32).to_le_bytes());
        self.bytes[4..8].copy_from_slice(&self.count.to_le_bytes());
        self.bytes[8..16].copy_from_slice(&self.nonce.to_le_bytes());
        self.bytes[16..20].fill(0);
        let crc = crc32c::crc32c(&self.bytes[..20]);
        self.bytes[20..24].copy_from_slice(&crc.to_le_bytes());
        len
    }
}

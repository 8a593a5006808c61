//! The log of a stream: which offsets there are, the chunks they fall into, and the newest messages.
//!
//! With a store the messages are on disk and the newest of them in memory as well, for the consumers that keep up; without one
//! all of them are here. It knows no consumers and no time of its own.

use super::chunk::Chunk;
use super::filter::{self, Filter};
use crate::message::Message;
use std::collections::VecDeque;

/// Messages of a chunk, at most.
pub(crate) const CHUNK_MESSAGES_MAX: u64 = 4096;
/// Bytes at which a chunk ends.
pub(crate) const CHUNK_BYTES_MAX: u64 = 1 << 20;
/// What a message costs in the log beside its own bytes.
const RECORD_BYTES: u64 = 44;

/// A message in its place.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) offset: u64,
    /// When it came.
    pub(crate) unix_ms: u64,
    pub(crate) message: Message,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Log {
    /// Offset of the oldest message there is, and of the next to come.
    first: u64,
    next: u64,
    /// Oldest first, without gaps. The last one takes messages as long as it is open.
    chunks: VecDeque<Chunk>,
    open: bool,
    bytes: u64,
    /// Bytes of the newest segment.
    segment_bytes: u64,
    segment_bytes_max: u64,
    summary_bytes: u8,
    tail: VecDeque<Kept>,
    /// What the tail is charged.
    tail_charge: usize,
}

impl Log {
    /// Segments begun from now on have this size.
    pub(crate) fn set_segment_bytes(&mut self, bytes_max: u64) {
        self.segment_bytes_max = bytes_max;
    }

    pub(crate) fn new(segment_bytes_max: u64, summary_bytes: u8) -> Self {
        Self {
            first: 0,
            next: 0,
            chunks: VecDeque::new(),
            open: false,
            bytes: 0,
            segment_bytes: 0,
            segment_bytes_max,
            summary_bytes,
            tail: VecDeque::new(),
            tail_charge: 0,
        }
    }

    /// Offset of the oldest message there is; that of the next to come if there is none.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Offset of the next message to come.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Bytes of all messages, with what they cost in the log.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn tail_charge(&self) -> usize {
        self.tail_charge
    }

    /// Takes a message in, at the end. Returns the chunk that it filled.
    pub(crate) fn append(&mut self, message: Message, unix_ms: u64) -> Option<&Chunk> {
        self.append_at(self.next, message, unix_ms)
    }

    /// The same at an offset not before the end: what a restart found.
    pub(crate) fn append_at(&mut self, offset: u64, message: Message, unix_ms: u64) -> Option<&Chunk> {
        let bytes = message.stored_bytes() as u64 + RECORD_BYTES;
        // Times grow, whatever the clock does.
        let unix_ms = self.chunks.back().map_or(unix_ms, |chunk| chunk.last_ms.max(unix_ms));
        if !self.open {
            let begins_segment = self.chunks.is_empty() || self.segment_bytes >= self.segment_bytes_max;
            self.segment_bytes = if begins_segment { 0 } else { self.segment_bytes };
            self.chunks.push_back(Chunk::begin(offset, unix_ms, begins_segment));
            self.open = true;
        }
        self.bytes += bytes;
        self.segment_bytes += bytes;
        self.next = offset + 1;
        self.tail_charge += message.charge();
        let chunk = self.chunks.back_mut()?;
        chunk.last = offset;
        chunk.last_ms = unix_ms;
        chunk.bytes += bytes;
        chunk.filter.add(filter::value_of(&message), self.summary_bytes);
        let is_full = chunk.messages() >= CHUNK_MESSAGES_MAX
            || chunk.bytes >= CHUNK_BYTES_MAX
            || self.segment_bytes >= self.segment_bytes_max;
        self.tail.push_back(Kept { offset, unix_ms, message });
        self.open = !is_full;
        is_full.then_some(&*chunk)
    }

    /// The number of the chunk that holds an offset, or the first one behind it.
    fn chunk_of(&self, offset: u64) -> usize {
        self.chunks.partition_point(|chunk| chunk.last < offset)
    }

    /// From `offset` on, past chunks without anything that the filter wants: where to go on, and up to which offset that is known.
    pub(crate) fn pass_over(&self, offset: u64, filter: &Filter) -> (u64, u64) {
        for chunk in self.chunks.range(self.chunk_of(offset)..) {
            if filter.may_match(&chunk.filter) {
                return (offset.max(chunk.first), chunk.last);
            }
        }
        (self.next.max(offset), 0)
    }

    /// The first offset whose chunk has a message that came at `unix_ms` or later.
    pub(crate) fn offset_at(&self, unix_ms: u64) -> u64 {
        let at = self.chunks.partition_point(|chunk| chunk.last_ms < unix_ms);
        self.chunks.get(at).map_or(self.next, |chunk| chunk.first)
    }

    /// The messages in memory from `offset` on. `None`: it has to be read from the disk.
    pub(crate) fn tail_from(&self, offset: u64) -> Option<impl Iterator<Item = &Kept>> {
        let is_behind = self.tail.front().is_none_or(|kept| kept.offset > offset) && offset < self.next;
        if is_behind {
            return None;
        }
        let at = self.tail.partition_point(|kept| kept.offset < offset);
        Some(self.tail.range(at..))
    }

    /// Lets go of messages in memory before `before`, until what is left is charged no more than `charge_max`.
    pub(crate) fn shrink_tail(&mut self, before: u64, charge_max: usize) {
        while self.tail_charge > charge_max
            && let Some(kept) = self.tail.pop_front_if(|kept| kept.offset < before)
        {
            self.tail_charge -= kept.message.charge();
        }
        if self.tail.is_empty() && self.tail.capacity() > 4096 {
            self.tail = VecDeque::new();
        }
    }

    /// When the last message of the oldest segment came, unless that is the newest segment as well.
    pub(crate) fn oldest_segment_ms(&self) -> Option<u64> {
        self.oldest_segment().map(|count| self.chunks[count - 1].last_ms)
    }

    /// The chunks of the oldest segment, if there is another behind it.
    fn oldest_segment(&self) -> Option<usize> {
        let later = self.chunks.iter().skip(1).position(|chunk| chunk.begins_segment)?;
        Some(later + 1)
    }

    /// Takes out whole segments, oldest first and never the newest, while there are more than `bytes_max` bytes or the segment's
    /// last message is older than `since_ms`. Offsets from `before` on stay. Returns the first offset that went, if any did.
    pub(crate) fn trim(&mut self, bytes_max: Option<u64>, since_ms: Option<u64>, before: u64) -> Option<u64> {
        let was = self.first;
        while let Some(count) = self.oldest_segment() {
            let last = &self.chunks[count - 1];
            let goes =
                bytes_max.is_some_and(|max| self.bytes > max) || since_ms.is_some_and(|ms| last.last_ms < ms);
            if !goes || last.last >= before {
                break;
            }
            self.bytes -= self.chunks.drain(..count).map(|chunk| chunk.bytes).sum::<u64>();
            self.first = self.chunks.front().map_or(self.next, |chunk| chunk.first);
        }
        self.shrink_tail(self.first, 0);
        (self.first != was).then_some(was)
    }

    /// Empties it; offsets go on.
    pub(crate) fn clear(&mut self) {
        self.tail.clear();
        self.tail_charge = 0;
        self.chunks.clear();
        self.open = false;
        (self.bytes, self.segment_bytes) = (0, 0);
        self.first = self.next;
    }

    /// Takes over the chunks that a restart found, of a stream whose live offsets are `first..next`. What no chunk sums up counts as
    /// one that may hold anything, up to the last chunk; what lies behind that is appended afterwards.
    pub(crate) fn restore(&mut self, first: u64, next: u64, chunks: impl IntoIterator<Item = Chunk>) {
        self.first = first;
        self.next = first;
        for chunk in chunks {
            if chunk.last < self.next || chunk.last >= next {
                continue;
            }
            if chunk.first > self.next {
                let before = self.chunks.back().map_or(0, |chunk| chunk.last_ms);
                let mut unknown = Chunk::begin(self.next, before, self.chunks.is_empty());
                unknown.last = chunk.first - 1;
                unknown.last_ms = chunk.first_ms;
                unknown.filter = filter::Summary::anything();
                self.chunks.push_back(unknown);
            }
            self.bytes += chunk.bytes;
            self.segment_bytes = if chunk.begins_segment { 0 } else { self.segment_bytes } + chunk.bytes;
            self.next = chunk.last + 1;
            self.chunks.push_back(chunk);
        }
        self.open = false;
    }

    /// Offsets up to here were given out before the restart.
    pub(crate) fn skip_to(&mut self, next: u64) {
        self.next = self.next.max(next);
        if self.chunks.is_empty() {
            self.first = self.next;
        }
    }
}

#[cfg(test)]
mod tests;

//! What is appended together: batches one after the other, until the disk is ready for them.

use super::api::Urgency;
use crate::log::GROUP_HEADER_BYTES;
use crate::record::{BATCH_HEADER_BYTES, Batch, Op, Place, RECORD_HEADER_BYTES, parse, u32_at};
use crate::types::{Notify, Ticket};
use bytes::Bytes;
use std::io::IoSlice;
use std::sync::Arc;

/// Room kept between groups.
const KEPT_BYTES_MAX: usize = 4 << 20;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Room for the header, then the batches without what is kept by reference.
    pub(super) bytes: Vec<u8>,
    /// What is kept by reference, and where in `bytes` it belongs.
    tails: Vec<(usize, Bytes)>,
    /// Bytes of all.
    pub(super) len: usize,
    /// Ticket of the last batch.
    pub(super) ticket: Ticket,
    pub(super) urgency: Urgency,
    pub(super) waiters: Vec<Arc<dyn Notify>>,
}

impl Group {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a sealed batch of `len` bytes.
    pub(super) fn push(&mut self, batch: &mut Batch, len: usize, ticket: Ticket, urgency: Urgency) {
        if self.bytes.is_empty() {
            self.bytes.resize(GROUP_HEADER_BYTES, 0);
            self.len = GROUP_HEADER_BYTES;
        }
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&batch.bytes);
        self.tails.extend(batch.tails.drain(..).map(|(in_batch, tail)| (at + in_batch, tail)));
        self.len += len;
        self.ticket = ticket;
        self.urgency = self.urgency.max(urgency);
    }

    pub(super) fn wait(&mut self, waiter: &Arc<dyn Notify>) {
        if !self.waiters.iter().rev().take(8).any(|known| Arc::ptr_eq(known, waiter)) {
            self.waiters.push(waiter.clone());
        }
    }

    /// Everything in the order in which it is written.
    pub(super) fn parts<'a>(&'a self, padding: &'a [u8]) -> Vec<IoSlice<'a>> {
        let mut parts = Vec::with_capacity(self.tails.len() * 2 + 2);
        let mut from = 0;
        for (at, tail) in &self.tails {
            parts.push(IoSlice::new(&self.bytes[from..*at]));
            parts.push(IoSlice::new(tail));
            from = *at;
        }
        parts.push(IoSlice::new(&self.bytes[from..]));
        parts.push(IoSlice::new(padding));
        parts.retain(|part| !part.is_empty());
        parts
    }

    /// Its records, where they lie once it was written at `offset` of a file.
    pub(super) fn each(&self, file: u32, offset: u64, each: &mut dyn FnMut(&Op<'_>, Place)) {
        let mut tails = self.tails.iter();
        let mut tail = tails.next();
        // Bytes by reference so far: the difference between a place in `bytes` and in the file.
        let mut shift = 0;
        let mut at = GROUP_HEADER_BYTES;
        while at < self.bytes.len() {
            let Some(batch_len) = u32_at(&self.bytes, at) else { return };
            at += BATCH_HEADER_BYTES;
            let end = at + shift + batch_len as usize;
            while at + shift < end {
                let Some(len) = u32_at(&self.bytes, at) else { return };
                let mut here = len as usize;
                let start = offset + (at + shift) as u64;
                if let Some((cut, bytes)) = tail
                    && *cut > at
                    && *cut <= at + here
                    && *cut + bytes.len() == at + here
                {
                    here = cut - at;
                    shift += bytes.len();
                    tail = tails.next();
                }
                if let Some(op) = self.bytes.get(at + RECORD_HEADER_BYTES..at + here).and_then(parse) {
                    each(&op, Place { file, offset: start as u32, len });
                }
                at += here;
            }
        }
    }

    /// Empties it; what it waited with is left out.
    pub(super) fn reset(&mut self) {
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = Vec::new();
        }
        self.tails.clear();
        self.waiters.clear();
        self.len = 0;
        self.urgency = Urgency::Later;
    }
}

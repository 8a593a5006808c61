//! A message as the store keeps it, and read back. Drawn in docs/formats.

use super::{Message, Meta, Parts};
use crate::trace::{CONTEXT_BYTES, marks_context};
use bytes::Bytes;
use leveret_protocol::{FrameKind, RawProperties};
use triomphe::ThinArc;

/// From this size on the store is handed a reference instead of a copy.
const SHARED_BYTES_MIN: usize = 16 * 1024;
/// What a frame adds to its payload.
const FRAME_BYTES: u32 = 8;

impl Message {
    /// What the store keeps: bytes to copy, and bytes to share when there are many. [`from_stored`](Self::from_stored) reads them.
    pub(crate) fn stored_form(&self) -> (&[u8], Option<Bytes>) {
        match &self.0.header.header.body {
            Some(body) => (&self.0.slice, Some(body.clone())),
            None if self.0.slice.len() < SHARED_BYTES_MIN => (&self.0.slice, None),
            None => (&[], Some(Bytes::from_owner(Shared(self.clone())))),
        }
    }

    /// A message from what the store kept, for one queue. `None` when the bytes are no message.
    pub(crate) fn from_stored(bytes: &[u8], copies: u32) -> Option<Self> {
        let exchange_len = usize::from(*bytes.first()?);
        let routing_key_len = usize::from(*bytes.get(1 + exchange_len)?);
        let strings_end = 2 + exchange_len + routing_key_len;
        // A message kept as it arrived has the end of its method frame (two bytes, the first 0 or 1) before the header frame; a sampled
        // one its context.
        let header_at = match *bytes.get(strings_end)? {
            byte if byte == FrameKind::Header as u8 => strings_end,
            byte if marks_context(byte) => strings_end + CONTEXT_BYTES,
            _ => strings_end + 2,
        };
        let frame = bytes.get(header_at..)?;
        let size = u32::from_be_bytes(frame.get(3..7)?.try_into().ok()?) as usize;
        let header_end = header_at.checked_add(size)?.checked_add(8)?;
        let header = bytes.get(header_at..header_end)?;
        let body_size = u64::from_be_bytes(header.get(11..19)?.try_into().ok()?);
        let properties = RawProperties::parse(header.get(19..header.len() - 1)?).ok()?;
        let parts = Parts {
            exchange: &bytes[1..1 + exchange_len],
            routing_key: &bytes[2 + exchange_len..strings_end],
            properties,
        };
        let rest = &bytes[header_end..];
        // A body in its frame, or alone.
        let framed = body_size + u64::from(FRAME_BYTES);
        let (kept, body) = if rest.is_empty() && body_size == 0 || rest.len() as u64 == framed {
            (bytes, None)
        } else if rest.len() as u64 == body_size {
            (&bytes[..header_end], Some(Bytes::copy_from_slice(rest)))
        } else {
            return None;
        };
        let meta = Meta {
            header_at: header_at as u32,
            header_end: header_end as u32,
            body,
            ..Meta::of(parts, None, copies)
        };
        Some(Self(ThinArc::from_header_and_slice(meta, kept)))
    }
}

/// A message whose bytes the store refers to until they are written.
struct Shared(Message);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0.0.slice
    }
}

//! A stored message: what was published, kept as the bytes it arrived in.
//!
//! One allocation holds the routing strings and the content frames exactly as they will leave again, so that a
//! delivery is two copies and two patched channel numbers. Invariant: the frames inside are well formed, because
//! only [`Message::new`] writes them, from parts that the protocol crate has checked.

mod stored;
mod traced;

use crate::queue::past::Past;
use bytes::Bytes;
use leveret_protocol::{FRAME_END, FieldTable, FieldValue, FrameKind, RawProperties};
use std::sync::LazyLock;
use triomphe::ThinArc;

/// What a queue entry costs beside the bytes of its message; used for memory accounting.
pub(crate) const ENTRY_OVERHEAD_BYTES: usize = 96;

/// A shared, immutable message. Cloning counts a reference; the bytes exist once however many queues hold it.
#[derive(Clone)]
pub struct Message(ThinArc<Meta, u8>);

/// Facts looked up once, at publish, so that queues never decode properties.
struct Meta {
    /// Offset of the header frame in the bytes; the routing strings lie before it.
    header_at: u32,
    /// Offset behind the header frame, where the body frame starts (if the body is kept inside).
    header_end: u32,
    exchange_len: u8,
    routing_key_len: u8,
    /// Absent: priority 0.
    priority: u8,
    persistent: bool,
    /// How many queues the message was routed to; memory is charged to each in equal parts.
    copies: u32,
    /// Per-message time to live in milliseconds, from the `expiration` property.
    ttl_ms: Option<u64>,
    /// A body that did not arrive next to its header is kept apart, uncopied.
    body: Option<Bytes>,
}

/// The parts of a message that the publisher chose.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// Exchange it was published to.
    pub exchange: &'a [u8],
    /// Routing key; any bytes, at most 255.
    pub routing_key: &'a [u8],
    /// Properties as on the wire.
    pub properties: RawProperties<'a>,
}

impl Message {
    /// Keeps a publishing whose frames lay next to each other in the read buffer: one copy of everything.
    ///
    /// `wire` is the method frame, header frame and (for a body that is not empty) one body frame.
    pub fn from_wire(wire: &[u8], parts: Parts<'_>, ttl_ms: Option<u64>, copies: u32) -> Self {
        // type(1) channel(2) size(4) | class(2) method(2) ticket(2) | exchange, routing key, bits | end
        const STRINGS_AT: usize = 7 + 6;
        let method_size = u32::from_be_bytes([wire[3], wire[4], wire[5], wire[6]]) as usize;
        let header = method_size + 8;
        let header_size =
            u32::from_be_bytes([wire[header + 3], wire[header + 4], wire[header + 5], wire[header + 6]])
                as usize;
        let meta = Meta {
            header_at: (header - STRINGS_AT) as u32,
            header_end: (header + header_size + 8 - STRINGS_AT) as u32,
            ..Meta::of(parts, ttl_ms, copies)
        };
        Self(ThinArc::from_header_and_slice(meta, &wire[STRINGS_AT..]))
    }

    /// Keeps a message built from parts; the body is shared, not copied.
    pub fn new(parts: Parts<'_>, body: Bytes, ttl_ms: Option<u64>, copies: u32) -> Self {
        let properties = parts.properties.as_bytes();
        let mut bytes = Vec::with_capacity(
            2 + parts.exchange.len() + parts.routing_key.len() + 8 + 12 + properties.len(),
        );
        bytes.push(parts.exchange.len() as u8);
        bytes.extend_from_slice(parts.exchange);
        bytes.push(parts.routing_key.len() as u8);
        bytes.extend_from_slice(parts.routing_key);
        let header_at = bytes.len() as u32;
        bytes.extend_from_slice(&[FrameKind::Header as u8, 0, 0]);
        bytes.extend_from_slice(&(12 + properties.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&[0, 60, 0, 0]);
        bytes.extend_from_slice(&(body.len() as u64).to_be_bytes());
        bytes.extend_from_slice(properties);
        bytes.push(FRAME_END);
        let meta = Meta {
            header_at,
            header_end: bytes.len() as u32,
            body: Some(body),
            ..Meta::of(parts, ttl_ms, copies)
        };
        Self(ThinArc::from_header_and_slice(meta, &bytes))
    }

    /// The exchange it was published to; empty for the default exchange.
    pub fn exchange(&self) -> &[u8] {
        let len = usize::from(self.0.header.header.exchange_len);
        &self.0.slice[1..1 + len]
    }

    /// The routing key it was published with.
    pub fn routing_key(&self) -> &[u8] {
        let meta = &self.0.header.header;
        let at = 2 + usize::from(meta.exchange_len);
        &self.0.slice[at..at + usize::from(meta.routing_key_len)]
    }

    /// Exchange and routing key as two short strings, as `basic.deliver` wants them.
    #[inline]
    pub(crate) fn strings(&self) -> &[u8] {
        let meta = &self.0.header.header;
        &self.0.slice[..2 + usize::from(meta.exchange_len) + usize::from(meta.routing_key_len)]
    }

    /// The header frame, whole; its channel number is to be patched.
    #[inline]
    pub(crate) fn header_frame(&self) -> &[u8] {
        let meta = &self.0.header.header;
        &self.0.slice[meta.header_at as usize..meta.header_end as usize]
    }

    /// Header frame and body frame in one piece, when the body is kept inside.
    #[inline]
    pub(crate) fn content_frames(&self) -> Option<&[u8]> {
        let meta = &self.0.header.header;
        meta.body.is_none().then(|| &self.0.slice[meta.header_at as usize..])
    }

    /// The properties, undecoded.
    pub fn properties(&self) -> RawProperties<'_> {
        let frame = self.header_frame();
        RawProperties::parse(&frame[7 + 12..frame.len() - 1]).unwrap_or(RawProperties::EMPTY)
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        let meta = &self.0.header.header;
        match &meta.body {
            Some(body) => body,
            None => {
                let frame = &self.0.slice[meta.header_end as usize..];
                if frame.is_empty() { frame } else { &frame[7..frame.len() - 1] }
            }
        }
    }

    /// How many queues it was routed to.
    #[inline]
    pub(crate) fn copies(&self) -> u32 {
        self.0.header.header.copies
    }

    /// Whether both are handles to the same bytes.
    #[inline]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(self.0.slice.as_ptr(), other.0.slice.as_ptr())
    }

    /// The body as a shared slice; copies it when it is kept inside.
    pub fn body_bytes(&self) -> Bytes {
        match &self.0.header.header.body {
            Some(body) => body.clone(),
            None => Bytes::copy_from_slice(self.body()),
        }
    }

    /// A copy for one delivery that says in headers what became of the message before. The body is not copied if it is kept apart.
    pub(crate) fn counted(&self, past: &Past) -> Self {
        self.with_headers(|headers| past.write(headers))
    }

    /// The same, with `x-delivery-count` also when it never came back.
    pub(crate) fn counted_from_zero(&self, past: &Past) -> Self {
        self.with_headers(|headers| {
            headers.insert("x-delivery-count", FieldValue::I64(0));
            past.write(headers);
        })
    }

    fn with_headers(&self, write: impl FnOnce(&mut FieldTable)) -> Self {
        let properties = self.properties();
        let decoded = properties.headers().and_then(|raw| raw.decode().ok());
        let mut headers: FieldTable = decoded.unwrap_or_default();
        write(&mut headers);
        let mut raw = Vec::new();
        properties.write_with_headers(Some(&headers), true, &mut raw);
        let properties = RawProperties::parse(&raw).unwrap_or(RawProperties::EMPTY);
        let parts = Parts { exchange: self.exchange(), routing_key: self.routing_key(), properties };
        Self::new(parts, self.body_bytes(), self.ttl_ms(), 1)
    }

    /// `delivery_mode` 2.
    pub fn is_persistent(&self) -> bool {
        self.0.header.header.persistent
    }

    /// The `priority` property, 0 when absent.
    pub fn priority(&self) -> u8 {
        self.0.header.header.priority
    }

    /// Milliseconds from the `expiration` property.
    pub fn ttl_ms(&self) -> Option<u64> {
        self.0.header.header.ttl_ms
    }

    /// Bytes of the body alone, as `x-max-length-bytes` and RabbitMQ's statistics count.
    #[inline]
    pub fn body_len(&self) -> usize {
        let meta = &self.0.header.header;
        match &meta.body {
            Some(body) => body.len(),
            None => (self.0.slice.len() - meta.header_end as usize).saturating_sub(8),
        }
    }

    /// Bytes of all of it, as the store keeps it.
    #[inline]
    pub(crate) fn stored_bytes(&self) -> usize {
        self.0.slice.len() + self.0.header.header.body.as_ref().map_or(0, Bytes::len)
    }

    /// A message of nothing, for where one has to be and nobody looks at it.
    pub(crate) fn nothing() -> Self {
        static NOTHING: LazyLock<Message> = LazyLock::new(|| {
            let parts = Parts { exchange: b"", routing_key: b"", properties: RawProperties::EMPTY };
            Message::new(parts, Bytes::new(), None, 1)
        });
        NOTHING.clone()
    }

    /// Bytes one of its queues is charged for keeping it.
    #[inline]
    pub fn charge(&self) -> usize {
        let meta = &self.0.header.header;
        self.stored_bytes() / meta.copies.max(1) as usize + ENTRY_OVERHEAD_BYTES
    }
}

impl Meta {
    fn of(parts: Parts<'_>, ttl_ms: Option<u64>, copies: u32) -> Self {
        let properties = parts.properties;
        Self {
            header_at: 0,
            header_end: 0,
            exchange_len: parts.exchange.len() as u8,
            routing_key_len: parts.routing_key.len() as u8,
            priority: properties.priority().unwrap_or(0),
            persistent: properties.delivery_mode() == Some(2),
            copies,
            ttl_ms,
            body: None,
        }
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("exchange", &String::from_utf8_lossy(self.exchange()))
            .field("routing_key", &String::from_utf8_lossy(self.routing_key()))
            .field("body_len", &self.body_len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

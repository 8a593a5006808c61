//! A stored message: what was published, kept as the bytes it arrived in.
//!
//! One allocation holds the routing strings and the content frames exactly as they will leave again, so that a
//! delivery is two copies and two patched channel numbers. Invariant: the frames inside are well formed, because
//! only [`Message::new`] writes them, from parts that the protocol crate has checked.

use crate::queue::past::Past;
use crate::trace::{CONTEXT_BYTES, TraceContext, marks_context};
use bytes::Bytes;
use leveret_protocol::{FRAME_END, FieldTable, FrameKind, RawProperties};
use std::sync::LazyLock;
use triomphe::ThinArc;

/// From this size on the store is handed a reference instead of a copy.
const SHARED_BYTES_MIN: usize = 16 * 1024;
/// What a frame adds to its payload.
const FRAME_BYTES: u32 = 8;

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

    /// Where it belongs in a trace; `None` for a message that is not sampled.
    #[inline]
    pub(crate) fn trace_context(&self) -> Option<TraceContext> {
        let strings_end = self.strings().len();
        let header_at = self.0.header.header.header_at as usize;
        if header_at - strings_end != CONTEXT_BYTES {
            return None;
        }
        TraceContext::from_bytes(&self.0.slice[strings_end..header_at])
    }

    /// The same message, bearing this context beside what is its own.
    #[cold]
    pub(crate) fn in_trace(&self, context: TraceContext) -> Self {
        let meta = &self.0.header.header;
        let (strings, header_at) = (self.strings(), meta.header_at as usize);
        let bytes = [strings, &context.to_bytes(), &self.0.slice[header_at..]].concat();
        let new_at = strings.len() + CONTEXT_BYTES;
        let meta = Meta {
            header_at: new_at as u32,
            header_end: (meta.header_end as usize - header_at + new_at) as u32,
            body: meta.body.clone(),
            ..*meta
        };
        Self(ThinArc::from_header_and_slice(meta, &bytes))
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
        let properties = self.properties();
        let decoded = properties.headers().and_then(|raw| raw.decode().ok());
        let mut headers: FieldTable = decoded.unwrap_or_default();
        past.write(&mut headers);
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

/// A message whose bytes the store refers to until they are written.
struct Shared(Message);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0.0.slice
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
mod tests {
    use super::*;
    use leveret_protocol::Properties;

    fn message(body: &[u8]) -> Message {
        let mut raw = Vec::new();
        Properties { delivery_mode: Some(2), priority: Some(7), ..Properties::default() }.encode(&mut raw);
        let properties = RawProperties::parse(&raw).unwrap();
        let parts = Parts { exchange: b"logs", routing_key: b"a.b", properties };
        Message::new(parts, Bytes::copy_from_slice(body), None, 1)
    }

    fn stored(message: &Message) -> Vec<u8> {
        let (head, tail) = message.stored_form();
        [head, &tail.unwrap_or_default()].concat()
    }

    #[test]
    fn a_message_kept_as_it_arrived_is_read_back() {
        use leveret_protocol::methods::basic;
        use leveret_protocol::{BASIC_CLASS, ContentHeader, ShortStr, put_body};
        let mut wire = Vec::new();
        let (exchange, routing_key) = (ShortStr::new("logs").unwrap(), ShortStr::new("a.b").unwrap());
        basic::Publish { exchange, routing_key, mandatory: true, immediate: false }.write(3, &mut wire);
        let properties = RawProperties::EMPTY;
        ContentHeader { class_id: BASIC_CLASS, body_size: 4, properties }.write(3, &mut wire);
        put_body(&mut wire, 3, b"body", 4096);
        let parts = Parts { exchange: b"logs", routing_key: b"a.b", properties };
        let first = Message::from_wire(&wire, parts, None, 1);
        let second = Message::from_stored(&stored(&first), 1).unwrap();
        assert_eq!((second.body(), second.routing_key()), (&b"body"[..], &b"a.b"[..]));
        assert_eq!(second.content_frames(), first.content_frames());
    }

    #[test]
    fn a_context_is_beside_the_message_and_in_the_store() {
        let context = |span| TraceContext { trace_id: [1; 16], span_id: [span; 8], published_ns: 3 };
        for body in [&b""[..], b"x", &[7; 100_000]] {
            let plain = message(body);
            assert_eq!(plain.trace_context(), None);
            let first = plain.in_trace(context(2)).in_trace(context(4));
            let second = Message::from_stored(&stored(&first), 1).unwrap();
            for sampled in [&first, &second] {
                assert_eq!(sampled.trace_context(), Some(context(4)));
                assert_eq!((sampled.strings(), sampled.body()), (plain.strings(), plain.body()));
                assert_eq!(sampled.header_frame(), plain.header_frame(), "clients see what they saw");
                assert_eq!(sampled.body_len(), plain.body_len());
                assert!(sampled.is_persistent());
            }
        }
    }

    #[test]
    fn what_the_store_kept_is_the_message() {
        for body in [&b""[..], b"x", &[7; 100_000]] {
            let first = message(body);
            let bytes = stored(&first);
            let second = Message::from_stored(&bytes, 1).unwrap();
            assert_eq!((second.exchange(), second.routing_key()), (&b"logs"[..], &b"a.b"[..]));
            assert_eq!(second.body(), body);
            assert!(second.is_persistent());
            assert_eq!(second.priority(), 7);
            assert_eq!(second.properties().as_bytes(), first.properties().as_bytes());
            assert_eq!(stored(&second), bytes, "and is stored alike again");
            for cut in 0..bytes.len().min(60) {
                assert!(cut == bytes.len() || Message::from_stored(&bytes[..cut], 1).is_none(), "{cut}");
            }
        }
    }
}

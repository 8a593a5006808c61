//! One message on its way: a single allocation that caller and task share.

use bytes::Bytes;
use leveret_protocol::methods::basic;
use leveret_protocol::{BASIC_CLASS, FrameKind, Properties, RawProperties, ShortStr, begin_frame, put_body};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::outcome::Outcome;
use crate::error::{Returned, SendError};
use crate::message::Message;

/// Exchange, routing key and properties up to this many bytes lie in the same allocation.
const INLINE: usize = 144;

#[derive(Debug)]
enum Head {
    Inline([u8; INLINE]),
    Heap(Box<[u8]>),
}

/// A message between `send` and its confirm.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) outcome: Outcome,
    pub(crate) mandatory: bool,
    exchange_len: u8,
    key_len: u8,
    head_len: u32,
    head: Head,
    pub(crate) body: Bytes,
    /// What it holds of the publisher's bound.
    pub(crate) permit_bytes: u32,
    pub(crate) deadline: Option<Instant>,
    returned: Mutex<Option<Box<Returned>>>,
}

impl InFlight {
    pub(crate) fn new(
        exchange: ShortStr<'_>,
        routing_key: ShortStr<'_>,
        properties: &[u8],
        body: Bytes,
        mandatory: bool,
        deadline: Option<Instant>,
        permit_bytes: u32,
    ) -> Self {
        let parts = [exchange.as_bytes(), routing_key.as_bytes(), properties];
        let head_len = parts.iter().map(|part| part.len()).sum::<usize>();
        let head = if head_len <= INLINE {
            let mut inline = [0; INLINE];
            let mut at = 0;
            for part in parts {
                inline[at..at + part.len()].copy_from_slice(part);
                at += part.len();
            }
            Head::Inline(inline)
        } else {
            Head::Heap(parts.concat().into_boxed_slice())
        };
        Self {
            outcome: Outcome::new(),
            mandatory,
            exchange_len: exchange.len() as u8,
            key_len: routing_key.len() as u8,
            head_len: head_len as u32,
            head,
            body,
            permit_bytes,
            deadline,
            returned: Mutex::new(None),
        }
    }

    fn head(&self) -> (&[u8], &[u8], &[u8]) {
        let all = match &self.head {
            Head::Inline(inline) => &inline[..self.head_len as usize],
            Head::Heap(heap) => heap,
        };
        let (exchange, rest) = all.split_at(self.exchange_len.into());
        let (key, properties) = rest.split_at(self.key_len.into());
        (exchange, key, properties)
    }

    /// About as many bytes as it takes on the wire.
    pub(crate) fn frame_bytes(&self) -> usize {
        // Publish, header and body frame without what is in them.
        const FRAMES: usize = 50;
        FRAMES + self.head_len as usize + self.body.len()
    }

    /// The message as it was, or would have been, sent.
    pub(crate) fn message(&self) -> Message {
        let (exchange, key, properties) = self.head();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let properties = RawProperties::parse(properties).ok().and_then(|raw| Properties::try_from(raw).ok());
        Message::new(self.body.clone())
            .properties(properties.unwrap_or_default())
            .exchange(text(exchange))
            .routing_key(text(key))
    }

    /// Appends publish, header and body.
    pub(crate) fn write(&self, channel: u16, frame_max: u32, out: &mut Vec<u8>) {
        let (exchange, key, properties) = self.head();
        basic::Publish {
            exchange: ShortStr::from_bytes(exchange).unwrap_or_default(),
            routing_key: ShortStr::from_bytes(key).unwrap_or_default(),
            mandatory: self.mandatory,
            immediate: false,
        }
        .write(channel, out);
        let frame = begin_frame(out, FrameKind::Header, channel);
        out.extend_from_slice(&BASIC_CLASS.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&(self.body.len() as u64).to_be_bytes());
        out.extend_from_slice(properties);
        frame.end(out);
        put_body(out, channel, &self.body, frame_max);
    }

    /// See [`Outcome::begin_write`].
    pub(crate) fn begin_write(&self) -> bool {
        self.outcome.begin_write()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.outcome.is_done()
    }

    pub(crate) fn was_written(&self) -> bool {
        self.outcome.was_written()
    }

    /// Decides the outcome; only the first decision counts.
    pub(crate) fn complete(&self, outcome: Result<(), SendError>) {
        self.outcome.complete(outcome);
    }

    /// The connection is gone or the time is up.
    pub(crate) fn give_up(&self, unwritten: SendError) {
        self.outcome.give_up(unwritten);
    }

    /// The broker confirmed it; a message that was returned before is not stored anywhere.
    pub(crate) fn confirm(&self) {
        if self.mandatory
            && let Some(returned) = self.returned.lock().take()
        {
            return self.complete(Err(SendError::Unroutable(returned)));
        }
        self.complete(Ok(()));
    }

    /// Remembers that the broker gave it back.
    pub(crate) fn set_returned(&self, returned: Box<Returned>) {
        *self.returned.lock() = Some(returned);
    }

    /// The connection it was given back on is gone; it is sent again, and may have a queue now.
    pub(crate) fn forget_returned(&self) {
        if self.mandatory {
            *self.returned.lock() = None;
        }
    }

    /// Whether a returned message is this one. Properties are not compared: a broker strips `BCC`.
    pub(crate) fn matches(
        &self,
        exchange: &[u8],
        key: &[u8],
        properties: Option<&[u8]>,
        body: &[u8],
    ) -> bool {
        let (own_exchange, own_key, own_properties) = self.head();
        self.mandatory
            && own_exchange == exchange
            && own_key == key
            && properties.is_none_or(|properties| own_properties == properties)
            && self.body == body
            && self.returned.lock().is_none()
    }
}

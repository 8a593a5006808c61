//! The reader of one side.

use std::collections::BTreeMap;

use super::assembly::{Added, Assembly, BodyAssembly, whole};
use super::content::{ContentMethod, OwnedHead};
use super::whole::{Look, WHOLE_CONTENT_MAX, look};
use super::{InboundError, InboundLimits, Incoming, Role, refusal};
use crate::channel::too_many_channels;
use crate::content::{BASIC_CLASS, HeaderParts};
use crate::error::ProtocolError;
use crate::frame::{FRAME_OVERHEAD, Frame, FrameError, FrameKind, parse_frame};
use crate::method_id::MethodId;
use crate::methods::{Method, channel};
use crate::properties::RawProperties;
use crate::wire::Reader;

/// Turns the bytes of an open connection into methods and contents, in the order in which they arrived.
///
/// Holds nothing but incomplete contents, and of those no more than twice what was received of them and 64 KiB.
///
/// ```
/// # use leveret_protocol::{Inbound, InboundLimits, Incoming, Role, methods::tx};
/// let limits = InboundLimits { frame_max: 131_072, message_bytes_max: 16 << 20, channel_max: 2047 };
/// let mut inbound = Inbound::new(Role::Server, limits);
/// let mut buf = Vec::new();
/// tx::Commit.write(7, &mut buf);
///
/// assert_eq!(inbound.next(&buf[..5]), Ok(None)); // needs more
/// let (incoming, consumed) = inbound.next(&buf).unwrap().unwrap();
/// assert_eq!(incoming, Incoming::Method { channel: 7, method: tx::Commit.into() });
/// assert_eq!(consumed, buf.len());
/// ```
#[derive(Debug)]
pub struct Inbound {
    role: Role,
    limits: InboundLimits,
    /// The longest payload of a frame, in bytes.
    size_max: u32,
    /// Channels that are not between two methods.
    assembling: BTreeMap<u16, Assembly>,
    /// Bytes of bodies held in `assembling`.
    buffered: usize,
}

type Step<'a> = Result<Incoming<'a>, ProtocolError>;

impl Inbound {
    /// The reader of one side of an open connection.
    #[must_use]
    pub fn new(role: Role, limits: InboundLimits) -> Self {
        let size_max = match limits.frame_max {
            0 => u32::try_from(limits.message_bytes_max).unwrap_or(u32::MAX).max(WHOLE_CONTENT_MAX as u32),
            frame_max => frame_max,
        };
        Self { role, limits, size_max, assembling: BTreeMap::new(), buffered: 0 }
    }

    /// Looks at the start of `buf`. Gives what came and how many bytes it took, or `None` when more bytes are needed; then
    /// nothing was consumed, and `buf` has to grow, up to [`buffer_max`](Self::buffer_max) bytes.
    ///
    /// # Errors
    /// What to tell the peer. After an error of a channel the frames of that channel are thrown away until it is closed.
    #[inline]
    pub fn next<'a>(&mut self, buf: &'a [u8]) -> Result<Option<(Incoming<'a>, usize)>, InboundError> {
        match look(buf, self.role, self.size_max, self.limits.message_bytes_max) {
            Look::Whole(channel, content, length) if self.is_between_methods(channel) => {
                Ok(Some((Incoming::Content { channel, content }, length)))
            }
            Look::Unfinished(channel) if self.is_between_methods(channel) => Ok(None),
            _ => self.next_frame(buf),
        }
    }

    /// How long `buf` may have to be, in bytes.
    #[must_use]
    pub fn buffer_max(&self) -> usize {
        WHOLE_CONTENT_MAX.max((self.size_max as usize).saturating_add(FRAME_OVERHEAD))
    }

    /// The channel is closed or will be opened anew: drops its incomplete content, and expects a method next.
    pub fn forget_channel(&mut self, channel: u16) {
        self.replace(channel, None);
    }

    /// A close was sent on the channel: drops its incomplete content and everything else on it up to the peer's close or
    /// close-ok.
    pub fn discard_channel(&mut self, channel: u16) {
        self.replace(channel, Some(Assembly::Discard));
    }

    /// Bytes of incomplete bodies held now, on all channels together.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.buffered
    }

    #[inline]
    fn is_between_methods(&self, channel: u16) -> bool {
        self.assembling.is_empty() || !self.assembling.contains_key(&channel)
    }

    fn replace(&mut self, channel: u16, with: Option<Assembly>) {
        let before = match with {
            Some(assembly) => {
                if let Assembly::Body(body) = &assembly {
                    self.buffered += body.len();
                }
                self.assembling.insert(channel, assembly)
            }
            None => self.assembling.remove(&channel),
        };
        if let Some(Assembly::Body(body)) = before {
            self.buffered -= body.len();
        }
    }

    fn take(&mut self, channel: u16) -> Option<Assembly> {
        let assembly = self.assembling.remove(&channel)?;
        if let Assembly::Body(body) = &assembly {
            self.buffered -= body.len();
        }
        Some(assembly)
    }

    /// The long way: one frame.
    #[inline(never)]
    fn next_frame<'a>(&mut self, buf: &'a [u8]) -> Result<Option<(Incoming<'a>, usize)>, InboundError> {
        match parse_frame(buf, self.size_max) {
            Ok(None) => Ok(None),
            Ok(Some((frame, consumed))) => match self.frame(frame) {
                Ok(incoming) => Ok(Some((incoming, consumed))),
                Err(error) => Err(InboundError { error, consumed }),
            },
            Err(error) => {
                let consumed =
                    if let FrameError::UnknownKind { length, .. } = error { length } else { buf.len() };
                Err(InboundError { error: error.into(), consumed })
            }
        }
    }

    fn frame<'a>(&mut self, frame: Frame<'a>) -> Step<'a> {
        match (frame.kind, frame.channel) {
            (FrameKind::Heartbeat, _) if !frame.payload.is_empty() => Err(refusal::unknown(&frame)),
            (FrameKind::Heartbeat, 0) => Ok(Incoming::Heartbeat),
            (FrameKind::Heartbeat, _) => Err(refusal::misplaced(&frame)),
            (FrameKind::Method, 0) => method(&frame),
            (FrameKind::Header, 0) if HeaderParts::decode(frame.payload).is_err() => {
                Err(refusal::unknown(&frame))
            }
            (_, 0) => Err(refusal::misplaced(&frame)),
            _ => self.channel_frame(frame),
        }
    }

    fn channel_frame<'a>(&mut self, frame: Frame<'a>) -> Step<'a> {
        match self.take(frame.channel) {
            None => self.expect_method(frame),
            Some(Assembly::Header(head)) => self.expect_header(frame, head),
            Some(Assembly::Body(body)) => self.expect_body(frame, body),
            Some(Assembly::Discard) => Ok(self.expect_close(frame)),
        }
    }

    fn expect_method<'a>(&mut self, frame: Frame<'a>) -> Step<'a> {
        if frame.kind != FrameKind::Method {
            let short = frame.kind == FrameKind::Header && HeaderParts::decode(frame.payload).is_err();
            return Err(if short { refusal::unknown(&frame) } else { refusal::no_method() });
        }
        let Ok(id) = MethodId::decode(&mut Reader::new(frame.payload)) else {
            return Err(refusal::unknown(&frame));
        };
        if !ContentMethod::is_received_by(self.role, id) {
            let incoming = method(&frame)?;
            return match &incoming {
                Incoming::Method { method, .. } if method.has_content() => Err(refusal::unimplemented(id)),
                _ => Ok(incoming),
            };
        }
        let arguments = frame.payload.get(4..).unwrap_or_default();
        if ContentMethod::decode(id, arguments).is_err() {
            return Err(refusal::undecodable(id, arguments));
        }
        let (channels, channel_max) = (self.assembling.len(), self.limits.channel_max);
        if channel_max != 0 && channels >= usize::from(channel_max) {
            return Err(too_many_channels(channels, channel_max));
        }
        let head = OwnedHead { id, arguments: arguments.to_vec(), properties: Vec::new() };
        self.replace(frame.channel, Some(Assembly::Header(Box::new(head))));
        Ok(Incoming::Partial)
    }

    fn expect_header<'a>(&mut self, frame: Frame<'a>, mut head: Box<OwnedHead>) -> Step<'a> {
        let channel = frame.channel;
        let header = match frame.kind {
            FrameKind::Header => HeaderParts::decode(frame.payload).map_err(|_| refusal::unknown(&frame))?,
            _ => return Err(refusal::no_header(head.id)),
        };
        if header.class_id != BASIC_CLASS {
            return Err(refusal::wrong_class(head.id, header.class_id));
        }
        if header.weight != 0 {
            return Err(refusal::no_header(head.id));
        }
        if RawProperties::parse(header.properties).is_err() {
            return Err(refusal::undecodable(head.id, header.properties));
        }
        if header.body_size > self.limits.message_bytes_max {
            self.discard_channel(channel);
            let (size, size_max) = (header.body_size, self.limits.message_bytes_max);
            return Err(refusal::large_message(channel, head.id, size, size_max));
        }
        head.properties = header.properties.to_vec();
        if header.body_size == 0 {
            return Ok(Incoming::Content { channel, content: whole(head, Vec::new()) });
        }
        self.replace(channel, Some(Assembly::Body(BodyAssembly::new(head, header.body_size))));
        Ok(Incoming::Partial)
    }

    fn expect_body<'a>(&mut self, frame: Frame<'a>, body: BodyAssembly) -> Step<'a> {
        let channel = frame.channel;
        if frame.kind != FrameKind::Body {
            return Err(refusal::no_body(body.head().id));
        }
        match body.add(frame.payload) {
            Added::Whole(content) => Ok(Incoming::Content { channel, content }),
            Added::More(body) => {
                self.replace(channel, Some(Assembly::Body(body)));
                Ok(Incoming::Partial)
            }
            Added::TooLong(missing, head) => Err(refusal::long_body(head.id, missing, frame.payload.len())),
        }
    }

    /// A channel being closed: only a close or its answer gets through, and ends the silence.
    fn expect_close<'a>(&mut self, frame: Frame<'a>) -> Incoming<'a> {
        if frame.kind == FrameKind::Method
            && let Ok(method @ (Method::ChannelClose(_) | Method::ChannelCloseOk(channel::CloseOk))) =
                Method::decode(frame.payload)
        {
            return Incoming::Method { channel: frame.channel, method };
        }
        self.replace(frame.channel, Some(Assembly::Discard));
        Incoming::Partial
    }
}

fn method<'a>(frame: &Frame<'a>) -> Step<'a> {
    match Method::decode(frame.payload) {
        Ok(method) => Ok(Incoming::Method { channel: frame.channel, method }),
        Err(error) => Err(refusal::bad_method(frame, error)),
    }
}

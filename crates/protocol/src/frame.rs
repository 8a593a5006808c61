//! Frames: what every byte after the protocol header belongs to (AMQP 0-9-1, section 4.2.3).
//!
//! ```text
//! 0      1         3             7                  size+7     size+8
//! +------+---------+-------------+  +------------+  +-----------+
//! | kind | channel |    size     |  |  payload   |  | frame-end |
//! +------+---------+-------------+  +------------+  +-----------+
//!  octet    short       long          size octets     0xCE
//! ```

use crate::method_id::MethodId;
use crate::wire::Put as _;

/// What a client sends first: `AMQP`, 0, and the version 0-9-1.
pub const PROTOCOL_HEADER: [u8; 8] = *b"AMQP\x00\x00\x09\x01";

/// Bytes of a frame that are not its payload: seven before, one after.
pub const FRAME_OVERHEAD: usize = 8;

/// The octet after every payload.
pub const FRAME_END: u8 = 0xCE;

/// The smallest `frame_max` that may be negotiated, in bytes.
pub const FRAME_MIN_SIZE: u32 = 4096;

/// Bytes of kind, channel and size.
const FRAME_HEADER: usize = 7;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// A method with its arguments.
    Method = 1,
    /// The header of a content: class, size, properties.
    Header = 2,
    /// A piece of a content's body.
    Body = 3,
    /// A sign of life; empty, on channel 0.
    Heartbeat = 8,
}

impl FrameKind {
    #[inline]
    const fn from_octet(octet: u8) -> Option<Self> {
        Some(match octet {
            1 => Self::Method,
            2 => Self::Header,
            3 => Self::Body,
            8 => Self::Heartbeat,
            _ => return None,
        })
    }
}

/// One frame, borrowed from the buffer it was read into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the payload is.
    pub kind: FrameKind,
    /// The channel it belongs to; 0 is the connection itself.
    pub channel: u16,
    /// What lies between size and frame-end.
    pub payload: &'a [u8],
}

/// Why bytes are not a frame. What is known of the frame goes along, because RabbitMQ repeats it in its reply text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The frame is whole, but of no kind known; reading can go on after it.
    #[error("frame of unknown kind {kind}")]
    UnknownKind {
        /// The kind octet.
        kind: u8,
        /// The channel.
        channel: u16,
        /// How the payload begins.
        payload: Snippet,
        /// Length of the whole frame in bytes.
        length: usize,
    },
    /// The frame is larger than negotiated; nothing after its header can be trusted.
    #[error("frame with a payload of {size} bytes where {size_max} were negotiated")]
    TooLarge {
        /// The kind octet.
        kind: u8,
        /// The channel.
        channel: u16,
        /// Length of the payload in bytes.
        size: u32,
        /// Longest payload negotiated, in bytes.
        size_max: u32,
    },
    /// The octet after the payload is not [`FRAME_END`]; nothing after it can be trusted.
    #[error("frame ends in {end:#04x} instead of 0xce")]
    MissingEnd {
        /// The kind octet.
        kind: u8,
        /// The channel.
        channel: u16,
        /// How the payload begins.
        payload: Snippet,
        /// What stood in the place of frame-end.
        end: u8,
    },
}

/// The first bytes of a payload, for error texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snippet {
    bytes: [u8; Self::LEN_MAX],
    len: usize,
}

impl Snippet {
    /// Most bytes kept.
    pub const LEN_MAX: usize = 16;

    pub(crate) fn of(payload: &[u8]) -> Self {
        let mut bytes = [0; Self::LEN_MAX];
        let kept = payload.len().min(Self::LEN_MAX);
        bytes[..kept].copy_from_slice(&payload[..kept]);
        Self { bytes, len: payload.len() }
    }

    /// The bytes kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len.min(Self::LEN_MAX)]
    }

    /// Whether that is the whole payload.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.len <= Self::LEN_MAX
    }
}

/// Looks for a whole frame at the start of `buf`. Gives the frame and its length in bytes, overhead included, or `None` when
/// more bytes are needed.
///
/// `frame_max` is the negotiated limit in bytes, 0 for none. As RabbitMQ does, the *payload* may be that long: some clients
/// count without the eight bytes of overhead.
///
/// # Errors
/// [`FrameError`]. An oversized frame is refused as soon as its header is there, so that nobody buffers it.
#[inline]
pub fn parse_frame(buf: &[u8], frame_max: u32) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some((&[kind, channel_high, channel_low, s0, s1, s2, s3], rest)) =
        buf.split_first_chunk::<FRAME_HEADER>()
    else {
        return Ok(None);
    };
    let channel = u16::from_be_bytes([channel_high, channel_low]);
    let size = u32::from_be_bytes([s0, s1, s2, s3]);
    if size > frame_max && frame_max != 0 {
        return Err(too_large(kind, channel, size, frame_max));
    }
    let Some((payload, [end, ..])) = rest.split_at_checked(size as usize) else {
        return Ok(None);
    };
    if *end != FRAME_END {
        return Err(FrameError::MissingEnd { kind, channel, payload: Snippet::of(payload), end: *end });
    }
    let length = payload.len() + FRAME_OVERHEAD;
    match FrameKind::from_octet(kind) {
        Some(kind) => Ok(Some((Frame { kind, channel, payload }, length))),
        None => Err(FrameError::UnknownKind { kind, channel, payload: Snippet::of(payload), length }),
    }
}

#[cold]
fn too_large(kind: u8, channel: u16, size: u32, frame_max: u32) -> FrameError {
    FrameError::TooLarge { kind, channel, size, size_max: frame_max.saturating_sub(FRAME_OVERHEAD as u32) }
}

/// A frame that was begun; remembers where, so that the size can be filled in.
#[derive(Debug)]
#[must_use = "a frame has to be ended"]
pub struct FrameStart {
    at: usize,
}

/// Begins a frame at the end of `out`. Append the payload, then call [`FrameStart::end`] with the same buffer.
#[inline]
pub fn begin_frame(out: &mut Vec<u8>, kind: FrameKind, channel: u16) -> FrameStart {
    let at = out.len();
    let [channel_high, channel_low] = channel.to_be_bytes();
    out.put_bytes(&[kind as u8, channel_high, channel_low, 0, 0, 0, 0]);
    FrameStart { at }
}

/// Begins a method frame, up to and including the method's numbers.
#[inline]
pub(crate) fn begin_method(out: &mut Vec<u8>, channel: u16, id: MethodId) -> FrameStart {
    let frame = begin_frame(out, FrameKind::Method, channel);
    out.put_u16(id.class);
    out.put_u16(id.method);
    frame
}

impl FrameStart {
    /// Fills in the size and appends the frame-end octet.
    #[inline]
    pub fn end(self, out: &mut Vec<u8>) {
        let size = out.len().saturating_sub(self.at + FRAME_HEADER) as u32;
        if let Some(place) = out.get_mut(self.at + 3..self.at + FRAME_HEADER) {
            place.copy_from_slice(&size.to_be_bytes());
        }
        out.push(FRAME_END);
    }
}

/// Appends a heartbeat frame.
pub fn put_heartbeat(out: &mut Vec<u8>) {
    begin_frame(out, FrameKind::Heartbeat, 0).end(out);
}

/// Appends a body as as many frames as `frame_max` (bytes, 0 for no limit) asks for; none for an empty body.
#[inline]
pub fn put_body(out: &mut Vec<u8>, channel: u16, body: &[u8], frame_max: u32) {
    let limit = if frame_max == 0 { u32::MAX } else { frame_max };
    let piece_max = (limit as usize).saturating_sub(FRAME_OVERHEAD).max(1);
    for piece in body.chunks(piece_max) {
        let frame = begin_frame(out, FrameKind::Body, channel);
        out.put_bytes(piece);
        frame.end(out);
    }
}

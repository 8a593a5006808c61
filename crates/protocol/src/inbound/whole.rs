//! The fast path: a content that lies in the read buffer in one piece.

use super::Role;
use super::content::{Body, Content, ContentMethod, Head};
use crate::content::{BASIC_CLASS, HeaderParts};
use crate::frame::{FRAME_END, FRAME_OVERHEAD, FrameKind};
use crate::method_id::MethodId;
use crate::properties::RawProperties;

/// Contents up to this many bytes on the wire are waited for, so that they need not be assembled, when a read ended inside them.
/// The read buffer has to be able to grow to it.
pub const WHOLE_CONTENT_MAX: usize = 32 * 1024;

/// What a look at the buffer found.
pub(super) enum Look<'a> {
    /// A whole content, its channel and its length on the wire.
    Whole(u16, Content<'a>, usize),
    /// The beginning of a small content on this channel, nothing wrong with it yet.
    Unfinished(u16),
    /// Anything else; the long way will say what.
    Other,
}

/// A frame at the start of a buffer, as far as it is there.
enum Piece<'a> {
    Whole {
        payload: &'a [u8],
        rest: &'a [u8],
    },
    /// Its size in bytes, 0 when not even that is there.
    Unfinished {
        size: usize,
    },
    Other,
}

/// Looks for a frame of this kind and channel.
#[inline(always)]
fn piece(buf: &[u8], kind: FrameKind, channel: [u8; 2], size_max: u32) -> Piece<'_> {
    let Some((&[k, c0, c1, s0, s1, s2, s3], rest)) = buf.split_first_chunk::<7>() else {
        return if is_prefix(buf, kind, channel) { Piece::Unfinished { size: 0 } } else { Piece::Other };
    };
    let size = u32::from_be_bytes([s0, s1, s2, s3]);
    if k != kind as u8 || [c0, c1] != channel || size > size_max {
        return Piece::Other;
    }
    match rest.split_at_checked(size as usize) {
        Some((payload, [FRAME_END, rest @ ..])) => Piece::Whole { payload, rest },
        Some((_, [_, ..])) => Piece::Other,
        _ => Piece::Unfinished { size: size as usize },
    }
}

#[cold]
fn is_prefix(buf: &[u8], kind: FrameKind, [c0, c1]: [u8; 2]) -> bool {
    buf.iter().zip([kind as u8, c0, c1]).all(|(found, wanted)| *found == wanted)
}

/// Looks for a content at the start of `buf`. `size_max` is the longest payload of a frame, `body_max` of a body.
#[inline(always)]
pub(super) fn look(buf: &[u8], role: Role, size_max: u32, body_max: u64) -> Look<'_> {
    let Some(&[_, c0, c1, _, _, _, _, class_high, class_low, method_high, method_low]) =
        buf.first_chunk::<11>()
    else {
        return Look::Other;
    };
    let id = MethodId::new(
        u16::from_be_bytes([class_high, class_low]),
        u16::from_be_bytes([method_high, method_low]),
    );
    let channel = [c0, c1];
    if !ContentMethod::is_received_by(role, id) || channel == [0, 0] {
        return Look::Other;
    }
    let Piece::Whole { payload, rest } = piece(buf, FrameKind::Method, channel, size_max) else {
        return Look::Other;
    };
    let Some(Ok(method)) = payload.get(4..).map(|arguments| ContentMethod::decode(id, arguments)) else {
        return Look::Other;
    };
    let (payload, rest) = match piece(rest, FrameKind::Header, channel, size_max) {
        Piece::Whole { payload, rest } => (payload, rest),
        Piece::Unfinished { size } => return wait_for(channel, buf.len() - rest.len() + size),
        Piece::Other => return Look::Other,
    };
    let Ok(header) = HeaderParts::decode(payload) else {
        return Look::Other;
    };
    if header.class_id != BASIC_CLASS || header.weight != 0 || header.body_size > body_max {
        return Look::Other;
    }
    let (body, rest) = if header.body_size == 0 {
        (&[][..], rest)
    } else {
        match piece(rest, FrameKind::Body, channel, size_max) {
            Piece::Whole { payload, rest } if payload.len() as u64 == header.body_size => (payload, rest),
            Piece::Unfinished { size } if size == 0 || size as u64 == header.body_size => {
                let body_size = usize::try_from(header.body_size).unwrap_or(usize::MAX);
                return wait_for(channel, (buf.len() - rest.len()).saturating_add(body_size));
            }
            _ => return Look::Other,
        }
    };
    let Ok(properties) = RawProperties::parse(header.properties) else {
        return Look::Other;
    };
    let length = buf.len() - rest.len();
    let head = Head::Borrowed { method, properties };
    let content = Content { head, body: Body::Borrowed(body), wire: Some(&buf[..length]) };
    Look::Whole(u16::from_be_bytes(channel), content, length)
}

/// `length` on the wire, but for the last frame's overhead.
#[cold]
fn wait_for<'a>(channel: [u8; 2], length: usize) -> Look<'a> {
    let is_small = length.saturating_add(FRAME_OVERHEAD) <= WHOLE_CONTENT_MAX;
    if is_small { Look::Unfinished(u16::from_be_bytes(channel)) } else { Look::Other }
}

//! What the peer is told about frames that may not be, in RabbitMQ's words.

use crate::content::BASIC_CLASS;
use crate::erlang::{numbers, quoted_or_numbers};
use crate::error::{MethodError, ProtocolError, Scope};
use crate::frame::{Frame, FrameError, Snippet};
use crate::method_id::MethodId;
use crate::reply_code::ReplyCode;

impl From<FrameError> for ProtocolError {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::UnknownKind { kind, payload, .. } => unknown_frame(kind, &payload),
            FrameError::TooLarge { kind, size, size_max, .. } => Self {
                scope: Scope::Socket,
                ..frame_error(kind, &Snippet::of(&[]), &format!("{{frame_too_large,{size},{size_max}}}"))
            },
            FrameError::MissingEnd { kind, payload, end, .. } => Self {
                scope: Scope::Socket,
                ..frame_error(kind, &payload, &format!("{{invalid_frame_end_marker,{end}}}"))
            },
        }
    }
}

fn frame_error(kind: u8, payload: &Snippet, what: &str) -> ProtocolError {
    let text = format!(
        "type {kind}, {} octets = {}: {what}",
        extent(payload),
        quoted_or_numbers(payload.as_bytes())
    );
    ProtocolError::connection(ReplyCode::FrameError, text)
}

fn extent(payload: &Snippet) -> &'static str {
    if payload.is_whole() { "all" } else { "first 16" }
}

/// A frame whose kind is unknown or whose payload is too short for its kind.
fn unknown_frame(kind: u8, payload: &Snippet) -> ProtocolError {
    frame_error(kind, payload, "unknown_frame")
}

/// [`unknown_frame`] for a frame.
pub(super) fn unknown(frame: &Frame<'_>) -> ProtocolError {
    unknown_frame(frame.kind as u8, &Snippet::of(frame.payload))
}

/// A frame on a channel where its kind may not be.
pub(crate) fn misplaced(frame: &Frame<'_>) -> ProtocolError {
    let payload = Snippet::of(frame.payload);
    let octets = quoted_or_numbers(payload.as_bytes());
    let text = format!("type {}, {} octets = {octets}", frame.kind as u8, extent(&payload));
    ProtocolError::connection(ReplyCode::UnexpectedFrame, text)
}

/// A method frame that is no method.
pub(crate) fn bad_method(frame: &Frame<'_>, error: MethodError) -> ProtocolError {
    match error {
        MethodError::Short(_) => unknown(frame),
        // RabbitMQ 3.10 drops the socket without a word.
        MethodError::Unknown(id) => {
            let text = format!("unknown method {} of class {}", id.method, id.class);
            ProtocolError::connection(ReplyCode::NotImplemented, text).caused_by(id)
        }
        MethodError::Malformed { id, .. } => undecodable(id, frame.payload.get(4..).unwrap_or_default()),
    }
}

/// Arguments or properties that do not decode.
pub(super) fn undecodable(id: MethodId, bytes: &[u8]) -> ProtocolError {
    // The reply text ends after 255 bytes anyway.
    let text = format!("cannot decode {}", numbers(&bytes[..bytes.len().min(255)]));
    ProtocolError::connection(ReplyCode::FrameError, text).caused_by(id)
}

/// A content that only this side may send, not receive.
pub(crate) fn unimplemented(id: MethodId) -> ProtocolError {
    ProtocolError::connection(ReplyCode::CommandInvalid, "unimplemented method").caused_by(id)
}

fn unexpected(text: impl Into<String>) -> ProtocolError {
    ProtocolError::connection(ReplyCode::UnexpectedFrame, text)
}

pub(super) fn no_method() -> ProtocolError {
    unexpected("expected method frame, got non method frame instead")
}

pub(super) fn no_header(id: MethodId) -> ProtocolError {
    unexpected(format!(
        "expected content header for class {BASIC_CLASS}, got non content header frame instead"
    ))
    .caused_by(id)
}

pub(super) fn wrong_class(id: MethodId, class: u16) -> ProtocolError {
    unexpected(format!("expected content header for class {BASIC_CLASS}, got one for class {class} instead"))
        .caused_by(id)
}

pub(super) fn no_body(id: MethodId) -> ProtocolError {
    unexpected("expected content body, got non content body frame instead").caused_by(id)
}

/// RabbitMQ waits for ever for a body that became longer than it may be; we say so.
pub(super) fn long_body(id: MethodId, missing: u64, piece: usize) -> ProtocolError {
    unexpected(format!("expected {missing} more octets of content body, got {piece}")).caused_by(id)
}

pub(super) fn large_message(channel: u16, id: MethodId, size: u64, size_max: u64) -> ProtocolError {
    let text = format!("message size {size} is larger than configured max size {size_max}");
    ProtocolError::channel(channel, ReplyCode::PreconditionFailed, text).caused_by(id)
}

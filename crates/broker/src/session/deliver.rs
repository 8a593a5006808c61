//! From a delivery to frames: `basic.deliver`, `basic.get-ok`, `basic.return`, each followed by its content.

use crate::message::Message;
use leveret_protocol::methods::basic;
use leveret_protocol::{FRAME_END, FRAME_OVERHEAD, FrameKind, MethodId, put_body};

/// What stays the same in every `basic.deliver` to one consumer: frame type to consumer tag.
#[derive(Debug, Clone)]
pub(crate) struct DeliverPrefix(Vec<u8>);

impl DeliverPrefix {
    pub(crate) fn new(channel: u16, tag: &[u8]) -> Self {
        let mut bytes = vec![FrameKind::Method as u8];
        bytes.extend_from_slice(&channel.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        put_id(&mut bytes, basic::Deliver::ID);
        bytes.push(tag.len() as u8);
        bytes.extend_from_slice(tag);
        Self(bytes)
    }
}

const OFFSET_HEADER: &str = "x-stream-offset";

fn put_id(out: &mut Vec<u8>, id: MethodId) {
    out.extend_from_slice(&id.class.to_be_bytes());
    out.extend_from_slice(&id.method.to_be_bytes());
}

/// Appends a delivery; of a stream's message with its offset.
#[inline]
#[expect(clippy::too_many_arguments)]
pub(crate) fn put_deliver(
    out: &mut Vec<u8>,
    prefix: &DeliverPrefix,
    channel: u16,
    delivery_tag: u64,
    redelivered: bool,
    message: &Message,
    offset: Option<u64>,
    frame_max: u32,
) {
    let strings = message.strings();
    let start = out.len();
    let size = prefix.0.len() - 7 + 9 + strings.len();
    out.reserve(size + 8 + message.body_len() + 64);
    out.extend_from_slice(&prefix.0);
    out[start + 3..start + 7].copy_from_slice(&(size as u32).to_be_bytes());
    let mut tag = [0; 9];
    tag[..8].copy_from_slice(&delivery_tag.to_be_bytes());
    tag[8] = u8::from(redelivered);
    out.extend_from_slice(&tag);
    out.extend_from_slice(strings);
    out.push(FRAME_END);
    match offset {
        None => put_content(out, channel, message, frame_max),
        Some(offset) => put_content_at(out, channel, message, offset, frame_max),
    }
}

/// Appends header and body frames of a stream's message, with its offset among the headers.
fn put_content_at(out: &mut Vec<u8>, channel: u16, message: &Message, offset: u64, frame_max: u32) {
    let frame = leveret_protocol::begin_frame(out, FrameKind::Header, channel);
    // Class, weight and body size are as they came.
    out.extend_from_slice(message.header_frame().get(7..19).unwrap_or_default());
    message.properties().write_with_header(OFFSET_HEADER, offset as i64, out);
    frame.end(out);
    put_body(out, channel, message.body(), frame_max);
}

/// Appends header and body frames.
#[inline]
fn put_content(out: &mut Vec<u8>, channel: u16, message: &Message, frame_max: u32) {
    let start = out.len();
    let number = channel.to_be_bytes();
    let fits = message.body_len() + FRAME_OVERHEAD <= frame_max as usize;
    if let (Some(frames), true) = (message.content_frames(), fits) {
        let body_at = start + message.header_frame().len();
        out.extend_from_slice(frames);
        out[start + 1..start + 3].copy_from_slice(&number);
        if out.len() > body_at {
            out[body_at + 1..body_at + 3].copy_from_slice(&number);
        }
        return;
    }
    out.extend_from_slice(message.header_frame());
    out[start + 1..start + 3].copy_from_slice(&number);
    put_body(out, channel, message.body(), frame_max);
}

/// Appends `basic.get-ok` with its content.
pub(crate) fn put_get_ok(
    out: &mut Vec<u8>,
    channel: u16,
    delivery_tag: u64,
    redelivered: bool,
    message_count: u32,
    message: &Message,
    frame_max: u32,
) {
    let frame = leveret_protocol::begin_frame(out, FrameKind::Method, channel);
    put_id(out, basic::GetOk::ID);
    out.extend_from_slice(&delivery_tag.to_be_bytes());
    out.push(u8::from(redelivered));
    out.extend_from_slice(message.strings());
    out.extend_from_slice(&message_count.to_be_bytes());
    frame.end(out);
    put_content(out, channel, message, frame_max);
}

/// Appends `basic.return` with its content.
pub(crate) fn put_return(
    out: &mut Vec<u8>,
    channel: u16,
    code: u16,
    text: &str,
    message: &Message,
    frame_max: u32,
) {
    let frame = leveret_protocol::begin_frame(out, FrameKind::Method, channel);
    put_id(out, basic::Return::ID);
    out.extend_from_slice(&code.to_be_bytes());
    out.push(text.len() as u8);
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(message.strings());
    frame.end(out);
    put_content(out, channel, message, frame_max);
}

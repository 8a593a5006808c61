//! The breaches, and how each ends.

use crate::support::*;
use leveret_protocol::methods::{basic, channel, connection};
use leveret_protocol::{
    BASIC_CLASS, ContentHeader, FrameKind, Put as _, RawProperties, begin_frame, put_body,
};

/// How a broken client ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ends {
    /// `connection.close` with this code.
    Connection(u16),
    /// `channel.close` with this code; the connection and its other channels go on.
    Channel(u16),
}
use Ends::{Channel, Connection};

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.put_u16(channel);
    out.put_u32(payload.len() as u32);
    out.put_bytes(payload);
    out.push(0xce);
    out
}

pub(super) fn frames(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

fn publish(channel: u16) -> Vec<u8> {
    let publish = basic::Publish { routing_key: short("q"), ..Default::default() };
    frames(|out| publish.write(channel, out))
}

fn header(channel: u16, class_id: u16, body_size: u64) -> Vec<u8> {
    let properties = RawProperties::EMPTY;
    frames(|out| ContentHeader { class_id, body_size, properties }.write(channel, out))
}

fn body(channel: u16, length: usize) -> Vec<u8> {
    frames(|out| put_body(out, channel, &vec![b'x'; length], 0))
}

fn method(channel: u16, class: u16, number: u16, arguments: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let frame = begin_frame(&mut out, FrameKind::Method, channel);
    out.put_u16(class);
    out.put_u16(number);
    out.put_bytes(arguments);
    frame.end(&mut out);
    out
}

/// What is sent on a connection with channels 1 and 2 open.
pub(super) fn table() -> Vec<(&'static str, Vec<u8>, Ends)> {
    let flow = frames(|out| channel::Flow { active: true }.write(1, out));
    let mut wrong_end = flow.clone();
    *wrong_end.last_mut().unwrap() = 0xcd;
    let mut oversized = vec![3, 0, 1];
    oversized.put_u32(131_073);
    let mut gigantic = vec![3, 0, 1];
    gigantic.put_u32(u32::MAX);
    let open = frames(|out| channel::Open.write(1, out));
    let close_ok = frames(|out| channel::CloseOk.write(1, out));
    let open_ok = frames(|out| channel::OpenOk.write(1, out));
    let tune_ok = connection::TuneOk { channel_max: 1, frame_max: 4096, heartbeat: 0 };
    let deliver = frames(|out| basic::Deliver::default().write(1, out));
    let immediate = basic::Publish { immediate: true, routing_key: short("q"), ..Default::default() };
    // queue.declare with an argument of type '?'.
    let odd_table = [&[0, 0, 1, b'q', 0][..], &[0, 0, 0, 4, 1, b'a', b'?', 0]].concat();
    vec![
        ("a frame of an unknown kind", frame(99, 1, b"abc"), Connection(501)),
        ("a frame with a wrong end", wrong_end, Connection(501)),
        ("a frame larger than negotiated", oversized, Connection(501)),
        ("a frame that announces 4 GiB", gigantic, Connection(501)),
        ("a heartbeat on a channel", frame(8, 1, b""), Connection(505)),
        ("a heartbeat with a payload", frame(8, 0, b"x"), Connection(501)),
        (
            "a method on a channel that is not open",
            frames(|out| channel::Flow { active: true }.write(9, out)),
            Connection(504),
        ),
        (
            "a content on a channel that is not open",
            [publish(9), header(9, BASIC_CLASS, 0)].concat(),
            Connection(504),
        ),
        ("a channel opened twice", open, Connection(504)),
        ("a close-ok nobody asked for", close_ok, Connection(503)),
        ("a method only servers send", open_ok, Connection(503)),
        ("a delivery to the server", deliver, Connection(503)),
        ("tune-ok again", frames(|out| tune_ok.write(0, out)), Connection(504)),
        (
            "a channel's method on channel 0",
            frames(|out| channel::Flow { active: true }.write(0, out)),
            Connection(504),
        ),
        ("a connection's method on a channel", frames(|out| tune_ok.write(1, out)), Connection(503)),
        ("a header without a method", header(1, BASIC_CLASS, 3), Connection(505)),
        ("a body without a method", body(1, 3), Connection(505)),
        ("a method where a header was due", [publish(1), flow.clone()].concat(), Connection(505)),
        ("a body where a header was due", [publish(1), body(1, 3)].concat(), Connection(505)),
        (
            "a method where a body was due",
            [publish(1), header(1, BASIC_CLASS, 3), flow].concat(),
            Connection(505),
        ),
        (
            "a header where a body was due",
            [publish(1), header(1, BASIC_CLASS, 3), header(1, BASIC_CLASS, 3)].concat(),
            Connection(505),
        ),
        ("a header of another class", [publish(1), header(1, 50, 0)].concat(), Connection(505)),
        (
            "a body longer than announced",
            [publish(1), header(1, BASIC_CLASS, 3), body(1, 4)].concat(),
            Connection(505),
        ),
        ("a header on channel 0", header(0, BASIC_CLASS, 0), Connection(505)),
        ("a body on channel 0", body(0, 3), Connection(505)),
        ("a method of an unknown class", method(1, 999, 1, b""), Connection(540)),
        ("an unknown method", method(1, 60, 999, b""), Connection(540)),
        ("a method that ends early", method(1, 50, 10, &[0, 0, 9, b'q']), Connection(501)),
        ("a method without its numbers", frame(1, 1, b"\0"), Connection(501)),
        ("an argument of an unknown type", method(1, 50, 10, &odd_table), Connection(501)),
        (
            "an immediate publishing",
            [frames(|out| immediate.write(1, out)), header(1, BASIC_CLASS, 0)].concat(),
            Connection(540),
        ),
        ("a message that is too large", [publish(1), header(1, BASIC_CLASS, 1 << 40)].concat(), Channel(406)),
        ("an unknown delivery tag", frames(|out| ack(5).write(1, out)), Channel(406)),
        ("a queue that is not there", frames(|out| consume("missing", "c").write(1, out)), Channel(404)),
    ]
}

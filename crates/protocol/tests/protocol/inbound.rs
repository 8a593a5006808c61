//! Contents: how they are put together, frame by frame.

use leveret_protocol::inbound::WHOLE_CONTENT_MAX;
use leveret_protocol::methods::{basic, channel, tx};
use leveret_protocol::{
    BASIC_CLASS, Body, ContentHeader, ContentMethod, FrameKind, Inbound, InboundLimits, Incoming, Method,
    Properties, Put as _, RawProperties, Role, ShortStr, begin_frame, put_heartbeat,
};

pub const LIMITS: InboundLimits =
    InboundLimits { frame_max: 4096, message_bytes_max: 1_000_000, channel_max: 3 };

pub fn publish(channel: u16, routing_key: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let routing_key = ShortStr::new(routing_key).unwrap();
    basic::Publish { exchange: ShortStr::new("ex").unwrap(), routing_key, mandatory: true, immediate: false }
        .write(channel, &mut out);
    out
}

pub fn header(channel: u16, body_size: u64) -> Vec<u8> {
    let mut properties = Vec::new();
    Properties { content_type: Some("text/plain".into()), ..Properties::default() }.encode(&mut properties);
    let properties = RawProperties::parse(&properties).unwrap();
    let mut out = Vec::new();
    ContentHeader { class_id: BASIC_CLASS, body_size, properties }.write(channel, &mut out);
    out
}

pub fn frame(kind: FrameKind, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let frame = begin_frame(&mut out, kind, channel);
    out.put_bytes(payload);
    frame.end(&mut out);
    out
}

pub fn body(channel: u16, payload: &[u8]) -> Vec<u8> {
    frame(FrameKind::Body, channel, payload)
}

pub fn method<'a>(channel: u16, method: impl Into<Method<'a>>) -> Vec<u8> {
    let mut out = Vec::new();
    method.into().write(channel, &mut out);
    out
}

/// One line for what came.
pub fn told(incoming: &Incoming<'_>) -> String {
    match incoming {
        Incoming::Method { channel, method } => format!("{channel}: {}", method.id()),
        Incoming::Heartbeat => "heartbeat".to_owned(),
        Incoming::Partial => "partial".to_owned(),
        Incoming::Content { channel, content } => {
            let ContentMethod::Publish(publish) = content.method() else { panic!("{content:?}") };
            assert_eq!((publish.exchange.to_string(), publish.mandatory), ("ex".to_owned(), true));
            assert_eq!(content.properties().content_type().unwrap(), "text/plain");
            let body = String::from_utf8_lossy(content.body.as_slice()).into_owned();
            let how = if content.wire.is_some() { "whole" } else { "assembled" };
            format!("{channel}: {how} {} {body:?}", publish.routing_key)
        }
    }
}

/// Feeds one frame at a time, as if each came alone, and tells what came of each.
fn one_by_one(inbound: &mut Inbound, frames: &[Vec<u8>]) -> Vec<String> {
    // A reader waits for the rest of a small content; another frame behind it ends the waiting.
    let heartbeat = frame(FrameKind::Heartbeat, 0, b"");
    let mut lines = Vec::new();
    for frame in frames {
        let buf = [&frame[..], &heartbeat].concat();
        let (incoming, consumed) = inbound.next(&buf).unwrap().unwrap();
        assert_eq!(consumed, frame.len());
        lines.push(told(&incoming));
    }
    lines
}

#[test]
fn a_content_in_one_piece_is_lent_from_the_buffer() {
    let mut inbound = Inbound::new(Role::Server, LIMITS);
    let bytes =
        [publish(1, "a"), header(1, 5), body(1, b"hello"), publish(1, "b"), header(1, 0), publish(1, "c")]
            .concat();

    let (incoming, consumed) = inbound.next(&bytes).unwrap().unwrap();
    assert_eq!(told(&incoming), "1: whole a \"hello\"");
    let Incoming::Content { content, .. } = incoming else { unreachable!() };
    assert!(matches!(content.body, Body::Borrowed(b"hello")));
    assert_eq!(content.wire, Some(&bytes[..consumed]));

    let rest = &bytes[consumed..];
    let (incoming, consumed) = inbound.next(rest).unwrap().unwrap();
    assert_eq!(told(&incoming), "1: whole b \"\"");
    let Incoming::Content { content, .. } = incoming else { unreachable!() };
    assert_eq!(content.wire, Some(&rest[..consumed]), "method and header only");

    assert_eq!(inbound.next(&rest[consumed..]), Ok(None), "the rest of c is waited for");
    assert_eq!(inbound.buffered_bytes(), 0);
}

#[test]
fn a_small_content_is_waited_for_wherever_a_read_ended() {
    let bytes = [publish(1, "a"), header(1, 5), body(1, b"hello")].concat();
    for length in 0..bytes.len() {
        let mut inbound = Inbound::new(Role::Server, LIMITS);
        assert_eq!(inbound.next(&bytes[..length]), Ok(None), "{length} of {} bytes", bytes.len());
    }
}

#[test]
fn a_large_content_is_assembled() {
    let mut inbound = Inbound::new(Role::Server, InboundLimits { frame_max: 131_072, ..LIMITS });
    let text = "x".repeat(WHOLE_CONTENT_MAX);
    let bytes = [publish(1, "a"), header(1, text.len() as u64), body(1, text.as_bytes())].concat();
    let mut at = 0;
    let mut lines = Vec::new();
    // As much as there is before the last byte, then the last byte.
    for end in [bytes.len() - 1, bytes.len()] {
        while let Some((incoming, consumed)) = inbound.next(&bytes[at..end]).unwrap() {
            lines.push(told(&incoming));
            at += consumed;
        }
    }
    assert_eq!(lines, ["partial".to_owned(), "partial".to_owned(), format!("1: assembled a {text:?}")]);
}

#[test]
fn a_body_of_several_frames_is_assembled_and_handed_over() {
    let mut inbound = Inbound::new(Role::Server, LIMITS);
    let frames =
        [publish(1, "a"), header(1, 9), body(1, b"abc"), body(1, b""), body(1, b"def"), body(1, b"ghi")];
    let lines = one_by_one(&mut inbound, &frames);
    assert_eq!(
        lines,
        ["partial", "partial", "partial", "partial", "partial", "1: assembled a \"abcdefghi\""]
    );
    assert_eq!(inbound.buffered_bytes(), 0);

    // In one piece, but of two body frames: no slice of the buffer is the body.
    let bytes = [publish(1, "a"), header(1, 4), body(1, b"ab"), body(1, b"cd")].concat();
    let mut at = 0;
    while let Some((incoming, consumed)) = inbound.next(&bytes[at..]).unwrap() {
        at += consumed;
        if let Incoming::Content { content, .. } = incoming {
            assert_eq!(content.body.into_vec(), b"abcd");
        }
    }
    assert_eq!(at, bytes.len());
}

#[test]
fn contents_of_several_channels_come_between_each_other() {
    let mut inbound = Inbound::new(Role::Server, LIMITS);
    let mut heartbeat = Vec::new();
    put_heartbeat(&mut heartbeat);
    let frames = [
        publish(1, "a"),
        publish(2, "b"),
        header(2, 4),
        method(3, tx::Commit),
        header(1, 2),
        body(2, b"BB"),
        heartbeat,
        body(1, b"aa"),
        publish(1, "c"),
        body(2, b"BB"),
        header(1, 0),
    ];
    let lines = one_by_one(&mut inbound, &frames);
    assert_eq!(
        lines,
        [
            "partial",
            "partial",
            "partial",
            "3: tx.commit",
            "partial",
            "partial",
            "heartbeat",
            "1: assembled a \"aa\"",
            "partial",
            "2: assembled b \"BBBB\"",
            "1: assembled c \"\"",
        ]
    );

    let whole = [publish(3, "d"), header(3, 1), body(3, b"d")].concat();
    one_by_one(&mut inbound, &[publish(1, "e")]);
    let (incoming, _) = inbound.next(&whole).unwrap().unwrap();
    assert_eq!(told(&incoming), "3: whole d \"d\"", "another channel's half content does not slow it down");
}

#[test]
fn a_forgotten_channel_expects_a_method() {
    let mut inbound = Inbound::new(Role::Server, LIMITS);
    one_by_one(&mut inbound, &[publish(1, "a"), header(1, 9), body(1, b"abc")]);
    assert_eq!(inbound.buffered_bytes(), 3);
    inbound.forget_channel(1);
    assert_eq!(inbound.buffered_bytes(), 0);
    assert_eq!(one_by_one(&mut inbound, &[method(1, tx::Commit)]), ["1: tx.commit"]);
}

#[test]
fn a_channel_being_closed_is_silent_up_to_the_answer() {
    for (last, name) in [
        (Method::from(channel::CloseOk), "channel.close-ok"),
        (Method::from(channel::Close::default()), "channel.close"),
    ] {
        let mut inbound = Inbound::new(Role::Server, LIMITS);
        one_by_one(&mut inbound, &[publish(1, "a"), header(1, 9), body(1, b"abc")]);
        inbound.discard_channel(1);
        assert_eq!(inbound.buffered_bytes(), 0);
        let frames = [
            body(1, b"defghi"),
            publish(1, "b"),
            header(1, 0),
            frame(FrameKind::Method, 1, b"not a method"),
            method(2, tx::Commit),
            method(1, tx::Commit),
            method(1, last),
            method(1, tx::Commit),
        ];
        let lines = one_by_one(&mut inbound, &frames);
        let name = format!("1: {name}");
        assert_eq!(
            lines,
            ["partial", "partial", "partial", "partial", "2: tx.commit", "partial", &name, "1: tx.commit"]
        );
    }
}

#[test]
fn a_client_receives_its_own_contents() {
    let (exchange, routing_key) = (ShortStr::EMPTY, ShortStr::new("q").unwrap());
    let consumer_tag = ShortStr::new("c").unwrap();
    let deliver = basic::Deliver { consumer_tag, delivery_tag: 7, redelivered: true, exchange, routing_key };
    let get_ok =
        basic::GetOk { delivery_tag: 8, redelivered: false, exchange, routing_key, message_count: 1 };
    let returned = basic::Return { reply_code: 312, reply_text: ShortStr::EMPTY, exchange, routing_key };
    for (sent, expected) in [
        (Method::from(deliver), ContentMethod::Deliver(deliver)),
        (Method::from(get_ok), ContentMethod::GetOk(get_ok)),
        (Method::from(returned), ContentMethod::Return(returned)),
    ] {
        let frames = [method(1, sent), header(1, 2), body(1, b"hi")];
        let mut inbound = Inbound::new(Role::Client, LIMITS);
        let bytes = frames.concat();
        let (incoming, consumed) = inbound.next(&bytes).unwrap().unwrap();
        let Incoming::Content { channel: 1, content } = incoming else { panic!("{incoming:?}") };
        assert_eq!(
            (content.method(), content.body.as_slice(), consumed),
            (expected, &b"hi"[..], bytes.len())
        );

        let end = frame(FrameKind::Heartbeat, 0, b"");
        let mut assembled = None;
        for piece in &frames {
            let buf = [&piece[..], &end].concat();
            if let (Incoming::Content { content, .. }, _) = inbound.next(&buf).unwrap().unwrap() {
                assert_eq!((content.method(), content.body.as_slice()), (expected, &b"hi"[..]));
                assembled = Some(content.wire.is_none());
            }
        }
        assert_eq!(assembled, Some(true));
    }
}

#[test]
fn how_large_a_buffer_has_to_be() {
    let buffer_max = |frame_max, message_bytes_max| {
        Inbound::new(Role::Server, InboundLimits { frame_max, message_bytes_max, channel_max: 0 })
            .buffer_max()
    };
    assert_eq!(buffer_max(131_072, 16 << 20), 131_080);
    assert_eq!(buffer_max(4096, 16 << 20), WHOLE_CONTENT_MAX);
    assert_eq!(buffer_max(0, 16 << 20), (16 << 20) + 8);
}

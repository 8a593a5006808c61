//! Frames that may not be, and what the peer is told. Codes and texts are what RabbitMQ 3.10.8 answered to these very bytes,
//! except where a row says otherwise.

use leveret_protocol::methods::{basic, channel, connection, queue};
use leveret_protocol::{FrameKind, Inbound, InboundError, InboundLimits, Incoming, MethodId, Role, Scope};

use crate::hex::unhex;
use crate::inbound::{LIMITS, body, frame, header, method, publish, told};

/// Feeds everything until the first error.
fn first_error(inbound: &mut Inbound, bytes: &[u8]) -> Option<InboundError> {
    let mut at = 0;
    loop {
        match inbound.next(&bytes[at..]) {
            Ok(Some((_, consumed))) => at += consumed,
            Ok(None) => return None,
            Err(error) => return Some(error),
        }
    }
}

#[track_caller]
fn check(bytes: &[u8], scope: Scope, cause: Option<MethodId>, expected: &str) {
    let limits = InboundLimits { frame_max: 131_072, ..LIMITS };
    let error = first_error(&mut Inbound::new(Role::Server, limits), bytes).expect("an error").error;
    assert_eq!(error.to_string(), expected);
    assert_eq!((error.scope, error.method), (scope, cause));
}

const PUBLISH: Option<MethodId> = Some(basic::Publish::ID);

#[test]
fn frames_that_are_none() {
    use Scope::{Connection, Socket};
    for (bytes, scope, expected) in [
        ("09 0000 00000000 ce", Connection, "FRAME_ERROR - type 9, all octets = <<>>: unknown_frame"),
        (
            "09 0000 00000005 68656c6c6f ce",
            Connection,
            "FRAME_ERROR - type 9, all octets = <<\"hello\">>: unknown_frame",
        ),
        (
            "09 0001 00000014 000102030405060708090a0b0c0d0e0f10111213 ce",
            Connection,
            "FRAME_ERROR - type 9, first 16 octets = <<0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15>>: unknown_frame",
        ),
        (
            "01 0001 0000000b 003c 000a 00000000000000 00",
            Socket,
            "FRAME_ERROR - type 1, all octets = <<0,60,0,10,0,0,0,0,0,0,0>>: {invalid_frame_end_marker,0}",
        ),
        (
            "03 0001 00020001",
            Socket,
            "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,131073,131064}",
        ),
        ("08 0001 00000000 ce", Connection, "UNEXPECTED_FRAME - type 8, all octets = <<>>"),
        ("08 0000 00000001 78 ce", Connection, "FRAME_ERROR - type 8, all octets = <<\"x\">>: unknown_frame"),
        (
            "01 0001 00000003 003c00 ce",
            Connection,
            "FRAME_ERROR - type 1, all octets = <<0,60,0>>: unknown_frame",
        ),
        ("01 0000 00000001 00 ce", Connection, "FRAME_ERROR - type 1, all octets = <<0>>: unknown_frame"),
        (
            "02 0000 0000000e 003c 0000 0000000000000000 0000 ce",
            Connection,
            "UNEXPECTED_FRAME - type 2, all octets = <<0,60,0,0,0,0,0,0,0,0,0,0,0,0>>",
        ),
        (
            "03 0000 00000012 7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a ce",
            Connection,
            "UNEXPECTED_FRAME - type 3, first 16 octets = <<\"zzzzzzzzzzzzzzzz\">>",
        ),
    ] {
        check(&unhex(bytes), scope, None, expected);
    }
}

#[test]
fn methods_that_do_not_decode() {
    let qos = Some(basic::Qos::ID);
    check(
        &unhex("01 0001 00000004 003c 000a ce"),
        Scope::Connection,
        qos,
        "FRAME_ERROR - cannot decode <<>>",
    );
    check(
        &unhex("01 0001 0000000c 003c 000a 0000000000000000 ce"),
        Scope::Connection,
        qos,
        "FRAME_ERROR - cannot decode <<0,0,0,0,0,0,0,0>>",
    );
    // RabbitMQ drops the socket without a word for the next four.
    check(
        &unhex("01 0001 00000004 003c 0063 ce"),
        Scope::Connection,
        Some(MethodId::new(60, 99)),
        "NOT_IMPLEMENTED - unknown method 99 of class 60",
    );
    check(
        &unhex("01 0000 00000004 0063 0063 ce"),
        Scope::Connection,
        Some(MethodId::new(99, 99)),
        "NOT_IMPLEMENTED - unknown method 99 of class 99",
    );
    check(
        &unhex("01 0001 00000010 0032 000a 0000 01 71 00 00000003 01 61 5a ce"),
        Scope::Connection,
        Some(queue::Declare::ID),
        "FRAME_ERROR - cannot decode <<0,0,1,113,0,0,0,0,3,1,97,90>>",
    );
    check(
        &unhex("01 0001 00000006 003c 0028 0000 ce"),
        Scope::Connection,
        PUBLISH,
        "FRAME_ERROR - cannot decode <<0,0>>",
    );
}

#[test]
fn frames_out_of_order() {
    let qos = method(1, basic::Qos::default());
    let no_method = "UNEXPECTED_FRAME - expected method frame, got non method frame instead";
    let no_header =
        "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead";
    let no_body = "UNEXPECTED_FRAME - expected content body, got non content body frame instead";
    let class_50 = "UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead";
    let weight = frame(FrameKind::Header, 1, &unhex("003c 0001 0000000000000005 0000"));
    let queue_class = frame(FrameKind::Header, 1, &unhex("0032 0000 0000000000000005 0000"));
    let rows = [
        (header(1, 0), None, no_method),
        (body(1, b"abc"), None, no_method),
        ([publish(1, "a"), qos.clone()].concat(), PUBLISH, no_header),
        ([publish(1, "a"), body(1, b"x")].concat(), PUBLISH, no_header),
        ([publish(1, "a"), publish(1, "a")].concat(), PUBLISH, no_header),
        ([publish(1, "a"), weight].concat(), PUBLISH, no_header),
        ([publish(1, "a"), queue_class].concat(), PUBLISH, class_50),
        ([publish(1, "a"), header(1, 5), qos].concat(), PUBLISH, no_body),
        ([publish(1, "a"), header(1, 5), header(1, 5)].concat(), PUBLISH, no_body),
        ([publish(1, "a"), header(1, 0), body(1, b"abc")].concat(), None, no_method),
        // RabbitMQ waits for ever.
        (
            [publish(1, "a"), header(1, 5), body(1, b"abc"), body(1, b"def")].concat(),
            PUBLISH,
            "UNEXPECTED_FRAME - expected 2 more octets of content body, got 3",
        ),
    ];
    for (bytes, cause, expected) in rows {
        check(&bytes, Scope::Connection, cause, expected);
    }
}

#[test]
fn headers_that_do_not_decode() {
    let short = [publish(1, "a"), frame(FrameKind::Header, 1, &unhex("003c 0000 0000"))].concat();
    let expected = "FRAME_ERROR - type 2, all octets = <<0,60,0,0,0,0>>: unknown_frame";
    check(&short, Scope::Connection, None, expected);
    // RabbitMQ fails inside, with 541, for the next two; it lets unknown flags pass.
    for (properties, printed) in [("0000 78", "0,0,120"), ("8000 05 6162", "128,0,5,97,98"), ("0001", "0,1")]
    {
        let payload = unhex(&format!("003c 0000 0000000000000000 {properties}"));
        let bytes = [publish(1, "a"), frame(FrameKind::Header, 1, &payload)].concat();
        check(&bytes, Scope::Connection, PUBLISH, &format!("FRAME_ERROR - cannot decode <<{printed}>>"));
    }
}

#[test]
fn contents_for_the_other_side() {
    let deliver = method(1, basic::Deliver::default());
    let cause = Some(basic::Deliver::ID);
    check(&deliver, Scope::Connection, cause, "COMMAND_INVALID - unimplemented method");
    let error = first_error(&mut Inbound::new(Role::Client, LIMITS), &publish(1, "a")).unwrap().error;
    assert_eq!(error.method, PUBLISH);
}

#[test]
fn after_an_error_of_the_connection_reading_goes_on() {
    let mut inbound = Inbound::new(Role::Server, LIMITS);
    let close_ok = method(0, connection::CloseOk);
    for bad in [header(1, 0), unhex("09 0000 00000000 ce"), unhex("01 0001 00000004 003c 000a ce")] {
        let bytes = [&bad[..], &close_ok].concat();
        let error = inbound.next(&bytes).unwrap_err();
        assert_eq!(error.consumed, bad.len());
        let (incoming, _) = inbound.next(&bytes[error.consumed..]).unwrap().unwrap();
        assert_eq!(incoming, Incoming::Method { channel: 0, method: connection::CloseOk.into() });
    }
}

#[test]
fn a_message_above_the_limit_closes_its_channel() {
    let mut inbound = Inbound::new(Role::Server, LIMITS);
    let large = [publish(1, "a"), header(1, 1_000_001)].concat();
    let error = first_error(&mut inbound, &large).unwrap();
    assert_eq!(error.consumed, header(1, 0).len());
    let error = error.error;
    let text = "PRECONDITION_FAILED - message size 1000001 is larger than configured max size 1000000";
    assert_eq!((error.scope, error.method, error.to_string()), (Scope::Channel(1), PUBLISH, text.to_owned()));

    let mut close = Vec::new();
    error.write(&mut close);
    assert_eq!(&close[..7], unhex("01 0001 00000060"));
    assert_eq!(&close[7..13], unhex("0014 0028 0196"));

    // What was under way is thrown away, other channels go on, and after close-ok so does this one.
    let rest = [
        body(1, &[0; 4000]),
        [publish(2, "b"), header(2, 1), body(2, b"b")].concat(),
        body(1, &[0; 4000]),
        method(1, channel::CloseOk),
        [publish(1, "c"), header(1, 1), body(1, b"c")].concat(),
    ];
    let bytes = rest.concat();
    let (mut at, mut lines) = (0, Vec::new());
    while let Some((incoming, consumed)) = inbound.next(&bytes[at..]).unwrap() {
        lines.push(told(&incoming));
        at += consumed;
    }
    assert_eq!(lines, ["partial", "2: whole b \"b\"", "partial", "1: channel.close-ok", "1: whole c \"c\""]);
    assert_eq!(inbound.buffered_bytes(), 0);
}

#[test]
fn a_message_of_exactly_the_limit_is_taken() {
    let mut inbound = Inbound::new(Role::Server, InboundLimits { message_bytes_max: 3, ..LIMITS });
    let bytes = [publish(1, "a"), header(1, 3), body(1, b"abc")].concat();
    assert!(matches!(inbound.next(&bytes), Ok(Some((Incoming::Content { .. }, _)))));
}

#[test]
fn as_many_contents_at_a_time_as_channels() {
    let mut inbound = Inbound::new(Role::Server, LIMITS);
    let bytes: Vec<u8> = (1..=4).flat_map(|channel| publish(channel, "a")).collect();
    let error = first_error(&mut inbound, &[&bytes[..], &method(9, channel::Open)].concat()).unwrap().error;
    assert_eq!(
        error.to_string(),
        "NOT_ALLOWED - number of channels opened (3) has reached the negotiated channel_max (3)"
    );
}

#[test]
fn a_long_text_ends_in_dots() {
    let payload = [&unhex("003c 000a")[..], &[200; 150]].concat();
    let error = first_error(&mut Inbound::new(Role::Server, LIMITS), &frame(FrameKind::Method, 1, &payload))
        .unwrap()
        .error;
    let mut out = Vec::new();
    error.write(&mut out);
    let text = &out[14..14 + 255];
    assert!(text.starts_with(b"FRAME_ERROR - cannot decode <<200,200,"));
    assert!(text.ends_with(b",200,20..."), "{:?}", String::from_utf8_lossy(text));
}

//! The server's side of the handshake, as a dialogue: what is sent, what comes back.

use leveret_protocol::handshake::{
    Farewell, Greeting, HandshakeError, Preamble, ServerHandshake, ServerStep, Tuning, login_refused, peek,
};
use leveret_protocol::methods::{basic, channel, connection};
use leveret_protocol::{
    FieldTable, FrameKind, Method, PROTOCOL_HEADER, ProtocolError, ReplyCode, Scope, ShortStr, parse_frame,
};

use crate::hex::unhex;
use crate::inbound::{frame, method};

pub const OFFER: Tuning = Tuning { channel_max: 2047, frame_max: 131_072, heartbeat: 60 };

pub fn greeting() -> Greeting {
    Greeting {
        server_properties: FieldTable::from([("product", "Leveret")]),
        mechanisms: "PLAIN AMQPLAIN".to_owned(),
        locales: "en_US".to_owned(),
    }
}

fn s(text: &str) -> ShortStr<'_> {
    ShortStr::new(text).unwrap()
}

fn start_ok(failure_close: bool) -> Vec<u8> {
    let capabilities = FieldTable::from([("authentication_failure_close", failure_close)]);
    let client_properties = FieldTable::from([("capabilities", capabilities)]);
    method(
        0,
        connection::StartOk {
            client_properties,
            mechanism: s("PLAIN"),
            response: b"\0guest\0guest",
            locale: s("en_US"),
        },
    )
}

fn tune_ok(channel_max: u16, frame_max: u32, heartbeat: u16) -> Vec<u8> {
    method(0, connection::TuneOk { channel_max, frame_max, heartbeat })
}

fn open(vhost: &str) -> Vec<u8> {
    method(0, connection::Open { virtual_host: s(vhost) })
}

/// A server and what it said.
struct Server {
    handshake: ServerHandshake,
    out: Vec<u8>,
}

impl Server {
    fn new() -> Self {
        Self { handshake: ServerHandshake::new(greeting()), out: Vec::new() }
    }

    /// A server that waits for start-ok.
    fn started() -> Self {
        let mut server = Self::new();
        assert_eq!(server.step(&PROTOCOL_HEADER), ServerStep::Progress);
        assert_eq!(server.said(), ["connection.start"]);
        server
    }

    /// A server that waits for tune-ok.
    fn tuning() -> Self {
        let mut server = Self::started();
        server.step(&start_ok(true));
        server.handshake.accept(OFFER, &mut server.out);
        assert_eq!(server.said(), ["connection.tune"]);
        server
    }

    /// A server that waits for open.
    fn opening() -> Self {
        let mut server = Self::tuning();
        assert_eq!(server.step(&tune_ok(2047, 131_072, 60)), ServerStep::Tuned(OFFER));
        server
    }

    /// Takes all of the bytes in one step.
    fn step<'a>(&mut self, bytes: &'a [u8]) -> ServerStep<'a> {
        for length in 0..bytes.len() {
            assert_eq!(self.handshake.next(&bytes[..length], &mut self.out), Ok(None), "{length} bytes");
        }
        let (step, consumed) = self.handshake.next(bytes, &mut self.out).unwrap().unwrap();
        assert_eq!(consumed, bytes.len());
        step
    }

    fn fail(&mut self, bytes: &[u8]) -> String {
        let error = self.handshake.next(bytes, &mut self.out).unwrap_err();
        assert_eq!(self.handshake.next(bytes, &mut self.out), Ok(None), "it is over");
        error.to_string()
    }

    /// Names of the methods said since the last time; closes with their text.
    fn said(&mut self) -> Vec<String> {
        let (mut at, mut said) = (0, Vec::new());
        while let Some((frame, length)) = parse_frame(&self.out[at..], 0).unwrap() {
            said.push(match Method::decode(frame.payload).unwrap() {
                Method::ConnectionClose(close) => {
                    format!(
                        "{} {} ({}, {})",
                        close.reply_code, close.reply_text, close.class_id, close.method_id
                    )
                }
                method => method.id().to_string(),
            });
            at += length;
        }
        assert_eq!(at, self.out.len());
        self.out.clear();
        said
    }
}

#[test]
fn from_header_to_open() {
    let mut server = Server::new();
    assert_eq!(server.step(&PROTOCOL_HEADER), ServerStep::Progress);
    let (frame, _) = parse_frame(&server.out, 0).unwrap().unwrap();
    let Ok(Method::ConnectionStart(start)) = Method::decode(frame.payload) else { panic!() };
    assert_eq!((start.version_major, start.version_minor), (0, 9));
    assert_eq!((start.mechanisms, start.locales), (&b"PLAIN AMQPLAIN"[..], &b"en_US"[..]));
    server.out.clear();

    let bytes = start_ok(true);
    let ServerStep::Authenticate { mechanism, response, client_properties, locale } = server.step(&bytes)
    else {
        panic!()
    };
    assert_eq!((mechanism, response, locale), (s("PLAIN"), &b"\0guest\0guest"[..], s("en_US")));
    assert!(client_properties.contains_key("capabilities"));
    let early = tune_ok(0, 0, 0);
    assert_eq!(server.handshake.next(&early, &mut server.out), Ok(None), "the caller has to decide");
    server.handshake.accept(OFFER, &mut server.out);
    assert_eq!(server.said(), ["connection.tune"]);

    let chosen = Tuning { channel_max: 1, frame_max: 4096, heartbeat: 0 };
    assert_eq!(server.step(&tune_ok(1, 4096, 0)), ServerStep::Tuned(chosen));
    assert_eq!(server.handshake.negotiated(), None, "not open yet");
    assert_eq!(server.step(&open("/")), ServerStep::Open { vhost: s("/") });
    server.handshake.open_ok(&mut server.out);
    assert_eq!(server.said(), ["connection.open-ok"]);
    assert_eq!(server.handshake.negotiated(), Some(chosen));
}

#[test]
fn challenges() {
    let mut server = Server::started();
    server.step(&start_ok(true));
    for round in [&b"1"[..], b"2"] {
        server.handshake.challenge(round, &mut server.out);
        assert_eq!(server.said(), ["connection.secure"]);
        let bytes = method(0, connection::SecureOk { response: round });
        assert_eq!(server.step(&bytes), ServerStep::SecureOk { response: round });
    }
    server.handshake.accept(OFFER, &mut server.out);
    assert_eq!(server.said(), ["connection.tune"]);
}

#[test]
fn preambles() {
    for (bytes, expected) in [
        (b"AMQP\x00\x00\x09\x01", Preamble::Amqp091),
        (b"AMQP\x01\x01\x00\x09", Preamble::Amqp091),
        (b"AMQP\x00\x01\x00\x00", Preamble::Amqp10),
        (b"AMQP\x02\x01\x00\x00", Preamble::Amqp10Tls),
        (b"AMQP\x03\x01\x00\x00", Preamble::Amqp10Sasl),
        (b"AMQP\x01\x01\x08\x00", Preamble::OtherAmqp([1, 1, 8, 0])),
        (b"AMQP\x00\x00\x09\x00", Preamble::OtherAmqp([0, 0, 9, 0])),
        (b"GET / HT", Preamble::Other(*b"GET / HT")),
    ] {
        assert_eq!(peek(&bytes[..7]), None);
        assert_eq!(peek(bytes), Some(expected));
        let mut server = Server::new();
        if expected == Preamble::Amqp091 {
            assert_eq!(server.step(bytes), ServerStep::Progress);
        } else {
            let error = server.handshake.next(bytes, &mut server.out).unwrap_err();
            assert_eq!(error, HandshakeError::Preamble(expected));
            assert_eq!(server.out, PROTOCOL_HEADER, "says what it speaks");
        }
    }
}

#[test]
fn a_refused_login_is_told_to_clients_that_understand() {
    let refused = login_refused("PLAIN");
    let mut server = Server::started();
    server.step(&start_ok(true));
    assert_eq!(server.handshake.refuse(&refused, &mut server.out), Farewell::Told);
    assert_eq!(
        server.said(),
        [
            "403 ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile. (0, 0)"
        ]
    );
    assert_eq!(server.step(&method(0, connection::CloseOk)), ServerStep::Closed);

    let mut server = Server::started();
    server.step(&start_ok(false));
    assert_eq!(server.handshake.refuse(&refused, &mut server.out), Farewell::Silent);
    assert_eq!(server.said(), [""; 0]);

    let unknown =
        ProtocolError::connection(ReplyCode::CommandInvalid, "unknown authentication mechanism 'X'");
    let mut server = Server::started();
    server.step(&start_ok(true));
    assert_eq!(server.handshake.refuse(&unknown, &mut server.out), Farewell::Silent);
}

#[test]
fn a_refused_vhost_is_told_and_pipelined_frames_are_thrown_away() {
    let mut server = Server::opening();
    server.step(&open("nope"));
    let refused = ProtocolError::connection(ReplyCode::NotAllowed, "vhost nope not found")
        .caused_by(connection::Open::ID);
    assert_eq!(server.handshake.refuse(&refused, &mut server.out), Farewell::Told);
    assert_eq!(server.said(), ["530 NOT_ALLOWED - vhost nope not found (10, 40)"]);
    assert_eq!(server.step(&method(1, channel::Open)), ServerStep::Progress);
    assert_eq!(server.step(&frame(FrameKind::Body, 1, b"x")), ServerStep::Progress);
    assert_eq!(server.step(&method(0, connection::CloseOk)), ServerStep::Closed);
}

/// Which values are refused is RabbitMQ's; that the client is told why is newer than 3.10.8, which drops the socket.
#[test]
fn limits_above_the_offer_are_refused() {
    for (channel_max, frame_max, expected) in [
        (
            0,
            131_072,
            "530 NOT_ALLOWED - negotiated channel_max = 0 (no limit) is higher than the maximum allowed value (2047) (10, 30)",
        ),
        (
            5000,
            131_072,
            "530 NOT_ALLOWED - negotiated channel_max = 5000 is higher than the maximum allowed value (2047) (10, 30)",
        ),
        (
            2047,
            4095,
            "530 NOT_ALLOWED - negotiated frame_max = 4095 is lower than the minimum allowed value (4096) (10, 30)",
        ),
        (
            2047,
            131_073,
            "530 NOT_ALLOWED - negotiated frame_max = 131073 is higher than the maximum allowed value (131072) (10, 30)",
        ),
        (
            2047,
            0,
            "530 NOT_ALLOWED - negotiated frame_max = 0 is higher than the maximum allowed value (131072) (10, 30)",
        ),
    ] {
        let mut server = Server::tuning();
        let bytes = tune_ok(channel_max, frame_max, 60);
        let step = server.step(&bytes);
        assert!(matches!(step, ServerStep::Refused(_)), "{step:?}");
        assert_eq!(server.said(), [expected]);
    }
    for heartbeat in [0, 1, 65_535] {
        let mut server = Server::tuning();
        let chosen = Tuning { heartbeat, ..OFFER };
        assert_eq!(server.step(&tune_ok(2047, 131_072, heartbeat)), ServerStep::Tuned(chosen));
    }
}

#[test]
fn a_server_without_limits_takes_none() {
    let mut server = Server::started();
    server.step(&start_ok(true));
    let none = Tuning { channel_max: 0, frame_max: 0, heartbeat: 0 };
    server.handshake.accept(none, &mut server.out);
    assert_eq!(server.step(&tune_ok(0, 0, 0)), ServerStep::Tuned(none));
}

#[test]
fn heartbeats_are_let_pass_everywhere() {
    let heartbeat = frame(FrameKind::Heartbeat, 0, b"");
    for mut server in [Server::started(), Server::tuning(), Server::opening()] {
        assert_eq!(server.step(&heartbeat), ServerStep::Progress);
        assert_eq!(server.said(), [""; 0]);
    }
}

#[test]
fn before_the_login_mistakes_are_not_discussed() {
    let qos = method(1, basic::Qos::default());
    for (bytes, expected) in [
        (tune_ok(0, 0, 0), "CHANNEL_ERROR - unexpected method in connection state starting"),
        (qos, "UNEXPECTED_FRAME - type 1, all octets = <<0,60,0,10,0,0,0,0,0,0,0>>"),
        (unhex("01 0000 00000005 000a 000b 00 ce"), "FRAME_ERROR - cannot decode <<0>>"),
        (unhex("01 0000 00002001"), "FRAME_ERROR - type 1, all octets = <<>>: {frame_too_large,8193,8184}"),
        (unhex("09 0000 00000000 ce"), "FRAME_ERROR - type 9, all octets = <<>>: unknown_frame"),
    ] {
        let mut server = Server::started();
        assert_eq!(server.fail(&bytes), expected);
        assert_eq!(server.said(), [""; 0]);
    }
    let mut server = Server::tuning();
    assert_eq!(server.fail(&open("/")), "CHANNEL_ERROR - unexpected method in connection state tuning");
    assert_eq!(server.said(), [""; 0]);
}

#[test]
fn after_the_login_mistakes_are_told() {
    let mut server = Server::opening();
    let declare = method(0, leveret_protocol::methods::queue::Declare::default());
    let step = server.step(&declare);
    assert!(matches!(step, ServerStep::Refused(error) if error.scope == Scope::Connection));
    assert_eq!(server.said(), ["504 CHANNEL_ERROR - unexpected method in connection state opening (50, 10)"]);
    assert_eq!(server.step(&method(0, connection::CloseOk)), ServerStep::Closed);

    for (bytes, expected) in [
        (method(1, channel::Open), "505 UNEXPECTED_FRAME - type 1, all octets = <<0,20,0,10,0>> (0, 0)"),
        (unhex("09 0000 00000000 ce"), "501 FRAME_ERROR - type 9, all octets = <<>>: unknown_frame (0, 0)"),
        (
            unhex("08 0000 00000000 01"),
            "501 FRAME_ERROR - type 8, all octets = <<>>: {invalid_frame_end_marker,1} (0, 0)",
        ),
    ] {
        let mut server = Server::opening();
        server.fail(&bytes);
        assert_eq!(server.said(), [expected]);
    }
}

/// RabbitMQ drops the socket instead; a client that says goodbye properly gets its answer here.
#[test]
fn a_client_may_close_at_any_time() {
    for mut server in [Server::started(), Server::tuning(), Server::opening()] {
        assert_eq!(server.step(&method(0, connection::Close::default())), ServerStep::Closed);
        assert_eq!(server.said(), ["connection.close-ok"]);
    }
}

#[test]
fn a_start_ok_of_eight_kilobytes_fits() {
    let client_properties = FieldTable::from([("a", "x".repeat(8000))]);
    let bytes = method(0, connection::StartOk { client_properties, ..Default::default() });
    let mut server = Server::started();
    let (step, _) = server.handshake.next(&bytes, &mut server.out).unwrap().unwrap();
    assert!(matches!(step, ServerStep::Authenticate { .. }));
}

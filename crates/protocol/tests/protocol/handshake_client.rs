//! The client's side of the handshake, as a dialogue.

use leveret_protocol::handshake::{Answer, ClientHandshake, ClientStep, HandshakeError, Preamble, Tuning};
use leveret_protocol::methods::{basic, connection};
use leveret_protocol::{FieldTable, FrameKind, PROTOCOL_HEADER, ShortStr};

use crate::hex::{hex, unhex};
use crate::inbound::{frame, method};

const WISH: Tuning = Tuning { channel_max: 0, frame_max: 0, heartbeat: 10 };

struct Client {
    handshake: ClientHandshake,
    out: Vec<u8>,
}

impl Client {
    /// A client that sent its header.
    fn new() -> Self {
        let mut client =
            Self { handshake: ClientHandshake::new(WISH, ShortStr::new("/").unwrap()), out: Vec::new() };
        assert_eq!(client.handshake.next(b"", &mut client.out), Ok(Some((ClientStep::Progress, 0))));
        assert_eq!(client.said(), hex(&PROTOCOL_HEADER));
        client
    }

    fn answered() -> Self {
        let mut client = Self::new();
        client.step(&method(
            0,
            connection::Start { version_minor: 9, mechanisms: b"PLAIN", ..Default::default() },
        ));
        let mechanism = ShortStr::new("PLAIN").unwrap();
        let answer = Answer {
            client_properties: FieldTable::new(),
            mechanism,
            response: b"\0u\0p",
            locale: ShortStr::EMPTY,
        };
        client.handshake.start_ok(answer, &mut client.out);
        let start_ok = "01 0000 00000017 000a 000b 00000000 05 504c41494e 00000004 00750070 00 ce";
        assert_eq!(client.said(), hex(&unhex(start_ok)));
        client
    }

    fn step<'a>(&mut self, bytes: &'a [u8]) -> ClientStep<'a> {
        for length in 0..bytes.len() {
            assert_eq!(self.handshake.next(&bytes[..length], &mut self.out), Ok(None), "{length} bytes");
        }
        let (step, consumed) = self.handshake.next(bytes, &mut self.out).unwrap().unwrap();
        assert_eq!(consumed, bytes.len());
        step
    }

    fn said(&mut self) -> String {
        hex(&std::mem::take(&mut self.out))
    }
}

#[test]
fn from_header_to_open() {
    let mut client = Client::answered();
    let secure = method(0, connection::Secure { challenge: b"?" });
    assert_eq!(client.step(&secure), ClientStep::Secure { challenge: b"?" });
    client.handshake.secure_ok(b"!", &mut client.out);
    assert_eq!(client.said(), hex(&unhex("01 0000 00000009 000a 0015 00000001 21 ce")));

    let chosen = Tuning { channel_max: 2047, frame_max: 131_072, heartbeat: 10 };
    let tune = method(0, connection::Tune { channel_max: 2047, frame_max: 131_072, heartbeat: 60 });
    assert_eq!(client.step(&tune), ClientStep::Tuned(chosen));
    let said = "01 0000 0000000c 000a 001f 07ff 00020000 000a ce  01 0000 00000008 000a 0028 01 2f 00 00 ce";
    assert_eq!(client.said(), hex(&unhex(said)));

    assert_eq!(client.step(&frame(FrameKind::Heartbeat, 0, b"")), ClientStep::Progress);
    assert_eq!(client.step(&method(0, connection::OpenOk)), ClientStep::Open);
    assert_eq!(client.handshake.negotiated(), Some(chosen));
}

#[test]
fn a_server_that_refuses() {
    let mut client = Client::answered();
    let close = connection::Close {
        reply_code: 403,
        reply_text: ShortStr::new("no").unwrap(),
        class_id: 0,
        method_id: 0,
    };
    assert_eq!(client.step(&method(0, close)), ClientStep::Closed(close));
    assert_eq!(client.said(), hex(&unhex("01 0000 00000004 000a 0033 ce")));
}

#[test]
fn servers_that_speak_something_else() {
    let mut client = Client::new();
    let error = client.handshake.next(b"AMQP\x03\x01\x00\x00", &mut client.out).unwrap_err();
    assert_eq!(error, HandshakeError::Preamble(Preamble::Amqp10Sasl));
    assert_eq!(error.to_string(), "AMQP 1.0 with SASL, not AMQP 0-9-1");

    for (bytes, expected) in [
        (method(0, connection::Start { version_major: 8, ..Default::default() }), "server speaks AMQP 8-0"),
        (method(0, connection::OpenOk), "unexpected method in connection state starting"),
        (method(1, basic::QosOk), "type 1, all octets = <<0,60,0,11>>"),
        (b"HTTP/1.1 400 Bad Request".to_vec(), "frame_too_large"),
    ] {
        let mut client = Client::new();
        let error = client.handshake.next(&bytes, &mut client.out).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_lower_wish_wins_and_zero_is_none() {
    let tuning = |channel_max, frame_max, heartbeat| Tuning { channel_max, frame_max, heartbeat };
    for (wish, offer, expected) in [
        (tuning(0, 0, 0), tuning(0, 0, 0), tuning(0, 0, 0)),
        (tuning(0, 0, 0), tuning(2047, 131_072, 60), tuning(2047, 131_072, 60)),
        (tuning(10, 4096, 5), tuning(0, 0, 0), tuning(10, 4096, 5)),
        (tuning(10, 4096, 90), tuning(2047, 131_072, 60), tuning(10, 4096, 60)),
        (tuning(65_535, u32::MAX, 65_535), tuning(2047, 131_072, 60), tuning(2047, 131_072, 60)),
    ] {
        assert_eq!(wish.negotiate(offer), expected);
    }
}

//! Client and server against each other, in memory, their bytes cut anywhere.

use leveret_protocol::handshake::{
    Answer, ClientHandshake, ClientStep, Farewell, ServerHandshake, ServerStep, Tuning, login_refused,
};
use leveret_protocol::{FieldTable, ReplyCode, ShortStr};
use proptest::prelude::*;

use crate::handshake_server::{OFFER, greeting};

/// Bytes on their way from one side to the other, handed over in pieces.
#[derive(Default)]
struct Pipe {
    sent: Vec<u8>,
    arrived: Vec<u8>,
}

impl Pipe {
    fn carry(&mut self, most: usize) -> bool {
        let piece: Vec<u8> = self.sent.drain(..most.min(self.sent.len())).collect();
        self.arrived.extend_from_slice(&piece);
        !piece.is_empty()
    }
}

#[derive(Debug, Clone, PartialEq)]
enum End {
    Open(Tuning, Tuning),
    Refused(u16),
    /// Nobody says anything any more.
    Silence,
}

/// Runs a handshake until both are open, the client is refused, or nothing moves.
fn run(wish: Tuning, vhost: &str, rounds: usize, password: &[u8], failure_close: bool, cut: usize) -> End {
    let mut server = ServerHandshake::new(greeting());
    let mut client = ClientHandshake::new(wish, ShortStr::new(vhost).unwrap());
    let (mut up, mut down) = (Pipe::default(), Pipe::default());
    let mut challenges = 0;
    loop {
        let mut moved = up.carry(cut) | down.carry(cut);
        while let Some((step, consumed)) = client.next(&down.arrived, &mut up.sent).unwrap() {
            moved = true;
            match step {
                ClientStep::Start(start) => {
                    assert_eq!(start.mechanisms, b"PLAIN AMQPLAIN");
                    let capabilities = FieldTable::from([("authentication_failure_close", failure_close)]);
                    let answer = Answer {
                        client_properties: FieldTable::from([("capabilities", capabilities)]),
                        mechanism: ShortStr::new("PLAIN").unwrap(),
                        response: b"user",
                        locale: ShortStr::new("en_US").unwrap(),
                    };
                    client.start_ok(answer, &mut up.sent);
                }
                ClientStep::Secure { .. } => client.secure_ok(password, &mut up.sent),
                ClientStep::Closed(close) => return End::Refused(close.reply_code),
                ClientStep::Open => {
                    return End::Open(client.negotiated().unwrap(), server.negotiated().unwrap());
                }
                ClientStep::Progress | ClientStep::Tuned(_) => {}
            }
            down.arrived.drain(..consumed);
        }
        while let Some((step, consumed)) = server.next(&up.arrived, &mut down.sent).unwrap() {
            moved = true;
            match step {
                ServerStep::Authenticate { .. } | ServerStep::SecureOk { .. } if challenges < rounds => {
                    challenges += 1;
                    server.challenge(b"password?", &mut down.sent);
                }
                ServerStep::Authenticate { .. } => server.accept(OFFER, &mut down.sent),
                ServerStep::SecureOk { response: b"right" } => server.accept(OFFER, &mut down.sent),
                ServerStep::SecureOk { .. } => {
                    let farewell = server.refuse(&login_refused("PLAIN"), &mut down.sent);
                    assert_eq!(farewell == Farewell::Told, failure_close);
                }
                ServerStep::Open { vhost } if vhost == "/" => server.open_ok(&mut down.sent),
                ServerStep::Open { .. } => {
                    let error =
                        leveret_protocol::ProtocolError::connection(ReplyCode::NotAllowed, "no such vhost");
                    assert_eq!(server.refuse(&error, &mut down.sent), Farewell::Told);
                }
                ServerStep::Progress | ServerStep::Tuned(_) | ServerStep::Refused(_) | ServerStep::Closed => {
                }
            }
            up.arrived.drain(..consumed);
        }
        if !moved {
            return End::Silence;
        }
    }
}

#[test]
fn refusals() {
    let wish = Tuning { channel_max: 0, frame_max: 0, heartbeat: 0 };
    assert_eq!(run(wish, "/", 1, b"wrong", true, 100), End::Refused(403));
    assert_eq!(run(wish, "/", 1, b"wrong", false, 100), End::Silence);
    assert_eq!(run(wish, "elsewhere", 0, b"", true, 100), End::Refused(530));
    assert_eq!(run(Tuning { frame_max: 5, ..wish }, "/", 0, b"", true, 100), End::Refused(530));
}

proptest! {
    #[test]
    fn both_open_with_the_same_limits(
        channel_max in any::<u16>(),
        frame_max in prop_oneof![Just(0), 4096..u32::MAX],
        heartbeat in any::<u16>(),
        rounds in 0..4_usize,
        cut in 1..300_usize,
    ) {
        let wish = Tuning { channel_max, frame_max, heartbeat };
        let agreed = wish.negotiate(OFFER);
        prop_assert_eq!(run(wish, "/", rounds, b"right", true, cut), End::Open(agreed, agreed));
    }
}

//! A whole connection of one side, fed with whatever comes: handshake, then frames, then channel states. The fuzz target uses
//! this file too, so it needs nothing from the other tests.

use std::collections::BTreeMap;

use leveret_protocol::handshake::{
    Answer, ClientHandshake, ClientStep, Greeting, ServerHandshake, ServerStep, Tuning, login_refused,
    unexpected_method,
};
use leveret_protocol::{
    ChannelState, FieldTable, Inbound, InboundLimits, Incoming, Method, MethodId, ProtocolError, ReplyCode,
    Role, Scope, ShortStr, Verdict,
};

const MESSAGE_BYTES_MAX: u64 = 1 << 20;

enum Stage {
    Server(ServerHandshake),
    Client(ClientHandshake),
    Open(Inbound),
    Over,
}

/// One connection, with what must hold of it checked at every step.
pub struct Connection {
    role: Role,
    stage: Stage,
    channels: BTreeMap<u16, ChannelState>,
    buf: Vec<u8>,
    out: Vec<u8>,
    /// Bytes received so far.
    received: usize,
}

impl Connection {
    pub fn new(role: Role) -> Self {
        let offer = Tuning { channel_max: 0, frame_max: 0, heartbeat: 0 };
        let stage = match role {
            Role::Server => Stage::Server(ServerHandshake::new(Greeting {
                server_properties: FieldTable::from([("product", "test")]),
                mechanisms: "PLAIN".to_owned(),
                locales: "en_US".to_owned(),
            })),
            Role::Client => Stage::Client(ClientHandshake::new(offer, ShortStr::EMPTY)),
        };
        Self { role, stage, channels: BTreeMap::new(), buf: Vec::new(), out: Vec::new(), received: 0 }
    }

    /// A connection whose handshake is done.
    pub fn open(role: Role, frame_max: u32) -> Self {
        let mut connection = Self::new(role);
        connection.stage = Stage::Open(inbound(role, frame_max, 64));
        connection
    }

    /// Receives bytes, and does all that follows from them. False once the connection is over.
    pub fn receive(&mut self, bytes: &[u8]) -> bool {
        self.received += bytes.len();
        self.buf.extend_from_slice(bytes);
        let mut buf = std::mem::take(&mut self.buf);
        let mut at = 0;
        while !matches!(self.stage, Stage::Over) {
            let Some(consumed) = self.step(&buf[at..]) else { break };
            assert!(at + consumed <= buf.len(), "consumed what is not there");
            at += consumed;
            // Answers are small; nothing that is received makes many of them.
            assert!(self.out.len() <= 4096, "{} bytes of answers to one step", self.out.len());
            self.out.clear();
        }
        buf.drain(..at);
        self.buf = buf;
        let most = match &self.stage {
            Stage::Open(inbound) => {
                assert!(inbound.buffered_bytes() <= self.received, "holds more than was sent");
                inbound.buffer_max()
            }
            Stage::Server(_) | Stage::Client(_) => 8192 + 8,
            Stage::Over => return false,
        };
        assert!(self.buf.len() < most, "waits for more than {most} bytes, having {}", self.buf.len());
        true
    }

    /// One step; gives the bytes consumed, or nothing when it needs more of them.
    fn step(&mut self, buf: &[u8]) -> Option<usize> {
        match &mut self.stage {
            Stage::Server(handshake) => match handshake.next(buf, &mut self.out) {
                Ok(None) => None,
                Ok(Some((step, consumed))) => {
                    assert!(consumed > 0, "a step that consumes nothing may repeat for ever");
                    if let Some(stage) = serve(handshake, step, &mut self.out) {
                        self.stage = stage;
                    }
                    Some(consumed)
                }
                Err(error) => self.over(&error.to_string()),
            },
            Stage::Client(handshake) => match handshake.next(buf, &mut self.out) {
                Ok(None) => None,
                Ok(Some((step, consumed))) => {
                    if let Some(stage) = answer(handshake, step, &mut self.out) {
                        self.stage = stage;
                    }
                    Some(consumed)
                }
                Err(error) => self.over(&error.to_string()),
            },
            Stage::Open(inbound) => match inbound.next(buf) {
                Ok(None) => None,
                Ok(Some((incoming, consumed))) => {
                    assert!(consumed > 0);
                    self.incoming(incoming);
                    Some(consumed)
                }
                Err(error) => {
                    assert!(error.consumed > 0 && error.consumed <= buf.len());
                    self.refuse(&error.error);
                    Some(error.consumed)
                }
            },
            Stage::Over => None,
        }
    }

    fn over(&mut self, error: &str) -> Option<usize> {
        assert!(!error.is_empty());
        self.stage = Stage::Over;
        None
    }

    fn incoming(&mut self, incoming: Incoming<'_>) {
        match incoming {
            Incoming::Heartbeat | Incoming::Partial => {}
            Incoming::Method { channel: 0, method } => match method {
                Method::ConnectionClose(_) | Method::ConnectionCloseOk(_) => self.stage = Stage::Over,
                _ => self.refuse(&unexpected_method("running", method.id())),
            },
            Incoming::Method { channel, method } => {
                assert!(!method.has_content());
                // Whatever was decoded can be written again.
                let mut written = Vec::new();
                method.write(channel, &mut written);
                self.on_channel(channel, method.id());
            }
            Incoming::Content { channel, content } => {
                assert_ne!(channel, 0);
                assert!(content.body.len() as u64 <= MESSAGE_BYTES_MAX);
                let _headers = content.properties().headers().map(|headers| headers.decode().unwrap());
                self.on_channel(channel, content.method().id());
            }
        }
    }

    fn on_channel(&mut self, channel: u16, method: MethodId) {
        let state = self.channels.entry(channel).or_default();
        match state.received(self.role, method) {
            Ok(Verdict::Open) => state.opened(),
            // Every third number: as if it had failed.
            Ok(Verdict::Process) if channel.is_multiple_of(3) && method.method == 10 => {
                let error = ProtocolError::channel(channel, ReplyCode::NotFound, "gone").caused_by(method);
                self.refuse(&error);
            }
            Ok(_) => {}
            Err(error) => self.refuse(&error),
        }
        if self.channels.get(&channel) == Some(&ChannelState::Closed) {
            self.channels.remove(&channel);
        }
    }

    fn refuse(&mut self, error: &ProtocolError) {
        error.write(&mut self.out);
        match (error.scope, &mut self.stage) {
            (Scope::Socket, _) => self.stage = Stage::Over,
            (Scope::Channel(channel), Stage::Open(inbound)) => {
                self.channels.entry(channel).or_default().closing();
                inbound.discard_channel(channel);
            }
            // A real one would skip everything up to close-ok; here it goes on, for there is more to find that way.
            _ => {}
        }
    }
}

fn inbound(role: Role, frame_max: u32, channel_max: u16) -> Inbound {
    Inbound::new(role, InboundLimits { frame_max, message_bytes_max: MESSAGE_BYTES_MAX, channel_max })
}

/// A server that challenges, accepts and refuses by what the client says.
fn serve(handshake: &mut ServerHandshake, step: ServerStep<'_>, out: &mut Vec<u8>) -> Option<Stage> {
    match step {
        ServerStep::Authenticate { response, .. } | ServerStep::SecureOk { response } => {
            match response.first() {
                Some(b'?') => handshake.challenge(b"again", out),
                Some(b'!') => {
                    handshake.refuse(&login_refused("PLAIN"), out);
                }
                _ => handshake.accept(Tuning { channel_max: 2047, frame_max: 131_072, heartbeat: 60 }, out),
            }
        }
        ServerStep::Open { vhost } if vhost.len() > 5 => {
            let error = ProtocolError::connection(ReplyCode::NotAllowed, "no");
            handshake.refuse(&error, out);
        }
        ServerStep::Open { .. } => {
            handshake.open_ok(out);
            let tuning = handshake.negotiated().expect("it is open");
            return Some(Stage::Open(inbound(Role::Server, tuning.frame_max, tuning.channel_max)));
        }
        ServerStep::Closed => return Some(Stage::Over),
        ServerStep::Progress | ServerStep::Tuned(_) | ServerStep::Refused(_) => {}
    }
    None
}

fn answer(handshake: &mut ClientHandshake, step: ClientStep<'_>, out: &mut Vec<u8>) -> Option<Stage> {
    match step {
        ClientStep::Start(_) => handshake.start_ok(
            Answer {
                client_properties: FieldTable::new(),
                mechanism: ShortStr::EMPTY,
                response: b"",
                locale: ShortStr::EMPTY,
            },
            out,
        ),
        ClientStep::Secure { .. } => handshake.secure_ok(b"", out),
        ClientStep::Open => {
            let tuning = handshake.negotiated().expect("it is open");
            return Some(Stage::Open(inbound(Role::Client, tuning.frame_max, tuning.channel_max)));
        }
        ClientStep::Closed(_) => return Some(Stage::Over),
        ClientStep::Progress | ClientStep::Tuned(_) => {}
    }
    None
}

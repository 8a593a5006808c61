//! The client's side of the handshake.

use super::{HandshakeError, Received, Tuning, peek, receive, unexpected_method};
use crate::error::ProtocolError;
use crate::field_table::FieldTable;
use crate::frame::PROTOCOL_HEADER;
use crate::method_id::MethodId;
use crate::methods::{Method, connection};
use crate::reply_code::ReplyCode;
use crate::shortstr::ShortStr;

/// What a client says in answer to start.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<'a> {
    /// What the client says of itself: product, version, capabilities and more.
    pub client_properties: FieldTable,
    /// The SASL mechanism it chose.
    pub mechanism: ShortStr<'a>,
    /// The mechanism's first response.
    pub response: &'a [u8],
    /// The locale it chose.
    pub locale: ShortStr<'a>,
}

/// What happened. Where it says so the caller decides, and calls a method of [`ClientHandshake`] before it looks on.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientStep<'a> {
    /// The handshake went on by itself; send what was appended to `out`.
    Progress,
    /// The server's greeting. Decide: [`start_ok`](ClientHandshake::start_ok).
    Start(connection::Start<'a>),
    /// A SASL challenge. Decide: [`secure_ok`](ClientHandshake::secure_ok).
    Secure {
        /// The mechanism's challenge.
        challenge: &'a [u8],
    },
    /// The limits hold from now on, and heartbeats count; tune-ok and open were appended to `out`.
    Tuned(Tuning),
    /// The connection is open.
    Open,
    /// The server refused; close-ok was appended to `out`. Send it and close the socket.
    Closed(connection::Close<'a>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The header was not sent yet.
    New,
    Starting,
    /// The caller chooses a mechanism.
    Choosing,
    /// Waits for secure or tune.
    Authenticating,
    /// The caller answers a challenge.
    Answering,
    Opening,
    Open,
    Over,
}

/// The client's side of one handshake.
///
/// ```text
/// new -> starting -> choosing -> authenticating -> opening -> open
///                                   |       ^
///                                   +-> answering
/// ```
#[derive(Debug)]
pub struct ClientHandshake {
    state: State,
    wish: Tuning,
    chosen: Tuning,
    vhost: Vec<u8>,
}

type Next<'a> = Result<Option<(ClientStep<'a>, usize)>, HandshakeError>;

impl ClientHandshake {
    /// The handshake of a new connection that wishes for these limits (0: whatever the server offers) and that virtual host.
    #[must_use]
    pub fn new(wish: Tuning, vhost: ShortStr<'_>) -> Self {
        Self { state: State::New, wish, chosen: wish, vhost: vhost.as_bytes().to_vec() }
    }

    /// Looks at the start of `buf`, which is empty at first; appends what to send to `out`. Gives what happened and how many
    /// bytes of `buf` it took, or `None` when more bytes or a decision of the caller are needed.
    ///
    /// # Errors
    /// The handshake is over: see [`HandshakeError`]. A server that closes the socket instead refused the login.
    pub fn next<'a>(&mut self, buf: &'a [u8], out: &mut Vec<u8>) -> Next<'a> {
        match self.state {
            State::New => {
                out.extend_from_slice(&PROTOCOL_HEADER);
                self.state = State::Starting;
                Ok(Some((ClientStep::Progress, 0)))
            }
            State::Choosing | State::Answering | State::Open | State::Over => Ok(None),
            State::Starting | State::Authenticating | State::Opening => self.method(buf, out),
        }
    }

    /// Answers the greeting.
    pub fn start_ok(&mut self, answer: Answer<'_>, out: &mut Vec<u8>) {
        debug_assert_eq!(self.state, State::Choosing, "no greeting to answer");
        let Answer { client_properties, mechanism, response, locale } = answer;
        connection::StartOk { client_properties, mechanism, response, locale }.write(0, out);
        self.state = State::Authenticating;
    }

    /// Answers a challenge.
    pub fn secure_ok(&mut self, response: &[u8], out: &mut Vec<u8>) {
        debug_assert_eq!(self.state, State::Answering, "no challenge to answer");
        connection::SecureOk { response }.write(0, out);
        self.state = State::Authenticating;
    }

    /// The limits that were agreed on, once the connection is open.
    #[must_use]
    pub fn negotiated(&self) -> Option<Tuning> {
        (self.state == State::Open).then_some(self.chosen)
    }

    fn method<'a>(&mut self, buf: &'a [u8], out: &mut Vec<u8>) -> Next<'a> {
        // A server that does not speak 0-9-1 answers with the header of what it speaks.
        if self.state == State::Starting && buf.starts_with(b"AMQP") {
            return match peek(buf) {
                Some(other) => Err(self.over(HandshakeError::Preamble(other))),
                None => Ok(None),
            };
        }
        let (received, consumed) = match receive(buf) {
            Ok(Some(received)) => received,
            Ok(None) => return Ok(None),
            Err(error) => return Err(self.over(HandshakeError::Protocol(error))),
        };
        let step = match (self.state, received) {
            (_, Received::Heartbeat) => ClientStep::Progress,
            (State::Starting, Received::Method(Method::ConnectionStart(start))) => {
                if (start.version_major, start.version_minor) != (0, 9) {
                    let text = format!("server speaks AMQP {}-{}", start.version_major, start.version_minor);
                    return Err(self.refused(ProtocolError::connection(ReplyCode::NotImplemented, text)));
                }
                self.state = State::Choosing;
                ClientStep::Start(start)
            }
            (State::Authenticating, Received::Method(Method::ConnectionSecure(secure))) => {
                self.state = State::Answering;
                ClientStep::Secure { challenge: secure.challenge }
            }
            (State::Authenticating, Received::Method(Method::ConnectionTune(tune))) => self.tune(tune, out),
            (State::Opening, Received::Method(Method::ConnectionOpenOk(_))) => {
                self.state = State::Open;
                ClientStep::Open
            }
            (_, Received::Method(Method::ConnectionClose(close))) => {
                connection::CloseOk.write(0, out);
                self.state = State::Over;
                ClientStep::Closed(close)
            }
            (_, Received::Method(method)) => return Err(self.refused(self.unexpected(method.id()))),
        };
        Ok(Some((step, consumed)))
    }

    fn tune(&mut self, tune: connection::Tune, out: &mut Vec<u8>) -> ClientStep<'static> {
        let connection::Tune { channel_max, frame_max, heartbeat } = tune;
        self.chosen = self.wish.negotiate(Tuning { channel_max, frame_max, heartbeat });
        let Tuning { channel_max, frame_max, heartbeat } = self.chosen;
        connection::TuneOk { channel_max, frame_max, heartbeat }.write(0, out);
        let virtual_host = ShortStr::from_bytes(&self.vhost).unwrap_or_default();
        connection::Open { virtual_host }.write(0, out);
        self.state = State::Opening;
        ClientStep::Tuned(self.chosen)
    }

    fn unexpected(&self, method: MethodId) -> ProtocolError {
        let state = match self.state {
            State::Starting => "starting",
            State::Authenticating => "authenticating",
            _ => "opening",
        };
        unexpected_method(state, method)
    }

    fn refused(&mut self, error: ProtocolError) -> HandshakeError {
        self.over(HandshakeError::Protocol(error))
    }

    fn over(&mut self, error: HandshakeError) -> HandshakeError {
        self.state = State::Over;
        error
    }
}

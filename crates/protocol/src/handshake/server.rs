//! The server's side of the handshake.

use super::{
    HANDSHAKE_FRAME_MAX, HandshakeError, Preamble, Received, Tuning, peek, receive, unexpected_method,
};
use crate::error::{ProtocolError, Scope};
use crate::field_table::{FieldTable, FieldValue};
use crate::frame::{FrameKind, PROTOCOL_HEADER, parse_frame};
use crate::method_id::MethodId;
use crate::methods::{Method, connection};
use crate::reply_code::ReplyCode;
use crate::shortstr::ShortStr;

/// What a server says of itself in start.
#[derive(Debug, Clone, PartialEq)]
pub struct Greeting {
    /// Product, version, capabilities and more.
    pub server_properties: FieldTable,
    /// SASL mechanisms, separated by spaces.
    pub mechanisms: String,
    /// Locales, separated by spaces.
    pub locales: String,
}

/// What happened. Where it says so the caller decides, and calls a method of [`ServerHandshake`] before it looks on.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerStep<'a> {
    /// The handshake went on by itself; send what was appended to `out`.
    Progress,
    /// The client wants to log in. Decide: [`accept`](ServerHandshake::accept), [`challenge`](ServerHandshake::challenge) or
    /// [`refuse`](ServerHandshake::refuse).
    Authenticate {
        /// The SASL mechanism it chose; need not be one that was offered.
        mechanism: ShortStr<'a>,
        /// The mechanism's first response.
        response: &'a [u8],
        /// What the client says of itself.
        client_properties: FieldTable,
        /// The locale it chose.
        locale: ShortStr<'a>,
    },
    /// The client answered a challenge. Decide as for `Authenticate`.
    SecureOk {
        /// The mechanism's response.
        response: &'a [u8],
    },
    /// The limits hold from now on, and heartbeats count.
    Tuned(Tuning),
    /// The client wants to enter a virtual host. Decide: [`open_ok`](ServerHandshake::open_ok) or
    /// [`refuse`](ServerHandshake::refuse).
    Open {
        /// Name of the virtual host.
        vhost: ShortStr<'a>,
    },
    /// The client broke a rule and was told; look on until it answers, or close the socket after a while.
    Refused(ProtocolError),
    /// The client closed, or confirmed our close: send what was appended to `out` and close the socket.
    Closed,
}

/// How a refusal is put to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// A close was appended to `out`; look on until the client answers it, or close the socket after a while.
    Told,
    /// Nothing was said, as RabbitMQ does before a login; wait a little and close the socket.
    Silent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Preamble,
    Starting,
    /// The caller decides about a login.
    Authenticating,
    Securing,
    Tuning,
    Opening,
    /// The caller decides about a virtual host.
    Entering,
    Open,
    /// A close was sent.
    Closing,
    Over,
}

/// The server's side of one handshake.
///
/// ```text
/// preamble -> starting -> authenticating -> tuning -> opening -> entering -> open
///                          |        ^
///                          +-> securing
/// ```
#[derive(Debug)]
pub struct ServerHandshake {
    state: State,
    greeting: Greeting,
    offer: Tuning,
    chosen: Tuning,
    /// The client understands a close after a failed login.
    failure_close: bool,
}

type Next<'a> = Result<Option<(ServerStep<'a>, usize)>, HandshakeError>;

impl ServerHandshake {
    /// The handshake of a new connection.
    #[must_use]
    pub fn new(greeting: Greeting) -> Self {
        let none = Tuning { channel_max: 0, frame_max: 0, heartbeat: 0 };
        Self { state: State::Preamble, greeting, offer: none, chosen: none, failure_close: false }
    }

    /// Looks at the start of `buf`; appends answers to `out`. Gives what happened and how many bytes of `buf` it took, or
    /// `None` when more bytes or a decision of the caller are needed.
    ///
    /// # Errors
    /// The handshake is over: see [`HandshakeError`].
    pub fn next<'a>(&mut self, buf: &'a [u8], out: &mut Vec<u8>) -> Next<'a> {
        match self.state {
            State::Preamble => self.preamble(buf, out),
            State::Authenticating | State::Entering | State::Open | State::Over => Ok(None),
            State::Starting | State::Securing | State::Tuning | State::Opening => self.method(buf, out),
            State::Closing => self.closing(buf, out),
        }
    }

    /// The login is good; offers these limits.
    pub fn accept(&mut self, offer: Tuning, out: &mut Vec<u8>) {
        debug_assert_eq!(self.state, State::Authenticating, "no login to decide about");
        let Tuning { channel_max, frame_max, heartbeat } = offer;
        connection::Tune { channel_max, frame_max, heartbeat }.write(0, out);
        self.offer = offer;
        self.state = State::Tuning;
    }

    /// The mechanism has another question.
    pub fn challenge(&mut self, challenge: &[u8], out: &mut Vec<u8>) {
        debug_assert_eq!(self.state, State::Authenticating, "no login to decide about");
        connection::Secure { challenge }.write(0, out);
        self.state = State::Securing;
    }

    /// The virtual host is entered; the connection is open.
    pub fn open_ok(&mut self, out: &mut Vec<u8>) {
        debug_assert_eq!(self.state, State::Entering, "no virtual host to decide about");
        connection::OpenOk.write(0, out);
        self.state = State::Open;
    }

    /// The login or the virtual host is refused. A failed login is told only to clients that say they understand it
    /// (`authentication_failure_close`), and only in the words of an access refusal.
    pub fn refuse(&mut self, error: &ProtocolError, out: &mut Vec<u8>) -> Farewell {
        let is_login = self.state == State::Authenticating;
        if is_login && !(self.failure_close && error.code == ReplyCode::AccessRefused) {
            self.state = State::Over;
            return Farewell::Silent;
        }
        self.state = State::Closing;
        ProtocolError { scope: Scope::Connection, ..error.clone() }.write(out);
        Farewell::Told
    }

    /// The limits that were agreed on, once the connection is open.
    #[must_use]
    pub fn negotiated(&self) -> Option<Tuning> {
        (self.state == State::Open).then_some(self.chosen)
    }

    fn preamble<'a>(&mut self, buf: &'a [u8], out: &mut Vec<u8>) -> Next<'a> {
        match peek(buf) {
            None => Ok(None),
            Some(Preamble::Amqp091) => {
                connection::Start {
                    version_major: 0,
                    version_minor: 9,
                    server_properties: self.greeting.server_properties.clone(),
                    mechanisms: self.greeting.mechanisms.as_bytes(),
                    locales: self.greeting.locales.as_bytes(),
                }
                .write(0, out);
                self.state = State::Starting;
                Ok(Some((ServerStep::Progress, PROTOCOL_HEADER.len())))
            }
            Some(other) => {
                out.extend_from_slice(&PROTOCOL_HEADER);
                self.state = State::Over;
                Err(HandshakeError::Preamble(other))
            }
        }
    }

    fn method<'a>(&mut self, buf: &'a [u8], out: &mut Vec<u8>) -> Next<'a> {
        let (received, consumed) = match receive(buf) {
            Ok(Some(received)) => received,
            Ok(None) => return Ok(None),
            Err(error) => return Err(self.broken(error, out)),
        };
        let step = match (self.state, received) {
            (_, Received::Heartbeat) => ServerStep::Progress,
            // RabbitMQ drops the socket; a client that says goodbye properly may have its answer.
            (_, Received::Method(Method::ConnectionClose(_))) => {
                connection::CloseOk.write(0, out);
                self.state = State::Over;
                ServerStep::Closed
            }
            (State::Starting, Received::Method(Method::ConnectionStartOk(start_ok))) => {
                self.start_ok(start_ok)
            }
            (State::Securing, Received::Method(Method::ConnectionSecureOk(secure_ok))) => {
                self.state = State::Authenticating;
                ServerStep::SecureOk { response: secure_ok.response }
            }
            (State::Tuning, Received::Method(Method::ConnectionTuneOk(tune_ok))) => {
                self.tune_ok(tune_ok, out)
            }
            (State::Opening, Received::Method(Method::ConnectionOpen(open))) => {
                self.state = State::Entering;
                ServerStep::Open { vhost: open.virtual_host }
            }
            (_, Received::Method(method)) => return self.unexpected(method.id(), consumed, out),
        };
        Ok(Some((step, consumed)))
    }

    /// After a close was sent: what the client had under way is thrown away, and its answer waited for.
    fn closing<'a>(&mut self, buf: &'a [u8], out: &mut Vec<u8>) -> Next<'a> {
        let (frame, consumed) = match parse_frame(buf, HANDSHAKE_FRAME_MAX) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(error) => return Err(self.broken(error.into(), out)),
        };
        let method = if frame.kind == FrameKind::Method { Method::decode(frame.payload).ok() } else { None };
        match method {
            Some(Method::ConnectionClose(_)) => connection::CloseOk.write(0, out),
            Some(Method::ConnectionCloseOk(_)) => {}
            _ => return Ok(Some((ServerStep::Progress, consumed))),
        }
        self.state = State::Over;
        Ok(Some((ServerStep::Closed, consumed)))
    }

    fn start_ok<'a>(&mut self, start_ok: connection::StartOk<'a>) -> ServerStep<'a> {
        let connection::StartOk { client_properties, mechanism, response, locale } = start_ok;
        self.failure_close = client_properties
            .get("capabilities")
            .and_then(FieldValue::as_table)
            .and_then(|capabilities| capabilities.get("authentication_failure_close"))
            .and_then(FieldValue::as_bool)
            .unwrap_or(false);
        self.state = State::Authenticating;
        ServerStep::Authenticate { mechanism, response, client_properties, locale }
    }

    fn tune_ok(&mut self, tune_ok: connection::TuneOk, out: &mut Vec<u8>) -> ServerStep<'static> {
        let connection::TuneOk { channel_max, frame_max, heartbeat } = tune_ok;
        let chosen = Tuning { channel_max, frame_max, heartbeat };
        match chosen.check(self.offer) {
            Ok(()) => {
                self.chosen = chosen;
                self.state = State::Opening;
                ServerStep::Tuned(chosen)
            }
            Err(error) => {
                error.write(out);
                self.state = State::Closing;
                ServerStep::Refused(error)
            }
        }
    }

    fn unexpected<'a>(&mut self, method: MethodId, consumed: usize, out: &mut Vec<u8>) -> Next<'a> {
        let state = match self.state {
            State::Starting => "starting",
            State::Securing => "securing",
            State::Tuning => "tuning",
            _ => "opening",
        };
        let error = unexpected_method(state, method);
        if self.state == State::Opening {
            error.write(out);
            self.state = State::Closing;
            return Ok(Some((ServerStep::Refused(error), consumed)));
        }
        Err(self.broken(error, out))
    }

    /// A frame that cannot be: the end, in words only for a client that logged in.
    fn broken(&mut self, error: ProtocolError, out: &mut Vec<u8>) -> HandshakeError {
        if self.state == State::Opening {
            error.write(out);
        }
        self.state = State::Over;
        HandshakeError::Protocol(error)
    }
}

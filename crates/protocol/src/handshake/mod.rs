//! From the first byte to an open connection, for either side (AMQP 0-9-1, section 2.2.4).
//!
//! ```text
//! client                                 server
//!   | -------- protocol header ----------> |
//!   | <------------ start ---------------- |
//!   | ------------ start-ok -------------> |  authenticate
//!   | <------- secure / secure-ok -------> |  as often as the mechanism asks
//!   | <------------- tune ---------------- |
//!   | ------------ tune-ok --------------> |
//!   | -------------- open ---------------> |  enter the virtual host
//!   | <----------- open-ok --------------- |
//! ```

mod client;
mod preamble;
mod server;
mod tuning;

pub use client::{Answer, ClientHandshake, ClientStep};
pub use preamble::{Preamble, peek};
pub use server::{Farewell, Greeting, ServerHandshake, ServerStep};
pub use tuning::Tuning;

use crate::error::{MethodError, ProtocolError, Scope};
use crate::frame::{Frame, FrameKind, parse_frame};
use crate::inbound::{bad_method, misplaced};
use crate::method_id::MethodId;
use crate::methods::Method;
use crate::reply_code::ReplyCode;

/// Longest payload of a frame before the connection is open, in bytes. A start-ok with many client properties has to fit.
pub const HANDSHAKE_FRAME_MAX: u32 = 8192;

/// Why a handshake is over. Send what was appended to `out`, wait a little, so that nobody guesses fast, and close the socket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The peer speaks something else; our protocol header was appended.
    #[error("{0}, not AMQP 0-9-1")]
    Preamble(Preamble),
    /// What the peer sent may not be. The server tells it of it only once it is authenticated, as RabbitMQ does.
    #[error("{0}")]
    Protocol(ProtocolError),
}

/// A method that arrived on channel 0, or a sign of life.
enum Received<'a> {
    Method(Method<'a>),
    Heartbeat,
}

/// The method at the start of the buffer, and its length. `None`: needs more bytes.
fn receive(buf: &[u8]) -> Result<Option<(Received<'_>, usize)>, ProtocolError> {
    let Some((frame, length)) = parse_frame(buf, HANDSHAKE_FRAME_MAX)? else {
        return Ok(None);
    };
    let received = match frame {
        Frame { kind: FrameKind::Heartbeat, channel: 0, payload: [] } => Received::Heartbeat,
        Frame { kind: FrameKind::Method, channel: 0, payload } => {
            Received::Method(Method::decode(payload).map_err(|error: MethodError| bad_method(&frame, error))?)
        }
        _ => return Err(misplaced(&frame)),
    };
    Ok(Some((received, length)))
}

/// The refusal of a method on channel 0 in a state where it may not be; `state` is RabbitMQ's name of it, for example `running`.
///
/// An open connection knows close, close-ok and update-secret; for everything else this is the answer.
#[must_use]
pub fn unexpected_method(state: &str, method: MethodId) -> ProtocolError {
    let text = format!("unexpected method in connection state {state}");
    ProtocolError::connection(ReplyCode::ChannelError, text).caused_by(method)
}

/// The refusal of a login, in words that do not help somebody who guesses.
#[must_use]
pub fn login_refused(mechanism: &str) -> ProtocolError {
    let text = format!(
        "Login was refused using authentication mechanism {mechanism}. For details see the broker logfile."
    );
    ProtocolError { scope: Scope::Connection, ..ProtocolError::connection(ReplyCode::AccessRefused, text) }
}

//! What arrives on an open connection: frames in, methods and whole contents out (AMQP 0-9-1, section 4.2.6).
//!
//! A content is a method, a header and body frames on one channel. Frames of other channels may come between; anything else on
//! the same channel may not:
//!
//! ```text
//!            method with content          header, size > 0
//! +--------+ ------------------> +--------+ -----------------> +------+ --+
//! | method |                     | header |                    | body |   | more to come
//! +--------+ <------------------ +--------+                    +------+ <-+
//!      ^          header, size 0                                  |
//!      +----------------------------------------------------------+
//!                            last body frame
//! ```
//!
//! Most contents lie in the read buffer in one piece. Those are handed out as slices of the buffer and no state is touched. The
//! others are assembled.

mod assembly;
mod content;
mod reader;
mod refusal;
mod whole;

pub use content::{Body, Content, ContentMethod};
pub use reader::Inbound;
pub(crate) use refusal::{bad_method, misplaced, unimplemented};
pub use whole::WHOLE_CONTENT_MAX;

use crate::error::ProtocolError;
use crate::methods::Method;

/// Which side of the connection reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The server: receives `basic.publish`.
    Server,
    /// The client: receives `basic.deliver`, `basic.return` and `basic.get-ok`.
    Client,
}

/// What a peer may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboundLimits {
    /// The negotiated `frame_max` in bytes; 0 for none, which then follows from `message_bytes_max`.
    pub frame_max: u32,
    /// The longest body in bytes.
    pub message_bytes_max: u64,
    /// The negotiated `channel_max`: so many contents may be incomplete at a time; 0 for no limit.
    pub channel_max: u16,
}

/// What one look at the buffer gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming<'a> {
    /// A method without content.
    Method {
        /// The channel, 0 for the connection.
        channel: u16,
        /// The method.
        method: Method<'a>,
    },
    /// A method with its whole content.
    Content {
        /// The channel, never 0.
        channel: u16,
        /// The content.
        content: Content<'a>,
    },
    /// A heartbeat.
    Heartbeat,
    /// A frame that only takes a content further, or that belongs to a channel being closed. Go on.
    Partial,
}

/// Why a frame may not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct InboundError {
    /// What to tell the peer.
    pub error: ProtocolError,
    /// How many bytes of the buffer it was about; reading goes on after them, unless the scope is the socket.
    pub consumed: usize,
}

//! Errors: what went wrong with a method's bytes, and what the peer is told.

use std::fmt;

use crate::method_id::MethodId;
use crate::methods::{channel, connection};
use crate::reply_code::ReplyCode;
use crate::shortstr::ShortStr;
use crate::wire::WireError;

/// Why a method frame's payload is not a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// The payload ends before class and method number.
    #[error("method frame without class and method: {0}")]
    Short(WireError),
    /// No method has these numbers.
    #[error("unknown method {0}")]
    Unknown(MethodId),
    /// The arguments do not decode.
    #[error("arguments of {id}: {source}")]
    Malformed {
        /// The method.
        id: MethodId,
        /// What is wrong with its arguments.
        source: WireError,
    },
}

/// What an error ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One channel: tell it with `channel.close`; the rest of the connection goes on.
    Channel(
        /// The channel's number.
        u16,
    ),
    /// The connection: tell it with `connection.close` and wait for close-ok, skipping everything else.
    Connection,
    /// The socket: tell it with `connection.close`, but nothing after the error can be read any more, so do not wait.
    Socket,
}

/// An error as the peer is told of it. `Display` is RabbitMQ's reply text, `NAME - text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtocolError {
    /// What it ends.
    pub scope: Scope,
    /// The reply code.
    pub code: ReplyCode,
    /// The explanation, without the code's name.
    pub text: String,
    /// The method that caused it, when one did.
    pub method: Option<MethodId>,
}

impl ProtocolError {
    /// An error that ends the connection.
    pub fn connection(code: ReplyCode, text: impl Into<String>) -> Self {
        Self { scope: Scope::Connection, code, text: text.into(), method: None }
    }

    /// An error that ends a channel, or the connection when its code says so.
    pub fn channel(channel: u16, code: ReplyCode, text: impl Into<String>) -> Self {
        let scope = if code.is_channel_error() { Scope::Channel(channel) } else { Scope::Connection };
        Self { scope, code, text: text.into(), method: None }
    }

    /// The same error, with the method that caused it.
    #[must_use]
    pub fn caused_by(mut self, method: MethodId) -> Self {
        self.method = Some(method);
        self
    }

    /// Appends the `channel.close` or `connection.close` frame that tells the peer. A text above 255 bytes ends in "...".
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut text = self.to_string();
        if text.len() > ShortStr::LEN_MAX {
            text.truncate(text.floor_char_boundary(ShortStr::LEN_MAX - 3));
            text.push_str("...");
        }
        let reply_text = ShortStr::truncate(&text);
        let MethodId { class: class_id, method: method_id } = self.method.unwrap_or(MethodId::new(0, 0));
        let reply_code = self.code.code();
        match self.scope {
            Scope::Channel(channel) => {
                channel::Close { reply_code, reply_text, class_id, method_id }.write(channel, out);
            }
            Scope::Connection | Scope::Socket => {
                connection::Close { reply_code, reply_text, class_id, method_id }.write(0, out);
            }
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} - {}", self.code.name(), self.text)
    }
}

impl std::error::Error for ProtocolError {}

//! The first eight bytes of a connection: which protocol the peer speaks.

use std::fmt;

use crate::frame::PROTOCOL_HEADER;

/// What the first eight bytes of a connection ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Preamble {
    /// AMQP 0-9-1, or 0-9, which is answered alike.
    Amqp091,
    /// AMQP 1.0 without a security layer.
    Amqp10,
    /// AMQP 1.0 behind SASL (protocol id 3).
    Amqp10Sasl,
    /// AMQP 1.0 behind TLS (protocol id 2).
    Amqp10Tls,
    /// AMQP of another version: the four bytes after the name.
    OtherAmqp([u8; 4]),
    /// Not AMQP.
    Other([u8; 8]),
}

/// Says which protocol a peer speaks, once it sent eight bytes; consumes nothing.
///
/// ```
/// # use leveret_protocol::handshake::{Preamble, peek};
/// assert_eq!(peek(b"AMQP"), None);
/// assert_eq!(peek(b"AMQP\x03\x01\x00\x00"), Some(Preamble::Amqp10Sasl));
/// ```
#[must_use]
pub fn peek(buf: &[u8]) -> Option<Preamble> {
    let bytes = buf.first_chunk::<{ PROTOCOL_HEADER.len() }>()?;
    Some(match *bytes {
        // 0-9-1, and what clients of 0-9 send.
        [b'A', b'M', b'Q', b'P', 0, 0, 9, 1] | [b'A', b'M', b'Q', b'P', 1, 1, 0, 9] => Preamble::Amqp091,
        [b'A', b'M', b'Q', b'P', 0, 1, 0, 0] => Preamble::Amqp10,
        [b'A', b'M', b'Q', b'P', 2, 1, 0, 0] => Preamble::Amqp10Tls,
        [b'A', b'M', b'Q', b'P', 3, 1, 0, 0] => Preamble::Amqp10Sasl,
        [b'A', b'M', b'Q', b'P', a, b, c, d] => Preamble::OtherAmqp([a, b, c, d]),
        other => Preamble::Other(other),
    })
}

impl fmt::Display for Preamble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Amqp091 => f.write_str("AMQP 0-9-1"),
            Self::Amqp10 => f.write_str("AMQP 1.0"),
            Self::Amqp10Sasl => f.write_str("AMQP 1.0 with SASL"),
            Self::Amqp10Tls => f.write_str("AMQP 1.0 with TLS"),
            Self::OtherAmqp([a, b, c, d]) => write!(f, "AMQP version {a} {b} {c} {d}"),
            Self::Other(bytes) => write!(f, "\"{}\"", bytes.escape_ascii()),
        }
    }
}

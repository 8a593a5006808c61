//! Class `confirm` (85): Publisher confirms. (RabbitMQ)
//!
//! Generated from `spec/amqp-0-9-1.toml` by `cargo run -p xtask -- generate`; change the table, not this file.

use crate::frame::begin_method;
use crate::method_id::MethodId;
use crate::wire::{Put, Reader, WireError};

/// `confirm.select` (85, 10), sent by the client. Asks the server to confirm every publishing on this channel. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Select {
    /// Do not answer.
    pub no_wait: bool,
}

impl Select {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(85, 10);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let bits = reader.u8()?;
        let no_wait = bits & 1 != 0;
        Ok(Self { no_wait })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u8(u8::from(self.no_wait));
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `confirm.select-ok` (85, 11), sent by the server. Publishings are confirmed from now on. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct SelectOk;

impl SelectOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(85, 11);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(_reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self)
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, _out: &mut Vec<u8>) {}

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

//! Class `access` (30): Access tickets of AMQP 0-8, kept because RabbitMQ answers old clients. (RabbitMQ)
//!
//! Generated from `spec/amqp-0-9-1.toml` by `cargo run -p xtask -- generate`; change the table, not this file.

use crate::frame::begin_method;
use crate::method_id::MethodId;
use crate::shortstr::ShortStr;
use crate::wire::{Put, Reader, WireError};

/// `access.request` (30, 10), sent by the client. Asks for an access ticket. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Request<'a> {
    /// Name of the realm.
    pub realm: ShortStr<'a>,
    /// Ask for exclusive access.
    pub exclusive: bool,
    /// Ask for passive access.
    pub passive: bool,
    /// Ask for active access.
    pub active: bool,
    /// Ask for write access.
    pub write: bool,
    /// Ask for read access.
    pub read: bool,
}

impl<'a> Request<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(30, 10);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let realm = reader.short_str()?;
        let bits = reader.u8()?;
        let exclusive = bits & 1 != 0;
        let passive = bits & 2 != 0;
        let active = bits & 4 != 0;
        let write = bits & 8 != 0;
        let read = bits & 16 != 0;
        Ok(Self { realm, exclusive, passive, active, write, read })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_short_str(self.realm);
        out.put_u8(
            u8::from(self.exclusive)
                | u8::from(self.passive) << 1
                | u8::from(self.active) << 2
                | u8::from(self.write) << 3
                | u8::from(self.read) << 4,
        );
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `access.request-ok` (30, 11), sent by the server. Grants an access ticket; RabbitMQ always says 1. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct RequestOk {
    /// The ticket; nothing looks at it.
    pub ticket: u16,
}

impl RequestOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(30, 11);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let ticket = reader.u16()?;
        Ok(Self { ticket })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(self.ticket);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

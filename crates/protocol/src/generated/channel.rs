//! Class `channel` (20): Opening and closing a channel, and its flow.
//!
//! Generated from `spec/amqp-0-9-1.toml` by `cargo run -p xtask -- generate`; change the table, not this file.

use crate::frame::begin_method;
use crate::method_id::MethodId;
use crate::shortstr::ShortStr;
use crate::wire::{Put, Reader, WireError};

/// `channel.open` (20, 10), sent by the client. Opens the channel.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Open;

impl Open {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(20, 10);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.short_str()?;
        Ok(Self)
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_short_str(ShortStr::EMPTY);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `channel.open-ok` (20, 11), sent by the server. The channel is open.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct OpenOk;

impl OpenOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(20, 11);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.long_str()?;
        Ok(Self)
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_long_str(&[]);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `channel.flow` (20, 20), sent by the client. Asks the server to pause or resume the flow of contents; the specification lets the server ask too.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Flow {
    /// True: go on; false: pause.
    pub active: bool,
}

impl Flow {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(20, 20);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let bits = reader.u8()?;
        let active = bits & 1 != 0;
        Ok(Self { active })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u8(u8::from(self.active));
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `channel.flow-ok` (20, 21), sent by the server. Confirms a flow. The server sends no flow, so a client has none to confirm. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct FlowOk {
    /// The state that now holds.
    pub active: bool,
}

impl FlowOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(20, 21);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let bits = reader.u8()?;
        let active = bits & 1 != 0;
        Ok(Self { active })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u8(u8::from(self.active));
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `channel.close` (20, 40), sent by either side. Closes the channel; everything but close and close-ok on it is ignored from now on.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Close<'a> {
    /// Why; 200 for an orderly close.
    pub reply_code: u16,
    /// Why, in words.
    pub reply_text: ShortStr<'a>,
    /// Class of the method that failed, or 0.
    pub class_id: u16,
    /// Number of the method that failed, or 0.
    pub method_id: u16,
}

impl<'a> Close<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(20, 40);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let reply_code = reader.u16()?;
        let reply_text = reader.short_str()?;
        let class_id = reader.u16()?;
        let method_id = reader.u16()?;
        Ok(Self { reply_code, reply_text, class_id, method_id })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(self.reply_code);
        out.put_short_str(self.reply_text);
        out.put_u16(self.class_id);
        out.put_u16(self.method_id);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `channel.close-ok` (20, 41), sent by either side. Confirms a close; the channel number is free again.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct CloseOk;

impl CloseOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(20, 41);

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

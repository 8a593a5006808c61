//! Class `exchange` (40): Declaring, deleting and binding exchanges.
//!
//! Generated from `spec/amqp-0-9-1.toml` by `cargo run -p xtask -- generate`; change the table, not this file.

use crate::field_table::FieldTable;
use crate::frame::begin_method;
use crate::method_id::MethodId;
use crate::shortstr::ShortStr;
use crate::wire::{Put, Reader, WireError};

/// `exchange.declare` (40, 10), sent by the client. Declares an exchange, creating it if it does not exist.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Declare<'a> {
    /// Name of the exchange.
    pub exchange: ShortStr<'a>,
    /// Type of the exchange: direct, fanout, topic, headers, ... (`type` in the specification).
    pub kind: ShortStr<'a>,
    /// Only ask whether it exists.
    pub passive: bool,
    /// Survives a restart of the server.
    pub durable: bool,
    /// Goes when its last binding goes. (RabbitMQ)
    pub auto_delete: bool,
    /// Not for publishing by clients, only for bindings. (RabbitMQ)
    pub internal: bool,
    /// Do not answer.
    pub no_wait: bool,
    /// Further arguments, for example `alternate-exchange`.
    pub arguments: FieldTable,
}

impl<'a> Declare<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(40, 10);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        reader.u16()?;
        let exchange = reader.short_str()?;
        let kind = reader.short_str()?;
        let bits = reader.u8()?;
        let passive = bits & 1 != 0;
        let durable = bits & 2 != 0;
        let auto_delete = bits & 4 != 0;
        let internal = bits & 8 != 0;
        let no_wait = bits & 16 != 0;
        let arguments = reader.table()?.decode()?;
        Ok(Self { exchange, kind, passive, durable, auto_delete, internal, no_wait, arguments })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(0);
        out.put_short_str(self.exchange);
        out.put_short_str(self.kind);
        out.put_u8(
            u8::from(self.passive)
                | u8::from(self.durable) << 1
                | u8::from(self.auto_delete) << 2
                | u8::from(self.internal) << 3
                | u8::from(self.no_wait) << 4,
        );
        self.arguments.encode(out);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `exchange.declare-ok` (40, 11), sent by the server. The exchange exists.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct DeclareOk;

impl DeclareOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(40, 11);

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

/// `exchange.delete` (40, 20), sent by the client. Deletes an exchange.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Delete<'a> {
    /// Name of the exchange.
    pub exchange: ShortStr<'a>,
    /// Only if it has no bindings.
    pub if_unused: bool,
    /// Do not answer.
    pub no_wait: bool,
}

impl<'a> Delete<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(40, 20);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        reader.u16()?;
        let exchange = reader.short_str()?;
        let bits = reader.u8()?;
        let if_unused = bits & 1 != 0;
        let no_wait = bits & 2 != 0;
        Ok(Self { exchange, if_unused, no_wait })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(0);
        out.put_short_str(self.exchange);
        out.put_u8(u8::from(self.if_unused) | u8::from(self.no_wait) << 1);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `exchange.delete-ok` (40, 21), sent by the server. The exchange is gone.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct DeleteOk;

impl DeleteOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(40, 21);

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

/// `exchange.bind` (40, 30), sent by the client. Binds an exchange to an exchange. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bind<'a> {
    /// The exchange that receives.
    pub destination: ShortStr<'a>,
    /// The exchange that routes.
    pub source: ShortStr<'a>,
    /// The binding key.
    pub routing_key: ShortStr<'a>,
    /// Do not answer.
    pub no_wait: bool,
    /// Arguments of the binding.
    pub arguments: FieldTable,
}

impl<'a> Bind<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(40, 30);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        reader.u16()?;
        let destination = reader.short_str()?;
        let source = reader.short_str()?;
        let routing_key = reader.short_str()?;
        let bits = reader.u8()?;
        let no_wait = bits & 1 != 0;
        let arguments = reader.table()?.decode()?;
        Ok(Self { destination, source, routing_key, no_wait, arguments })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(0);
        out.put_short_str(self.destination);
        out.put_short_str(self.source);
        out.put_short_str(self.routing_key);
        out.put_u8(u8::from(self.no_wait));
        self.arguments.encode(out);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `exchange.bind-ok` (40, 31), sent by the server. The exchanges are bound. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct BindOk;

impl BindOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(40, 31);

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

/// `exchange.unbind` (40, 40), sent by the client. Removes a binding between exchanges. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Unbind<'a> {
    /// The exchange that receives.
    pub destination: ShortStr<'a>,
    /// The exchange that routes.
    pub source: ShortStr<'a>,
    /// The binding key.
    pub routing_key: ShortStr<'a>,
    /// Do not answer.
    pub no_wait: bool,
    /// Arguments of the binding.
    pub arguments: FieldTable,
}

impl<'a> Unbind<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(40, 40);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        reader.u16()?;
        let destination = reader.short_str()?;
        let source = reader.short_str()?;
        let routing_key = reader.short_str()?;
        let bits = reader.u8()?;
        let no_wait = bits & 1 != 0;
        let arguments = reader.table()?.decode()?;
        Ok(Self { destination, source, routing_key, no_wait, arguments })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(0);
        out.put_short_str(self.destination);
        out.put_short_str(self.source);
        out.put_short_str(self.routing_key);
        out.put_u8(u8::from(self.no_wait));
        self.arguments.encode(out);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `exchange.unbind-ok` (40, 51), sent by the server. The binding is gone. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct UnbindOk;

impl UnbindOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(40, 51);

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

//! Class `queue` (50): Declaring, binding, purging and deleting queues.
//!
//! Generated from `spec/amqp-0-9-1.toml` by `cargo run -p xtask -- generate`; change the table, not this file.

use crate::field_table::FieldTable;
use crate::frame::begin_method;
use crate::method_id::MethodId;
use crate::shortstr::ShortStr;
use crate::wire::{Put, Reader, WireError};

/// `queue.declare` (50, 10), sent by the client. Declares a queue, creating it if it does not exist.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Declare<'a> {
    /// Name of the queue; empty: the server invents one.
    pub queue: ShortStr<'a>,
    /// Only ask whether it exists.
    pub passive: bool,
    /// Survives a restart of the server.
    pub durable: bool,
    /// Belongs to this connection and goes with it.
    pub exclusive: bool,
    /// Goes when its last consumer goes.
    pub auto_delete: bool,
    /// Do not answer.
    pub no_wait: bool,
    /// Further arguments, for example `x-message-ttl`.
    pub arguments: FieldTable,
}

impl<'a> Declare<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(50, 10);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        reader.u16()?;
        let queue = reader.short_str()?;
        let bits = reader.u8()?;
        let passive = bits & 1 != 0;
        let durable = bits & 2 != 0;
        let exclusive = bits & 4 != 0;
        let auto_delete = bits & 8 != 0;
        let no_wait = bits & 16 != 0;
        let arguments = reader.table()?.decode()?;
        Ok(Self { queue, passive, durable, exclusive, auto_delete, no_wait, arguments })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(0);
        out.put_short_str(self.queue);
        out.put_u8(
            u8::from(self.passive)
                | u8::from(self.durable) << 1
                | u8::from(self.exclusive) << 2
                | u8::from(self.auto_delete) << 3
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

/// `queue.declare-ok` (50, 11), sent by the server. The queue exists.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct DeclareOk<'a> {
    /// Name of the queue.
    pub queue: ShortStr<'a>,
    /// Messages ready for delivery.
    pub message_count: u32,
    /// Consumers of the queue.
    pub consumer_count: u32,
}

impl<'a> DeclareOk<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(50, 11);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let queue = reader.short_str()?;
        let message_count = reader.u32()?;
        let consumer_count = reader.u32()?;
        Ok(Self { queue, message_count, consumer_count })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_short_str(self.queue);
        out.put_u32(self.message_count);
        out.put_u32(self.consumer_count);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `queue.bind` (50, 20), sent by the client. Binds a queue to an exchange.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bind<'a> {
    /// Name of the queue; empty: the last one declared on this channel.
    pub queue: ShortStr<'a>,
    /// Name of the exchange.
    pub exchange: ShortStr<'a>,
    /// The binding key.
    pub routing_key: ShortStr<'a>,
    /// Do not answer.
    pub no_wait: bool,
    /// Arguments of the binding.
    pub arguments: FieldTable,
}

impl<'a> Bind<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(50, 20);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        reader.u16()?;
        let queue = reader.short_str()?;
        let exchange = reader.short_str()?;
        let routing_key = reader.short_str()?;
        let bits = reader.u8()?;
        let no_wait = bits & 1 != 0;
        let arguments = reader.table()?.decode()?;
        Ok(Self { queue, exchange, routing_key, no_wait, arguments })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(0);
        out.put_short_str(self.queue);
        out.put_short_str(self.exchange);
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

/// `queue.bind-ok` (50, 21), sent by the server. The queue is bound.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct BindOk;

impl BindOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(50, 21);

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

/// `queue.purge` (50, 30), sent by the client. Removes every ready message from a queue.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Purge<'a> {
    /// Name of the queue; empty: the last one declared on this channel.
    pub queue: ShortStr<'a>,
    /// Do not answer.
    pub no_wait: bool,
}

impl<'a> Purge<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(50, 30);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        reader.u16()?;
        let queue = reader.short_str()?;
        let bits = reader.u8()?;
        let no_wait = bits & 1 != 0;
        Ok(Self { queue, no_wait })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(0);
        out.put_short_str(self.queue);
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

/// `queue.purge-ok` (50, 31), sent by the server. The queue is purged.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct PurgeOk {
    /// Messages removed.
    pub message_count: u32,
}

impl PurgeOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(50, 31);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let message_count = reader.u32()?;
        Ok(Self { message_count })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u32(self.message_count);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `queue.delete` (50, 40), sent by the client. Deletes a queue.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Delete<'a> {
    /// Name of the queue; empty: the last one declared on this channel.
    pub queue: ShortStr<'a>,
    /// Only if it has no consumers.
    pub if_unused: bool,
    /// Only if it has no messages.
    pub if_empty: bool,
    /// Do not answer.
    pub no_wait: bool,
}

impl<'a> Delete<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(50, 40);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        reader.u16()?;
        let queue = reader.short_str()?;
        let bits = reader.u8()?;
        let if_unused = bits & 1 != 0;
        let if_empty = bits & 2 != 0;
        let no_wait = bits & 4 != 0;
        Ok(Self { queue, if_unused, if_empty, no_wait })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(0);
        out.put_short_str(self.queue);
        out.put_u8(u8::from(self.if_unused) | u8::from(self.if_empty) << 1 | u8::from(self.no_wait) << 2);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `queue.delete-ok` (50, 41), sent by the server. The queue is gone.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct DeleteOk {
    /// Messages deleted with it.
    pub message_count: u32,
}

impl DeleteOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(50, 41);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let message_count = reader.u32()?;
        Ok(Self { message_count })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u32(self.message_count);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `queue.unbind` (50, 50), sent by the client. Removes a binding between a queue and an exchange.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Unbind<'a> {
    /// Name of the queue; empty: the last one declared on this channel.
    pub queue: ShortStr<'a>,
    /// Name of the exchange.
    pub exchange: ShortStr<'a>,
    /// The binding key.
    pub routing_key: ShortStr<'a>,
    /// Arguments of the binding.
    pub arguments: FieldTable,
}

impl<'a> Unbind<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(50, 50);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        reader.u16()?;
        let queue = reader.short_str()?;
        let exchange = reader.short_str()?;
        let routing_key = reader.short_str()?;
        let arguments = reader.table()?.decode()?;
        Ok(Self { queue, exchange, routing_key, arguments })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(0);
        out.put_short_str(self.queue);
        out.put_short_str(self.exchange);
        out.put_short_str(self.routing_key);
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

/// `queue.unbind-ok` (50, 51), sent by the server. The binding is gone.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct UnbindOk;

impl UnbindOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(50, 51);

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

//! Class `basic` (60): Publishing, consuming and settling messages.
//!
//! Generated from `spec/amqp-0-9-1.toml` by `cargo run -p xtask -- generate`; change the table, not this file.

use crate::field_table::FieldTable;
use crate::frame::begin_method;
use crate::method_id::MethodId;
use crate::shortstr::ShortStr;
use crate::wire::{Put, Reader, WireError};

/// `basic.qos` (60, 10), sent by the client. Sets the prefetch limit.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Qos {
    /// Limit in bytes; RabbitMQ knows only 0, no limit.
    pub prefetch_size: u32,
    /// Limit in unsettled messages; 0: none.
    pub prefetch_count: u16,
    /// False: for each new consumer of the channel; true: for the channel as a whole. (RabbitMQ)
    pub global: bool,
}

impl Qos {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 10);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let prefetch_size = reader.u32()?;
        let prefetch_count = reader.u16()?;
        let bits = reader.u8()?;
        let global = bits & 1 != 0;
        Ok(Self { prefetch_size, prefetch_count, global })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u32(self.prefetch_size);
        out.put_u16(self.prefetch_count);
        out.put_u8(u8::from(self.global));
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `basic.qos-ok` (60, 11), sent by the server. The limit holds.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct QosOk;

impl QosOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 11);

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

/// `basic.consume` (60, 20), sent by the client. Starts a consumer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Consume<'a> {
    /// Name of the queue; empty: the last one declared on this channel.
    pub queue: ShortStr<'a>,
    /// The consumer's name on this channel; empty: the server invents one.
    pub consumer_tag: ShortStr<'a>,
    /// Do not deliver what this connection published; RabbitMQ ignores it.
    pub no_local: bool,
    /// Deliveries count as acknowledged when sent.
    pub no_ack: bool,
    /// Be the queue's only consumer.
    pub exclusive: bool,
    /// Do not answer.
    pub no_wait: bool,
    /// Further arguments, for example `x-priority`.
    pub arguments: FieldTable,
}

impl<'a> Consume<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 20);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        reader.u16()?;
        let queue = reader.short_str()?;
        let consumer_tag = reader.short_str()?;
        let bits = reader.u8()?;
        let no_local = bits & 1 != 0;
        let no_ack = bits & 2 != 0;
        let exclusive = bits & 4 != 0;
        let no_wait = bits & 8 != 0;
        let arguments = reader.table()?.decode()?;
        Ok(Self { queue, consumer_tag, no_local, no_ack, exclusive, no_wait, arguments })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(0);
        out.put_short_str(self.queue);
        out.put_short_str(self.consumer_tag);
        out.put_u8(
            u8::from(self.no_local)
                | u8::from(self.no_ack) << 1
                | u8::from(self.exclusive) << 2
                | u8::from(self.no_wait) << 3,
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

/// `basic.consume-ok` (60, 21), sent by the server. The consumer is started.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct ConsumeOk<'a> {
    /// The consumer's name.
    pub consumer_tag: ShortStr<'a>,
}

impl<'a> ConsumeOk<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 21);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let consumer_tag = reader.short_str()?;
        Ok(Self { consumer_tag })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_short_str(self.consumer_tag);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `basic.cancel` (60, 30), sent by either side. Ends a consumer; from the server it says that the queue is gone. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Cancel<'a> {
    /// The consumer's name.
    pub consumer_tag: ShortStr<'a>,
    /// Do not answer.
    pub no_wait: bool,
}

impl<'a> Cancel<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 30);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let consumer_tag = reader.short_str()?;
        let bits = reader.u8()?;
        let no_wait = bits & 1 != 0;
        Ok(Self { consumer_tag, no_wait })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_short_str(self.consumer_tag);
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

/// `basic.cancel-ok` (60, 31), sent by the server. The consumer is ended. A client does not answer a server's cancel. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct CancelOk<'a> {
    /// The consumer's name.
    pub consumer_tag: ShortStr<'a>,
}

impl<'a> CancelOk<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 31);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let consumer_tag = reader.short_str()?;
        Ok(Self { consumer_tag })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_short_str(self.consumer_tag);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `basic.publish` (60, 40), sent by the client. Publishes a message.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Publish<'a> {
    /// Name of the exchange; empty: the default exchange.
    pub exchange: ShortStr<'a>,
    /// The routing key.
    pub routing_key: ShortStr<'a>,
    /// Return the message if no queue takes it.
    pub mandatory: bool,
    /// Return the message if no consumer takes it at once; RabbitMQ refuses it.
    pub immediate: bool,
}

impl<'a> Publish<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 40);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        reader.u16()?;
        let exchange = reader.short_str()?;
        let routing_key = reader.short_str()?;
        let bits = reader.u8()?;
        let mandatory = bits & 1 != 0;
        let immediate = bits & 2 != 0;
        Ok(Self { exchange, routing_key, mandatory, immediate })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(0);
        out.put_short_str(self.exchange);
        out.put_short_str(self.routing_key);
        out.put_u8(u8::from(self.mandatory) | u8::from(self.immediate) << 1);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `basic.return` (60, 50), sent by the server. Gives back a message that could not be routed.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Return<'a> {
    /// Why.
    pub reply_code: u16,
    /// Why, in words.
    pub reply_text: ShortStr<'a>,
    /// The exchange it was published to.
    pub exchange: ShortStr<'a>,
    /// Its routing key.
    pub routing_key: ShortStr<'a>,
}

impl<'a> Return<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 50);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let reply_code = reader.u16()?;
        let reply_text = reader.short_str()?;
        let exchange = reader.short_str()?;
        let routing_key = reader.short_str()?;
        Ok(Self { reply_code, reply_text, exchange, routing_key })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(self.reply_code);
        out.put_short_str(self.reply_text);
        out.put_short_str(self.exchange);
        out.put_short_str(self.routing_key);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `basic.deliver` (60, 60), sent by the server. Delivers a message to a consumer.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Deliver<'a> {
    /// The consumer's name.
    pub consumer_tag: ShortStr<'a>,
    /// The delivery's number on this channel, from 1.
    pub delivery_tag: u64,
    /// The message may have been delivered before.
    pub redelivered: bool,
    /// The exchange it was published to.
    pub exchange: ShortStr<'a>,
    /// Its routing key.
    pub routing_key: ShortStr<'a>,
}

impl<'a> Deliver<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 60);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let consumer_tag = reader.short_str()?;
        let delivery_tag = reader.u64()?;
        let bits = reader.u8()?;
        let redelivered = bits & 1 != 0;
        let exchange = reader.short_str()?;
        let routing_key = reader.short_str()?;
        Ok(Self { consumer_tag, delivery_tag, redelivered, exchange, routing_key })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_short_str(self.consumer_tag);
        out.put_u64(self.delivery_tag);
        out.put_u8(u8::from(self.redelivered));
        out.put_short_str(self.exchange);
        out.put_short_str(self.routing_key);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `basic.get` (60, 70), sent by the client. Asks for one message.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Get<'a> {
    /// Name of the queue; empty: the last one declared on this channel.
    pub queue: ShortStr<'a>,
    /// The message counts as acknowledged when sent.
    pub no_ack: bool,
}

impl<'a> Get<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 70);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        reader.u16()?;
        let queue = reader.short_str()?;
        let bits = reader.u8()?;
        let no_ack = bits & 1 != 0;
        Ok(Self { queue, no_ack })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(0);
        out.put_short_str(self.queue);
        out.put_u8(u8::from(self.no_ack));
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `basic.get-ok` (60, 71), sent by the server. Brings the message asked for.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct GetOk<'a> {
    /// The delivery's number on this channel, from 1.
    pub delivery_tag: u64,
    /// The message may have been delivered before.
    pub redelivered: bool,
    /// The exchange it was published to.
    pub exchange: ShortStr<'a>,
    /// Its routing key.
    pub routing_key: ShortStr<'a>,
    /// Messages left in the queue.
    pub message_count: u32,
}

impl<'a> GetOk<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 71);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let delivery_tag = reader.u64()?;
        let bits = reader.u8()?;
        let redelivered = bits & 1 != 0;
        let exchange = reader.short_str()?;
        let routing_key = reader.short_str()?;
        let message_count = reader.u32()?;
        Ok(Self { delivery_tag, redelivered, exchange, routing_key, message_count })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u64(self.delivery_tag);
        out.put_u8(u8::from(self.redelivered));
        out.put_short_str(self.exchange);
        out.put_short_str(self.routing_key);
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

/// `basic.get-empty` (60, 72), sent by the server. There is no message.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct GetEmpty;

impl GetEmpty {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 72);

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

/// `basic.ack` (60, 80), sent by either side. Settles deliveries as done; from the server it confirms publishings. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Ack {
    /// The delivery, or with `multiple` the last one; 0 with `multiple`: all.
    pub delivery_tag: u64,
    /// All up to and including the tag.
    pub multiple: bool,
}

impl Ack {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 80);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let delivery_tag = reader.u64()?;
        let bits = reader.u8()?;
        let multiple = bits & 1 != 0;
        Ok(Self { delivery_tag, multiple })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u64(self.delivery_tag);
        out.put_u8(u8::from(self.multiple));
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `basic.reject` (60, 90), sent by the client. Settles one delivery as failed.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Reject {
    /// The delivery.
    pub delivery_tag: u64,
    /// True: back into the queue; false: discard or dead-letter.
    pub requeue: bool,
}

impl Reject {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 90);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let delivery_tag = reader.u64()?;
        let bits = reader.u8()?;
        let requeue = bits & 1 != 0;
        Ok(Self { delivery_tag, requeue })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u64(self.delivery_tag);
        out.put_u8(u8::from(self.requeue));
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `basic.recover-async` (60, 100), sent by the client. Like recover, without an answer; deprecated by the specification.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct RecoverAsync {
    /// RabbitMQ knows only true: back into the queue.
    pub requeue: bool,
}

impl RecoverAsync {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 100);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let bits = reader.u8()?;
        let requeue = bits & 1 != 0;
        Ok(Self { requeue })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u8(u8::from(self.requeue));
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `basic.recover` (60, 110), sent by the client. Puts every unsettled delivery of the channel back into its queue.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Recover {
    /// RabbitMQ knows only true: back into the queue.
    pub requeue: bool,
}

impl Recover {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 110);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let bits = reader.u8()?;
        let requeue = bits & 1 != 0;
        Ok(Self { requeue })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u8(u8::from(self.requeue));
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `basic.recover-ok` (60, 111), sent by the server. The deliveries are back in their queues.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct RecoverOk;

impl RecoverOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 111);

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

/// `basic.nack` (60, 120), sent by either side. Settles deliveries as failed; from the server it refuses publishings. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Nack {
    /// The delivery, or with `multiple` the last one; 0 with `multiple`: all.
    pub delivery_tag: u64,
    /// All up to and including the tag.
    pub multiple: bool,
    /// True: back into the queue; false: discard or dead-letter.
    pub requeue: bool,
}

impl Nack {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(60, 120);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let delivery_tag = reader.u64()?;
        let bits = reader.u8()?;
        let multiple = bits & 1 != 0;
        let requeue = bits & 2 != 0;
        Ok(Self { delivery_tag, multiple, requeue })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u64(self.delivery_tag);
        out.put_u8(u8::from(self.multiple) | u8::from(self.requeue) << 1);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

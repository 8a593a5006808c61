//! Class `connection` (10): Opening, tuning and closing a connection; always on channel 0.
//!
//! Generated from `spec/amqp-0-9-1.toml` by `cargo run -p xtask -- generate`; change the table, not this file.

use crate::field_table::FieldTable;
use crate::frame::begin_method;
use crate::method_id::MethodId;
use crate::shortstr::ShortStr;
use crate::wire::{Put, Reader, WireError};

/// `connection.start` (10, 10), sent by the server. The server's greeting: versions, properties, SASL mechanisms and locales.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Start<'a> {
    /// Major protocol version, 0.
    pub version_major: u8,
    /// Minor protocol version, 9.
    pub version_minor: u8,
    /// Product, version, capabilities and more.
    pub server_properties: FieldTable,
    /// SASL mechanisms, separated by spaces.
    pub mechanisms: &'a [u8],
    /// Locales for reply texts, separated by spaces.
    pub locales: &'a [u8],
}

impl<'a> Start<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(10, 10);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let version_major = reader.u8()?;
        let version_minor = reader.u8()?;
        let server_properties = reader.table()?.decode()?;
        let mechanisms = reader.long_str()?;
        let locales = reader.long_str()?;
        Ok(Self { version_major, version_minor, server_properties, mechanisms, locales })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u8(self.version_major);
        out.put_u8(self.version_minor);
        self.server_properties.encode(out);
        out.put_long_str(self.mechanisms);
        out.put_long_str(self.locales);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `connection.start-ok` (10, 11), sent by the client. The client's choice of mechanism and locale, with its first SASL response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StartOk<'a> {
    /// Product, version, capabilities and more.
    pub client_properties: FieldTable,
    /// The chosen SASL mechanism.
    pub mechanism: ShortStr<'a>,
    /// The mechanism's initial response.
    pub response: &'a [u8],
    /// The chosen locale.
    pub locale: ShortStr<'a>,
}

impl<'a> StartOk<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(10, 11);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let client_properties = reader.table()?.decode()?;
        let mechanism = reader.short_str()?;
        let response = reader.long_str()?;
        let locale = reader.short_str()?;
        Ok(Self { client_properties, mechanism, response, locale })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        self.client_properties.encode(out);
        out.put_short_str(self.mechanism);
        out.put_long_str(self.response);
        out.put_short_str(self.locale);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `connection.secure` (10, 20), sent by the server. A SASL challenge.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Secure<'a> {
    /// The mechanism's challenge.
    pub challenge: &'a [u8],
}

impl<'a> Secure<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(10, 20);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let challenge = reader.long_str()?;
        Ok(Self { challenge })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_long_str(self.challenge);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `connection.secure-ok` (10, 21), sent by the client. The answer to a SASL challenge.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct SecureOk<'a> {
    /// The mechanism's response.
    pub response: &'a [u8],
}

impl<'a> SecureOk<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(10, 21);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let response = reader.long_str()?;
        Ok(Self { response })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_long_str(self.response);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `connection.tune` (10, 30), sent by the server. The limits the server offers.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Tune {
    /// Highest channel number; 0: no limit.
    pub channel_max: u16,
    /// Largest frame in bytes, header and end octet included; 0: no limit.
    pub frame_max: u32,
    /// Heartbeat timeout in seconds; 0: none.
    pub heartbeat: u16,
}

impl Tune {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(10, 30);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let channel_max = reader.u16()?;
        let frame_max = reader.u32()?;
        let heartbeat = reader.u16()?;
        Ok(Self { channel_max, frame_max, heartbeat })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(self.channel_max);
        out.put_u32(self.frame_max);
        out.put_u16(self.heartbeat);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `connection.tune-ok` (10, 31), sent by the client. The limits that hold from now on.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct TuneOk {
    /// Highest channel number; 0: no limit.
    pub channel_max: u16,
    /// Largest frame in bytes, header and end octet included; 0: no limit.
    pub frame_max: u32,
    /// Heartbeat timeout in seconds; 0: none.
    pub heartbeat: u16,
}

impl TuneOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(10, 31);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let channel_max = reader.u16()?;
        let frame_max = reader.u32()?;
        let heartbeat = reader.u16()?;
        Ok(Self { channel_max, frame_max, heartbeat })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_u16(self.channel_max);
        out.put_u32(self.frame_max);
        out.put_u16(self.heartbeat);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `connection.open` (10, 40), sent by the client. Enters a virtual host.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Open<'a> {
    /// Name of the virtual host.
    pub virtual_host: ShortStr<'a>,
}

impl<'a> Open<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(10, 40);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let virtual_host = reader.short_str()?;
        reader.short_str()?;
        reader.u8()?;
        Ok(Self { virtual_host })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_short_str(self.virtual_host);
        out.put_short_str(ShortStr::EMPTY);
        out.put_u8(0);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `connection.open-ok` (10, 41), sent by the server. The connection is open.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct OpenOk;

impl OpenOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(10, 41);

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

/// `connection.close` (10, 50), sent by either side. Closes the connection; everything but close and close-ok is ignored from now on.
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
    pub const ID: MethodId = MethodId::new(10, 50);

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

/// `connection.close-ok` (10, 51), sent by either side. Confirms a close; the socket may be closed.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct CloseOk;

impl CloseOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(10, 51);

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

/// `connection.blocked` (10, 60), sent by the server. The server stopped reading from publishing connections. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Blocked<'a> {
    /// Why, in words.
    pub reason: ShortStr<'a>,
}

impl<'a> Blocked<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(10, 60);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let reason = reader.short_str()?;
        Ok(Self { reason })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_short_str(self.reason);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `connection.unblocked` (10, 61), sent by the server. The server reads again. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Unblocked;

impl Unblocked {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(10, 61);

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

/// `connection.update-secret` (10, 70), sent by the client. Replaces the connection's credentials, for tokens that expire. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct UpdateSecret<'a> {
    /// The new secret.
    pub new_secret: &'a [u8],
    /// Why, in words.
    pub reason: ShortStr<'a>,
}

impl<'a> UpdateSecret<'a> {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(10, 70);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let new_secret = reader.long_str()?;
        let reason = reader.short_str()?;
        Ok(Self { new_secret, reason })
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, out: &mut Vec<u8>) {
        out.put_long_str(self.new_secret);
        out.put_short_str(self.reason);
    }

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `connection.update-secret-ok` (10, 71), sent by the server. The new secret is accepted. (RabbitMQ)
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct UpdateSecretOk;

impl UpdateSecretOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(10, 71);

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

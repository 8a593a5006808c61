//! The properties of class `basic`.
//!
//! Generated from `spec/amqp-0-9-1.toml` by `cargo run -p xtask -- generate`; change the table, not this file.

use crate::field_table::{FieldTable, RawTable};
use crate::properties::{NotOwnable, PropertyKind, PropertyWriter, RawProperties};
use crate::shortstr::ShortStr;

/// Type of the property with flag bit 15, 14, ... in the order of the wire.
pub(crate) const KINDS: [PropertyKind; 14] = [
    PropertyKind::ShortStr,  // content-type
    PropertyKind::ShortStr,  // content-encoding
    PropertyKind::Table,     // headers
    PropertyKind::Octet,     // delivery-mode
    PropertyKind::Octet,     // priority
    PropertyKind::ShortStr,  // correlation-id
    PropertyKind::ShortStr,  // reply-to
    PropertyKind::ShortStr,  // expiration
    PropertyKind::ShortStr,  // message-id
    PropertyKind::Timestamp, // timestamp
    PropertyKind::ShortStr,  // type
    PropertyKind::ShortStr,  // user-id
    PropertyKind::ShortStr,  // app-id
    PropertyKind::ShortStr,  // cluster-id
];

impl<'a> RawProperties<'a> {
    /// MIME type of the body, for the application.
    #[must_use]
    #[inline]
    pub fn content_type(self) -> Option<ShortStr<'a>> {
        self.short_str_at(0)
    }

    /// MIME encoding of the body, for the application.
    #[must_use]
    #[inline]
    pub fn content_encoding(self) -> Option<ShortStr<'a>> {
        self.short_str_at(1)
    }

    /// The application's headers; what a headers exchange matches.
    #[must_use]
    #[inline]
    pub fn headers(self) -> Option<RawTable<'a>> {
        self.table_at(2)
    }

    /// 1: transient, 2: persistent.
    #[must_use]
    #[inline]
    pub fn delivery_mode(self) -> Option<u8> {
        self.octet_at(3)
    }

    /// Priority for a queue with `x-max-priority`, 0 to 255.
    #[must_use]
    #[inline]
    pub fn priority(self) -> Option<u8> {
        self.octet_at(4)
    }

    /// Joins an answer to its request, for the application.
    #[must_use]
    #[inline]
    pub fn correlation_id(self) -> Option<ShortStr<'a>> {
        self.short_str_at(5)
    }

    /// Where an answer goes, usually a queue's name.
    #[must_use]
    #[inline]
    pub fn reply_to(self) -> Option<ShortStr<'a>> {
        self.short_str_at(6)
    }

    /// Time to live of the message, milliseconds written as decimal text.
    #[must_use]
    #[inline]
    pub fn expiration(self) -> Option<ShortStr<'a>> {
        self.short_str_at(7)
    }

    /// The application's identifier of the message.
    #[must_use]
    #[inline]
    pub fn message_id(self) -> Option<ShortStr<'a>> {
        self.short_str_at(8)
    }

    /// When the message was made, seconds since 1970, for the application.
    #[must_use]
    #[inline]
    pub fn timestamp(self) -> Option<u64> {
        self.timestamp_at(9)
    }

    /// The application's name for the kind of message (`type` in the specification).
    #[must_use]
    #[inline]
    pub fn kind(self) -> Option<ShortStr<'a>> {
        self.short_str_at(10)
    }

    /// The publishing user; checked against the connection's user.
    #[must_use]
    #[inline]
    pub fn user_id(self) -> Option<ShortStr<'a>> {
        self.short_str_at(11)
    }

    /// The publishing application.
    #[must_use]
    #[inline]
    pub fn app_id(self) -> Option<ShortStr<'a>> {
        self.short_str_at(12)
    }

    /// Reserved by the specification; carried as sent.
    #[must_use]
    #[inline]
    pub fn cluster_id(self) -> Option<ShortStr<'a>> {
        self.short_str_at(13)
    }
}

/// The properties of a message, owned. For a message that only passes through, [`RawProperties`] costs less.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Properties {
    /// MIME type of the body, for the application.
    pub content_type: Option<String>,
    /// MIME encoding of the body, for the application.
    pub content_encoding: Option<String>,
    /// The application's headers; what a headers exchange matches.
    pub headers: Option<FieldTable>,
    /// 1: transient, 2: persistent.
    pub delivery_mode: Option<u8>,
    /// Priority for a queue with `x-max-priority`, 0 to 255.
    pub priority: Option<u8>,
    /// Joins an answer to its request, for the application.
    pub correlation_id: Option<String>,
    /// Where an answer goes, usually a queue's name.
    pub reply_to: Option<String>,
    /// Time to live of the message, milliseconds written as decimal text.
    pub expiration: Option<String>,
    /// The application's identifier of the message.
    pub message_id: Option<String>,
    /// When the message was made, seconds since 1970, for the application.
    pub timestamp: Option<u64>,
    /// The application's name for the kind of message (`type` in the specification).
    pub kind: Option<String>,
    /// The publishing user; checked against the connection's user.
    pub user_id: Option<String>,
    /// The publishing application.
    pub app_id: Option<String>,
    /// Reserved by the specification; carried as sent.
    pub cluster_id: Option<String>,
}

impl Properties {
    /// Appends flags and values as they follow the body size in a content header.
    ///
    /// Text longer than 255 bytes is cut there, at a character.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = PropertyWriter::new(out);
        if let Some(text) = &self.content_type {
            writer.short_str(0, ShortStr::truncate(text));
        }
        if let Some(text) = &self.content_encoding {
            writer.short_str(1, ShortStr::truncate(text));
        }
        if let Some(table) = &self.headers {
            writer.table(2, table);
        }
        if let Some(value) = self.delivery_mode {
            writer.octet(3, value);
        }
        if let Some(value) = self.priority {
            writer.octet(4, value);
        }
        if let Some(text) = &self.correlation_id {
            writer.short_str(5, ShortStr::truncate(text));
        }
        if let Some(text) = &self.reply_to {
            writer.short_str(6, ShortStr::truncate(text));
        }
        if let Some(text) = &self.expiration {
            writer.short_str(7, ShortStr::truncate(text));
        }
        if let Some(text) = &self.message_id {
            writer.short_str(8, ShortStr::truncate(text));
        }
        if let Some(value) = self.timestamp {
            writer.timestamp(9, value);
        }
        if let Some(text) = &self.kind {
            writer.short_str(10, ShortStr::truncate(text));
        }
        if let Some(text) = &self.user_id {
            writer.short_str(11, ShortStr::truncate(text));
        }
        if let Some(text) = &self.app_id {
            writer.short_str(12, ShortStr::truncate(text));
        }
        if let Some(text) = &self.cluster_id {
            writer.short_str(13, ShortStr::truncate(text));
        }
    }
}

impl TryFrom<RawProperties<'_>> for Properties {
    type Error = NotOwnable;

    fn try_from(raw: RawProperties<'_>) -> Result<Self, NotOwnable> {
        Ok(Self {
            content_type: owned_text("content-type", raw.content_type())?,
            content_encoding: owned_text("content-encoding", raw.content_encoding())?,
            headers: raw.headers().map(RawTable::decode).transpose()?,
            delivery_mode: raw.delivery_mode(),
            priority: raw.priority(),
            correlation_id: owned_text("correlation-id", raw.correlation_id())?,
            reply_to: owned_text("reply-to", raw.reply_to())?,
            expiration: owned_text("expiration", raw.expiration())?,
            message_id: owned_text("message-id", raw.message_id())?,
            timestamp: raw.timestamp(),
            kind: owned_text("type", raw.kind())?,
            user_id: owned_text("user-id", raw.user_id())?,
            app_id: owned_text("app-id", raw.app_id())?,
            cluster_id: owned_text("cluster-id", raw.cluster_id())?,
        })
    }
}

fn owned_text(name: &'static str, text: Option<ShortStr<'_>>) -> Result<Option<String>, NotOwnable> {
    text.map(|text| text.to_str().map(str::to_owned).map_err(|_| NotOwnable::NotUtf8(name))).transpose()
}

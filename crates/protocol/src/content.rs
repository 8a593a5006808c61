//! Content headers: what stands between a method with content and its body (AMQP 0-9-1, section 2.3.5.2).

use crate::frame::{FrameKind, begin_frame, put_body};
use crate::properties::RawProperties;
use crate::wire::{Put as _, Reader, WireError};

/// Number of class `basic`, the only one with content.
pub const BASIC_CLASS: u16 = 60;

/// A content header frame's payload: class, an unused weight, size of the body, properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentHeader<'a> {
    /// Class of the method before it.
    pub class_id: u16,
    /// Length of the whole body in bytes.
    pub body_size: u64,
    /// The message's properties.
    pub properties: RawProperties<'a>,
}

/// The fixed part of a content header and what follows it, properties not looked at yet.
pub(crate) struct HeaderParts<'a> {
    pub(crate) class_id: u16,
    pub(crate) weight: u16,
    pub(crate) body_size: u64,
    pub(crate) properties: &'a [u8],
}

impl<'a> HeaderParts<'a> {
    #[inline]
    pub(crate) fn decode(payload: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(payload);
        let (class_id, weight, body_size) = (reader.u16()?, reader.u16()?, reader.u64()?);
        Ok(Self { class_id, weight, body_size, properties: reader.rest() })
    }
}

impl<'a> ContentHeader<'a> {
    /// Decodes a content header frame's payload. The weight, which nothing uses, is not looked at.
    ///
    /// # Errors
    /// When the bytes end early or the properties do not decode.
    #[inline]
    pub fn decode(payload: &'a [u8]) -> Result<Self, WireError> {
        let HeaderParts { class_id, body_size, properties, .. } = HeaderParts::decode(payload)?;
        let properties = RawProperties::parse(properties)?;
        Ok(Self { class_id, body_size, properties })
    }

    /// Appends the whole content header frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_frame(out, FrameKind::Header, channel);
        out.put_u16(self.class_id);
        out.put_u16(0);
        out.put_u64(self.body_size);
        out.put_bytes(self.properties.as_bytes());
        frame.end(out);
    }
}

/// Appends a whole content, header frame and body frames, as it follows its method. `frame_max` is in bytes, 0 for no limit.
#[inline]
pub fn put_content(
    out: &mut Vec<u8>,
    channel: u16,
    properties: RawProperties<'_>,
    body: &[u8],
    frame_max: u32,
) {
    ContentHeader { class_id: BASIC_CLASS, body_size: body.len() as u64, properties }.write(channel, out);
    put_body(out, channel, body, frame_max);
}

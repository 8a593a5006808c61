//! Properties as they lie on the wire.

use std::fmt;

use super::{PropertyKind, PropertyWriter};
use crate::field_table::{FieldTable, RawTable};
use crate::generated::properties::KINDS;
use crate::shortstr::ShortStr;
use crate::wire::{Reader, WireError};

/// Number of the property in [`KINDS`].
const HEADERS: usize = 2;
const EXPIRATION: usize = 7;

/// Properties as on the wire: a word of flags, then the values whose flag is set, highest bit first.
///
/// Every byte was looked at when this was made, so the accessors give `None` for absent values only.
///
/// ```
/// # use leveret_protocol::properties::RawProperties;
/// let properties = RawProperties::parse(b"\x10\x00\x02").unwrap();
/// assert_eq!(properties.delivery_mode(), Some(2));
/// assert!(properties.headers().is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawProperties<'a>(&'a [u8]);

impl Default for RawProperties<'_> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<'a> RawProperties<'a> {
    /// No properties.
    pub const EMPTY: RawProperties<'static> = RawProperties(&[0, 0]);

    /// Checks flags and values without allocating; tables are looked through to their ends.
    ///
    /// # Errors
    /// When a flag has no property, a value does not decode, or bytes are left over.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        let flags = reader.u16()?;
        // Most messages carry nothing, or the delivery mode alone.
        match (flags, reader.remaining()) {
            (0, 0) | (Self::DELIVERY_MODE_FLAG, 1) => Ok(Self(bytes)),
            _ => Self::parse_all(flags, bytes, reader),
        }
    }

    const DELIVERY_MODE_FLAG: u16 = 1 << 12;

    fn parse_all(flags: u16, bytes: &'a [u8], mut reader: Reader<'a>) -> Result<Self, WireError> {
        if flags & 0b11 != 0 {
            return Err(WireError::UnknownPropertyFlags(flags));
        }
        for (index, kind) in KINDS.into_iter().enumerate() {
            if flags & flag(index) == 0 {
                continue;
            }
            if kind == PropertyKind::Table { reader.table()?.validate()? } else { skip(kind, &mut reader)? }
        }
        reader.finish()?;
        Ok(Self(bytes))
    }

    /// For bytes that [`parse`](Self::parse) accepted before.
    #[inline]
    pub(crate) fn of_checked(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    #[inline]
    const fn flags(self) -> u16 {
        if let [high, low, ..] = *self.0 { u16::from_be_bytes([high, low]) } else { 0 }
    }

    /// Flags and values as on the wire.
    #[must_use]
    #[inline]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether there are no properties.
    #[must_use]
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.flags() == 0
    }

    /// Appends these properties with other headers and, if asked, without expiration; every other byte as it was.
    ///
    /// That is what a broker does to a message it dead-letters.
    pub fn write_with_headers(self, headers: Option<&FieldTable>, keep_expiration: bool, out: &mut Vec<u8>) {
        let mut writer = PropertyWriter::new(out);
        let mut reader = Reader::new(self.0.get(2..).unwrap_or_default());
        for (index, kind) in KINDS.into_iter().enumerate() {
            let before = reader.rest();
            let present = self.flags() & flag(index) != 0 && skip(kind, &mut reader).is_ok();
            match (index, headers) {
                (HEADERS, Some(table)) => writer.table(index, table),
                (HEADERS, None) => {}
                (EXPIRATION, _) if !keep_expiration => {}
                _ if present => writer.copy(index, &before[..before.len() - reader.remaining()]),
                _ => {}
            }
        }
    }

    /// Appends these properties with one more header, a 64-bit integer; one of the same name gives way. Every other byte as it was.
    ///
    /// That is what a broker does to a message of a stream for each consumer, so nothing is decoded. The name has at most 255 bytes;
    /// a longer one is cut.
    pub fn write_with_header(self, name: &str, value: i64, out: &mut Vec<u8>) {
        let mut writer = PropertyWriter::new(out);
        let mut reader = Reader::new(self.0.get(2..).unwrap_or_default());
        for (index, kind) in KINDS.into_iter().enumerate() {
            let before = reader.rest();
            let present = self.flags() & flag(index) != 0 && skip(kind, &mut reader).is_ok();
            let bytes = &before[..before.len() - reader.remaining()];
            if index != HEADERS {
                if present {
                    writer.copy(index, bytes);
                }
                continue;
            }
            // The length of the table comes first.
            let fields = RawTable::new(if present { bytes.get(4..).unwrap_or_default() } else { &[] });
            if fields.get(name).is_none() {
                writer.table_and_integer(index, fields, ShortStr::truncate(name), value);
                continue;
            }
            let mut headers = fields.decode().unwrap_or_default();
            headers.insert(name, value);
            writer.table(index, &headers);
        }
    }

    /// A reader standing at the property, if its flag is set.
    #[inline]
    fn find(self, index: usize) -> Option<Reader<'a>> {
        if self.flags() & flag(index) == 0 {
            None
        } else if self.flags() < flag(index) << 1 {
            // The first that is there: nothing to skip.
            self.0.get(2..).map(Reader::new)
        } else {
            self.seek(index)
        }
    }

    fn seek(self, index: usize) -> Option<Reader<'a>> {
        let mut reader = Reader::new(self.0.get(2..)?);
        for (before, kind) in KINDS.into_iter().enumerate().take(index) {
            if self.flags() & flag(before) != 0 {
                skip(kind, &mut reader).ok()?;
            }
        }
        Some(reader)
    }

    #[inline]
    pub(crate) fn short_str_at(self, index: usize) -> Option<ShortStr<'a>> {
        self.find(index)?.short_str().ok()
    }

    #[inline]
    pub(crate) fn octet_at(self, index: usize) -> Option<u8> {
        self.find(index)?.u8().ok()
    }

    #[inline]
    pub(crate) fn timestamp_at(self, index: usize) -> Option<u64> {
        self.find(index)?.u64().ok()
    }

    #[inline]
    pub(crate) fn table_at(self, index: usize) -> Option<RawTable<'a>> {
        self.find(index)?.table().ok()
    }
}

impl fmt::Debug for RawProperties<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawProperties(\"{}\")", self.0.escape_ascii())
    }
}

/// The flag of a property by its number in [`KINDS`].
#[inline]
pub(super) const fn flag(index: usize) -> u16 {
    0x8000 >> index
}

fn skip(kind: PropertyKind, reader: &mut Reader<'_>) -> Result<(), WireError> {
    match kind {
        PropertyKind::ShortStr => reader.short_str().map(drop),
        PropertyKind::Table => reader.table().map(drop),
        PropertyKind::Octet => reader.u8().map(drop),
        PropertyKind::Timestamp => reader.u64().map(drop),
    }
}

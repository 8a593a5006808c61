//! Integers and strings to and from bytes. Everything is big-endian (AMQP 0-9-1, section 4.2.5 "data fields").

use crate::field_table::RawTable;
use crate::shortstr::ShortStr;

/// Why bytes are not the value they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end inside a value.
    #[error("the bytes end {missing} short")]
    UnexpectedEnd {
        /// How many more the value needs.
        missing: usize,
    },
    /// Bytes follow where nothing may.
    #[error("{0} bytes follow the last value")]
    TrailingBytes(
        /// How many.
        usize,
    ),
    /// A field table holds a value of a type nobody knows.
    #[error("unknown field type {0:#04x}")]
    UnknownFieldType(
        /// The type octet.
        u8,
    ),
    /// A field table holds tables or arrays inside each other deeper than [`DEPTH_MAX`](crate::field_table::DEPTH_MAX).
    #[error("tables and arrays nest too deep")]
    TooDeep,
    /// Property flags are set that no property has.
    #[error("unknown property flags in {0:#06x}")]
    UnknownPropertyFlags(
        /// The flags word.
        u16,
    ),
}

/// Reads values off the front of a slice; never copies strings.
///
/// ```
/// # use leveret_protocol::wire::Reader;
/// let mut reader = Reader::new(b"\x00\x05\x02hi");
/// assert_eq!(reader.u16(), Ok(5));
/// assert_eq!(reader.short_str().unwrap(), "hi");
/// assert!(reader.finish().is_ok());
/// ```
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

macro_rules! read_number {
    ($($name:ident $type:ty, $doc:literal;)*) => {$(
        #[doc = $doc]
        ///
        /// # Errors
        /// When the bytes end first.
        #[inline]
        pub fn $name(&mut self) -> Result<$type, WireError> {
            match self.rest.split_first_chunk() {
                Some((bytes, rest)) => {
                    self.rest = rest;
                    Ok(<$type>::from_be_bytes(*bytes))
                }
                None => Err(self.missing(size_of::<$type>())),
            }
        }
    )*};
}

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    #[must_use]
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    read_number! {
        u8 u8, "An unsigned octet.";
        u16 u16, "An unsigned 16-bit integer.";
        u32 u32, "An unsigned 32-bit integer.";
        u64 u64, "An unsigned 64-bit integer.";
        i8 i8, "A signed octet.";
        i16 i16, "A signed 16-bit integer.";
        i32 i32, "A signed 32-bit integer.";
        i64 i64, "A signed 64-bit integer.";
        f32 f32, "A 32-bit float.";
        f64 f64, "A 64-bit float.";
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// When there are fewer.
    #[inline]
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        match self.rest.split_at_checked(len) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(self.missing(len)),
        }
    }

    /// A short string: one octet of length, then the bytes.
    ///
    /// # Errors
    /// When the bytes end first.
    #[inline]
    pub fn short_str(&mut self) -> Result<ShortStr<'a>, WireError> {
        let len = self.u8()?;
        self.bytes(usize::from(len)).map(ShortStr::of_one_octet_length)
    }

    /// A long string: four octets of length, then the bytes.
    ///
    /// # Errors
    /// When the bytes end first.
    #[inline]
    pub fn long_str(&mut self) -> Result<&'a [u8], WireError> {
        let len = self.u32()?;
        self.bytes(len as usize)
    }

    /// A field table, not looked into yet.
    ///
    /// # Errors
    /// When the bytes end first.
    #[inline]
    pub fn table(&mut self) -> Result<RawTable<'a>, WireError> {
        self.long_str().map(RawTable::new)
    }

    /// What was not read yet.
    #[must_use]
    #[inline]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes were not read yet.
    #[must_use]
    #[inline]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Says that nothing may be left.
    ///
    /// # Errors
    /// [`WireError::TrailingBytes`] when something is.
    #[inline]
    pub fn finish(&self) -> Result<(), WireError> {
        if self.rest.is_empty() { Ok(()) } else { Err(WireError::TrailingBytes(self.rest.len())) }
    }

    #[cold]
    fn missing(&self, wanted: usize) -> WireError {
        WireError::UnexpectedEnd { missing: wanted - self.rest.len() }
    }
}

/// Appends values to a buffer.
pub trait Put {
    /// Appends bytes as they are.
    fn put_bytes(&mut self, bytes: &[u8]);

    /// Appends an octet.
    #[inline]
    fn put_u8(&mut self, value: u8) {
        self.put_bytes(&[value]);
    }

    /// Appends a 16-bit integer.
    #[inline]
    fn put_u16(&mut self, value: u16) {
        self.put_bytes(&value.to_be_bytes());
    }

    /// Appends a 32-bit integer.
    #[inline]
    fn put_u32(&mut self, value: u32) {
        self.put_bytes(&value.to_be_bytes());
    }

    /// Appends a 64-bit integer.
    #[inline]
    fn put_u64(&mut self, value: u64) {
        self.put_bytes(&value.to_be_bytes());
    }

    /// Appends a short string: one octet of length, then the bytes.
    #[inline]
    fn put_short_str(&mut self, text: ShortStr<'_>) {
        // A short string is never longer than its length octet can say.
        self.put_u8(text.len() as u8);
        self.put_bytes(text.as_bytes());
    }

    /// Appends a long string: four octets of length, then the bytes. What is beyond 4 GiB is left out.
    #[inline]
    fn put_long_str(&mut self, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(u32::MAX as usize)];
        self.put_u32(bytes.len() as u32);
        self.put_bytes(bytes);
    }
}

impl Put for Vec<u8> {
    #[inline]
    fn put_bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

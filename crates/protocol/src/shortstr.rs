//! Short strings: up to 255 bytes behind one length octet.

use std::borrow::Cow;
use std::fmt;
use std::str::Utf8Error;

/// A short string as on the wire: at most 255 bytes, usually UTF-8 but not necessarily (a routing key may be binary).
///
/// `Display` replaces what is not UTF-8; `Debug` quotes and escapes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ShortStr<'a>(&'a [u8]);

/// A text is longer than the 255 bytes of a short string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} bytes do not fit into a short string of at most 255")]
pub struct TooLong(
    /// The length in bytes.
    pub usize,
);

impl<'a> ShortStr<'a> {
    /// The empty string.
    pub const EMPTY: ShortStr<'static> = ShortStr(&[]);

    /// Most bytes a short string holds.
    pub const LEN_MAX: usize = 255;

    /// A short string from text.
    ///
    /// # Errors
    /// [`TooLong`] above 255 bytes.
    pub fn new(text: &'a str) -> Result<Self, TooLong> {
        Self::from_bytes(text.as_bytes())
    }

    /// A short string from bytes.
    ///
    /// # Errors
    /// [`TooLong`] above 255 bytes.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, TooLong> {
        if bytes.len() > Self::LEN_MAX { Err(TooLong(bytes.len())) } else { Ok(Self(bytes)) }
    }

    /// A short string from text, cut to 255 bytes at a character; for reply texts, where a cut text is better than none.
    #[must_use]
    pub fn truncate(text: &'a str) -> Self {
        Self(&text.as_bytes()[..text.floor_char_boundary(Self::LEN_MAX)])
    }

    /// For bytes whose length came from one octet.
    #[inline]
    pub(crate) fn of_one_octet_length(bytes: &'a [u8]) -> Self {
        debug_assert!(bytes.len() <= Self::LEN_MAX);
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    #[inline]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text.
    ///
    /// # Errors
    /// When the bytes are not UTF-8.
    pub fn to_str(self) -> Result<&'a str, Utf8Error> {
        std::str::from_utf8(self.0)
    }

    /// The text, with what is not UTF-8 replaced.
    #[must_use]
    pub fn to_lossy(self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.0)
    }

    /// Whether there is nothing in it.
    #[must_use]
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Length in bytes, 0 to 255.
    #[must_use]
    #[inline]
    pub const fn len(self) -> usize {
        self.0.len()
    }
}

impl<'a> TryFrom<&'a str> for ShortStr<'a> {
    type Error = TooLong;

    fn try_from(text: &'a str) -> Result<Self, TooLong> {
        Self::new(text)
    }
}

impl PartialEq<str> for ShortStr<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for ShortStr<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Display for ShortStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_lossy())
    }
}

impl fmt::Debug for ShortStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

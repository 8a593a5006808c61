//! Names of fields.

use std::borrow::{Borrow, Cow};
use std::fmt;

use crate::shortstr::ShortStr;

/// The name of a field: at most 255 bytes, usually text.
///
/// Kept as the bytes that were sent, so that headers with odd names pass through unharmed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FieldName(Box<[u8]>);

impl FieldName {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, or `None` when it is not UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The text, with what is not UTF-8 replaced.
    #[must_use]
    pub fn to_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// As a short string.
    #[must_use]
    pub fn as_short_str(&self) -> ShortStr<'_> {
        ShortStr::of_one_octet_length(&self.0)
    }
}

impl From<ShortStr<'_>> for FieldName {
    fn from(name: ShortStr<'_>) -> Self {
        Self(name.as_bytes().into())
    }
}

/// Cut to 255 bytes at a character.
impl From<&str> for FieldName {
    fn from(name: &str) -> Self {
        ShortStr::truncate(name).into()
    }
}

/// Cut to 255 bytes at a character.
impl From<String> for FieldName {
    fn from(name: String) -> Self {
        name.as_str().into()
    }
}

impl Borrow<[u8]> for FieldName {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq<str> for FieldName {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other.as_bytes()
    }
}

impl PartialEq<&str> for FieldName {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == *other.as_bytes()
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_lossy())
    }
}

impl fmt::Debug for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_short_str(), f)
    }
}

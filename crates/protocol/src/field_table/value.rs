//! Values of fields, owned.

use super::{DEPTH_MAX, FieldTable};
use crate::wire::Put as _;

/// A decimal: `value` divided by ten to the power of `scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// Digits after the decimal point.
    pub scale: u8,
    /// All digits.
    pub value: u32,
}

/// A value in a field table or array. The letter is its type on the wire.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// `t`
    Bool(bool),
    /// `b`
    I8(i8),
    /// `B`
    U8(u8),
    /// `s`
    I16(i16),
    /// `u`
    U16(u16),
    /// `I`
    I32(i32),
    /// `i`
    U32(u32),
    /// `l`
    I64(i64),
    /// `f`
    F32(f32),
    /// `d`
    F64(f64),
    /// `D`
    Decimal(Decimal),
    /// `S`: text, or bytes that nobody said are not text.
    LongString(Vec<u8>),
    /// `A`
    Array(Vec<FieldValue>),
    /// `T`: seconds since 1970.
    Timestamp(u64),
    /// `F`
    Table(FieldTable),
    /// `V`: nothing.
    Void,
    /// `x`: bytes.
    ByteArray(Vec<u8>),
}

impl FieldValue {
    /// The text of a long string or byte array, if it is UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.as_bytes().and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The bytes of a long string or byte array.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::LongString(bytes) | Self::ByteArray(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The number, of any integer type. A timestamp is none.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        Some(match *self {
            Self::I8(value) => value.into(),
            Self::U8(value) => value.into(),
            Self::I16(value) => value.into(),
            Self::U16(value) => value.into(),
            Self::I32(value) => value.into(),
            Self::U32(value) => value.into(),
            Self::I64(value) => value,
            _ => return None,
        })
    }

    /// The truth value.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = *self { Some(value) } else { None }
    }

    /// The table.
    #[must_use]
    pub fn as_table(&self) -> Option<&FieldTable> {
        if let Self::Table(table) = self { Some(table) } else { None }
    }

    /// The array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[FieldValue]> {
        if let Self::Array(values) = self { Some(values) } else { None }
    }

    /// RabbitMQ's name of the type, as it appears in its reply texts.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::I8(_) => "byte",
            Self::U8(_) => "unsignedbyte",
            Self::I16(_) => "short",
            Self::U16(_) => "unsignedshort",
            Self::I32(_) => "signedint",
            Self::U32(_) => "unsignedint",
            Self::I64(_) => "long",
            Self::F32(_) => "float",
            Self::F64(_) => "double",
            Self::Decimal(_) => "decimal",
            Self::LongString(_) => "longstr",
            Self::Array(_) => "array",
            Self::Timestamp(_) => "timestamp",
            Self::Table(_) => "table",
            Self::Void => "void",
            Self::ByteArray(_) => "binary",
        }
    }

    /// Appends type octet and value. Below [`DEPTH_MAX`] levels a table or array is written empty: no peer would read it.
    pub(super) fn encode(&self, out: &mut Vec<u8>, depth: usize) {
        match self {
            Self::Bool(value) => out.put_bytes(&[b't', u8::from(*value)]),
            Self::I8(value) => typed(out, b'b', &value.to_be_bytes()),
            Self::U8(value) => typed(out, b'B', &value.to_be_bytes()),
            Self::I16(value) => typed(out, b's', &value.to_be_bytes()),
            Self::U16(value) => typed(out, b'u', &value.to_be_bytes()),
            Self::I32(value) => typed(out, b'I', &value.to_be_bytes()),
            Self::U32(value) => typed(out, b'i', &value.to_be_bytes()),
            Self::I64(value) => typed(out, b'l', &value.to_be_bytes()),
            Self::F32(value) => typed(out, b'f', &value.to_be_bytes()),
            Self::F64(value) => typed(out, b'd', &value.to_be_bytes()),
            Self::Decimal(Decimal { scale, value }) => {
                out.put_bytes(&[b'D', *scale]);
                out.put_u32(*value);
            }
            Self::LongString(bytes) => {
                out.put_u8(b'S');
                out.put_long_str(bytes);
            }
            Self::ByteArray(bytes) => {
                out.put_u8(b'x');
                out.put_long_str(bytes);
            }
            Self::Timestamp(seconds) => typed(out, b'T', &seconds.to_be_bytes()),
            Self::Void => out.put_u8(b'V'),
            Self::Array(values) => {
                out.put_u8(b'A');
                with_length(out, |out| {
                    for value in values.iter().filter(|_| depth < DEPTH_MAX) {
                        value.encode(out, depth + 1);
                    }
                });
            }
            Self::Table(table) => {
                out.put_u8(b'F');
                table.encode_at(out, depth + 1);
            }
        }
    }
}

fn typed(out: &mut Vec<u8>, kind: u8, value: &[u8]) {
    out.put_u8(kind);
    out.put_bytes(value);
}

/// Appends four octets of length and what `fill` appends.
pub(super) fn with_length(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.put_u32(0);
    fill(out);
    let len = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&len.to_be_bytes());
}

macro_rules! from {
    ($($type:ty => $variant:ident)*) => {$(
        impl From<$type> for FieldValue {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from! {
    bool => Bool
    i8 => I8
    u8 => U8
    i16 => I16
    u16 => U16
    i32 => I32
    u32 => U32
    i64 => I64
    f32 => F32
    f64 => F64
    Decimal => Decimal
    &str => LongString
    String => LongString
    FieldTable => Table
    Vec<FieldValue> => Array
}

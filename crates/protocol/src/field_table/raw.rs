//! Field tables as they lie on the wire, looked into lazily.

use super::{DEPTH_MAX, Decimal, FieldTable, FieldValue};
use crate::shortstr::ShortStr;
use crate::wire::{Reader, WireError};

/// The fields of a table as on the wire, without the table's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RawTable<'a>(&'a [u8]);

/// The values of an array as on the wire, without the array's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RawArray<'a>(&'a [u8]);

/// A value that borrows its bytes; the variants are those of [`FieldValue`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RawValue<'a> {
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
    /// `l`, and `L`, which RabbitMQ reads alike
    I64(i64),
    /// `f`
    F32(f32),
    /// `d`
    F64(f64),
    /// `D`
    Decimal(Decimal),
    /// `S`
    LongString(&'a [u8]),
    /// `A`
    Array(RawArray<'a>),
    /// `T`
    Timestamp(u64),
    /// `F`
    Table(RawTable<'a>),
    /// `V`
    Void,
    /// `x`
    ByteArray(&'a [u8]),
}

impl<'a> RawTable<'a> {
    /// A table of these fields; nothing is checked yet.
    #[must_use]
    #[inline]
    pub const fn new(fields: &'a [u8]) -> Self {
        Self(fields)
    }

    /// The fields' bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether there are no fields.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The fields in order. An error is the last item.
    pub fn iter(self) -> impl Iterator<Item = Result<(ShortStr<'a>, RawValue<'a>), WireError>> {
        items(self.0, |reader| Ok((reader.short_str()?, RawValue::read(reader)?)))
    }

    /// The value of the first field of this name, if the bytes up to there decode.
    #[must_use]
    pub fn get(self, name: &str) -> Option<RawValue<'a>> {
        self.iter().map_while(Result::ok).find(|(found, _)| *found == *name).map(|(_, value)| value)
    }

    /// The table, owned.
    ///
    /// # Errors
    /// When the bytes end early, hold an unknown type, or nest deeper than [`DEPTH_MAX`].
    pub fn decode(self) -> Result<FieldTable, WireError> {
        self.decode_at(0)
    }

    fn decode_at(self, depth: usize) -> Result<FieldTable, WireError> {
        let depth = deeper(depth)?;
        self.iter().map(|field| field.and_then(|(name, value)| Ok((name, value.decode_at(depth)?)))).collect()
    }

    /// Looks at every byte without keeping anything.
    ///
    /// # Errors
    /// Those of [`decode`](Self::decode).
    pub fn validate(self) -> Result<(), WireError> {
        self.validate_at(0)
    }

    fn validate_at(self, depth: usize) -> Result<(), WireError> {
        let depth = deeper(depth)?;
        self.iter().try_for_each(|field| field?.1.validate_at(depth))
    }
}

impl<'a> RawArray<'a> {
    /// The values in order. An error is the last item.
    pub fn iter(self) -> impl Iterator<Item = Result<RawValue<'a>, WireError>> {
        items(self.0, RawValue::read)
    }
}

impl<'a> RawValue<'a> {
    /// Reads type octet and value. What RabbitMQ's parser accepts is accepted.
    fn read(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        Ok(match reader.u8()? {
            b't' => Self::Bool(reader.u8()? != 0),
            b'b' => Self::I8(reader.i8()?),
            b'B' => Self::U8(reader.u8()?),
            b's' => Self::I16(reader.i16()?),
            b'u' => Self::U16(reader.u16()?),
            b'I' => Self::I32(reader.i32()?),
            b'i' => Self::U32(reader.u32()?),
            b'l' | b'L' => Self::I64(reader.i64()?),
            b'f' => Self::F32(reader.f32()?),
            b'd' => Self::F64(reader.f64()?),
            b'D' => Self::Decimal(Decimal { scale: reader.u8()?, value: reader.u32()? }),
            b'S' => Self::LongString(reader.long_str()?),
            b'A' => Self::Array(RawArray(reader.long_str()?)),
            b'T' => Self::Timestamp(reader.u64()?),
            b'F' => Self::Table(reader.table()?),
            b'V' => Self::Void,
            b'x' => Self::ByteArray(reader.long_str()?),
            unknown => return Err(WireError::UnknownFieldType(unknown)),
        })
    }

    /// The value, owned.
    ///
    /// # Errors
    /// When a table or array does not decode.
    pub fn decode(self) -> Result<FieldValue, WireError> {
        self.decode_at(0)
    }

    fn decode_at(self, depth: usize) -> Result<FieldValue, WireError> {
        Ok(match self {
            Self::Bool(value) => FieldValue::Bool(value),
            Self::I8(value) => FieldValue::I8(value),
            Self::U8(value) => FieldValue::U8(value),
            Self::I16(value) => FieldValue::I16(value),
            Self::U16(value) => FieldValue::U16(value),
            Self::I32(value) => FieldValue::I32(value),
            Self::U32(value) => FieldValue::U32(value),
            Self::I64(value) => FieldValue::I64(value),
            Self::F32(value) => FieldValue::F32(value),
            Self::F64(value) => FieldValue::F64(value),
            Self::Decimal(value) => FieldValue::Decimal(value),
            Self::LongString(bytes) => FieldValue::LongString(bytes.to_vec()),
            Self::ByteArray(bytes) => FieldValue::ByteArray(bytes.to_vec()),
            Self::Timestamp(seconds) => FieldValue::Timestamp(seconds),
            Self::Void => FieldValue::Void,
            Self::Table(table) => FieldValue::Table(table.decode_at(depth)?),
            Self::Array(array) => {
                let depth = deeper(depth)?;
                let values = array.iter().map(|value| value?.decode_at(depth));
                FieldValue::Array(values.collect::<Result<_, _>>()?)
            }
        })
    }

    fn validate_at(self, depth: usize) -> Result<(), WireError> {
        match self {
            Self::Table(table) => table.validate_at(depth),
            Self::Array(array) => {
                let depth = deeper(depth)?;
                array.iter().try_for_each(|value| value?.validate_at(depth))
            }
            _ => Ok(()),
        }
    }
}

fn deeper(depth: usize) -> Result<usize, WireError> {
    if depth > DEPTH_MAX { Err(WireError::TooDeep) } else { Ok(depth + 1) }
}

/// Reads items until the bytes or the first error end them.
fn items<'a, T>(
    bytes: &'a [u8],
    read: impl Fn(&mut Reader<'a>) -> Result<T, WireError>,
) -> impl Iterator<Item = Result<T, WireError>> {
    let mut reader = Reader::new(bytes);
    std::iter::from_fn(move || {
        if reader.remaining() == 0 {
            return None;
        }
        let item = read(&mut reader);
        if item.is_err() {
            reader = Reader::new(&[]);
        }
        Some(item)
    })
}

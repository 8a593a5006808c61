//! Arguments of queues, exchanges and bindings: JSON on one side, AMQP field tables on the other.
//!
//! JSON has fewer types than AMQP. The way RabbitMQ writes a table is kept, because tools read it: numbers of
//! any width are numbers, a timestamp is its seconds, text and byte arrays are strings, nothing (`void`) is the
//! text `undefined`, and bytes that are not UTF-8 are `Not UTF-8, base64 is: ...`. On the way back whole numbers
//! become 64-bit integers and others doubles, as RabbitMQ reads them. Two things are read better here than there:
//! `null` becomes nothing, and the base64 text becomes the bytes again.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leveret_protocol::field_table::{DEPTH_MAX, Decimal, FieldTable, FieldValue};
use serde::de::{self, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How RabbitMQ writes what JSON cannot hold as text.
const NOT_UTF8: &str = "Not UTF-8, base64 is: ";
/// How RabbitMQ writes a value of type void.
const NOTHING: &str = "undefined";
/// Characters of base64 per line in such texts.
const BASE64_LINE: usize = 76;
/// Bytes of a field's name (AMQP short string).
const NAME_BYTES_MAX: usize = 255;

/// A field table that reads and writes itself as JSON.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arguments(pub FieldTable);

impl Serialize for Arguments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        table(&self.0, serializer)
    }
}

struct Written<'a>(&'a FieldValue);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            FieldValue::Bool(value) => serializer.serialize_bool(*value),
            FieldValue::I8(value) => serializer.serialize_i8(*value),
            FieldValue::U8(value) => serializer.serialize_u8(*value),
            FieldValue::I16(value) => serializer.serialize_i16(*value),
            FieldValue::U16(value) => serializer.serialize_u16(*value),
            FieldValue::I32(value) => serializer.serialize_i32(*value),
            FieldValue::U32(value) => serializer.serialize_u32(*value),
            FieldValue::I64(value) => serializer.serialize_i64(*value),
            FieldValue::Timestamp(seconds) => serializer.serialize_u64(*seconds),
            FieldValue::F32(value) => float(f64::from(*value), serializer),
            FieldValue::F64(value) => float(*value, serializer),
            FieldValue::Decimal(Decimal { scale, value }) => {
                float(f64::from(*value) / 10_f64.powi((*scale).into()), serializer)
            }
            FieldValue::LongString(bytes) | FieldValue::ByteArray(bytes) => text(bytes, serializer),
            FieldValue::Void => serializer.serialize_str(NOTHING),
            FieldValue::Table(fields) => table(fields, serializer),
            FieldValue::Array(values) => {
                let mut out = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    out.serialize_element(&Written(value))?;
                }
                out.end()
            }
        }
    }
}

fn table<S: Serializer>(fields: &FieldTable, serializer: S) -> Result<S::Ok, S::Error> {
    let mut out = serializer.serialize_map(None)?;
    for (index, (name, value)) in fields.iter().enumerate() {
        // Of fields with the same name the first counts; JSON keys are unique.
        if fields.iter().take(index).all(|(earlier, _)| earlier != name) {
            out.serialize_entry(&*name.to_lossy(), &Written(value))?;
        }
    }
    out.end()
}

/// JSON has no infinity; rather a text than a silent `null`.
fn float<S: Serializer>(value: f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() { serializer.serialize_f64(value) } else { serializer.collect_str(&value) }
}

fn text<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return serializer.serialize_str(text);
    }
    let mut written = String::from(NOT_UTF8);
    for (index, c) in STANDARD.encode(bytes).chars().enumerate() {
        if index > 0 && index % BASE64_LINE == 0 {
            written.push('\n');
        }
        written.push(c);
    }
    serializer.serialize_str(&written)
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Read::deserialize(deserializer)?.0 {
            value if depth(&value) > DEPTH_MAX => {
                Err(D::Error::custom(format_args!("nested more than {DEPTH_MAX} levels deep")))
            }
            FieldValue::Table(table) => Ok(Self(table)),
            // Older RabbitMQ versions write an empty table so.
            FieldValue::Array(values) if values.is_empty() => Ok(Self::default()),
            _ => Err(D::Error::custom("expected an object with arguments")),
        }
    }
}

fn depth(value: &FieldValue) -> usize {
    match value {
        FieldValue::Table(table) => 1 + table.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        FieldValue::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

struct Read(FieldValue);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReadVisitor).map(Self)
    }
}

struct ReadVisitor;

impl<'de> Visitor<'de> for ReadVisitor {
    type Value = FieldValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of an argument")
    }

    fn visit_bool<E>(self, value: bool) -> Result<FieldValue, E> {
        Ok(FieldValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<FieldValue, E> {
        Ok(FieldValue::I64(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<FieldValue, E> {
        let value = i64::try_from(value)
            .map_err(|_| E::custom(format_args!("{value} does not fit into 64 bits with a sign")))?;
        Ok(FieldValue::I64(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<FieldValue, E> {
        Ok(FieldValue::F64(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<FieldValue, E> {
        Ok(FieldValue::LongString(bytes_behind(text).unwrap_or_else(|| text.into())))
    }

    fn visit_unit<E>(self) -> Result<FieldValue, E> {
        Ok(FieldValue::Void)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<FieldValue, A::Error> {
        let mut array = Vec::new();
        while let Some(Read(value)) = values.next_element()? {
            array.push(value);
        }
        Ok(FieldValue::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<FieldValue, A::Error> {
        let mut table = FieldTable::new();
        while let Some(name) = fields.next_key::<String>()? {
            if name.len() > NAME_BYTES_MAX {
                return Err(A::Error::custom(format_args!("a name is longer than {NAME_BYTES_MAX} bytes")));
            }
            let Read(value) = fields.next_value()?;
            table.insert(name, value);
        }
        Ok(FieldValue::Table(table))
    }
}

/// The bytes that RabbitMQ wrote as base64 because they are not text.
fn bytes_behind(text: &str) -> Option<Vec<u8>> {
    let encoded: String = text.strip_prefix(NOT_UTF8)?.split('\n').collect();
    let bytes = STANDARD.decode(encoded).ok()?;
    std::str::from_utf8(&bytes).is_err().then_some(bytes)
}

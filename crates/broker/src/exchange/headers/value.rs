//! Headers in a form in which equal bytes mean a match.
//!
//! RabbitMQ compares values without their types: `1` of any integer width, `1.0` and the timestamp 1 are equal, and so are a long
//! string and a byte array of the same bytes. Inside arrays and tables types count.

use leveret_protocol::{FieldTable, RawTable, RawValue};

/// Appends name and value.
pub(super) fn put_pair(name: &[u8], value: RawValue<'_>, out: &mut Vec<u8>) {
    put_name(name, out);
    match value {
        RawValue::Bool(value) => out.extend([b't', u8::from(value)]),
        RawValue::I8(value) => put_integer(value.into(), out),
        RawValue::U8(value) => put_integer(value.into(), out),
        RawValue::I16(value) => put_integer(value.into(), out),
        RawValue::U16(value) => put_integer(value.into(), out),
        RawValue::I32(value) => put_integer(value.into(), out),
        RawValue::U32(value) => put_integer(value.into(), out),
        RawValue::I64(value) => put_integer(value.into(), out),
        RawValue::Timestamp(seconds) => put_integer(seconds.into(), out),
        RawValue::F32(value) => put_float(value.into(), out),
        RawValue::F64(value) => put_float(value, out),
        RawValue::LongString(bytes) | RawValue::ByteArray(bytes) => {
            out.push(b'S');
            out.extend_from_slice(bytes);
        }
        RawValue::Decimal(decimal) => {
            out.extend([b'D', decimal.scale]);
            out.extend(decimal.value.to_be_bytes());
        }
        RawValue::Void => out.push(b'V'),
        RawValue::Array(_) | RawValue::Table(_) => {
            out.push(b'F');
            if let Ok(value) = value.decode() {
                FieldTable::from([("", value)]).encode(out);
            }
        }
    }
}

/// Appends the name alone: the beginning of every pair of that name and of no other.
pub(super) fn put_name(name: &[u8], out: &mut Vec<u8>) {
    out.push(name.len() as u8);
    out.extend_from_slice(name);
}

fn put_integer(value: i128, out: &mut Vec<u8>) {
    out.push(b'n');
    out.extend(value.to_be_bytes());
}

fn put_float(value: f64, out: &mut Vec<u8>) {
    // Beyond this no 64-bit integer could be equal.
    if value.trunc() == value && value.abs() < 1e20 {
        put_integer(value as i128, out);
    } else {
        out.push(b'd');
        out.extend(value.to_bits().to_be_bytes());
    }
}

/// The headers of one message, sorted.
pub(super) struct MessageHeaders {
    bytes: Vec<u8>,
    /// Beginning, end of the name, end of the pair.
    pairs: Vec<(u32, u32, u32)>,
}

impl MessageHeaders {
    pub(super) fn of(headers: RawTable<'_>) -> Self {
        let mut bytes = Vec::with_capacity(headers.as_bytes().len() * 2);
        let mut pairs = Vec::with_capacity(8);
        for (name, value) in headers.iter().map_while(Result::ok) {
            let start = bytes.len() as u32;
            put_pair(name.as_bytes(), value, &mut bytes);
            pairs.push((start, start + 1 + name.len() as u32, bytes.len() as u32));
        }
        let pair = |&(start, _, end): &(u32, u32, u32)| &bytes[start as usize..end as usize];
        pairs.sort_unstable_by(|a, b| pair(a).cmp(pair(b)));
        Self { bytes, pairs }
    }

    /// Each header as (name, pair).
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.pairs.iter().map(|&(start, name_end, end)| {
            (&self.bytes[start as usize..name_end as usize], &self.bytes[start as usize..end as usize])
        })
    }

    fn at_or_after(&self, wanted: &[u8]) -> Option<&[u8]> {
        let place =
            self.pairs.partition_point(|&(start, _, end)| &self.bytes[start as usize..end as usize] < wanted);
        self.pairs.get(place).map(|&(start, _, end)| &self.bytes[start as usize..end as usize])
    }

    pub(super) fn has_pair(&self, pair: &[u8]) -> bool {
        self.at_or_after(pair) == Some(pair)
    }

    pub(super) fn has_name(&self, name: &[u8]) -> bool {
        self.at_or_after(name).is_some_and(|pair| pair.starts_with(name))
    }
}

//! Writes properties: flags first, filled in as values are appended.

use super::raw::flag;
use crate::field_table::{FieldTable, RawTable};
use crate::shortstr::ShortStr;
use crate::wire::Put as _;

/// Appends properties in the order of the wire. `index` counts from the highest flag bit.
pub(crate) struct PropertyWriter<'o> {
    out: &'o mut Vec<u8>,
    at: usize,
}

impl<'o> PropertyWriter<'o> {
    pub(crate) fn new(out: &'o mut Vec<u8>) -> Self {
        let at = out.len();
        out.put_u16(0);
        Self { out, at }
    }

    fn set(&mut self, index: usize) {
        let [high, low] = flag(index).to_be_bytes();
        self.out[self.at] |= high;
        self.out[self.at + 1] |= low;
    }

    pub(crate) fn short_str(&mut self, index: usize, text: ShortStr<'_>) {
        self.set(index);
        self.out.put_short_str(text);
    }

    pub(crate) fn octet(&mut self, index: usize, value: u8) {
        self.set(index);
        self.out.put_u8(value);
    }

    pub(crate) fn timestamp(&mut self, index: usize, seconds: u64) {
        self.set(index);
        self.out.put_u64(seconds);
    }

    pub(crate) fn table(&mut self, index: usize, table: &FieldTable) {
        self.set(index);
        table.encode(self.out);
    }

    /// A table as it lay on the wire, with a 64-bit integer behind its last field.
    pub(crate) fn table_and_integer(
        &mut self,
        index: usize,
        fields: RawTable<'_>,
        name: ShortStr<'_>,
        value: i64,
    ) {
        self.set(index);
        let len = fields.as_bytes().len() + 1 + name.as_bytes().len() + 1 + 8;
        self.out.put_u32(len as u32);
        self.out.put_bytes(fields.as_bytes());
        self.out.put_short_str(name);
        self.out.put_u8(b'l');
        self.out.put_u64(value as u64);
    }

    /// A value as it lay on the wire.
    pub(crate) fn copy(&mut self, index: usize, value: &[u8]) {
        self.set(index);
        self.out.put_bytes(value);
    }
}

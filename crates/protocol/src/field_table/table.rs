//! Field tables, owned.

use super::value::with_length;
use super::{DEPTH_MAX, FieldName, FieldValue, RawTable};
use crate::wire::{Put as _, Reader, WireError};

/// A field table, owned. Keeps the order of its fields; a name that was sent twice is kept twice, and [`get`](Self::get) finds the
/// first, as RabbitMQ does.
///
/// ```
/// # use leveret_protocol::field_table::FieldTable;
/// let mut arguments = FieldTable::new();
/// arguments.insert("x-message-ttl", 60_000);
/// assert_eq!(arguments.get("x-message-ttl").and_then(|ttl| ttl.as_i64()), Some(60_000));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldTable(Vec<(FieldName, FieldValue)>);

impl FieldTable {
    /// An empty table.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of the first field of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&FieldValue> {
        self.0.iter().find(|(found, _)| *found == *name).map(|(_, value)| value)
    }

    /// Whether there is a field of this name.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets the first field of this name, or appends one. Gives back the value it replaced.
    pub fn insert(&mut self, name: impl Into<FieldName>, value: impl Into<FieldValue>) -> Option<FieldValue> {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(found, _)| *found == name) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            None => {
                self.0.push((name, value));
                None
            }
        }
    }

    /// Removes every field of this name; gives back the first's value.
    pub fn remove(&mut self, name: &str) -> Option<FieldValue> {
        let mut removed = None;
        self.0.retain_mut(|(found, value)| {
            let keep = *found != *name;
            if !keep && removed.is_none() {
                removed = Some(std::mem::replace(value, FieldValue::Void));
            }
            keep
        });
        removed
    }

    /// The fields in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&FieldName, &FieldValue)> + DoubleEndedIterator {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends the table: four octets of length, then the fields.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_at(out, 0);
    }

    pub(super) fn encode_at(&self, out: &mut Vec<u8>, depth: usize) {
        with_length(out, |out| {
            for (name, value) in self.iter().filter(|_| depth <= DEPTH_MAX) {
                out.put_short_str(name.as_short_str());
                value.encode(out, depth);
            }
        });
    }

    /// Reads a table: four octets of length, then the fields.
    ///
    /// # Errors
    /// When the bytes end early, hold an unknown type, or nest deeper than [`DEPTH_MAX`].
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.table().and_then(RawTable::decode)
    }
}

impl<N: Into<FieldName>, V: Into<FieldValue>> FromIterator<(N, V)> for FieldTable {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<N: Into<FieldName>, V: Into<FieldValue>, const LEN: usize> From<[(N, V); LEN]> for FieldTable {
    fn from(fields: [(N, V); LEN]) -> Self {
        fields.into_iter().collect()
    }
}

impl IntoIterator for FieldTable {
    type Item = (FieldName, FieldValue);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

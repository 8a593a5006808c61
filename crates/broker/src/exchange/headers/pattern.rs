//! What a binding of a headers exchange asks for.

use leveret_protocol::{FieldTable, FieldValue, RawTable, RawValue};

use super::value::{MessageHeaders, put_name, put_pair};
use crate::erlang_term;
use crate::refusal::Refusal;

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Condition {
    /// The header has this value.
    Pair(Box<[u8]>),
    /// The header is there.
    Name(Box<[u8]>),
}

impl Condition {
    fn holds(&self, headers: &MessageHeaders) -> bool {
        match self {
            Self::Pair(pair) => headers.has_pair(pair),
            Self::Name(name) => headers.has_name(name),
        }
    }
}

/// The conditions of a binding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Pattern {
    /// Whether one condition is enough.
    pub(super) any: bool,
    /// Sorted, none twice.
    pub(super) conditions: Box<[Condition]>,
}

impl Pattern {
    /// Reads a binding's arguments. Those whose name begins with `x-` are conditions only with `any-with-x` and `all-with-x`, and
    /// `x-match` never is.
    pub(super) fn of(arguments: &FieldTable) -> Self {
        let mode = arguments.get("x-match").and_then(FieldValue::as_str).unwrap_or("all");
        let with_x = mode.ends_with("-with-x");
        let mut encoded = Vec::new();
        arguments.encode(&mut encoded);
        let fields = RawTable::new(encoded.get(4..).unwrap_or_default());
        let mut conditions: Vec<_> = fields
            .iter()
            .map_while(Result::ok)
            .filter(|(name, _)| with_x || !name.as_bytes().starts_with(b"x-"))
            .filter(|(name, _)| name.as_bytes() != b"x-match")
            .map(|(name, value)| {
                let mut bytes = Vec::new();
                if value == RawValue::Void {
                    put_name(name.as_bytes(), &mut bytes);
                    Condition::Name(bytes.into())
                } else {
                    put_pair(name.as_bytes(), value, &mut bytes);
                    Condition::Pair(bytes.into())
                }
            })
            .collect();
        conditions.sort_unstable();
        conditions.dedup();
        Self { any: mode.starts_with("any"), conditions: conditions.into() }
    }

    /// Whether the headers meet what is asked for. For `any` that is left to the index, which found a condition that holds.
    pub(super) fn matches(&self, headers: &MessageHeaders) -> bool {
        self.any || self.conditions.iter().all(|condition| condition.holds(headers))
    }
}

/// Refuses a binding whose `x-match` means nothing.
///
/// # Errors
/// 406 unless `x-match` is absent or one of the long strings `all`, `any`, `all-with-x`, `any-with-x`.
pub(crate) fn check_arguments(arguments: &FieldTable) -> Result<(), Refusal> {
    let Some(mode) = arguments.get("x-match") else { return Ok(()) };
    match mode {
        FieldValue::LongString(mode) => match mode.as_slice() {
            b"all" | b"any" | b"all-with-x" | b"any-with-x" => Ok(()),
            _ => Err(Refusal::precondition(format!(
                "Invalid x-match field value {}; expected all, any, all-with-x, or any-with-x",
                erlang_term::binary(mode)
            ))),
        },
        other => Err(Refusal::precondition(format!(
            "Invalid x-match field type {} (value {}); expected longstr",
            other.type_name(),
            erlang_term::value(other)
        ))),
    }
}

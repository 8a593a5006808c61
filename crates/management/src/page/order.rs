//! In which order entries are listed, and which of them are on a page. What is before and behind the page is not sorted.

use super::Listed;
use crate::call::Call;
use crate::json::Wanted;
use serde_json::Value;
use std::cmp::Ordering;
use std::ops::Range;

/// What entries are sorted by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Key {
    /// Sorted before everything: the entry does not have it.
    None,
    Number(f64),
    Text(Box<str>),
}

impl Key {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn flag(flag: bool) -> Self {
        Self::Number(f64::from(u8::from(flag)))
    }

    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::None,
            Value::Bool(flag) => Self::flag(*flag),
            Value::Number(number) => Self::Number(number.as_f64().unwrap_or_default()),
            Value::String(text) => Self::text(text),
            other => Self::text(&other.to_string()),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.total_cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (one, other) => one.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::None => 0,
            Self::Number(_) => 1,
            Self::Text(_) => 2,
        }
    }
}

/// The entries of `range`, when all are in the order that is asked for.
pub(super) fn part<T>(call: &Call, entries: Vec<T>, listed: &Listed<'_, T>, range: Range<usize>) -> Vec<T> {
    let is_reversed = call.flag("sort_reverse");
    let by = call.query("sort").map(|by| (by, by.split('.').collect::<Vec<_>>()));
    let key = |entry: &T| match &by {
        None => Key::None,
        Some((by, path)) => (listed.key)(entry, by).unwrap_or_else(|| {
            let value = (listed.json)(entry, Wanted::Only(&path[..1]));
            super::at(&value, path).map_or(Key::None, Key::of)
        }),
    };
    // Entries with the same key stay in the order they have without one.
    let mut keyed: Vec<(Key, usize, T)> =
        entries.into_iter().enumerate().map(|(at, entry)| (key(&entry), at, entry)).collect();
    let compare = |one: &(Key, usize, T), other: &(Key, usize, T)| {
        let order = one.0.compare(&other.0);
        let order = order.then_with(|| listed.order.map_or(Ordering::Equal, |order| order(&one.2, &other.2)));
        let order = order.then(one.1.cmp(&other.1));
        if is_reversed { order.reverse() } else { order }
    };
    let (start, end) = (range.start.min(keyed.len()), range.end.min(keyed.len()));
    if end < keyed.len() {
        keyed.select_nth_unstable_by(end, compare);
        keyed.truncate(end);
    }
    if start > 0 && start < keyed.len() {
        keyed.select_nth_unstable_by(start, compare);
    }
    let mut shown = keyed.split_off(start.min(keyed.len()));
    shown.sort_unstable_by(compare);
    shown.into_iter().map(|(_, _, entry)| entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_different_kinds_have_an_order() {
        let mut keys = [Key::text("a"), Key::Number(2.0), Key::None, Key::Number(-1.0)];
        keys.sort_by(Key::compare);
        assert_eq!(keys, [Key::None, Key::Number(-1.0), Key::Number(2.0), Key::text("a")]);
    }
}

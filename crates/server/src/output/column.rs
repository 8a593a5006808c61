//! Columns of a table: a place in a JSON object, and how what stands there reads.

use super::text;
use serde_json::Value;

/// How a value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As it is; `yes` and nothing for booleans; objects as `key=value`.
    Text,
    /// A whole number with separators, to the right.
    Count,
    /// Bytes.
    Bytes,
    /// Something per second.
    Rate,
    /// A time since 1970 in milliseconds.
    Time,
}

/// One column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// The heading.
    pub(crate) title: String,
    /// Where the value stands: keys with dots between.
    pub(crate) path: String,
    /// How it is shown.
    pub(crate) kind: Kind,
}

impl Column {
    /// A column of a list of columns that is written in code.
    pub(crate) fn of(&(title, path, kind): &(&str, &str, Kind)) -> Column {
        Column { title: title.to_owned(), path: path.to_owned(), kind }
    }

    /// Whether numbers stand in it, which are written to the right.
    pub(crate) fn is_right(&self) -> bool {
        !matches!(self.kind, Kind::Text | Kind::Time)
    }

    /// What stands in it for this object.
    pub(crate) fn cell(&self, row: &Value) -> String {
        let value = at(row, &self.path);
        match (self.kind, value.as_f64()) {
            (Kind::Count, Some(number)) => text::count(number),
            (Kind::Bytes, Some(number)) => text::bytes(number),
            (Kind::Rate, Some(number)) => text::rate(number),
            (Kind::Time, Some(number)) => time(number),
            _ => text::printable(&plain(value)).replace(['\n', '\t'], " "),
        }
    }
}

/// The value at a path with dots; `Null` where there is none. A key that has dots itself is found too.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    if let Some(found) = value.get(path) {
        return found;
    }
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    match value.get(first) {
        Some(inner) if !rest.is_empty() => at(inner, rest),
        _ => &Value::Null,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(pairs) => {
            pairs.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Milliseconds since 1970 as `2026-11-27 19:32:05` UTC.
pub(crate) fn time(millis: f64) -> String {
    let seconds = (millis / 1000.0) as i64;
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days to a date: Howard Hinnant's civil_from_days, years that begin in March.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day = shifted.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let (date, month) = (of_year - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{date:02} {:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells() {
        let row = json!({"n": 1234, "m": {"rate": 0.5}, "a.b": 1, "on": true, "args": {"x-max": 5, "y": "z"}, "t": 951_782_400_000_u64});
        for (path, kind, expected) in [
            ("n", Kind::Count, "1,234"),
            ("m.rate", Kind::Rate, "0.5/s"),
            ("a.b", Kind::Text, "1"),
            ("on", Kind::Text, "yes"),
            ("args", Kind::Text, "x-max=5, y=z"),
            ("absent.too", Kind::Count, ""),
            ("t", Kind::Time, "2000-02-29 00:00:00"),
        ] {
            assert_eq!(Column::of(&("", path, kind)).cell(&row), expected, "{path}");
        }
    }
}

//! Shapes of entities, with RabbitMQ's keys.

pub(crate) mod binding;
pub(crate) mod connection;
pub(crate) mod exchange;
pub(crate) mod message;
mod object;
pub(crate) mod queue;

use leveret_broker::definitions::Arguments;
use leveret_protocol::FieldTable;
pub(crate) use object::{Object, Wanted};
use serde_json::{Value, json};

/// A moment as RabbitMQ writes it.
pub(crate) fn time(unix_ms: u64) -> String {
    // Days since 0000-03-01, so that a leap day is the last of its year (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    let (seconds, ms) = (unix_ms / 1000, unix_ms % 1000);
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}+00:00")
}

/// A table of arguments.
pub(crate) fn arguments(table: &FieldTable) -> Value {
    serde_json::to_value(Arguments(table.clone())).unwrap_or_else(|_| json!({}))
}

#[cfg(test)]
mod tests {
    #[test]
    fn moments_are_written_as_rabbitmq_does() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000+00:00"),
            (951_782_400_005, "2000-02-29T00:00:00.005+00:00"),
            (1_795_808_593_160, "2026-11-27T19:43:13.160+00:00"),
        ] {
            assert_eq!(super::time(ms), text);
        }
    }
}

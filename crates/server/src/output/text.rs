//! Values as people read them.

use std::fmt::Write as _;

pub(crate) use crate::bench::words::count;

/// Text from outside with everything a terminal would obey made visible.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => out.push(character),
            // Controls, and the marks that turn the direction of writing round.
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out
}

/// `1536` as `1.5 KiB`.
pub(crate) fn bytes(bytes: f64) -> String {
    let mut number = bytes;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    while number.abs() >= 1024.0 {
        let Some(next) = units.next() else { break };
        (number, unit) = (number / 1024.0, next);
    }
    if unit == "B" || number >= 100.0 { format!("{number:.0} {unit}") } else { format!("{number:.1} {unit}") }
}

/// `12.34` as `12.3/s`.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second != 0.0 && per_second < 100.0 {
        format!("{per_second:.1}/s")
    } else {
        format!("{}/s", count(per_second))
    }
}

/// Milliseconds as `1d 4h`, `3m 5s` or `120 ms`: two units at most.
pub(crate) fn duration(millis: f64) -> String {
    if millis < 1_000.0 {
        return format!("{millis:.0} ms");
    }
    let seconds = (millis / 1000.0) as u64;
    let (days, hours, minutes, rest) =
        (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest}s"),
        (0, 0, _) => format!("{minutes}m {rest}s"),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_people_read_them() {
        for (is, expected) in [
            (bytes(0.0), "0 B"),
            (bytes(1536.0), "1.5 KiB"),
            (bytes(250.0 * 1024.0 * 1024.0), "250 MiB"),
            (rate(0.0), "0/s"),
            (rate(12.34), "12.3/s"),
            (rate(12_345.6), "12,346/s"),
            (duration(120.0), "120 ms"),
            (duration(185_000.0), "3m 5s"),
            (duration(100_800_000.0), "1d 4h"),
        ] {
            assert_eq!(is, expected);
        }
    }

    #[test]
    fn a_name_cannot_command_the_terminal() {
        assert_eq!(printable("a\x1b]0;gone\x07\u{202e}b"), "a\\u{1b}]0;gone\\u{7}\\u{202e}b");
        assert_eq!(printable("größe 队列"), "größe 队列");
    }
}

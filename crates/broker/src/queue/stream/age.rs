//! Lengths of time as RabbitMQ writes them for streams: a whole number and a unit, `7D`. Source: RabbitMQ, "Streams", `x-max-age`.

/// Milliseconds of a length of time above zero. Units: `Y` (365 days), `M` (30 days), `D`, `h`, `m`, `s`. `None` for anything else.
pub(crate) fn parse(text: &[u8]) -> Option<u64> {
    let (unit, digits) = text.split_last()?;
    let seconds = match unit {
        b'Y' => 365 * 86_400,
        b'M' => 30 * 86_400,
        b'D' => 86_400,
        b'h' => 3600,
        b'm' => 60,
        b's' => 1,
        _ => return None,
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    count.checked_mul(seconds * 1000).filter(|ms| *ms > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        let day = 86_400_000;
        for (text, ms) in [
            ("1Y", Some(365 * day)),
            ("2M", Some(60 * day)),
            ("7D", Some(7 * day)),
            ("12h", Some(day / 2)),
            ("5m", Some(300_000)),
            ("10s", Some(10_000)),
            ("0s", None),
            ("", None),
            ("s", None),
            ("10", None),
            ("-1s", None),
            ("+1s", None),
            ("1.5h", None),
            ("1 h", None),
            ("1d", None),
            ("99999999999999999999s", None),
            ("18446744073709551615Y", None),
        ] {
            assert_eq!(parse(text.as_bytes()), ms, "{text}");
        }
    }
}

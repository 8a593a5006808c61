//! Numbers as people read them.

/// `1234567.8` as `1,234,568`; small ones keep a decimal.
pub(crate) fn count(number: f64) -> String {
    if number != 0.0 && number.abs() < 10.0 && number.fract() != 0.0 {
        return format!("{number:.1}");
    }
    let digits = format!("{number:.0}");
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Microseconds as `870 µs`, `12.3 ms` or `4.56 s`.
pub(crate) fn micros(micros: f64) -> String {
    match micros {
        _ if micros < 1_000.0 => format!("{micros:.0} µs"),
        _ if micros < 10_000.0 => format!("{:.2} ms", micros / 1e3),
        _ if micros < 1_000_000.0 => format!("{:.1} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}

/// `1 queue`, `2 queues`.
pub(crate) fn some(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", count(number as f64), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (number, text) in [
            (0.0, "0"),
            (0.25, "0.2"),
            (999.4, "999"),
            (1000.0, "1,000"),
            (1_234_567.8, "1,234,568"),
            (100_000.0, "100,000"),
        ] {
            assert_eq!(count(number), text);
        }
        assert_eq!(
            [870.4, 1_234.0, 12_345.0, 4_560_000.0].map(micros),
            ["870 µs", "1.23 ms", "12.3 ms", "4.56 s"]
        );
        assert_eq!([1, 2, 1000].map(|n| some(n, "queue")), ["1 queue", "2 queues", "1,000 queues"]);
    }
}

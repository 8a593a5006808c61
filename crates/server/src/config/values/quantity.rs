//! Amounts with their units: bytes, time, counts.

use crate::config::declare::Single;
use std::fmt;
use std::time::Duration;

/// Splits `64MiB` into the number and the unit behind it.
fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let number = text[..end].replace('_', "").parse().ok()?;
    Some((number, text[end..].trim()))
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ByteSize(pub(crate) u64);

const BYTE_UNITS: [(&str, u64); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("kB", 1_000),
    ("B", 1),
];

impl Single for ByteSize {
    fn parse_one(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a number of bytes; write 131072, 128KiB, 16MiB or 2GiB");
        let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
        let factor = match unit {
            "" => 1,
            unit => BYTE_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1,
        };
        let bytes = number * factor as f64;
        // Above 2^53 a float no longer holds every byte count, and no machine has that much.
        if bytes.fract() != 0.0 || bytes > (1u64 << 53) as f64 {
            return Err(wrong());
        }
        Ok(ByteSize(bytes as u64))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match BYTE_UNITS.iter().find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor)) {
            Some((unit, factor)) => write!(f, "{}{unit}", self.0 / factor),
            None => write!(f, "{}B", self.0),
        }
    }
}

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

impl Single for Span {
    fn parse_one(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a length of time; write 500ms, 30s, 5m or 1h");
        let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
        let seconds_per_unit = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "" if number == 0.0 => 1.0,
            "" => {
                return Err(format!(
                    "`{text}` needs a unit: `{text}s` for seconds, `{text}ms` for milliseconds"
                ));
            }
            _ => return Err(wrong()),
        };
        let millis = (number * seconds_per_unit * 1000.0).round();
        // A hundred years: what is longer is a slip.
        if millis > 100.0 * 365.0 * 86_400_000.0 {
            return Err(wrong());
        }
        Ok(Span(Duration::from_millis(millis as u64)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        match millis {
            0 => write!(f, "0s"),
            _ if millis.is_multiple_of(3_600_000) => write!(f, "{}h", millis / 3_600_000),
            _ if millis.is_multiple_of(60_000) => write!(f, "{}m", millis / 60_000),
            _ if millis.is_multiple_of(1000) => write!(f, "{}s", millis / 1000),
            _ => write!(f, "{millis}ms"),
        }
    }
}

/// How many of something there may be; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) usize);

impl Single for Count {
    fn parse_one(text: &str) -> Result<Self, String> {
        match text.replace('_', "").parse() {
            Ok(0) => Err("0 would refuse every one".into()),
            Ok(count) => Ok(Count(count)),
            Err(_) => Err(format!("`{text}` is not a whole number")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes() {
        for (text, bytes) in
            [("0", 0), ("131072", 131_072), ("64MiB", 64 << 20), ("1.5 GiB", 3 << 29), ("2KB", 2000)]
        {
            assert_eq!(ByteSize::parse_one(text), Ok(ByteSize(bytes)), "{text}");
        }
        for bad in ["", "MiB", "1.5", "-1", "12 parsecs", "9999999999GiB", "1.2.3KiB"] {
            assert!(ByteSize::parse_one(bad).unwrap_err().contains("not a number of bytes"), "{bad}");
        }
        assert_eq!(ByteSize(16 << 20).to_string(), "16MiB");
        assert_eq!(ByteSize(1000).to_string(), "1KB");
        assert_eq!(ByteSize(7).to_string(), "7B");
    }

    #[test]
    fn spans() {
        for (text, millis) in [("0", 0), ("500ms", 500), ("30s", 30_000), ("1.5m", 90_000), ("1h", 3_600_000)]
        {
            assert_eq!(Span::parse_one(text), Ok(Span(Duration::from_millis(millis))), "{text}");
        }
        let problem = Span::parse_one("60").unwrap_err();
        assert_eq!(problem, "`60` needs a unit: `60s` for seconds, `60ms` for milliseconds");
        assert!(Span::parse_one("3 weeks").unwrap_err().contains("not a length of time"));
        assert!(Span::parse_one("999999999h").is_err());
        for text in ["0s", "250ms", "10s", "5m", "2h"] {
            assert_eq!(Span::parse_one(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn counts() {
        assert_eq!(Count::parse_one("65_536"), Ok(Count(65_536)));
        assert!(Count::parse_one("0").unwrap_err().contains("refuse every one"));
        for bad in ["many", "-1", "1.5", ""] {
            assert!(Count::parse_one(bad).unwrap_err().contains("not a whole number"), "{bad}");
        }
    }
}

//! A share of the machine's memory, or an amount.

use super::quantity::ByteSize;
use crate::config::declare::Single;
use std::fmt;

/// From how much memory on publishers are made to wait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Watermark {
    /// A share of the memory this process may use, above 0 and at most 1.
    Fraction(f64),
    /// An amount.
    Bytes(ByteSize),
}

impl Single for Watermark {
    fn parse_one(text: &str) -> Result<Self, String> {
        if let Some(percent) = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok()) {
            return fraction(percent / 100.0, text);
        }
        match text.parse::<f64>() {
            Ok(number) if text.contains('.') || number <= 1.0 => fraction(number, text),
            _ => ByteSize::parse_one(text).map(Watermark::Bytes).map_err(|_| wrong(text)),
        }
    }
}

fn fraction(share: f64, text: &str) -> Result<Watermark, String> {
    if share > 0.0 && share <= 1.0 { Ok(Watermark::Fraction(share)) } else { Err(wrong(text)) }
}

fn wrong(text: &str) -> String {
    format!("`{text}` is neither a share of the memory (0.4 or 40%) nor an amount (512MiB)")
}

impl fmt::Display for Watermark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Watermark::Fraction(share) => write!(f, "{share}"),
            Watermark::Bytes(bytes) => write!(f, "{bytes}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_amounts() {
        assert_eq!(Watermark::parse_one("0.4"), Ok(Watermark::Fraction(0.4)));
        assert_eq!(Watermark::parse_one("40%"), Ok(Watermark::Fraction(0.4)));
        assert_eq!(Watermark::parse_one("1"), Ok(Watermark::Fraction(1.0)));
        assert_eq!(Watermark::parse_one("512MiB"), Ok(Watermark::Bytes(ByteSize(512 << 20))));
        assert_eq!(Watermark::parse_one("1000000"), Ok(Watermark::Bytes(ByteSize(1_000_000))));
        for bad in ["0", "1.5", "140%", "-0.1", "half", ""] {
            assert!(Watermark::parse_one(bad).is_err(), "{bad}");
        }
    }
}

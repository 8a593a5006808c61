//! Options of telemetry.

use super::choice::choose;
use crate::config::declare::Single;
use leveret_telemetry::{Endpoint, Protocol};

/// Where the collector is. Without `http://` or `https://` the former is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OtlpEndpoint(pub(crate) Endpoint);

impl Single for OtlpEndpoint {
    fn parse_one(text: &str) -> Result<Self, String> {
        let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        url.parse().map(Self).map_err(|_| {
            format!("`{text}` is no address of a collector; write `http://HOST:4317` or `https://HOST:4317`")
        })
    }
}

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OtlpProtocol(pub(crate) Protocol);

impl Single for OtlpProtocol {
    fn parse_one(text: &str) -> Result<Self, String> {
        let http = Self(Protocol::Http);
        choose(text, &[("grpc", Self(Protocol::Grpc)), ("http", http), ("http/protobuf", http)])
    }
}

/// A kind of telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtlpSignal {
    /// Spans of sampled messages.
    Traces,
    /// Gauges and counters.
    Metrics,
    /// The log.
    Logs,
}

impl Single for OtlpSignal {
    fn parse_one(text: &str) -> Result<Self, String> {
        choose(text, &[("traces", Self::Traces), ("metrics", Self::Metrics), ("logs", Self::Logs)])
    }
}

/// A name and what it stands for. `%XX` is a byte, so that a comma can be said. Not shown, as it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NameValue {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl std::fmt::Debug for NameValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NameValue").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Single for NameValue {
    fn parse_one(text: &str) -> Result<Self, String> {
        let wrong =
            || "a part has no `=`, or wrong `%` signs; write `NAME=VALUE`, a comma as `%2C`".to_owned();
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let name = unescape(name.trim()).filter(|name| !name.is_empty()).ok_or_else(wrong)?;
        Ok(Self { name, value: unescape(value.trim()).ok_or_else(wrong)? })
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// A share, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

impl Single for Share {
    fn parse_one(text: &str) -> Result<Self, String> {
        let number = match text.strip_suffix('%') {
            Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
            None => text.parse(),
        };
        match number {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(Self(share)),
            _ => Err(format!("`{text}` is no share from 0 to 1; write `0.01` or `1%`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values() {
        let parsed = |text: &str| NameValue::parse_one(text).map(|it| (it.name, it.value));
        let ok = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(parsed("authorization=Bearer%20a=b%2c"), ok("authorization", "Bearer a=b,"));
        assert_eq!(parsed(" x = y "), ok("x", "y"));
        assert_eq!(parsed("x="), ok("x", ""));
        for wrong in ["", "x", "=y", "x=%", "x=%2", "x=%zz", "x=%ff"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
        assert!(!format!("{:?}", NameValue::parse_one("token=secret").unwrap()).contains("secret"));
    }

    #[test]
    fn shares_and_addresses() {
        assert_eq!((Share::parse_one("1%"), Share::parse_one("0.5")), (Ok(Share(0.01)), Ok(Share(0.5))));
        for wrong in ["1.1", "-1", "101%", "x", "", "NaN"] {
            assert!(Share::parse_one(wrong).is_err(), "{wrong}");
        }
        let endpoint = |text| OtlpEndpoint::parse_one(text);
        assert_eq!(endpoint("localhost:4317"), endpoint("http://localhost:4317"));
        assert!(endpoint("grpc://localhost").is_err());
    }
}

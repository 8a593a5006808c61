//! Options with a few named values.

use crate::config::declare::Single;
use leveret_broker::net::tls::TlsVersion;
use std::num::NonZeroUsize;
use tracing_subscriber::filter::Targets;

/// Finds `text` among named values, else says which there are.
pub(super) fn choose<T: Copy>(text: &str, values: &[(&str, T)]) -> Result<T, String> {
    if let Some((_, value)) = values.iter().find(|(name, _)| *name == text) {
        return Ok(*value);
    }
    let names: Vec<String> = values.iter().map(|(name, _)| format!("`{name}`")).collect();
    Err(format!("`{text}` is not one of {}", names.join(", ")))
}

/// Whether TLS clients must show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsVerify {
    /// No certificate is asked for.
    None,
    /// A certificate is asked for and checked when given.
    Optional,
    /// Without a valid certificate there is no connection.
    Required,
}

impl Single for TlsVerify {
    fn parse_one(text: &str) -> Result<Self, String> {
        choose(text, &[("none", Self::None), ("optional", Self::Optional), ("required", Self::Required)])
    }
}

/// The oldest version of TLS accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TlsVersionMin(pub(crate) TlsVersion);

impl Single for TlsVersionMin {
    fn parse_one(text: &str) -> Result<Self, String> {
        choose(text, &[("1.2", Self(TlsVersion::V1_2)), ("1.3", Self(TlsVersion::V1_3))])
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Single for LogFormat {
    fn parse_one(text: &str) -> Result<Self, String> {
        choose(text, &[("text", Self::Text), ("json", Self::Json)])
    }
}

/// Which log lines are written: a level, or levels per module.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogFilter(pub(crate) Targets);

impl Single for LogFilter {
    fn parse_one(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a log level; write error, warn, info, debug, trace, off, \
                 or levels per module such as `info,leveret_broker=debug`"
            )
        };
        // Targets takes any word for a module's name; here a word alone has to be a level.
        let levels = ["off", "error", "warn", "info", "debug", "trace"];
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        if parts.iter().any(|part| !levels.contains(&part.rsplit_once('=').map_or(*part, |(_, level)| level)))
        {
            return Err(wrong());
        }
        parts.join(",").parse().map(LogFilter).map_err(|_| wrong())
    }
}

/// How many threads serve connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkerThreads {
    /// One per core this process may use.
    Auto,
    /// This many.
    Count(NonZeroUsize),
}

impl WorkerThreads {
    /// The number itself.
    pub(crate) fn count(self) -> usize {
        match self {
            WorkerThreads::Auto => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            WorkerThreads::Count(count) => count.get(),
        }
    }
}

impl Single for WorkerThreads {
    fn parse_one(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(WorkerThreads::Auto);
        }
        match text.parse::<NonZeroUsize>() {
            Ok(count) if count.get() <= 1024 => Ok(WorkerThreads::Count(count)),
            _ => Err(format!("`{text}` is neither `auto` nor a number from 1 to 1024")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_choices() {
        assert_eq!(TlsVerify::parse_one("optional"), Ok(TlsVerify::Optional));
        let problem = TlsVerify::parse_one("yes").unwrap_err();
        assert_eq!(problem, "`yes` is not one of `none`, `optional`, `required`");
        assert_eq!(TlsVersionMin::parse_one("1.3"), Ok(TlsVersionMin(TlsVersion::V1_3)));
        assert!(TlsVersionMin::parse_one("1.1").is_err());
        assert!(LogFormat::parse_one("xml").is_err());
    }

    #[test]
    fn log_filters() {
        for good in ["info", "off", "warn,leveret_broker=debug", "leveret_broker::net=trace"] {
            assert!(LogFilter::parse_one(good).is_ok(), "{good}");
        }
        for bad in ["loud", "", "leveret_broker", "a=b"] {
            assert!(LogFilter::parse_one(bad).unwrap_err().contains("not a log level"), "{bad}");
        }
    }

    #[test]
    fn worker_threads() {
        assert!(WorkerThreads::parse_one("auto").unwrap().count() >= 1);
        assert_eq!(WorkerThreads::parse_one("3").unwrap().count(), 3);
        for bad in ["0", "-1", "many", "5000"] {
            assert!(WorkerThreads::parse_one(bad).is_err(), "{bad}");
        }
    }
}

//! What the arguments of a queue or an exchange ask of deduplication.

use crate::queue::arguments::EXPIRY_MS_MAX;
use leveret_protocol::{FieldTable, FieldValue};

/// Ids remembered unless `x-cache-size` says otherwise: about 3 MB of memory.
pub const CACHE_SIZE_DEFAULT: u64 = 100_000;
/// The highest `x-cache-size`: about 3 GB of memory.
pub const CACHE_SIZE_MAX: u64 = 100_000_000;

const HEADER_DEFAULT: &str = "x-deduplication-header";

/// See the module's documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DedupSettings {
    /// Name of the header that bears the id. `message-id` is the property as well.
    pub(crate) header: Box<str>,
    /// `x-cache-size`.
    pub(crate) ids_max: u64,
    /// `x-cache-ttl`.
    pub(crate) ttl_ms: Option<u64>,
    /// Dead letters are let in even if they were seen.
    pub(crate) admits_letters: bool,
    /// `x-cache-persistence: memory` says no.
    pub(crate) lasts: bool,
}

impl DedupSettings {
    /// Of arguments that were checked. `None`: nothing is deduplicated.
    pub(crate) fn of(arguments: &FieldTable) -> Option<Self> {
        let is_on = arguments.get("x-message-deduplication").and_then(FieldValue::as_bool);
        is_on.unwrap_or_default().then(|| Self::read(arguments))
    }

    /// The same, of an exchange that wants it.
    pub(crate) fn of_exchange(arguments: &FieldTable) -> Self {
        Self { admits_letters: false, ..Self::read(arguments) }
    }

    /// A number, or a text that is one: the plugin takes both.
    pub(crate) fn number(value: &FieldValue) -> Option<i64> {
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }

    fn read(arguments: &FieldTable) -> Self {
        let number = |name| arguments.get(name).and_then(Self::number).and_then(|n| u64::try_from(n).ok());
        let text = |name| arguments.get(name).and_then(FieldValue::as_str);
        Self {
            header: text(HEADER_DEFAULT).unwrap_or(HEADER_DEFAULT).into(),
            ids_max: number("x-cache-size").unwrap_or(CACHE_SIZE_DEFAULT),
            ttl_ms: number("x-cache-ttl"),
            admits_letters: true,
            lasts: text("x-cache-persistence") != Some("memory"),
        }
    }
}

/// What is wrong with an `x-cache-size`.
pub(crate) fn check_size(size: i64) -> Result<(), String> {
    match size {
        0 => Err("{value_zero,0}".into()),
        ..0 => Err(format!("{{value_negative,{size}}}")),
        _ if size as u64 > CACHE_SIZE_MAX => Err(format!("{{max_value_exceeded,{size}}}")),
        _ => Ok(()),
    }
}

/// What is wrong with an `x-cache-ttl`.
pub(crate) fn check_ttl(ttl_ms: i64) -> Result<(), String> {
    match ttl_ms {
        0 => Err("{value_zero,0}".into()),
        ..0 => Err(format!("{{value_negative,{ttl_ms}}}")),
        _ if ttl_ms > EXPIRY_MS_MAX => Err(format!("{{value_too_large,{ttl_ms}}}")),
        _ => Ok(()),
    }
}

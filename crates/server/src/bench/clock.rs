//! One monotonic clock for all threads of a run: nanoseconds since the first look at it.

use std::sync::OnceLock;
use std::time::Instant;

/// Nanoseconds since the first call in this process, never 0.
#[inline]
pub(crate) fn now_ns() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    ORIGIN.get_or_init(Instant::now).elapsed().as_nanos() as u64 + 1
}

//! When a time is over, for any time that somebody may ask for: `Duration::MAX` means never.

use std::time::Duration;

use tokio::time::Instant;

/// What counts as never: thirty years, as tokio's own timers have it.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// `now` and this time, however long it is.
#[must_use]
pub fn after(now: Instant, time: Duration) -> Instant {
    now + time.min(NEVER)
}

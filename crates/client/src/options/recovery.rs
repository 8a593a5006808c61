//! What happens when a connection is lost or cannot be made.

use std::time::Duration;

use super::OptionsError;

/// Whether, how often and how long to try again. Holds for the first connect too.
///
/// Whichever limit is reached first ends it; the connection is then closed for good and says why.
///
/// ```
/// use leveret_client::ConnectOptions;
/// use leveret_client::options::{BackoffOptions, RecoveryOptions};
/// use std::time::Duration;
///
/// let backoff = BackoffOptions::default().first(Duration::from_millis(100)).max(Duration::from_secs(5));
/// let mut options = ConnectOptions::new("amqp://guest:guest@localhost/")?;
/// options.recovery = RecoveryOptions::default().backoff(backoff).time_max(Duration::from_secs(600));
/// # Ok::<(), leveret_client::UriError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RecoveryOptions {
    /// Whether to try at all. Default: yes.
    pub enabled: bool,
    /// How long to wait before each attempt.
    pub backoff: BackoffOptions,
    /// Most attempts after one loss. Default: no limit.
    pub attempts_max: Option<u32>,
    /// Longest time after one loss, in which an attempt may still begin. Default: no limit.
    pub time_max: Option<Duration>,
}

impl Default for RecoveryOptions {
    fn default() -> Self {
        Self { enabled: true, backoff: BackoffOptions::default(), attempts_max: None, time_max: None }
    }
}

impl RecoveryOptions {
    /// A connection that is lost stays lost, and the first connect is tried once per address.
    #[must_use]
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }

    /// Sets [`RecoveryOptions::backoff`].
    #[must_use]
    pub fn backoff(self, backoff: BackoffOptions) -> Self {
        Self { backoff, ..self }
    }

    /// Sets [`RecoveryOptions::attempts_max`].
    #[must_use]
    pub fn attempts_max(self, attempts_max: u32) -> Self {
        Self { attempts_max: Some(attempts_max), ..self }
    }

    /// Sets [`RecoveryOptions::time_max`].
    #[must_use]
    pub fn time_max(self, time_max: Duration) -> Self {
        Self { time_max: Some(time_max), ..self }
    }

    pub(super) fn check(&self) -> Result<(), OptionsError> {
        let BackoffOptions { first, max, factor, .. } = self.backoff;
        let reason = match () {
            () if first.is_zero() => "has a first delay of zero: every client would come back at once",
            () if max < first => "has a longest delay below its first",
            () if !(factor.is_finite() && factor >= 1.0) => "has a factor below 1",
            () => return Ok(()),
        };
        Err(OptionsError { option: "recovery.backoff", reason })
    }
}

/// Exponential back-off with jitter.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct BackoffOptions {
    /// Delay before the first attempt, jitter aside. Above zero, so a broker has time to notice that the old connection, and with
    /// it exclusive and auto-delete queues, is gone. Default: 250 ms.
    pub first: Duration,
    /// No delay is longer. Default: 15 s.
    pub max: Duration,
    /// Every delay is this many times the one before. Default: 2.
    pub factor: f64,
    /// How delays are spread, so a thousand clients do not come back in the same moment. Default: [`Jitter::Equal`].
    pub jitter: Jitter,
}

/// How a delay is spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jitter {
    /// Between half of it and all of it.
    Equal,
    /// Between nothing (1 ms, to be exact) and all of it: spreads best.
    Full,
    /// Not at all; for tests.
    None,
}

impl Default for BackoffOptions {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(250),
            max: Duration::from_secs(15),
            factor: 2.0,
            jitter: Jitter::Equal,
        }
    }
}

impl BackoffOptions {
    /// Sets [`BackoffOptions::first`].
    #[must_use]
    pub fn first(self, first: Duration) -> Self {
        Self { first, ..self }
    }

    /// Sets [`BackoffOptions::max`].
    #[must_use]
    pub fn max(self, max: Duration) -> Self {
        Self { max, ..self }
    }

    /// Sets [`BackoffOptions::factor`].
    #[must_use]
    pub fn factor(self, factor: f64) -> Self {
        Self { factor, ..self }
    }

    /// Sets [`BackoffOptions::jitter`].
    #[must_use]
    pub fn jitter(self, jitter: Jitter) -> Self {
        Self { jitter, ..self }
    }
}

//! What a pool can be told.

use std::sync::Arc;
use std::time::Duration;

/// Settings of a pool. Pools with other names are other pools: nothing is shared between them, so that one module of a program cannot
/// starve another.
///
/// ```
/// use leveret_client::pool::PoolOptions;
/// use std::time::Duration;
///
/// let options = PoolOptions::new("invoices")
///     .size_max(8)
///     .waiting(Duration::from_secs(1), 100)
///     .leak_threshold(Some(Duration::from_secs(10)));
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PoolOptions {
    /// Name in logs, errors and figures.
    pub name: Arc<str>,
    /// Items at most, lent and idle. Default 16.
    pub size_max: usize,
    /// Idle items that are kept ready. Default 0.
    pub idle_min: usize,
    /// An item that lay idle for so long goes (also below `idle_min`: another is made). Default 5 minutes.
    pub idle_max: Duration,
    /// An item that is so old is not lent again. Default 30 minutes.
    pub lifetime_max: Duration,
    /// How long a borrower waits, making an item included. Default 5 seconds.
    pub wait_max: Duration,
    /// Borrowers that may wait at the same time; one more is refused at once. Default 1024.
    pub waiters_max: usize,
    /// An item that lay idle for so long is checked before it is lent. Default 10 seconds.
    pub check_after: Duration,
    /// What is lent for longer is reported, once, with the place that borrowed it. Default 1 minute; `None`: never.
    pub leak_threshold: Option<Duration>,
}

impl PoolOptions {
    /// The defaults.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            size_max: 16,
            idle_min: 0,
            idle_max: Duration::from_secs(300),
            lifetime_max: Duration::from_secs(1800),
            wait_max: Duration::from_secs(5),
            waiters_max: 1024,
            check_after: Duration::from_secs(10),
            leak_threshold: Some(Duration::from_secs(60)),
        }
    }

    /// See the field; at least 1.
    #[must_use]
    pub fn size_max(mut self, items: usize) -> Self {
        self.size_max = items.clamp(1, 1 << 20);
        self
    }

    /// See the field.
    #[must_use]
    pub fn idle(mut self, min: usize, max: Duration) -> Self {
        (self.idle_min, self.idle_max) = (min, max);
        self
    }

    /// See the field.
    #[must_use]
    pub fn lifetime_max(mut self, lifetime: Duration) -> Self {
        self.lifetime_max = lifetime;
        self
    }

    /// How long a borrower waits, and how many may.
    #[must_use]
    pub fn waiting(mut self, wait_max: Duration, waiters_max: usize) -> Self {
        (self.wait_max, self.waiters_max) = (wait_max, waiters_max);
        self
    }

    /// See the field.
    #[must_use]
    pub fn check_after(mut self, idle: Duration) -> Self {
        self.check_after = idle;
        self
    }

    /// See the field.
    #[must_use]
    pub fn leak_threshold(mut self, threshold: Option<Duration>) -> Self {
        self.leak_threshold = threshold;
        self
    }

    /// How often the keeper looks: often enough for the shortest of the times it watches to be met within a quarter.
    pub(super) fn look_every(&self) -> Duration {
        let shortest = self.leak_threshold.unwrap_or(Duration::MAX).min(self.idle_max).min(self.lifetime_max);
        (shortest / 4).clamp(Duration::from_millis(20), Duration::from_secs(5))
    }
}

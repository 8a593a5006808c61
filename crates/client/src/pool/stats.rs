//! Figures of a pool.

/// Figures of a pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Items that wait to be lent.
    pub idle: usize,
    /// Items that are lent.
    pub in_use: usize,
    /// Borrowers that wait.
    pub waiting: usize,
    /// Items made so far.
    pub created: u64,
    /// Items that went so far.
    pub closed: u64,
    /// Items that are lent for longer than `leak_threshold` now.
    pub leaked: usize,
    /// Borrowings so far that were reported as leaks.
    pub leaks: u64,
    /// Borrowers so far that got nothing within `wait_max`.
    pub timeouts: u64,
}

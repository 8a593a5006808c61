//! Why nothing was borrowed.

use std::sync::Arc;

/// Why nothing was borrowed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError<E: std::error::Error + 'static> {
    /// All were lent for as long as `wait_max`.
    #[error(
        "pool '{pool}': nothing came back within {waited_ms} ms ({in_use} lent); raise size_max, or look for who holds them: the pool warns of leaks"
    )]
    Timeout {
        /// Name of the pool.
        pool: Arc<str>,
        /// Milliseconds waited.
        waited_ms: u64,
        /// Items lent then.
        in_use: usize,
    },
    /// As many as `waiters_max` wait already.
    #[error("pool '{pool}': {waiters} wait already; try again later, or raise waiters_max")]
    Busy {
        /// Name of the pool.
        pool: Arc<str>,
        /// Who waits.
        waiters: usize,
    },
    /// The pool was closed.
    #[error("pool '{pool}' is closed")]
    Closed {
        /// Name of the pool.
        pool: Arc<str>,
    },
    /// None could be made.
    #[error("pool '{pool}' could not make another")]
    Create {
        /// Name of the pool.
        pool: Arc<str>,
        /// Why.
        source: E,
    },
}

impl<E: std::error::Error + 'static> PoolError<E> {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Closed { .. })
    }
}

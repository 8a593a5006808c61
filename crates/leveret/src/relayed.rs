//! What a relay of an outbox did, or why it ended (features `sqlite`, `postgres`).

use leveret_client::Error;

/// What a relay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RelayReport {
    /// Messages that the broker confirmed.
    pub sent: u64,
    /// Attempts that failed, for a reason that is in the row.
    pub failed: u64,
    /// Messages that were taken and given back: the relay was stopped, one before them failed, or the broker could not be reached.
    pub released: u64,
}

/// Why a relay ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// No channel to publish on.
    #[error("the outbox's relay cannot start: {0}")]
    Start(#[source] Error),
    /// The connection to the broker was closed for good. What is in the outbox stays there.
    #[error("the outbox's relay ended: the connection is closed: {0}")]
    Closed(#[source] Error),
}

//! Where messages come from: what all messages of one worker share.

use tokio_util::sync::CancellationToken;

use super::States;

/// A queue with its worker.
pub(crate) struct Place {
    pub(crate) queue: String,
    pub(crate) states: States,
    /// Whether its broker counts deliveries that ended without a word: quorum queues do, and Leveret's with retries.
    pub(crate) broker_counts: bool,
    /// What stops the worker.
    pub(crate) stop: CancellationToken,
    /// See [`MqOptions::trace_share`](crate::MqOptions::trace_share).
    pub(crate) trace_share: f64,
}

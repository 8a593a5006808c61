//! Where messages come from: what all messages of one worker share.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::States;
use crate::rpc::Listening;

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
    /// Of a responder: hears of askers that give up.
    pub(crate) listening: Option<Arc<Listening>>,
}

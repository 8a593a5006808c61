//! Where messages come from: what all messages of one worker share.

use super::States;

/// A queue with its worker.
pub(crate) struct Place {
    pub(crate) queue: String,
    pub(crate) states: States,
}

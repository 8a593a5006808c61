//! An open transaction: what it would do, held until commit. Messages it settles stay unacked until then.

use crate::message::Message;
use crate::queue::Queue;
use std::sync::Arc;

/// A settlement as the client sent it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Settlement {
    Ack,
    Refuse { requeue: bool },
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    pub(crate) publishings: Vec<(Message, Vec<Arc<Queue>>)>,
    /// Mandatory publishings that no queue takes; they go back at commit.
    pub(crate) returns: Vec<Message>,
    /// Messages to settle, taken out of the channel's unacked ones so that no tag is settled twice.
    pub(crate) settlements: Vec<(super::unacked::Slot, Settlement)>,
    pub(crate) bytes: usize,
    /// A queue refused a publishing while it was committed.
    pub(crate) refused: bool,
}

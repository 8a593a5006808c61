//! What handles ask the task to do, and what it answers.

use std::sync::Arc;

use leveret_protocol::FieldTable;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::channel_shared::ChannelShared;
use super::inbox::Inbox;
use crate::acks::Settlement;
use crate::consumer::Delivery;
use crate::error::Error;
use crate::topology::Change;

/// Answer to a method, owned.
#[derive(Debug)]
pub(crate) enum Reply {
    Done,
    Declared { queue: String, messages: u32, consumers: u32 },
    Count(u32),
    Consuming(String),
    Got(Option<(Box<Delivery>, u32)>),
}

pub(crate) type ReplySender = oneshot::Sender<Result<Reply, Error>>;

/// A consumer to be made, and made again after recovery.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(crate) queue: String,
    pub(crate) tag: String,
    pub(crate) no_ack: bool,
    pub(crate) exclusive: bool,
    pub(crate) no_local: bool,
    pub(crate) arguments: FieldTable,
    pub(crate) resubscribes_max: Option<u32>,
    pub(crate) inbox: Arc<Inbox>,
}

/// A channel that was opened for somebody. One that is not taken, because its asker has gone, is closed again.
pub(crate) struct Opened(Option<Arc<ChannelShared>>);

impl Opened {
    pub(crate) fn new(shared: Arc<ChannelShared>) -> Self {
        Self(Some(shared))
    }

    pub(crate) fn take(mut self) -> Option<Arc<ChannelShared>> {
        self.0.take()
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            shared.let_go();
        }
    }
}

/// What a handle asks the task to do.
pub(crate) enum Command {
    /// Open a channel. One that recovers comes back with its consumers, prefetch and unconfirmed messages.
    Open {
        recovers: bool,
        confirms: bool,
        bounds: (usize, usize),
        prefetch: u16,
        reply: oneshot::Sender<Result<Opened, Error>>,
    },
    /// A whole method frame, and who waits for the answer.
    Call {
        channel: u16,
        epoch: u32,
        frame: Vec<u8>,
        kind: CallKind,
        reply: ReplySender,
    },
    /// Frames without an answer.
    Cast {
        channel: u16,
        epoch: u32,
        frames: Vec<u8>,
        /// Room that is free again once they are taken.
        room: OwnedSemaphorePermit,
    },
    Consume {
        channel: u16,
        epoch: u32,
        subscription: Box<Subscription>,
        reply: ReplySender,
    },
}

/// What the task itself has to know of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CallKind {
    Other,
    /// Once it is answered, this is so.
    Change(Box<Change>),
    Get,
    Confirm,
    Qos(u16),
    Cancel(String),
    Close,
}

/// A settlement of one delivery.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settle {
    pub(crate) epoch: u32,
    pub(crate) tag: u64,
    pub(crate) kind: Settlement,
}

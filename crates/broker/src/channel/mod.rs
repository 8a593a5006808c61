//! The state of one channel: delivery tags, unacked messages, confirms, prefetch, transaction. Owned by its connection's
//! task, so nothing here is locked.

pub(crate) mod confirms;
pub(crate) mod transaction;
pub(crate) mod unacked;

use crate::limiter::ChannelLimiter;
use crate::queue::Queue;
use crate::stats::ChannelFigures;
use confirms::Confirms;
use leveret_protocol::{MethodId, ProtocolError, ReplyCode};
use std::collections::HashMap;
use std::sync::Arc;
use transaction::Transaction;
use unacked::Unacked;

/// How a channel treats publishings.
#[derive(Debug, Default)]
pub(crate) enum Mode {
    /// Takes them and says nothing.
    #[default]
    Plain,
    /// Confirms them.
    Confirm(Confirms),
    /// Keeps them until commit.
    Transaction(Transaction),
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    pub(crate) mode: Mode,
    pub(crate) unacked: Unacked,
    pub(crate) last_delivery_tag: u64,
    /// The session's number of each consumer by tag.
    pub(crate) consumers: HashMap<Arc<[u8]>, u32>,
    /// Name of the queue declared last, which an empty queue name stands for.
    pub(crate) last_queue: Option<String>,
    /// Prefetch for consumers yet to come.
    pub(crate) prefetch: u16,
    pub(crate) limiter: Option<Arc<ChannelLimiter>>,
    /// Queues that unacked messages came from, by number.
    pub(crate) queues: Vec<Arc<Queue>>,
    /// Consumer of direct replies, and the token its replies carry.
    pub(crate) reply_consumer: Option<ReplyConsumer>,
    /// What it shows of itself.
    pub(crate) figures: Arc<ChannelFigures>,
}

/// A consumer of `amq.rabbitmq.reply-to`.
#[derive(Debug)]
pub(crate) struct ReplyConsumer {
    pub(crate) tag: Arc<[u8]>,
    pub(crate) token: String,
}

impl Channel {
    /// Shows how much it holds unsettled.
    #[inline]
    pub(crate) fn show_unacked(&self) {
        self.figures.unacked.set(self.unacked.len() as u64);
    }

    /// Shows how much its transaction holds.
    pub(crate) fn show_transaction(&self) {
        if let Mode::Transaction(tx) = &self.mode {
            self.figures.uncommitted.set((tx.publishings.len() + tx.returns.len()) as u64);
            self.figures.acks_uncommitted.set(tx.settlements.len() as u64);
        }
    }

    /// The number under which the channel knows a queue.
    pub(crate) fn queue_number(&mut self, queue: &Arc<Queue>) -> u32 {
        let known = self.queues.iter().position(|q| Arc::ptr_eq(q, queue));
        known.unwrap_or_else(|| {
            self.queues.push(queue.clone());
            self.queues.len() - 1
        }) as u32
    }

    /// The queue a method means: the named one, or the one declared last.
    pub(crate) fn queue_name(
        &self,
        channel: u16,
        given: &str,
        by: MethodId,
    ) -> Result<String, ProtocolError> {
        if !given.is_empty() {
            return Ok(given.to_owned());
        }
        self.last_queue.clone().ok_or_else(|| {
            ProtocolError::channel(channel, ReplyCode::NotFound, "no previously declared queue").caused_by(by)
        })
    }
}

//! What a channel shows of itself. Its connection's task writes, everybody may read.

use super::{MessageCounts, TakenCounts, Tally};
use crate::queue::arguments::QueueKind;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct ChannelFigures {
    pub(crate) publish: Tally,
    pub(crate) publish_confirm: Tally,
    pub(crate) confirm: Tally,
    pub(crate) refuse: Tally,
    pub(crate) routed: Tally,
    pub(crate) return_unroutable: Tally,
    pub(crate) drop_unroutable: Tally,
    /// By [`QueueKind`].
    pub(crate) taken: [TakenFigures; 3],
    /// What it holds and has not settled.
    pub(crate) unacked: Tally,
    /// Publishings in its transaction.
    pub(crate) uncommitted: Tally,
    /// Settlements in its transaction.
    pub(crate) acks_uncommitted: Tally,
    pub(crate) consumers: Tally,
    pub(crate) prefetch: Tally,
    pub(crate) global_prefetch: Tally,
    /// [`CONFIRM`], [`TRANSACTION`], or 0.
    pub(crate) mode: Tally,
    /// When it did something last, in milliseconds of the broker's clock.
    pub(crate) used_ms: Tally,
}

/// [`ChannelFigures::mode`] of a channel that confirms.
pub(crate) const CONFIRM: u64 = 1;
/// Of one with transactions.
pub(crate) const TRANSACTION: u64 = 2;

impl ChannelFigures {
    pub(crate) fn counts(&self) -> MessageCounts {
        MessageCounts {
            publish: self.publish.get(),
            publish_confirm: self.publish_confirm.get(),
            confirm: self.confirm.get(),
            refuse: self.refuse.get(),
            routed: self.routed.get(),
            return_unroutable: self.return_unroutable.get(),
            drop_unroutable: self.drop_unroutable.get(),
            taken: std::array::from_fn(|kind| self.taken[kind].counts()),
        }
    }

    /// Publishings that are not answered yet.
    pub(crate) fn unconfirmed(&self) -> u64 {
        let answered = self.confirm.get() + self.refuse.get();
        self.publish_confirm.get().saturating_sub(answered)
    }

    /// A publishing came, and this many queues get it.
    #[inline]
    pub(crate) fn published(&self, queues: usize, is_mandatory: bool) {
        self.publish.add(1);
        match queues {
            0 if is_mandatory => self.return_unroutable.add(1),
            0 => self.drop_unroutable.add(1),
            count => self.routed.add(count as u64),
        }
    }

    /// What consumers took from queues of a kind.
    #[inline]
    pub(crate) fn of(&self, kind: QueueKind) -> &TakenFigures {
        &self.taken[kind as usize]
    }
}

/// What was taken from queues of one kind.
#[derive(Debug, Default)]
pub(crate) struct TakenFigures {
    deliver: Tally,
    deliver_no_ack: Tally,
    get: Tally,
    get_no_ack: Tally,
    pub(crate) get_empty: Tally,
    redeliver: Tally,
    pub(crate) ack: Tally,
}

impl TakenFigures {
    fn counts(&self) -> TakenCounts {
        TakenCounts {
            deliver: self.deliver.get(),
            deliver_no_ack: self.deliver_no_ack.get(),
            get: self.get.get(),
            get_no_ack: self.get_no_ack.get(),
            get_empty: self.get_empty.get(),
            redeliver: self.redeliver.get(),
            ack: self.ack.get(),
        }
    }

    /// A delivery goes out.
    #[inline]
    pub(crate) fn delivered(&self, no_ack: bool, redelivered: bool) {
        let counter = if no_ack { &self.deliver_no_ack } else { &self.deliver };
        counter.add(1);
        if redelivered {
            self.redeliver.add(1);
        }
    }

    /// `basic.get` found a message.
    pub(crate) fn got(&self, no_ack: bool, redelivered: bool) {
        let counter = if no_ack { &self.get_no_ack } else { &self.get };
        counter.add(1);
        if redelivered {
            self.redeliver.add(1);
        }
    }
}

//! What happened to messages, as channels saw it.

use crate::queue::arguments::QueueKind;
use std::ops::AddAssign;

/// Counts of a channel, a virtual host or the broker, under RabbitMQ's names (HTTP API, `message_stats`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MessageCounts {
    /// Publishings that were taken; those of a transaction when it is committed.
    pub publish: u64,
    /// Of them, those that the client wants confirmed.
    pub publish_confirm: u64,
    /// Publishings confirmed with an ack.
    pub confirm: u64,
    /// Publishings answered with a nack.
    pub refuse: u64,
    /// Places in queues that publishings were given, one for each queue.
    pub routed: u64,
    /// Mandatory publishings that no queue took: they went back.
    pub return_unroutable: u64,
    /// Other publishings that no queue took.
    pub drop_unroutable: u64,
    /// What was taken from queues, by [`QueueKind`](crate::queue::arguments::QueueKind).
    pub taken: [TakenCounts; 3],
}

impl MessageCounts {
    /// What was taken from queues of all kinds.
    #[must_use]
    pub fn all_taken(&self) -> TakenCounts {
        let mut all = TakenCounts::default();
        self.taken.iter().for_each(|taken| all += *taken);
        all
    }

    /// What was taken from queues of a kind.
    #[must_use]
    pub fn taken_from(&self, kind: QueueKind) -> TakenCounts {
        self.taken[kind as usize]
    }
}

/// What was taken from queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TakenCounts {
    /// Deliveries to consumers that acknowledge.
    pub deliver: u64,
    /// Deliveries to consumers that do not.
    pub deliver_no_ack: u64,
    /// Messages taken by `basic.get` with acknowledgement.
    pub get: u64,
    /// Messages taken by `basic.get` without.
    pub get_no_ack: u64,
    /// `basic.get` that found nothing.
    pub get_empty: u64,
    /// Messages delivered or taken that were not seen for the first time.
    pub redeliver: u64,
    /// Messages acknowledged; those of a transaction when it is committed.
    pub ack: u64,
}

impl TakenCounts {
    /// Everything that was delivered or taken: RabbitMQ's `deliver_get`.
    #[must_use]
    pub fn deliver_get(&self) -> u64 {
        self.deliver + self.deliver_no_ack + self.get + self.get_no_ack
    }
}

impl AddAssign for TakenCounts {
    fn add_assign(&mut self, other: Self) {
        self.deliver += other.deliver;
        self.deliver_no_ack += other.deliver_no_ack;
        self.get += other.get;
        self.get_no_ack += other.get_no_ack;
        self.get_empty += other.get_empty;
        self.redeliver += other.redeliver;
        self.ack += other.ack;
    }
}

impl AddAssign for MessageCounts {
    fn add_assign(&mut self, other: Self) {
        self.publish += other.publish;
        self.publish_confirm += other.publish_confirm;
        self.confirm += other.confirm;
        self.refuse += other.refuse;
        self.routed += other.routed;
        self.return_unroutable += other.return_unroutable;
        self.drop_unroutable += other.drop_unroutable;
        self.taken.iter_mut().zip(other.taken).for_each(|(taken, other)| *taken += other);
    }
}

//! What is counted of a queue, and a look at what it holds.

use super::Incoming;

/// Why a message died. The words are RabbitMQ's, see "Dead Letter Exchanges".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeathReason {
    /// Its time to live ended.
    Expired,
    /// A consumer refused it without requeue.
    Rejected,
    /// The queue was full.
    MaxLen,
    /// It was delivered more often than `x-delivery-limit` allows.
    DeliveryLimit,
}

impl DeathReason {
    /// The word in `x-death`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::MaxLen => "maxlen",
            Self::DeliveryLimit => "delivery_limit",
        }
    }
}

/// What happened in a queue since it was made; only grows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counters {
    /// Publishings of clients that came in, refused ones included.
    pub published: u64,
    /// Messages that came in from within the broker, refused ones included: dead letters, what a delayed exchange held, what was replayed
    /// or moved, what an exchange remembered, copies of the firehose. RabbitMQ counts none of them as published, and neither is it here.
    pub arrived: u64,
    /// Refused by `x-overflow: reject-publish`.
    pub rejected: u64,
    /// Given to consumers that acknowledge.
    pub delivered: u64,
    /// Given to consumers that do not.
    pub delivered_no_ack: u64,
    /// Taken by `basic.get` with acknowledgement.
    pub got: u64,
    /// Taken by `basic.get` without.
    pub got_no_ack: u64,
    /// `basic.get` that found nothing.
    pub got_empty: u64,
    /// Deliveries that were not the first.
    pub redelivered: u64,
    /// Acknowledged.
    pub acked: u64,
    /// Purged.
    pub purged: u64,
    /// Moved or replayed into other queues.
    pub moved: u64,
    /// Died, by [`DeathReason`].
    pub dead: [u64; 4],
    /// Times that a message came back to wait for its next delivery.
    pub retried: u64,
    /// Publishings that were confirmed and dropped because they had come before.
    pub duplicates: u64,
    /// Times that a producer which numbers its messages left numbers out.
    pub sequence_gaps: u64,
}

impl Counters {
    /// Messages come in.
    #[inline]
    pub(super) fn came(&mut self, incoming: &[Incoming]) {
        let published = incoming.iter().filter(|message| message.is_published()).count();
        self.published += published as u64;
        self.arrived += (incoming.len() - published) as u64;
    }
}

impl std::ops::AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.published += other.published;
        self.arrived += other.arrived;
        self.rejected += other.rejected;
        self.delivered += other.delivered;
        self.delivered_no_ack += other.delivered_no_ack;
        self.got += other.got;
        self.got_no_ack += other.got_no_ack;
        self.got_empty += other.got_empty;
        self.redelivered += other.redelivered;
        self.acked += other.acked;
        self.purged += other.purged;
        self.moved += other.moved;
        self.dead.iter_mut().zip(other.dead).for_each(|(dead, other)| *dead += other);
        self.retried += other.retried;
        self.duplicates += other.duplicates;
        self.sequence_gaps += other.sequence_gaps;
    }
}

/// A look at a queue's figures.
#[derive(Debug, Clone, Copy)]
pub struct QueueFigures {
    /// Messages ready for delivery.
    pub ready: usize,
    /// Bytes of their bodies.
    pub ready_bytes: u64,
    /// Messages delivered and not settled.
    pub unacked: u64,
    /// Bytes of their bodies; 0 of a stream, which does not hold them.
    pub unacked_bytes: u64,
    /// Ready messages that are on disk only.
    pub on_disk: u64,
    /// Messages that came back and wait for their next delivery.
    pub waiting: usize,
    /// Consumers.
    pub consumers: usize,
    /// Nobody gets anything until it is resumed.
    pub paused: bool,
    /// Ids that a queue which drops duplicates remembers.
    pub ids: u64,
    /// Producers that number their messages and are remembered.
    pub producers: usize,
    /// Counters.
    pub counters: Counters,
}

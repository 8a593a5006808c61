//! What is known of one message and of each of its copies.

use crate::message::{Id, Message};
use crate::topology::{self, DEAD_FROM, QueueNo};
use std::fmt::Write as _;

/// A transaction's number.
pub(crate) type TxNo = u64;
/// A channel that holds deliveries.
pub(crate) type Holder = u32;

/// A message in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CopyRef {
    pub(crate) id: Id,
    pub(crate) queue: QueueNo,
}

/// How a delivery is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settling {
    Ack,
    /// Without requeue: dead.
    Reject,
    /// `counts`: by `basic.reject`, which raises the delivery count wherever there is one.
    Requeue {
        counts: bool,
    },
}

/// How far a publishing got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Sent,
    Confirmed,
}

/// How far a transaction got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TxState {
    Open,
    Committing,
    Committed,
    RolledBack,
}

#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) generation: u16,
    pub(super) state: TxState,
    pub(super) published: Vec<Id>,
    pub(super) settled: Vec<CopyRef>,
}

/// A line of a message's history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) ms: u32,
    pub(super) generation: u16,
    pub(super) holder: Holder,
    pub(super) queue: QueueNo,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    Published,
    Confirmed,
    Refused,
    Committed,
    Delivered { redelivered: bool, count: u16 },
    Settling(Settling),
    Processed,
}

/// A message's copy in one queue.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) queue: QueueNo,
    pub(super) deliveries: u32,
    /// Generation of the last delivery.
    pub(super) last: u16,
    /// Who holds it unsettled, in the generation `last`; 0 for nobody.
    pub(super) holder: Holder,
    /// How the last delivery was settled and in which generation, if it was.
    pub(super) settled: Option<(Settling, u16)>,
    /// When the broker is known to have processed that; 0 when it is not.
    pub(super) processed: u64,
    /// It is settled on stable storage: it must never be delivered again.
    pub(super) certain: bool,
    pub(super) rejects: u32,
    pub(super) requeues: u32,
    /// `x-delivery-count` of the last delivery.
    pub(super) count: u32,
}

/// A published message.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) message: Message,
    pub(super) generation: u16,
    pub(super) stamp: u64,
    pub(super) state: State,
    pub(super) tx: Option<TxNo>,
    pub(super) copies: Vec<Copy>,
    pub(super) events: Vec<Event>,
}

impl Copy {
    pub(super) fn new(queue: QueueNo) -> Self {
        Self {
            queue,
            deliveries: 0,
            last: 0,
            holder: 0,
            settled: None,
            processed: 0,
            certain: false,
            rejects: 0,
            requeues: 0,
            count: 0,
        }
    }

    pub(super) fn deliver(&mut self, generation: u16, holder: Holder, count: u32) {
        self.deliveries += 1;
        (self.last, self.holder, self.count) = (generation, holder, count);
        (self.settled, self.processed) = (None, 0);
    }

    pub(super) fn settle(&mut self, generation: u16, how: Settling) {
        self.holder = 0;
        (self.settled, self.processed) = (Some((how, generation)), 0);
        match how {
            Settling::Ack => {}
            Settling::Reject => self.rejects += 1,
            Settling::Requeue { .. } => self.requeues += 1,
        }
    }

    /// Whether it left the queue in that generation, as far as the harness can tell.
    pub(super) fn left_in(&self, generation: u16) -> bool {
        matches!(self.settled, Some((Settling::Ack | Settling::Reject, when)) if when == generation)
    }

    pub(super) fn acked(&self) -> bool {
        matches!(self.settled, Some((Settling::Ack, _)))
    }

    /// Whether the last settlement is stored for certain: the broker had processed it before a message was published that was
    /// confirmed in the same generation, and one log holds both.
    pub(super) fn settlement_stored(&self, stored: &[u64]) -> bool {
        let Some((_, generation)) = self.settled else { return false };
        self.processed > 0
            && stored.get(usize::from(generation)).is_some_and(|stored| self.processed < *stored)
    }
}

impl Record {
    pub(super) fn copy(&self, queue: QueueNo) -> Option<&Copy> {
        self.copies.iter().find(|copy| copy.queue == queue)
    }

    pub(super) fn copy_mut(&mut self, queue: QueueNo) -> Option<&mut Copy> {
        self.copies.iter_mut().find(|copy| copy.queue == queue)
    }

    /// A dead letter of the copy in `queue` was seen: when the copy itself has not been seen in this generation, its death is of an
    /// earlier one and therefore stored.
    pub(super) fn died(&mut self, queue: QueueNo, generation: u16) {
        if let Some(copy) = self.copy_mut(queue)
            && copy.last < generation
        {
            copy.certain = true;
        }
    }

    /// The copy in `queue` is alive in this generation: a dead letter of it that was seen in an earlier one was lost with that,
    /// before it was stored. The next will be another.
    pub(super) fn lives(&mut self, queue: QueueNo, generation: u16) {
        self.copies.retain(|copy| copy.queue != queue + DEAD_FROM || copy.last == generation);
    }

    /// Everything known, line by line.
    pub(super) fn history(&self) -> String {
        let mut text = String::new();
        let m = &self.message;
        let kind = if m.persistent { "persistent" } else { "transient" };
        let route = &topology::ROUTES[usize::from(m.route)];
        let _ = write!(
            text,
            "    {kind}, {} bytes, priority {}, exchange '{}', key '{}'",
            m.length, m.priority, route.exchange, route.key
        );
        if let Some(tx) = self.tx {
            let _ = write!(text, ", transaction {tx}");
        }
        for event in &self.events {
            let queue = topology::name(event.queue);
            let _ = write!(text, "\n    life {} {:>8.3} s  ", event.generation, f64::from(event.ms) / 1000.0);
            let _ = match event.what {
                What::Published => write!(text, "published"),
                What::Confirmed => write!(text, "confirmed"),
                What::Refused => write!(text, "nacked by the broker"),
                What::Committed => write!(text, "{queue}: its acknowledgement is committed"),
                What::Delivered { redelivered, count } => {
                    let flag = if redelivered { ", redelivered" } else { "" };
                    let count = if count > 0 { format!(", delivery count {count}") } else { String::new() };
                    write!(text, "{queue}: delivered to consumer {}{flag}{count}", event.holder)
                }
                What::Settling(Settling::Ack) => write!(text, "{queue}: ack sent"),
                What::Settling(Settling::Reject) => write!(text, "{queue}: reject sent"),
                What::Settling(Settling::Requeue { counts: true }) => {
                    write!(text, "{queue}: requeue sent (reject)")
                }
                What::Settling(Settling::Requeue { counts: false }) => {
                    write!(text, "{queue}: requeue sent (nack, or the channel's end)")
                }
                What::Processed => write!(text, "{queue}: the broker has processed that"),
            };
        }
        text
    }

    /// Copies that were published, not dead letters.
    pub(super) fn originals(&self) -> impl Iterator<Item = &Copy> {
        self.copies.iter().filter(|copy| copy.queue < DEAD_FROM)
    }
}

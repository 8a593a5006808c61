//! Messages that died, by what they died of and what was to become of them. Survives the queues.

use crate::queue::arguments::QueueKind;
use crate::queue::{DeathReason, Queue};
use std::sync::atomic::{AtomicU64, Ordering};

/// What becomes of a queue's dead messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetterStrategy {
    /// They go: there is no dead-letter exchange.
    Disabled,
    /// They leave before it is known that they arrived.
    AtMostOnce,
    /// They leave when it is known that they arrived.
    AtLeastOnce,
}

impl DeadLetterStrategy {
    /// Every strategy.
    pub const ALL: [Self; 3] = [Self::Disabled, Self::AtMostOnce, Self::AtLeastOnce];

    /// RabbitMQ's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::AtMostOnce => "at_most_once",
            Self::AtLeastOnce => "at_least_once",
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct DeathCounters {
    died: [[[AtomicU64; 4]; 3]; 3],
    confirmed: [AtomicU64; 3],
}

impl DeathCounters {
    pub(crate) fn died(&self, queue: &Queue, reasons: impl Iterator<Item = DeathReason>) {
        let of = &self.died[queue.kind() as usize][queue.dead_letter_strategy() as usize];
        reasons.for_each(|reason| _ = of[reason as usize].fetch_add(1, Ordering::Relaxed));
    }

    /// A dead letter arrived that was kept until it had.
    pub(crate) fn confirmed(&self, queue: &Queue) {
        self.confirmed[queue.kind() as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Deaths {
        Deaths {
            died: std::array::from_fn(|kind| {
                std::array::from_fn(|strategy| {
                    std::array::from_fn(|reason| self.died[kind][strategy][reason].load(Ordering::Relaxed))
                })
            }),
            confirmed: std::array::from_fn(|kind| self.confirmed[kind].load(Ordering::Relaxed)),
        }
    }
}

/// Messages that died since the broker was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deaths {
    died: [[[u64; 4]; 3]; 3],
    confirmed: [u64; 3],
}

impl Deaths {
    /// In queues of a kind, with what was to become of them, of this.
    #[must_use]
    pub fn died(&self, kind: QueueKind, strategy: DeadLetterStrategy, reason: DeathReason) -> u64 {
        self.died[kind as usize][strategy as usize][reason as usize]
    }

    /// Dead letters of at-least-once queues of a kind that arrived.
    #[must_use]
    pub fn confirmed(&self, kind: QueueKind) -> u64 {
        self.confirmed[kind as usize]
    }
}

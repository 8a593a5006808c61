//! A consumer of a stream: where in the log it is, what was read ahead for it, and what it may still be given.

use super::filter::Filter;
use super::log::{Kept, Log};
use super::offset::OffsetSpec;
use crate::mailbox::Delivery;
use crate::message::Message;
use crate::queue::ConsumerId;
use crate::queue::consumers::Subscription;
use crate::queue::past::Past;
use crate::queue::stored::Stored;
use std::collections::VecDeque;
use std::sync::Arc;

/// What `basic.consume` says of a stream's consumer beside what it says of any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Start {
    pub(crate) offset: OffsetSpec,
    pub(crate) filter: Option<Arc<Filter>>,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) id: ConsumerId,
    pub(crate) subscription: Subscription,
    pub(crate) filter: Option<Arc<Filter>>,
    pub(crate) unacked: u32,
    /// The next offset to be looked at, behind what was read ahead.
    pub(crate) next: u64,
    /// Up to this offset the chunk that `next` lies in may have what the filter wants.
    promising_through: u64,
    /// Messages that came before are left out, in milliseconds since 1970.
    since_ms: u64,
    /// Read from the disk and not delivered yet.
    pub(crate) window: VecDeque<Kept>,
    pub(crate) window_charge: usize,
    /// A read is under way.
    pub(crate) reading: bool,
}

impl Reader {
    pub(crate) fn new(id: ConsumerId, subscription: Subscription, log: &Log, committed: u64) -> Self {
        let start = subscription.stream.as_deref().cloned().unwrap_or_default();
        let (next, since_ms) = match start.offset {
            OffsetSpec::First => (log.first(), 0),
            OffsetSpec::Last => (committed.saturating_sub(1).max(log.first()), 0),
            OffsetSpec::Next => (log.next(), 0),
            OffsetSpec::Offset(offset) => (offset.max(log.first()), 0),
            OffsetSpec::From(unix_ms) => (log.offset_at(unix_ms), unix_ms),
        };
        Self {
            id,
            subscription,
            filter: start.filter,
            unacked: 0,
            next,
            promising_through: 0,
            since_ms,
            window: VecDeque::new(),
            window_charge: 0,
            reading: false,
        }
    }

    pub(crate) fn has_credit(&self) -> bool {
        self.unacked < u32::from(self.subscription.prefetch)
    }

    /// Goes past messages that retention took and chunks without anything wanted. `false`: there is nothing before `committed`.
    pub(crate) fn advance(&mut self, log: &Log, committed: u64) -> bool {
        self.next = self.next.max(log.first());
        if let Some(filter) = &self.filter
            && self.next < committed
            && (self.next > self.promising_through || self.promising_through == 0)
        {
            let (next, through) = log.pass_over(self.next, filter);
            self.next = next;
            self.promising_through = through;
        }
        self.next < committed
    }

    /// Whether the chunk that `next` lies in may have something wanted.
    pub(crate) fn is_promising(&self) -> bool {
        self.filter.is_none() || self.next <= self.promising_through
    }

    /// The last offset that is worth reading along with `next`.
    pub(crate) fn worth_reading_through(&self, committed: u64) -> u64 {
        let last = committed.saturating_sub(1);
        if self.filter.is_some() { last.min(self.promising_through.max(self.next)) } else { last }
    }

    pub(crate) fn wants(&self, unix_ms: u64, message: &Message) -> bool {
        unix_ms >= self.since_ms && self.filter.as_ref().is_none_or(|filter| filter.matches(message))
    }

    pub(crate) fn since_ms(&self) -> u64 {
        self.since_ms
    }

    /// A delivery to it. The store is told nothing of it: it stays where it is.
    pub(crate) fn delivery(&self, offset: u64, message: Message) -> Delivery {
        Delivery {
            message,
            position: super::position(offset),
            expires_ms: u64::MAX,
            consumer: self.subscription.number,
            past: Past::default(),
            redelivered: false,
            stored: Stored::NO,
        }
    }
}

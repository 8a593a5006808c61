//! One channel, as the task keeps it: what is asked, what is in flight, who consumes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::asked::{CallKind, Opened, ReplySender, Subscription};
use super::channel_shared::ChannelShared;
use super::consuming::Consuming;
use crate::acks::Coalescer;
use crate::confirms::Ring;
use crate::consumer::Delivery;
use crate::error::{Error, SendError};
use crate::publisher::InFlight;

/// Who waits for the next answer on the channel.
pub(super) enum Pending {
    Call(CallKind, ReplySender),
    Open(oneshot::Sender<Result<Opened, Error>>),
    Consume(Box<Subscription>, ReplySender),
    /// Part of opening; nobody waits. After a recovery the answer has to be here by then.
    Internal(Option<Instant>),
    /// A consumer that comes back; the answer has to be here by then.
    Resubscribe(Instant),
}

impl Pending {
    pub(super) fn fail(self, error: Error) {
        match self {
            // The caller may have given up waiting; that is its right.
            Self::Call(_, reply) => drop(reply.send(Err(error))),
            Self::Open(reply) => drop(reply.send(Err(error))),
            Self::Consume(subscription, reply) => {
                subscription.inbox.end(error.clone());
                drop(reply.send(Err(error)));
            }
            Self::Internal(_) | Self::Resubscribe(_) => {}
        }
    }
}

pub(super) struct ChannelState {
    pub(super) shared: Arc<ChannelShared>,
    pub(super) recovers: bool,
    pub(super) confirms: bool,
    pub(super) prefetch: u16,
    /// Open as far as we have written; frames may follow.
    pub(super) usable: bool,
    /// `channel.close` is written, close-ok is awaited.
    pub(super) closing: bool,
    pub(super) pending: VecDeque<Pending>,
    pub(super) ring: Ring<Arc<InFlight>>,
    /// To be written before anything new, in order: what was unconfirmed when the channel went.
    pub(super) resend: VecDeque<Arc<InFlight>>,
    /// How many of `resend` go one by one, because one of them killed the channel.
    pub(super) suspects: usize,
    pub(super) acks: Coalescer,
    pub(super) consumers: Vec<Consuming>,
    pub(super) reopen_at: Option<Instant>,
    /// Until when messages wait for company.
    pub(super) linger_at: Option<Instant>,
    pub(super) failures: usize,
    /// How long the broker has to answer what nobody waits for.
    pub(super) answer_within: Duration,
    /// Permits to give back at the end of the batch.
    pub(super) done_count: usize,
    pub(super) done_bytes: usize,
}

impl ChannelState {
    pub(super) fn new(
        shared: Arc<ChannelShared>,
        recovers: bool,
        confirms: bool,
        prefetch: u16,
        answer_within: Duration,
    ) -> Self {
        Self {
            shared,
            recovers,
            confirms,
            prefetch,
            usable: false,
            closing: false,
            pending: VecDeque::new(),
            ring: Ring::new(),
            resend: VecDeque::new(),
            suspects: 0,
            acks: Coalescer::new(prefetch),
            consumers: Vec::new(),
            reopen_at: None,
            linger_at: None,
            failures: 0,
            answer_within,
            done_count: 0,
            done_bytes: 0,
        }
    }

    /// The channel under the handle is gone; what can be done again is kept.
    pub(super) fn lose(&mut self, error: &Error) {
        self.usable = false;
        self.closing = false;
        self.linger_at = None;
        self.reopen_at = None;
        self.acks.reset();
        self.shared.epoch.store(self.acks.epoch(), Ordering::SeqCst);
        self.shared.quiet.until(self.acks.until_flush());
        for pending in self.pending.drain(..) {
            pending.fail(error.clone());
        }
        for consumer in &mut self.consumers {
            consumer.again_at = None; // it comes back with the channel
            if consumer.subscription.no_ack {
                consumer.hand_over(); // they do not come again
            }
            // Delivered but not handed over: the broker delivers them again.
            consumer.batch.drain(..).for_each(Delivery::forget);
        }
        let unconfirmed: Vec<_> = self.ring.take_unconfirmed().collect();
        for message in unconfirmed.into_iter().rev() {
            if message.is_done() {
                self.done(&message);
            } else {
                message.forget_returned();
                self.resend.push_front(message);
            }
        }
    }

    /// Messages are under way whose outcome is not known.
    pub(super) fn has_unconfirmed(&self) -> bool {
        !self.ring.is_empty() || !self.resend.is_empty() || self.shared.has_publishes()
    }

    /// Somebody waits for it to be opened, and would not learn of one that is opened later.
    pub(super) fn is_being_opened(&self) -> bool {
        self.pending.iter().any(|pending| matches!(pending, Pending::Open(_)))
    }

    /// By when the broker has to have answered what nobody waits for.
    pub(super) fn answer_due(&self) -> Option<Instant> {
        self.pending.iter().find_map(|pending| match pending {
            Pending::Internal(by) => *by,
            Pending::Resubscribe(by) => Some(*by),
            _ => None,
        })
    }

    /// The channel is closed for good.
    pub(super) fn end(&mut self, error: &Error) {
        let _ = self.shared.closed.set(error.clone());
        self.lose(error);
        let rest: Vec<_> = self.resend.drain(..).collect();
        for message in rest {
            message.give_up(SendError::Closed(error.clone()));
            self.done(&message);
        }
        while let Some(message) = self.shared.next_publish() {
            message.give_up(SendError::Closed(error.clone()));
            self.done(&message);
        }
        for consumer in self.consumers.drain(..) {
            consumer.subscription.inbox.end(error.clone());
        }
        self.release();
        self.shared.count.close();
        self.shared.bytes.close();
        *self.shared.returns.lock() = None;
        self.shared.ended.notify_waiters();
    }

    pub(super) fn done(&mut self, message: &InFlight) {
        self.done_count += 1;
        self.done_bytes += message.permit_bytes as usize;
    }

    /// Gives the permits of the batch back.
    pub(super) fn release(&mut self) {
        self.shared.release(std::mem::take(&mut self.done_count), std::mem::take(&mut self.done_bytes));
    }

    /// Completes everything whose deadline has passed. It stays in the ring: its confirm may still come. `true`: a suspect was among
    /// it.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let suspects = self.suspects;
        let late = |message: &InFlight| message.deadline.is_some_and(|deadline| deadline <= now);
        for (_, message) in self.ring.iter().take_while(|(_, message)| late(message)) {
            message.give_up(SendError::Deadline);
        }
        for message in self.resend.iter().take_while(|message| late(message)) {
            message.give_up(SendError::Deadline);
        }
        // They are not written any more, so they need no place.
        while let Some(message) = self.resend.pop_front_if(|message| message.is_done()) {
            self.suspects = self.suspects.saturating_sub(1);
            self.done(&message);
        }
        self.release();
        self.suspects < suspects
    }

    /// When something is due next.
    pub(super) fn due(&self) -> Option<Instant> {
        let expiry =
            |message: Option<&Arc<InFlight>>| message.filter(|m| !m.is_done()).and_then(|m| m.deadline);
        [
            self.acks.deadline().map(Instant::from_std),
            self.reopen_at,
            self.linger_at,
            self.answer_due(),
            expiry(self.ring.iter().find(|(_, m)| !m.is_done()).map(|(_, m)| m)),
            expiry(self.resend.iter().find(|m| !m.is_done())),
            self.consumers.iter().filter(|_| !self.closing).filter_map(|consumer| consumer.again_at).min(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

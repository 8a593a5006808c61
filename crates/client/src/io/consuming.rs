//! A consumer as the task keeps it.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::asked::Subscription;
use crate::consumer::Delivery;

/// A consumer of the channel.
pub(super) struct Consuming {
    pub(super) subscription: Subscription,
    /// Deliveries of the present batch.
    pub(super) batch: VecDeque<Delivery>,
    /// The broker cancelled it: when to subscribe again.
    pub(super) again_at: Option<Instant>,
    /// The queue is not there: if it is of those that go by themselves it is declared first.
    pub(super) declares: bool,
}

impl Consuming {
    /// One short lock for the whole batch.
    pub(super) fn hand_over(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let inbox = &self.subscription.inbox;
        let mut waiting = inbox.deliveries.lock();
        if inbox.is_gone() {
            // Its channel is being closed, and what it would not take must not stand in the way of that.
            drop(waiting);
            return self.batch.drain(..).for_each(Delivery::forget);
        }
        if self.subscription.no_ack {
            inbox.hold(self.batch.iter().map(Delivery::bytes).sum());
        }
        if waiting.is_empty() {
            std::mem::swap(&mut *waiting, &mut self.batch);
        } else {
            waiting.append(&mut self.batch);
        }
        drop(waiting);
        inbox.waker.wake();
    }
}

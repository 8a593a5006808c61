//! How a channel is opened, and comes back with its consumers after a loss.

use std::time::Duration;

use leveret_protocol::ShortStr;
use leveret_protocol::methods::{basic, channel, confirm};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::asked::{Opened, Subscription};
use super::channel_state::{ChannelState, Pending};
use super::restore::encode;
use crate::deadline;
use crate::error::Error;

/// Pauses between attempts to bring a channel or a consumer back that the broker closed.
const PAUSES_MS: [u64; 6] = [50, 200, 1000, 2000, 5000, 10_000];

impl ChannelState {
    /// Writes open and everything that makes the channel what it was, in one go.
    pub(super) fn open(&mut self, first: Option<oneshot::Sender<Result<Opened, Error>>>, out: &mut Vec<u8>) {
        let number = self.shared.number;
        // Whoever opens it for the first time has a deadline of their own.
        let by = first.is_none().then(|| deadline::after(Instant::now(), self.answer_within));
        channel::Open.write(number, out);
        self.pending.push_back(first.map_or(Pending::Internal(by), Pending::Open));
        if self.confirms {
            confirm::Select { no_wait: false }.write(number, out);
            self.pending.push_back(Pending::Internal(by));
        }
        if self.prefetch > 0 {
            basic::Qos { prefetch_count: self.prefetch, ..Default::default() }.write(number, out);
            self.pending.push_back(Pending::Internal(by));
        }
        self.usable = true;
        self.reopen_at = None;
        for index in 0..self.consumers.len() {
            self.subscribe(index, out);
        }
    }

    pub(super) fn subscribe(&mut self, index: usize, out: &mut Vec<u8>) {
        let Some(consumer) = self.consumers.get_mut(index) else { return };
        consumer.again_at = None;
        let by = deadline::after(Instant::now(), self.answer_within);
        if consumer.declares {
            let topology = self.shared.connection.topology.lock();
            for step in topology.leading_to(&consumer.subscription.queue) {
                if encode(&step, self.shared.number, out) {
                    self.pending.push_back(Pending::Internal(Some(by)));
                }
            }
        }
        write_consume(&consumer.subscription, self.shared.number, out);
        self.pending.push_back(Pending::Resubscribe(by));
    }

    /// When to try again after the broker closed the channel or cancelled a consumer.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = PAUSES_MS.get(self.failures).or(PAUSES_MS.last()).copied().unwrap_or(1000);
        self.failures += 1;
        Duration::from_millis(pause)
    }

    /// What stood in the way may be gone: it tries at once, and from then on after pauses that are short again, if nobody counts.
    pub(super) fn hurry_back(&mut self, now: Instant) {
        self.reopen_at = Some(now);
        if self.consumers.iter().all(|consumer| consumer.subscription.resubscribes_max.is_none()) {
            self.failures = 0;
        }
    }

    /// A consumer has tried to come back as often as it was to.
    pub(super) fn gives_up(&self) -> bool {
        let limits = self.consumers.iter().filter_map(|consumer| consumer.subscription.resubscribes_max);
        limits.min().is_some_and(|most| self.failures > most as usize)
    }

    /// A consumer is subscribed again.
    pub(super) fn resumed(&mut self, tag: &[u8]) {
        let found = self.consumers.iter().find(|consumer| consumer.subscription.tag.as_bytes() == tag);
        if let Some(consumer) = found {
            *consumer.subscription.inbox.interrupted.lock() = None;
        }
    }
}

pub(super) fn write_consume(subscription: &Subscription, channel: u16, out: &mut Vec<u8>) {
    basic::Consume {
        queue: ShortStr::truncate(&subscription.queue),
        consumer_tag: ShortStr::truncate(&subscription.tag),
        no_local: subscription.no_local,
        no_ack: subscription.no_ack,
        exclusive: subscription.exclusive,
        no_wait: false,
        arguments: subscription.arguments.clone(),
    }
    .write(channel, out);
}

//! A queue as plain state: no lock, no socket, no clock. Every operation takes the time and leaves in an [`Outcome`] what
//! is to be done outside the queue's lock.

use super::backlog::{Backlog, Entry};
use super::consumers::{Consumers, Subscription};
use super::settings::{Overflow, Settings};
use super::{ConsumerId, Counters, DeathReason, Incoming, Queue, Settled};
use crate::limiter::ChannelLimiter;
use crate::mailbox::{Delivery, Mailbox};
use crate::message::Message;
use crate::refusal::Refusal;
use std::sync::Arc;

/// What an operation asks of its caller, to be done without the queue's lock.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Messages that left by dying; they go to the dead-letter exchange if there is one.
    pub(crate) dead: Vec<(Entry, DeathReason)>,
    /// The last consumer left an auto-delete queue.
    pub(crate) unused: bool,
    /// The queue wants to be looked at by then.
    pub(crate) timer_ms: Option<u64>,
    /// A consumer's connection that is behind; the publisher may wait for it.
    pub(crate) congested: Option<Arc<Mailbox>>,
    /// Change of the memory held, in bytes.
    pub(crate) charge: i64,
}

#[derive(Debug)]
pub(crate) struct QueueState {
    backlog: Backlog,
    consumers: Consumers,
    settings: Settings,
    unacked: u64,
    deleted: bool,
    /// Some message in the backlog may carry a deadline.
    may_expire: bool,
    /// Last declare, get or consumer, for `x-expires`.
    used_ms: u64,
    /// When the timer service was last asked to come; `u64::MAX` for never.
    timer_ms: u64,
    charge: i64,
    counters: Counters,
}

impl QueueState {
    pub(crate) fn new(settings: Settings, now_ms: u64) -> Self {
        Self {
            backlog: Backlog::new(settings.max_priority),
            consumers: Consumers::new(settings.single_active_consumer),
            settings,
            unacked: 0,
            deleted: false,
            may_expire: false,
            used_ms: now_ms,
            timer_ms: u64::MAX,
            charge: 0,
            counters: Counters::default(),
        }
    }

    pub(crate) fn ready(&self) -> usize {
        self.backlog.len()
    }

    pub(crate) fn ready_bytes(&self) -> u64 {
        self.backlog.body_bytes()
    }

    pub(crate) fn unacked(&self) -> u64 {
        self.unacked
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    pub(crate) fn consumers(&self) -> &Consumers {
        &self.consumers
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted
    }

    pub(crate) fn touch(&mut self, now_ms: u64) {
        self.used_ms = now_ms;
    }

    /// Takes publishings in, in order; those that an overflowing queue refuses are moved to `rejected`.
    pub(crate) fn publish(
        &mut self,
        queue: &Arc<Queue>,
        incoming: &mut Vec<Incoming>,
        rejected: &mut Vec<Incoming>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        if self.deleted {
            incoming.clear();
            return;
        }
        self.counters.published += incoming.len() as u64;
        for publishing in incoming.drain(..) {
            if self.settings.bounded && self.refuses(&publishing.message) {
                self.counters.rejected += 1;
                if self.settings.overflow == Overflow::RejectPublishDlx {
                    let position = self.backlog.pass();
                    let message = publishing.message.clone();
                    let entry = Entry {
                        position,
                        expires_ms: u64::MAX,
                        delivery_count: 0,
                        redelivered: false,
                        message,
                    };
                    self.bury(entry, DeathReason::MaxLen, outcome);
                }
                rejected.push(publishing);
                continue;
            }
            self.enter(queue, publishing.message, now_ms);
            if self.settings.bounded {
                self.drop_overflow(outcome);
            }
        }
        self.finish(queue, now_ms, outcome);
    }

    /// One message in: straight to a consumer when nothing waits before it, else into the backlog.
    #[inline]
    fn enter(&mut self, queue: &Arc<Queue>, message: Message, now_ms: u64) {
        if self.backlog.len() == 0
            && let Some(slot) = self.consumers.next(queue)
        {
            let position = self.backlog.pass();
            let expires_ms = self.settings.expires_at(message.ttl_ms(), now_ms);
            let entry = Entry { position, expires_ms, delivery_count: 0, redelivered: false, message };
            if !self.consumers.is_no_ack(slot) {
                self.charge += entry.message.charge() as i64;
            }
            self.hand_out(slot, entry);
            return;
        }
        self.charge += message.charge() as i64;
        let expires_ms = self.settings.expires_at(message.ttl_ms(), now_ms);
        self.may_expire |= expires_ms != u64::MAX;
        self.backlog.push(message, expires_ms);
    }

    #[inline]
    fn hand_out(&mut self, slot: u32, entry: Entry) {
        let no_ack = self.consumers.is_no_ack(slot);
        if no_ack {
            self.counters.delivered_no_ack += 1;
        } else {
            self.unacked += 1;
            self.counters.delivered += 1;
        }
        self.counters.redelivered += u64::from(entry.redelivered);
        let delivery = Delivery {
            message: entry.message,
            position: entry.position,
            expires_ms: entry.expires_ms,
            consumer: 0,
            delivery_count: entry.delivery_count,
            redelivered: entry.redelivered,
        };
        self.consumers.stage(slot, delivery);
    }

    fn refuses(&self, message: &Message) -> bool {
        let s = &self.settings;
        s.overflow != Overflow::DropHead
            && (s.max_length.is_some_and(|max| self.backlog.len() as u64 >= max)
                || s.max_length_bytes
                    .is_some_and(|max| self.backlog.body_bytes() + message.body_len() as u64 > max))
    }

    fn drop_overflow(&mut self, outcome: &mut Outcome) {
        if self.settings.overflow != Overflow::DropHead {
            return;
        }
        let s = &self.settings;
        let (max, max_bytes) = (s.max_length.unwrap_or(u64::MAX), s.max_length_bytes.unwrap_or(u64::MAX));
        while self.backlog.len() as u64 > max || self.backlog.body_bytes() > max_bytes {
            let Some(entry) = self.backlog.pop() else { return };
            self.uncharge(&entry.message);
            self.bury(entry, DeathReason::MaxLen, outcome);
        }
    }

    fn bury(&mut self, entry: Entry, reason: DeathReason, outcome: &mut Outcome) {
        self.counters.dead[reason as usize] += 1;
        outcome.dead.push((entry, reason));
    }

    fn uncharge(&mut self, message: &Message) {
        self.charge -= message.charge() as i64;
    }

    fn drop_expired(&mut self, now_ms: u64, outcome: &mut Outcome) {
        if !self.may_expire {
            return;
        }
        while let Some(entry) = self.backlog.pop_expired(now_ms) {
            self.uncharge(&entry.message);
            self.bury(entry, DeathReason::Expired, outcome);
        }
        self.may_expire = self.backlog.len() > 0;
    }

    /// Gives waiting messages to consumers, then hands over what was staged; every operation ends here.
    fn finish(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) {
        self.drop_expired_if_waiting(now_ms, outcome);
        while self.backlog.len() > 0 {
            let Some(slot) = self.consumers.next(queue) else { break };
            let Some(entry) = self.backlog.pop() else { break };
            if self.consumers.is_no_ack(slot) {
                self.uncharge(&entry.message);
            }
            self.hand_out(slot, entry);
            self.drop_expired_if_waiting(now_ms, outcome);
        }
        for (delivery, no_ack) in self.consumers.flush() {
            // The connection closed its mailbox and has not yet taken its consumers away.
            if no_ack {
                self.charge += delivery.message.charge() as i64;
            } else {
                self.unacked = self.unacked.saturating_sub(1);
            }
            self.may_expire |= delivery.expires_ms != u64::MAX;
            self.backlog.put_back(Entry {
                position: delivery.position,
                expires_ms: delivery.expires_ms,
                delivery_count: delivery.delivery_count,
                redelivered: delivery.redelivered,
                message: delivery.message,
            });
        }
        outcome.charge += std::mem::take(&mut self.charge);
        outcome.congested = self.consumers.take_congested();
        if let Some(due) = self.next_deadline_ms()
            && due < self.timer_ms
        {
            self.timer_ms = due;
            outcome.timer_ms = Some(due);
        }
    }

    #[inline]
    fn drop_expired_if_waiting(&mut self, now_ms: u64, outcome: &mut Outcome) {
        if self.may_expire {
            self.drop_expired(now_ms, outcome);
        }
    }

    fn next_deadline_ms(&self) -> Option<u64> {
        let expiry = if self.may_expire { self.backlog.next_expiry_ms() } else { None };
        let unused = self.settings.expires_ms.filter(|_| self.consumers.len() == 0);
        expiry.into_iter().chain(unused.map(|ms| self.used_ms + ms)).min()
    }

    /// The timer came. `unused` in the outcome: the queue itself expired.
    pub(crate) fn on_timer(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) {
        self.timer_ms = u64::MAX;
        if self.deleted {
            return;
        }
        outcome.unused = self.settings.expires_ms.is_some_and(|ms| self.used_ms + ms <= now_ms)
            && self.consumers.len() == 0;
        self.finish(queue, now_ms, outcome);
    }

    pub(crate) fn subscribe(
        &mut self,
        queue: &Arc<Queue>,
        subscription: Subscription,
        now_ms: u64,
    ) -> Result<ConsumerId, Refusal> {
        if self.deleted {
            return Err(Refusal::NoQueue { queue: queue.name().clone(), vhost: queue.vhost_name().clone() });
        }
        let alone =
            subscription.exclusive && (self.consumers.len() > 0 || self.settings.single_active_consumer);
        if self.consumers.has_exclusive() || alone {
            return Err(Refusal::ExclusiveUse {
                queue: queue.name().clone(),
                vhost: queue.vhost_name().clone(),
            });
        }
        self.used_ms = now_ms;
        Ok(self.consumers.add(subscription))
    }

    /// Delivers what waits; called after `subscribe` once the consumer's channel has written its `consume-ok`.
    pub(crate) fn dispatch(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) {
        self.finish(queue, now_ms, outcome);
    }

    pub(crate) fn unsubscribe(
        &mut self,
        queue: &Arc<Queue>,
        id: ConsumerId,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        if self.consumers.remove(id).is_none() {
            return;
        }
        self.used_ms = now_ms;
        outcome.unused = self.settings.auto_delete && self.consumers.len() == 0 && !self.deleted;
        self.finish(queue, now_ms, outcome);
    }

    /// `basic.get`: the next message and how many stay ready.
    pub(crate) fn get(
        &mut self,
        queue: &Arc<Queue>,
        no_ack: bool,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> Option<(Entry, usize)> {
        self.used_ms = now_ms;
        self.drop_expired(now_ms, outcome);
        let entry = self.backlog.pop();
        if let Some(entry) = &entry {
            if no_ack {
                self.uncharge(&entry.message);
                self.counters.got_no_ack += 1;
            } else {
                self.unacked += 1;
                self.counters.got += 1;
            }
            self.counters.redelivered += u64::from(entry.redelivered);
        } else {
            self.counters.got_empty += 1;
        }
        self.finish(queue, now_ms, outcome);
        entry.map(|entry| (entry, self.backlog.len()))
    }

    /// Messages that consumers are done with.
    pub(crate) fn settle(
        &mut self,
        queue: &Arc<Queue>,
        settled: &[Settled],
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        self.counters.acked += settled.len() as u64;
        self.release(settled);
        for s in settled {
            self.charge -= s.charge as i64;
        }
        self.finish(queue, now_ms, outcome);
    }

    /// Messages that consumers refused for good.
    pub(crate) fn discard(
        &mut self,
        queue: &Arc<Queue>,
        refused: Vec<(Settled, Entry)>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        for (settled, entry) in refused {
            self.release(std::slice::from_ref(&settled));
            self.charge -= settled.charge as i64;
            self.bury(entry, DeathReason::Rejected, outcome);
        }
        self.finish(queue, now_ms, outcome);
    }

    /// Messages that come back to their places.
    pub(crate) fn requeue(
        &mut self,
        queue: &Arc<Queue>,
        returned: Vec<(Settled, Entry)>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        for (settled, mut entry) in returned {
            self.release(std::slice::from_ref(&settled));
            if self.deleted {
                self.charge -= if settled.held { settled.charge as i64 } else { 0 };
                continue;
            }
            if !settled.held {
                self.charge += settled.charge as i64;
            }
            entry.redelivered = true;
            entry.delivery_count += 1;
            if self.settings.delivery_limit.is_some_and(|limit| entry.delivery_count > limit) {
                self.charge -= settled.charge as i64;
                self.bury(entry, DeathReason::DeliveryLimit, outcome);
                continue;
            }
            self.may_expire |= entry.expires_ms != u64::MAX;
            self.backlog.put_back(entry);
        }
        if self.settings.bounded {
            self.drop_overflow(outcome);
        }
        self.finish(queue, now_ms, outcome);
    }

    fn release(&mut self, settled: &[Settled]) {
        let held = settled.iter().filter(|s| s.held).count() as u64;
        debug_assert!(held <= self.unacked, "a message is settled once");
        self.unacked = self.unacked.saturating_sub(held);
        let mut at = 0;
        while at < settled.len() {
            let consumer = settled[at].consumer;
            let run = settled[at..].iter().take_while(|s| s.consumer == consumer).count();
            if let Some(id) = consumer {
                self.consumers.return_credit(id, run as u32);
            }
            at += run;
        }
    }

    /// Puts a consumer under its channel's limit from now on.
    pub(crate) fn set_limiter(&mut self, id: ConsumerId, limiter: &Arc<ChannelLimiter>) {
        self.consumers.set_limiter(id, limiter);
    }

    pub(crate) fn resume(&mut self, queue: &Arc<Queue>, id: ConsumerId, now_ms: u64, outcome: &mut Outcome) {
        self.consumers.resume(id);
        self.finish(queue, now_ms, outcome);
    }

    /// Drops all ready messages; unacked ones stay. Returns how many.
    pub(crate) fn purge(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) -> usize {
        self.drop_expired(now_ms, outcome);
        let all = self.backlog.clear();
        for entry in &all {
            self.uncharge(&entry.message);
        }
        self.counters.purged += all.len() as u64;
        self.may_expire = false;
        self.finish(queue, now_ms, outcome);
        all.len()
    }

    /// When the timer service was asked to come, if it was.
    pub(crate) fn timer_ms(&self) -> Option<u64> {
        Some(self.timer_ms).filter(|ms| *ms != u64::MAX)
    }

    /// Marks the queue as gone. Returns its consumers and how many ready messages went with it.
    pub(crate) fn delete(&mut self, outcome: &mut Outcome) -> (Vec<Subscription>, usize) {
        self.deleted = true;
        let all = self.backlog.clear();
        for entry in &all {
            self.uncharge(&entry.message);
        }
        outcome.charge += std::mem::take(&mut self.charge);
        (self.consumers.clear(), all.len())
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }
}

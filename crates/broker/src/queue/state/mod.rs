//! A queue as plain state: no lock, no socket, no clock. Every operation takes the time and leaves in an [`Outcome`] what
//! is to be done outside the queue's lock.

mod ahead;
mod dedup;
mod leave;
mod load;
mod outcome;
mod publish;
mod requeue;
mod schedule;
mod select;
mod settings;

pub(crate) use ahead::Announcement;
pub(crate) use leave::Got;
pub(crate) use load::{Load, Looked};
pub(crate) use outcome::Outcome;
pub(crate) use schedule::Scheduled;
pub(crate) use select::{Seen, Taken};

use super::backlog::{Backlog, Entry, Front};
use super::consumers::{Consumers, Subscription};
use super::dedup::Dedup;
use super::settings::{Durability, Settings};
use super::stored::Change;
use super::timetable::Timetable;
use super::waiting::Waiting;
use super::{ConsumerId, Counters, DeathReason, Queue};
use crate::limiter::ChannelLimiter;
use crate::mailbox::Delivery;
use crate::message::Message;
use crate::refusal::Refusal;
use ahead::Ahead;
use leveret_store::Store;
use std::sync::Arc;

/// What a queue is told about the store when it is made.
#[derive(Debug, Clone)]
pub(crate) struct StoreUse {
    /// The queue's number.
    pub(crate) number: u64,
    /// Where messages outlive a restart.
    pub(crate) store: Option<Arc<Store>>,
    /// Milliseconds from 1970 to the zero of the broker's clock.
    pub(crate) unix_origin_ms: u64,
}

/// Where a message comes from that is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// It was published, in this operation.
    New,
    /// It left another place, in this operation.
    Moved,
    /// It was in the queue before.
    Waited,
}

#[derive(Debug)]
pub(crate) struct QueueState {
    backlog: Backlog,
    /// Messages that came back and wait.
    waiting: Waiting,
    /// Of a delayed exchange: the messages it holds.
    timetable: Option<Box<Timetable>>,
    /// What was seen, when duplicates are dropped.
    dedup: Option<Box<Dedup>>,
    /// Position in the store of the last record of what was seen, as of when that was last begun or given up.
    seen_last: u64,
    consumers: Consumers,
    settings: Settings,
    unacked: u64,
    unacked_bytes: u64,
    deleted: bool,
    /// Nobody gets anything until it goes on.
    paused: bool,
    /// Some message in the backlog may carry a deadline.
    may_expire: bool,
    /// Last declare, get or consumer, for `x-expires`.
    used_ms: u64,
    /// When the timer service was last asked to come; `u64::MAX` for never.
    timer_ms: u64,
    charge: i64,
    counters: Counters,
    number: u64,
    store: Option<Arc<Store>>,
    unix_origin_ms: u64,
    /// By level, as far as there were deliveries.
    ahead: Vec<Ahead>,
}

impl QueueState {
    pub(crate) fn new(settings: Settings, store: StoreUse, now_ms: u64) -> Self {
        let stores = store.store.is_some() && settings.durability != Durability::Memory;
        let dedup = settings.dedup.clone().map(|dedup| Box::new(Dedup::new(dedup, stores)));
        Self {
            backlog: Backlog::new(settings.max_priority),
            waiting: Waiting::default(),
            timetable: None,
            dedup,
            seen_last: 0,
            consumers: Consumers::new(settings.single_active_consumer),
            settings,
            unacked: 0,
            unacked_bytes: 0,
            deleted: false,
            paused: false,
            may_expire: false,
            used_ms: now_ms,
            timer_ms: u64::MAX,
            charge: 0,
            counters: Counters::default(),
            number: store.number,
            store: store.store,
            unix_origin_ms: store.unix_origin_ms,
            ahead: Vec::new(),
        }
    }

    /// The state of a timetable, which keeps messages until they are due.
    pub(crate) fn timetable_of(
        settings: Settings,
        store: StoreUse,
        heeds_messages: bool,
        now_ms: u64,
    ) -> Self {
        let mut timetable = Timetable::new(store.number, store.store.clone());
        timetable.heeds_messages = heeds_messages;
        let timetable = Some(Box::new(timetable));
        Self { timetable, ..Self::new(settings, store, now_ms) }
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

    pub(crate) fn unacked_bytes(&self) -> u64 {
        self.unacked_bytes
    }

    /// Ready messages that are on disk only.
    pub(crate) fn on_disk(&self) -> u64 {
        self.backlog.cold_len()
    }

    /// The next message to leave, if it is in memory.
    pub(crate) fn head(&self) -> Option<&Entry> {
        self.backlog.head()
    }

    pub(crate) fn waiting(&self) -> &Waiting {
        &self.waiting
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

    pub(crate) fn is_paused(&self) -> bool {
        self.paused
    }

    /// Stops deliveries, or lets them go on with the next operation. Returns whether that is a change.
    pub(crate) fn set_paused(&mut self, paused: bool) -> bool {
        std::mem::replace(&mut self.paused, paused) != paused
    }

    pub(crate) fn touch(&mut self, now_ms: u64) {
        self.used_ms = now_ms;
    }

    #[inline]
    fn hand_out(&mut self, slot: u32, mut entry: Entry, source: Source, outcome: &mut Outcome) {
        // What moved here is still where it came from, as far as the store knows.
        let mut hold = source == Source::Moved && self.store.is_some();
        if self.consumers.is_no_ack(slot) {
            self.counters.delivered_no_ack += 1;
            leave::forget(&mut entry, outcome);
        } else {
            self.unacked += 1;
            self.unacked_bytes += entry.message.body_len() as u64;
            self.counters.delivered += 1;
            hold |= self.announce(&entry, source == Source::New, outcome);
        }
        self.counters.redelivered += u64::from(entry.redelivered);
        let delivery = Delivery {
            message: entry.message,
            position: entry.position,
            expires_ms: entry.expires_ms,
            consumer: 0,
            past: entry.past,
            redelivered: entry.redelivered,
            stored: entry.stored,
        };
        self.consumers.stage(slot, delivery, hold);
    }

    /// Says to the store that a message may be seen by a consumer. `true`: it must not be seen before the store knows.
    #[inline]
    fn announce(&mut self, entry: &Entry, is_new: bool, outcome: &mut Outcome) -> bool {
        let Some(lane) = entry.stored.lane().filter(|_| entry.stored.is_lasting()) else { return false };
        let level = usize::from(lane);
        if self.ahead.len() <= level {
            self.ahead.resize(level + 1, Ahead::default());
        }
        let store = self.store.as_ref();
        let said =
            self.ahead[level].deliver(entry.position, is_new, || store.map_or(0, |store| store.synced()));
        if let Some(through) = said.through {
            outcome.changes.push(Change::Delivering { lane, through });
        }
        outcome.announcements.extend(said.announcement);
        said.hold
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
        self.release_waiting(queue, now_ms, outcome);
        self.leave_when_due(now_ms, outcome);
        self.drop_expired_if_waiting(now_ms, outcome);
        while !self.paused && self.backlog.front() == Front::InMemory {
            let Some(slot) = self.consumers.next(queue) else { break };
            let Some(entry) = self.backlog.pop() else { break };
            if self.consumers.is_no_ack(slot) {
                self.uncharge(&entry.message);
            }
            self.hand_out(slot, entry, Source::Waited, outcome);
            self.drop_expired_if_waiting(now_ms, outcome);
        }
        for (delivery, no_ack) in self.consumers.flush() {
            // The connection closed its mailbox and has not yet taken its consumers away.
            if no_ack {
                self.charge += delivery.message.charge() as i64;
            } else {
                self.unacked = self.unacked.saturating_sub(1);
                let bytes = delivery.message.body_len() as u64;
                self.unacked_bytes = self.unacked_bytes.saturating_sub(bytes);
            }
            self.may_expire |= delivery.expires_ms != u64::MAX;
            let mut entry = Entry {
                position: delivery.position,
                expires_ms: delivery.expires_ms,
                past: delivery.past,
                redelivered: delivery.redelivered,
                stored: delivery.stored,
                message: delivery.message,
            };
            if no_ack {
                self.keep(&mut entry, outcome);
            }
            self.backlog.put_back(entry);
        }
        outcome.charge += std::mem::take(&mut self.charge);
        outcome.congested = self.consumers.take_congested();
        outcome.held.append(&mut self.consumers.take_held());
        self.ahead.iter_mut().for_each(Ahead::end);
        self.want_load(outcome);
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
        let waiting = self.waiting.next_ms().into_iter().chain(self.next_due_ms());
        expiry.into_iter().chain(unused.map(|ms| self.used_ms + ms)).chain(waiting).min()
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

    /// Takes a consumer out. `false`: it was not there.
    pub(crate) fn unsubscribe(&mut self, id: ConsumerId) -> bool {
        self.consumers.remove(id).is_some()
    }

    /// Consumers were taken out: what they leave is for others.
    pub(crate) fn unsubscribed(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) {
        self.used_ms = now_ms;
        outcome.unused = self.settings.auto_delete && self.consumers.len() == 0 && !self.deleted;
        self.finish(queue, now_ms, outcome);
    }

    /// Puts a consumer under its channel's limit from now on.
    pub(crate) fn set_limiter(&mut self, id: ConsumerId, limiter: &Arc<ChannelLimiter>) {
        self.consumers.set_limiter(id, limiter);
    }

    pub(crate) fn resume(&mut self, queue: &Arc<Queue>, id: ConsumerId, now_ms: u64, outcome: &mut Outcome) {
        self.consumers.resume(id);
        self.finish(queue, now_ms, outcome);
    }

    /// When the timer service was asked to come, if it was.
    pub(crate) fn timer_ms(&self) -> Option<u64> {
        Some(self.timer_ms).filter(|ms| *ms != u64::MAX)
    }

    /// Marks the queue as gone. Returns its consumers and how many ready messages went with it.
    pub(crate) fn delete(&mut self, queue: &Queue, outcome: &mut Outcome) -> (Vec<Subscription>, usize) {
        self.deleted = true;
        let ready = self.empty(queue, "deleted", outcome);
        self.drop_dedup();
        outcome.charge += std::mem::take(&mut self.charge);
        (self.consumers.clear(), ready)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }
}

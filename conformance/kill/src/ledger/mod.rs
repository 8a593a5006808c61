//! The ledger: what the harness did and saw, and with it the oracle.
//!
//! Workers write down what they are about to send *before* it leaves and what arrived *after* it did, so a line here never claims
//! less than a broker may know. Rules are applied in two places: to each delivery as it arrives ([`rules`]), and to everything when
//! the queues are known to be empty ([`verdict`]). A *generation* is the life of one broker process; what outlives it is what this
//! crate is about.

mod record;
mod rules;
#[cfg(test)]
mod tests;
mod verdict;

pub(crate) use record::{CopyRef, Holder, Settling, TxNo};

use crate::client::Arrived;
use crate::message::{Id, Message};
use crate::topology::{self, DEAD, DEAD_FROM, QueueNo, ROUTES};
use record::{Copy, Event, Record, State, Transaction, TxState, What};
use std::collections::HashMap;
use std::time::Instant;

/// Violations kept with their histories; more are only counted.
const VIOLATIONS_MAX: usize = 20;
/// Of the same rule.
const SAME_MAX: usize = 4;

/// A broken promise.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) rule: &'static str,
    pub(crate) generation: u16,
    pub(crate) id: Option<Id>,
    pub(crate) text: String,
    /// What is known of the message, line by line.
    pub(crate) history: String,
}

/// Counts for people.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    pub(crate) published: u64,
    pub(crate) confirmed: u64,
    pub(crate) delivered: u64,
    pub(crate) redelivered: u64,
    pub(crate) settled: u64,
    pub(crate) dead: u64,
    pub(crate) transactions: u64,
    /// Settlements whose loss would have been a violation, because a later confirm proves them stored.
    pub(crate) proven: u64,
}

/// What is about to be published.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) slot: u16,
    pub(crate) route: u8,
    pub(crate) priority: u8,
    pub(crate) persistent: bool,
    pub(crate) length: u32,
}

pub(crate) struct Ledger {
    began: Instant,
    generation: u16,
    /// Grows with everything that is written down: what happened before what.
    stamp: u64,
    records: HashMap<Id, Record>,
    /// Those of the verdict before, for their histories.
    previous: HashMap<Id, Record>,
    /// By slot: the next sequence, and below which they are done with and must never be seen again.
    next: HashMap<u16, u64>,
    finished: HashMap<u16, u64>,
    transactions: HashMap<TxNo, Transaction>,
    /// By consumer, queue, publisher and priority: the highest sequence of a first delivery in this generation.
    order: HashMap<(Holder, QueueNo, u16, u8), u64>,
    /// By generation: everything that was processed before this stamp is stored, because something published later was confirmed.
    stored: Vec<u64>,
    /// Queues that lost a consumer in this generation: what it had not read was put back.
    disturbed: u64,
    /// By queue: how many consumers went since the last verdict.
    ends: HashMap<QueueNo, u32>,
    holders: Holder,
    violations: Vec<Violation>,
    violation_count: u64,
    pub(crate) totals: Totals,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            generation: 0,
            stamp: 1,
            records: HashMap::new(),
            previous: HashMap::new(),
            next: HashMap::new(),
            finished: HashMap::new(),
            transactions: HashMap::new(),
            order: HashMap::new(),
            stored: vec![0],
            disturbed: 0,
            ends: HashMap::new(),
            holders: 0,
            violations: Vec::new(),
            violation_count: 0,
            totals: Totals::default(),
        }
    }

    /// The broker's next life begins; all connections of the one before are closed and read to their ends.
    pub(crate) fn next_generation(&mut self) {
        self.generation += 1;
        self.order.clear();
        self.stored.push(0);
        self.disturbed = 0;
    }

    pub(crate) fn violations(&self) -> (&[Violation], u64) {
        (&self.violations, self.violation_count)
    }

    fn tick(&mut self) -> u64 {
        self.stamp += 1;
        self.stamp
    }

    fn event(&self, what: What, queue: QueueNo, holder: Holder) -> Event {
        let ms = self.began.elapsed().as_millis() as u32;
        Event { ms, generation: self.generation, holder, queue, what }
    }

    /// Breaks the news of a violation that concerns no message.
    pub(crate) fn violation(&mut self, rule: &'static str, text: String) {
        self.accuse(rule, None, text);
    }

    fn accuse(&mut self, rule: &'static str, id: Option<Id>, text: String) {
        self.violation_count += 1;
        let same = self.violations.iter().filter(|violation| violation.rule == rule).count();
        if self.violations.len() < VIOLATIONS_MAX && same < SAME_MAX {
            let known = id.and_then(|id| self.records.get(&id).or_else(|| self.previous.get(&id)));
            let history = known.map(Record::history).unwrap_or_default();
            self.violations.push(Violation { rule, generation: self.generation, id, text, history });
        }
    }

    // ---- publishing

    /// A message gets its number; it leaves after this.
    pub(crate) fn publishing(&mut self, plan: Plan, tx: Option<TxNo>) -> Message {
        let stamp = self.tick();
        let sequence = self.next.entry(plan.slot).or_insert(0);
        let id = Id { slot: plan.slot, sequence: *sequence };
        *sequence += 1;
        let Plan { route, priority, persistent, length, .. } = plan;
        let message = Message { id, route, priority, persistent, length };
        let copies = ROUTES[usize::from(route)].queues.iter().map(|queue| Copy::new(*queue)).collect();
        let events = vec![self.event(What::Published, topology::ROUTES[usize::from(route)].queues[0], 0)];
        let (generation, state) = (self.generation, State::Sent);
        self.records.insert(id, Record { message, generation, stamp, state, tx, copies, events });
        if let Some(transaction) = tx.and_then(|tx| self.transactions.get_mut(&tx)) {
            transaction.published.push(id);
        }
        self.totals.published += 1;
        message
    }

    /// The broker confirmed it.
    pub(crate) fn confirmed(&mut self, id: Id) {
        let event = self.event(What::Confirmed, 0, 0);
        let Some(record) = self.records.get_mut(&id) else { return };
        record.state = State::Confirmed;
        record.events.push(event);
        self.totals.confirmed += 1;
        if record.message.persistent {
            let stored = &mut self.stored[usize::from(record.generation)];
            *stored = (*stored).max(record.stamp);
        }
    }

    /// The broker refused it: a nack, which nothing here gives it a reason for.
    pub(crate) fn refused(&mut self, id: Id) {
        let event = self.event(What::Refused, 0, 0);
        if let Some(record) = self.records.get_mut(&id) {
            record.events.push(event);
        }
        self.accuse("refused without a reason", Some(id), "the publisher got a basic.nack".to_owned());
    }

    /// A persistent message that is not in the ledger is about to be published.
    pub(crate) fn barrier(&mut self) -> u64 {
        self.tick()
    }

    /// It was confirmed: everything processed before is stored.
    pub(crate) fn barrier_confirmed(&mut self, stamp: u64) {
        let stored = &mut self.stored[usize::from(self.generation)];
        *stored = (*stored).max(stamp);
    }

    // ---- transactions

    pub(crate) fn begin(&mut self) -> TxNo {
        let number = self.tick();
        let transaction = Transaction {
            generation: self.generation,
            state: TxState::Open,
            published: Vec::new(),
            settled: Vec::new(),
        };
        self.transactions.insert(number, transaction);
        self.totals.transactions += 1;
        number
    }

    /// An acknowledgement becomes part of a transaction.
    pub(crate) fn settling_in(&mut self, tx: TxNo, copy: CopyRef) {
        if let Some(transaction) = self.transactions.get_mut(&tx) {
            transaction.settled.push(copy);
        }
    }

    /// `tx.commit` leaves after this.
    pub(crate) fn committing(&mut self, tx: TxNo) {
        self.tick();
        let Some(transaction) = self.transactions.get_mut(&tx) else { return };
        transaction.state = TxState::Committing;
        for copy in transaction.settled.clone() {
            self.settling(copy, Settling::Ack);
        }
    }

    /// `tx.commit-ok` arrived.
    pub(crate) fn committed(&mut self, tx: TxNo) {
        let Some(transaction) = self.transactions.get_mut(&tx) else { return };
        transaction.state = TxState::Committed;
        let (published, settled) = (transaction.published.clone(), transaction.settled.clone());
        for id in published {
            self.confirmed(id);
        }
        let event = self.event(What::Committed, 0, 0);
        for copy in settled {
            if let Some(record) = self.records.get_mut(&copy.id) {
                record.events.push(Event { queue: copy.queue, ..event });
                if let Some(copy) = record.copy_mut(copy.queue) {
                    copy.certain = true;
                }
            }
            self.totals.proven += 1;
        }
    }

    /// `tx.rollback-ok` arrived.
    pub(crate) fn rolled_back(&mut self, tx: TxNo) {
        if let Some(transaction) = self.transactions.get_mut(&tx) {
            transaction.state = TxState::RolledBack;
        }
    }

    // ---- deliveries

    /// A number for a consumer, or whoever else holds deliveries.
    pub(crate) fn holder(&mut self) -> Holder {
        self.holders += 1;
        self.holders
    }

    /// A delivery arrived. What is to be settled, unless nobody can know what it is.
    pub(crate) fn arrived(&mut self, holder: Holder, queue: QueueNo, arrived: &Arrived) -> Option<CopyRef> {
        self.tick();
        self.totals.delivered += 1;
        self.totals.redelivered += u64::from(arrived.redelivered);
        let name = topology::name(queue);
        let message = match &arrived.message {
            Ok(message) => message,
            Err(text) => {
                self.accuse("other bytes than were sent", None, format!("in {name}: {text}"));
                return None;
            }
        };
        let queue = match (&arrived.death, queue) {
            (Some((from, _)), DEAD) => {
                self.totals.dead += 1;
                DEAD_FROM + from
            }
            _ => queue,
        };
        let id = message.id;
        let Some(record) = self.records.get_mut(&id) else {
            let done = self.finished.get(&id.slot).is_some_and(|end| id.sequence < *end);
            let (rule, text) = if done {
                ("came back from the dead", "it was settled for good and its queue known to be empty")
            } else {
                ("invented", "nobody ever published it")
            };
            self.accuse(rule, Some(id), format!("{name} delivered it, but {text}"));
            return None;
        };
        let tx = record.tx.and_then(|tx| self.transactions.get(&tx)).map(|tx| tx.state);
        if queue >= DEAD_FROM && record.copy(queue).is_none() && record.copy(queue - DEAD_FROM).is_some() {
            record.copies.push(Copy::new(queue));
        }
        let at = rules::At {
            generation: self.generation,
            stored: &self.stored,
            disturbed: self.disturbed & (1 << queue) != 0,
            ends: self.ends.get(&(queue % DEAD_FROM)).copied().unwrap_or(0),
            highest: self.order.get(&(holder, queue, id.slot, message.priority)).copied(),
        };
        let problems = rules::arrival(record, tx, queue, message, arrived, at);
        let first =
            record.copy(queue).is_some_and(|copy| copy.deliveries == 0 || copy.last != self.generation);
        let ms = self.began.elapsed().as_millis() as u32;
        let what = What::Delivered { redelivered: arrived.redelivered, count: arrived.delivery_count as u16 };
        record.events.push(Event { ms, generation: self.generation, holder, queue, what });
        let known =
            record.copy_mut(queue).map(|copy| copy.deliver(self.generation, holder, arrived.delivery_count));
        if queue >= DEAD_FROM {
            record.died(queue - DEAD_FROM, self.generation);
        } else {
            record.lives(queue, self.generation);
        }
        if first {
            let highest = self.order.entry((holder, queue, id.slot, message.priority)).or_insert(0);
            *highest = (*highest).max(id.sequence);
        }
        for (rule, text) in problems {
            self.accuse(rule, Some(id), format!("{}: {text}", topology::name(queue)));
        }
        known.map(|()| CopyRef { id, queue })
    }

    /// An ack, reject or nack leaves after this.
    pub(crate) fn settling(&mut self, copy: CopyRef, how: Settling) {
        self.tick();
        let event = self.event(What::Settling(how), copy.queue, 0);
        let Some(record) = self.records.get_mut(&copy.id) else { return };
        record.events.push(event);
        if let Some(copy) = record.copy_mut(copy.queue) {
            copy.settle(self.generation, how);
        }
        self.totals.settled += 1;
    }

    /// The broker answered something that was sent behind these settlements.
    pub(crate) fn processed(&mut self, copies: &[CopyRef]) {
        let stamp = self.tick();
        let event = self.event(What::Processed, 0, 0);
        for copy in copies {
            let Some(record) = self.records.get_mut(&copy.id) else { continue };
            record.events.push(Event { queue: copy.queue, ..event });
            if let Some(copy) = record.copy_mut(copy.queue) {
                copy.processed = stamp;
            }
        }
    }

    /// A consumer's channel closes after this, and holds these.
    pub(crate) fn going(&mut self, queue: QueueNo, held: &[CopyRef]) {
        self.disturbed |= 1 << queue;
        *self.ends.entry(queue).or_insert(0) += 1;
        for copy in held {
            self.settling(*copy, Settling::Requeue { counts: false });
        }
    }
}

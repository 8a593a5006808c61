//! A publisher, with confirms or with transactions.

use super::{Round, body_length, leftovers};
use crate::client::{Client, Event, PATIENCE, Trouble};
use crate::ledger::{Ledger, Plan};
use crate::message::Id;
use crate::random::Random;
use crate::topology::TO_PRIORITY;
use leveret_protocol::methods::{confirm, tx};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What a publisher does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PublisherPlan {
    /// Its number; no other has it.
    pub(crate) slot: u16,
    pub(crate) routes: &'static [u8],
    /// Unconfirmed messages at most.
    pub(crate) window: usize,
    /// Messages written together, or in one transaction, at most.
    pub(crate) batch: u64,
    /// Longest pause between batches, in microseconds.
    pub(crate) pause_us: u64,
    /// Share of transient messages, of a hundred.
    pub(crate) transient: u64,
    /// Transactions instead of confirms.
    pub(crate) tx: bool,
}

struct Publisher<'a> {
    round: &'a Round,
    plan: PublisherPlan,
    random: Random,
    client: Client,
    /// Unconfirmed: number on the channel, message.
    waiting: VecDeque<(u64, Id)>,
    next_tag: u64,
    heard: Instant,
}

pub(super) fn run(round: &Round, plan: PublisherPlan, random: Random) {
    let who = format!("publisher {}", plan.slot);
    let client = match Client::connect(round.address) {
        Ok(client) => client,
        Err(trouble) => return round.ended(&who, &Err(trouble)),
    };
    let (waiting, heard) = (VecDeque::new(), Instant::now());
    let mut publisher = Publisher { round, plan, random, client, waiting, next_tag: 1, heard };
    let end = if plan.tx { publisher.transactions() } else { publisher.confirms() };
    if end.is_ok() {
        publisher.client.hang_up();
    }
    publisher.last_words();
    round.ended(&who, &end);
}

impl Publisher<'_> {
    /// What the next message is to be.
    fn plan(&mut self) -> Plan {
        let route = self.plan.routes[self.random.below(self.plan.routes.len() as u64) as usize];
        let priority = if route == TO_PRIORITY { self.random.below(8) as u8 } else { 0 };
        let persistent = !self.random.percent(self.plan.transient);
        Plan { slot: self.plan.slot, route, priority, persistent, length: body_length(&mut self.random) }
    }

    fn pause(&mut self) {
        let pause = self.random.below(self.plan.pause_us + 1);
        if pause > 0 {
            std::thread::sleep(Duration::from_micros(pause));
        }
    }

    fn confirms(&mut self) -> Result<(), Trouble> {
        self.client.call(1, confirm::Select::default(), "confirm.select-ok")?;
        while !self.round.stopping() {
            let room = (self.plan.window - self.waiting.len()) as u64;
            let count = self.random.between(1, self.plan.batch).min(room);
            let plans: Vec<Plan> = (0..count).map(|_| self.plan()).collect();
            let messages: Vec<_> = {
                let mut ledger = self.round.ledger.lock();
                plans.into_iter().map(|plan| ledger.publishing(plan, None)).collect()
            };
            for message in messages {
                self.client.put_message(1, &message);
                self.waiting.push_back((self.next_tag, message.id));
                self.next_tag += 1;
            }
            self.client.flush()?;
            self.pause();
            self.listen(Duration::from_micros(100))?;
            while self.waiting.len() >= self.plan.window && !self.round.stopping() {
                self.listen(Duration::from_millis(20))?;
            }
        }
        Ok(())
    }

    /// Takes what arrived, waiting so long for something to arrive.
    fn listen(&mut self, patience: Duration) -> Result<(), Trouble> {
        let mut next = self.client.event(patience)?;
        while let Some(event) = next {
            self.heard = Instant::now();
            let mut ledger = self.round.ledger.lock();
            let trouble = confirm(&mut ledger, &mut self.waiting, event);
            drop(ledger);
            trouble?;
            next = self.client.event_at_hand()?;
        }
        if self.waiting.is_empty() {
            self.heard = Instant::now();
        }
        if self.heard.elapsed() > PATIENCE {
            return Err(Trouble::Wrong(format!("no confirm in {} s", PATIENCE.as_secs())));
        }
        Ok(())
    }

    /// Confirms that had arrived before the end count.
    fn last_words(&mut self) {
        let (ledger, waiting) = (&self.round.ledger, &mut self.waiting);
        leftovers(&mut self.client, |event| {
            let _ = confirm(&mut ledger.lock(), waiting, event);
        });
    }

    fn transactions(&mut self) -> Result<(), Trouble> {
        self.client.call(1, tx::Select, "tx.select-ok")?;
        while !self.round.stopping() {
            let count = self.random.between(1, self.plan.batch);
            let plans: Vec<Plan> = (0..count).map(|_| self.plan()).collect();
            let roll_back = self.random.percent(10);
            let number = {
                let mut ledger = self.round.ledger.lock();
                let number = ledger.begin();
                for plan in plans {
                    let message = ledger.publishing(plan, Some(number));
                    self.client.put_message(1, &message);
                }
                if !roll_back {
                    ledger.committing(number);
                }
                number
            };
            if roll_back {
                self.client.call(1, tx::Rollback, "tx.rollback-ok")?;
                self.round.ledger.lock().rolled_back(number);
            } else {
                self.client.call(1, tx::Commit, "tx.commit-ok")?;
                self.round.ledger.lock().committed(number);
            }
            self.pause();
        }
        Ok(())
    }
}

/// Takes the broker's answer to publishings.
fn confirm(ledger: &mut Ledger, waiting: &mut VecDeque<(u64, Id)>, event: Event) -> Result<(), Trouble> {
    let (tag, multiple, stored) = match event {
        Event::Confirm { tag, multiple, stored } => (tag, multiple, stored),
        Event::Closed { channel, code, text } => return Err(Trouble::Closed { channel, code, text }),
        other => return Err(Trouble::Wrong(format!("a publisher got {other:?}"))),
    };
    let Ok(at) = waiting.binary_search_by_key(&tag, |(tag, _)| *tag) else {
        return Err(Trouble::Wrong(format!("a confirm for number {tag}, which nobody waits for")));
    };
    for (_, id) in waiting.drain(if multiple { 0..=at } else { at..=at }) {
        if stored { ledger.confirmed(id) } else { ledger.refused(id) }
    }
    Ok(())
}

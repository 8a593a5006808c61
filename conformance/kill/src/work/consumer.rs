//! A consumer that acknowledges, in every way there is.

use super::{Round, leftovers};
use crate::client::{Arrived, Client, Event, PATIENCE, Trouble};
use crate::ledger::{CopyRef, Holder, Settling, TxNo};
use crate::random::Random;
use crate::topology::{QUEUES, QueueNo};
use leveret_protocol::methods::{basic, channel, tx};
use std::time::Duration;

/// How deliveries are fetched and settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// One by one, in any order.
    Single,
    /// Several with one ack.
    Multiple,
    /// Fetched with `basic.get`.
    Get,
}

/// What a consumer does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConsumerPlan {
    pub(crate) queue: QueueNo,
    /// 0: as many as come.
    pub(crate) prefetch: u16,
    pub(crate) habit: Habit,
    /// Share of deliveries rejected for good, of a hundred.
    pub(crate) reject: u64,
    /// Share put back into the queue.
    pub(crate) requeue: u64,
    /// How often, of a hundred, the channel is closed with everything it holds.
    pub(crate) close: u64,
    /// Acknowledgements in transactions.
    pub(crate) tx: bool,
}

struct Consumer<'a> {
    round: &'a Round,
    plan: ConsumerPlan,
    random: Random,
    client: Client,
    holder: Holder,
    /// Delivered and not settled, by delivery tag.
    held: Vec<(u64, CopyRef)>,
    /// Settled since the broker last answered.
    unanswered: Vec<CopyRef>,
}

pub(super) fn run(round: &Round, plan: ConsumerPlan, random: Random) {
    let who = format!("consumer of {}", QUEUES[usize::from(plan.queue)].name);
    let client = match Client::connect(round.address) {
        Ok(client) => client,
        Err(trouble) => return round.ended(&who, &Err(trouble)),
    };
    let holder = round.ledger.lock().holder();
    let mut consumer =
        Consumer { round, plan, random, client, holder, held: Vec::new(), unanswered: Vec::new() };
    let end = consumer.consume();
    consumer.last_words(end.is_ok());
    round.ended(&who, &end);
}

impl Consumer<'_> {
    fn consume(&mut self) -> Result<(), Trouble> {
        self.begin()?;
        let most = if self.plan.prefetch == 0 { 50 } else { u64::from(self.plan.prefetch) };
        let mut enough = 1;
        while !self.round.stopping() {
            if self.plan.habit == Habit::Get {
                self.get()?;
            } else if let Some(event) = self.client.event(Duration::from_millis(10))? {
                self.take(event)?;
            } else {
                enough = 1;
            }
            if self.held.len() >= enough {
                self.settle()?;
                enough = self.random.between(1, most.min(40)) as usize;
                if self.random.percent(self.plan.close) {
                    self.close_channel()?;
                } else if self.random.percent(15) {
                    self.ask()?;
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Trouble> {
        if self.plan.tx {
            self.client.call(1, tx::Select, "tx.select-ok")?;
        }
        if self.plan.habit == Habit::Get {
            return Ok(());
        }
        self.ask()?;
        let queue = crate::client::short(QUEUES[usize::from(self.plan.queue)].name);
        self.client.call(1, basic::Consume { queue, ..Default::default() }, "basic.consume-ok").map(drop)
    }

    /// A round trip: what was sent before it is processed when the answer comes.
    fn ask(&mut self) -> Result<(), Trouble> {
        self.client.call(
            1,
            basic::Qos { prefetch_count: self.plan.prefetch, ..Default::default() },
            "basic.qos-ok",
        )?;
        let settled = std::mem::take(&mut self.unanswered);
        if !settled.is_empty() && !self.plan.tx {
            self.round.ledger.lock().processed(&settled);
        }
        Ok(())
    }

    fn get(&mut self) -> Result<(), Trouble> {
        let queue = crate::client::short(QUEUES[usize::from(self.plan.queue)].name);
        self.client.put(1, basic::Get { queue, no_ack: false });
        // (an error shows when reading)
        let _ = self.client.flush();
        match self.client.event(PATIENCE)? {
            Some(Event::Reply("basic.get-empty", _)) => {
                std::thread::sleep(Duration::from_millis(5));
                if self.held.is_empty() { Ok(()) } else { self.settle() }
            }
            Some(event) => self.take(event),
            None => Err(Trouble::Wrong("no answer to basic.get".to_owned())),
        }
    }

    fn take(&mut self, event: Event) -> Result<(), Trouble> {
        match event {
            Event::Message(arrived) => self.arrived(&arrived),
            Event::Closed { channel, code, text } => return Err(Trouble::Closed { channel, code, text }),
            other => return Err(Trouble::Wrong(format!("a consumer got {other:?}"))),
        }
        Ok(())
    }

    fn arrived(&mut self, arrived: &Arrived) {
        let copy = self.round.ledger.lock().arrived(self.holder, self.plan.queue, arrived);
        if let Some(copy) = copy {
            self.held.push((arrived.tag, copy));
        }
    }

    /// Settles what is held, all of it or some.
    fn settle(&mut self) -> Result<(), Trouble> {
        if self.plan.tx {
            return self.settle_in_transaction();
        }
        if self.plan.habit == Habit::Multiple || self.random.percent(10) {
            return self.settle_together();
        }
        let keep = if self.random.percent(20) { self.held.len() / 3 } else { 0 };
        while self.held.len() > keep {
            let (tag, copy) = self.held.swap_remove(self.random.below(self.held.len() as u64) as usize);
            let choice = self.random.below(100);
            let counts = self.random.percent(50);
            let how = match choice {
                _ if choice < self.plan.reject => Settling::Reject,
                _ if choice < self.plan.reject + self.plan.requeue => Settling::Requeue { counts },
                _ => Settling::Ack,
            };
            self.round.ledger.lock().settling(copy, how);
            self.unanswered.push(copy);
            let multiple = false;
            match how {
                Settling::Ack => self.client.put(1, basic::Ack { delivery_tag: tag, multiple }),
                Settling::Reject if counts => {
                    self.client.put(1, basic::Reject { delivery_tag: tag, requeue: false })
                }
                Settling::Reject => {
                    self.client.put(1, basic::Nack { delivery_tag: tag, multiple, requeue: false })
                }
                Settling::Requeue { counts: true } => {
                    self.client.put(1, basic::Reject { delivery_tag: tag, requeue: true });
                }
                Settling::Requeue { counts: false } => {
                    self.client.put(1, basic::Nack { delivery_tag: tag, multiple, requeue: true });
                }
            }
        }
        self.client.flush()
    }

    /// One method with `multiple` for everything up to a delivery tag.
    fn settle_together(&mut self) -> Result<(), Trouble> {
        self.held.sort_unstable_by_key(|(tag, _)| *tag);
        let count = if self.random.percent(70) { self.held.len() } else { self.held.len().div_ceil(2) };
        let Some(&(tag, _)) = self.held.get(count.wrapping_sub(1)) else { return Ok(()) };
        let choice = self.random.below(100);
        let how = match choice {
            _ if choice < self.plan.reject / 2 => Settling::Reject,
            _ if choice < (self.plan.reject + self.plan.requeue) / 2 => Settling::Requeue { counts: false },
            _ => Settling::Ack,
        };
        {
            let mut ledger = self.round.ledger.lock();
            for (_, copy) in self.held.drain(..count) {
                ledger.settling(copy, how);
                self.unanswered.push(copy);
            }
        }
        match how {
            Settling::Ack => self.client.put(1, basic::Ack { delivery_tag: tag, multiple: true }),
            _ => {
                let requeue = how != Settling::Reject;
                self.client.put(1, basic::Nack { delivery_tag: tag, multiple: true, requeue });
            }
        }
        self.client.flush()
    }

    fn settle_in_transaction(&mut self) -> Result<(), Trouble> {
        let number: TxNo = {
            let mut ledger = self.round.ledger.lock();
            let number = ledger.begin();
            for (tag, copy) in &self.held {
                ledger.settling_in(number, *copy);
                self.client.put(1, basic::Ack { delivery_tag: *tag, multiple: false });
            }
            number
        };
        if self.random.percent(10) {
            self.client.call(1, tx::Rollback, "tx.rollback-ok")?;
            self.round.ledger.lock().rolled_back(number);
            return Ok(());
        }
        self.round.ledger.lock().committing(number);
        self.held.clear();
        self.client.call(1, tx::Commit, "tx.commit-ok")?;
        self.round.ledger.lock().committed(number);
        Ok(())
    }

    /// Closes the channel with what it holds, and consumes again.
    fn close_channel(&mut self) -> Result<(), Trouble> {
        self.give_back();
        let close = channel::Close { reply_code: 200, ..Default::default() };
        self.client.call(1, close, "channel.close-ok")?;
        // What was on its way belongs to whoever gets it next, perhaps already: it was never looked at here.
        while self.client.event_at_hand()?.is_some() {}
        self.client.call(1, channel::Open, "channel.open-ok")?;
        self.holder = self.round.ledger.lock().holder();
        self.begin()
    }

    fn give_back(&mut self) {
        let held: Vec<CopyRef> = self.held.drain(..).map(|(_, copy)| copy).collect();
        self.unanswered.clear();
        self.round.ledger.lock().going(self.plan.queue, &held);
    }

    /// The end: of its own accord, or because the broker is gone. Then what it had delivered still counts.
    fn last_words(&mut self, orderly: bool) {
        if orderly {
            self.give_back();
            self.client.hang_up();
            leftovers(&mut self.client, drop);
            return;
        }
        while let Ok(Some(event)) = self.client.event(Duration::from_secs(5)) {
            if let Event::Message(arrived) = event {
                self.arrived(&arrived);
            }
        }
    }
}

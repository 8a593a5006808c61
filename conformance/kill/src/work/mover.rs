//! A worker that takes from one queue and publishes to another in one transaction: both happen, or neither.

use super::{Round, body_length, leftovers};
use crate::client::{Client, Event, Trouble};
use crate::ledger::{CopyRef, Holder, Plan};
use crate::random::Random;
use crate::topology::{QUEUES, TO_TX_OUT, TX_IN};
use leveret_protocol::methods::{basic, tx};
use std::time::Duration;

/// Its number as a publisher.
const SLOT: u16 = 20;
const PREFETCH: u16 = 20;

struct Mover<'a> {
    round: &'a Round,
    random: Random,
    client: Client,
    holder: Holder,
    held: Vec<(u64, CopyRef)>,
}

pub(super) fn run(round: &Round, random: Random) {
    let client = match Client::connect(round.address) {
        Ok(client) => client,
        Err(trouble) => return round.ended("mover", &Err(trouble)),
    };
    let holder = round.ledger.lock().holder();
    let mut mover = Mover { round, random, client, holder, held: Vec::new() };
    let end = mover.work();
    if end.is_ok() {
        let held: Vec<CopyRef> = mover.held.drain(..).map(|(_, copy)| copy).collect();
        round.ledger.lock().going(TX_IN, &held);
        mover.client.hang_up();
        leftovers(&mut mover.client, drop);
    }
    leftovers(&mut mover.client, |event| {
        if let Event::Message(arrived) = event {
            round.ledger.lock().arrived(holder, TX_IN, &arrived);
        }
    });
    round.ended("mover", &end);
}

impl Mover<'_> {
    fn work(&mut self) -> Result<(), Trouble> {
        self.client.call(1, tx::Select, "tx.select-ok")?;
        let qos = basic::Qos { prefetch_count: PREFETCH, ..Default::default() };
        self.client.call(1, qos, "basic.qos-ok")?;
        let queue = crate::client::short(QUEUES[usize::from(TX_IN)].name);
        self.client.call(1, basic::Consume { queue, ..Default::default() }, "basic.consume-ok")?;
        let mut enough = 1;
        while !self.round.stopping() {
            match self.client.event(Duration::from_millis(10))? {
                Some(Event::Message(arrived)) => {
                    let copy = self.round.ledger.lock().arrived(self.holder, TX_IN, &arrived);
                    self.held.extend(copy.map(|copy| (arrived.tag, copy)));
                }
                Some(Event::Closed { channel, code, text }) => {
                    return Err(Trouble::Closed { channel, code, text });
                }
                Some(other) => return Err(Trouble::Wrong(format!("the mover got {other:?}"))),
                None => enough = 1,
            }
            if self.held.len() >= enough {
                self.transaction()?;
                enough = self.random.between(1, u64::from(PREFETCH)) as usize;
            }
        }
        Ok(())
    }

    fn transaction(&mut self) -> Result<(), Trouble> {
        let roll_back = self.random.percent(10);
        let number = {
            let mut ledger = self.round.ledger.lock();
            let number = ledger.begin();
            for (tag, copy) in &self.held {
                let length = body_length(&mut self.random);
                let plan = Plan { slot: SLOT, route: TO_TX_OUT, priority: 0, persistent: true, length };
                let message = ledger.publishing(plan, Some(number));
                self.client.put_message(1, &message);
                ledger.settling_in(number, *copy);
                self.client.put(1, basic::Ack { delivery_tag: *tag, multiple: false });
            }
            if !roll_back {
                ledger.committing(number);
            }
            number
        };
        if roll_back {
            self.client.call(1, tx::Rollback, "tx.rollback-ok")?;
            self.round.ledger.lock().rolled_back(number);
            return Ok(());
        }
        self.held.clear();
        self.client.call(1, tx::Commit, "tx.commit-ok")?;
        self.round.ledger.lock().committed(number);
        Ok(())
    }
}

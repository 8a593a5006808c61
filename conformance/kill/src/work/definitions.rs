//! Somebody who declares, binds and deletes all the time, and what must be there when the broker comes back: whatever was answered
//! with its `-ok`. An operation that was under way when the broker died may have happened or not; the next look decides.

use super::Round;
use crate::client::{Client, Event, PATIENCE, Trouble, short};
use crate::random::Random;
use leveret_protocol::methods::{channel, confirm, exchange, queue};
use leveret_protocol::{FieldTable, FieldValue, Properties, RawProperties};
use std::time::Duration;

const QUEUES: usize = 8;
const EXCHANGES: usize = 3;
/// Lines kept of what was done.
const DIARY_MAX: usize = 400;

/// What is known of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Absent,
    Present,
    /// An operation on it was not answered.
    Unsure,
}

/// What an operation changes.
#[derive(Debug, Clone, Copy)]
enum Operation {
    DeclareQueue(usize),
    DeleteQueue(usize),
    DeclareExchange(usize),
    DeleteExchange(usize),
    Bind(usize, usize),
    Unbind(usize, usize),
    /// Some messages, so that a deleted queue has something that must not come back.
    Fill(usize),
}

/// The entities that come and go.
#[derive(Debug)]
pub(crate) struct Definitions {
    queues: [Known; QUEUES],
    /// Declared anew and not published to since: it must be empty.
    empty: [bool; QUEUES],
    exchanges: [Known; EXCHANGES],
    /// By exchange and queue.
    bindings: [[Known; QUEUES]; EXCHANGES],
    /// What was done, for a violation's history.
    diary: Vec<String>,
    /// Operations that were answered.
    pub(crate) answered: u64,
    /// Entities looked for after a restart.
    pub(crate) looked_for: u64,
}

fn queue_name(number: usize) -> String {
    format!("k.d.queue.{number}")
}

fn exchange_name(number: usize) -> String {
    format!("k.d.exchange.{number}")
}

/// Different kinds, so that arguments have to be kept as well.
fn arguments(number: usize) -> FieldTable {
    match number % 4 {
        0 => FieldTable::new(),
        1 => FieldTable::from([("x-max-length", FieldValue::from(1000_i64))]),
        2 => FieldTable::from([
            ("x-message-ttl", FieldValue::from(3_600_000_i64)),
            ("x-dead-letter-exchange", FieldValue::from("k.nowhere")),
        ]),
        _ => FieldTable::from([("x-max-priority", FieldValue::from(3_i64))]),
    }
}

fn declare_queue(client: &mut Client, number: usize, passive: bool) -> Result<u32, Trouble> {
    let name = queue_name(number);
    let declare = queue::Declare {
        queue: short(&name),
        durable: true,
        passive,
        arguments: arguments(number),
        ..Default::default()
    };
    client.call(1, declare, "queue.declare-ok")
}

fn declare_exchange(client: &mut Client, number: usize, passive: bool) -> Result<u32, Trouble> {
    let name = exchange_name(number);
    let kind = short(["direct", "topic", "direct"][number]);
    let declare =
        exchange::Declare { exchange: short(&name), kind, durable: true, passive, ..Default::default() };
    client.call(1, declare, "exchange.declare-ok")
}

impl Definitions {
    pub(crate) fn new() -> Self {
        Self {
            queues: [Known::Absent; QUEUES],
            empty: [false; QUEUES],
            exchanges: [Known::Absent; EXCHANGES],
            bindings: [[Known::Absent; QUEUES]; EXCHANGES],
            diary: Vec::new(),
            answered: 0,
            looked_for: 0,
        }
    }

    /// Works until the broker is killed or the round stops.
    pub(crate) fn run(&mut self, round: &Round, mut random: Random) {
        let end = (|| {
            let mut client = Client::connect(round.address)?;
            client.call(1, confirm::Select::default(), "confirm.select-ok")?;
            while !round.stopping() {
                let operation = self.choose(&mut random);
                self.diary.push(format!("{operation:?} sent"));
                self.perform(&mut client, operation, round)?;
                self.diary.push(format!("{operation:?} answered"));
                std::thread::sleep(Duration::from_micros(random.below(8000)));
            }
            client.hang_up();
            Ok(())
        })();
        round.ended("definitions", &end);
    }

    fn choose(&self, random: &mut Random) -> Operation {
        let (q, x) = (random.below(QUEUES as u64) as usize, random.below(EXCHANGES as u64) as usize);
        let queue = self.queues[q] == Known::Present;
        let exchange = self.exchanges[x] == Known::Present;
        let bound = self.bindings[x][q] == Known::Present;
        match random.below(8) {
            0 | 1 if queue => Operation::Fill(q),
            2 if queue => Operation::DeleteQueue(q),
            3 if exchange => Operation::DeleteExchange(x),
            4 | 5 if queue && exchange && !bound => Operation::Bind(x, q),
            6 if bound => Operation::Unbind(x, q),
            7 if !exchange => Operation::DeclareExchange(x),
            _ if queue && !exchange => Operation::DeclareExchange(x),
            _ => Operation::DeclareQueue(q),
        }
    }

    /// Does it; while it is under way nobody can know.
    fn perform(&mut self, client: &mut Client, operation: Operation, round: &Round) -> Result<(), Trouble> {
        match operation {
            Operation::DeclareQueue(q) => {
                let fresh = self.queues[q] == Known::Absent;
                if fresh {
                    self.queues[q] = Known::Unsure;
                }
                let count = declare_queue(client, q, false)?;
                if fresh && count > 0 {
                    let text = format!("{} was deleted; declared again it holds {count}", queue_name(q));
                    round.ledger.lock().violation("messages of a deleted queue", text);
                }
                self.empty[q] |= fresh;
                self.queues[q] = Known::Present;
            }
            Operation::DeleteQueue(q) => {
                self.queues[q] = Known::Unsure;
                self.unsure(|_, queue| queue == q);
                let name = queue_name(q);
                client.call(
                    1,
                    queue::Delete { queue: short(&name), ..Default::default() },
                    "queue.delete-ok",
                )?;
                self.queue_is_gone(q);
            }
            Operation::DeclareExchange(x) => {
                if self.exchanges[x] == Known::Absent {
                    self.exchanges[x] = Known::Unsure;
                }
                declare_exchange(client, x, false)?;
                self.exchanges[x] = Known::Present;
            }
            Operation::DeleteExchange(x) => {
                self.exchanges[x] = Known::Unsure;
                self.unsure(|exchange, _| exchange == x);
                let name = exchange_name(x);
                let delete = exchange::Delete { exchange: short(&name), ..Default::default() };
                client.call(1, delete, "exchange.delete-ok")?;
                self.exchange_is_gone(x);
            }
            Operation::Bind(x, q) => {
                self.bindings[x][q] = Known::Unsure;
                let (exchange, queue) = (exchange_name(x), queue_name(q));
                let bind = queue::Bind {
                    exchange: short(&exchange),
                    queue: short(&queue),
                    routing_key: short(&queue),
                    ..Default::default()
                };
                client.call(1, bind, "queue.bind-ok")?;
                self.bindings[x][q] = Known::Present;
            }
            Operation::Unbind(x, q) => {
                self.bindings[x][q] = Known::Unsure;
                let (exchange, queue) = (exchange_name(x), queue_name(q));
                let unbind = queue::Unbind {
                    exchange: short(&exchange),
                    queue: short(&queue),
                    routing_key: short(&queue),
                    ..Default::default()
                };
                client.call(1, unbind, "queue.unbind-ok")?;
                self.bindings[x][q] = Known::Absent;
            }
            Operation::Fill(q) => {
                self.empty[q] = false;
                let name = queue_name(q);
                publish(client, "", &name, false)?;
            }
        }
        self.answered += 1;
        Ok(())
    }

    fn unsure(&mut self, of: impl Fn(usize, usize) -> bool) {
        for (x, row) in self.bindings.iter_mut().enumerate() {
            for (q, known) in row.iter_mut().enumerate() {
                if of(x, q) && *known == Known::Present {
                    *known = Known::Unsure;
                }
            }
        }
    }

    fn queue_is_gone(&mut self, q: usize) {
        self.queues[q] = Known::Absent;
        for row in &mut self.bindings {
            row[q] = Known::Absent;
        }
    }

    fn exchange_is_gone(&mut self, x: usize) {
        self.exchanges[x] = Known::Absent;
        self.bindings[x] = [Known::Absent; QUEUES];
    }

    /// Compares with what is there after a restart, and learns what became of operations under way. What is wrong.
    pub(crate) fn verify(&mut self, client: &mut Client) -> Result<Vec<String>, Trouble> {
        self.diary.push("the broker was started again".to_owned());
        // (a few lives are enough)
        let old = self.diary.len().saturating_sub(DIARY_MAX);
        self.diary.drain(..old);
        let mut wrong = Vec::new();
        let mut messages = Vec::new();
        let mut compare = |what: String, known: Known, there: bool| {
            self.looked_for += 1;
            match known {
                Known::Present if !there => {
                    wrong.push(format!("{what} was answered with -ok and is not there"))
                }
                Known::Absent if there => wrong.push(format!("{what} was deleted, with -ok, and is there")),
                _ => {}
            }
        };
        let known = |there| if there { Known::Present } else { Known::Absent };
        for q in 0..QUEUES {
            let count = there(client, |client| declare_queue(client, q, true))?;
            compare(format!("queue {}", queue_name(q)), self.queues[q], count.is_some());
            if count.is_some_and(|count| count > 0) && self.empty[q] && self.queues[q] == Known::Present {
                messages
                    .push(format!("queue {} was declared anew and holds {count:?} messages", queue_name(q)));
            }
            if count.is_some() {
                // (refused if its arguments were others)
                declare_queue(client, q, false)?;
            }
            self.queues[q] = known(count.is_some());
            self.empty[q] &= count == Some(0);
        }
        for x in 0..EXCHANGES {
            let exchange = there(client, |client| declare_exchange(client, x, true))?.is_some();
            compare(format!("exchange {}", exchange_name(x)), self.exchanges[x], exchange);
            if exchange {
                declare_exchange(client, x, false)?;
            }
            self.exchanges[x] = known(exchange);
        }
        client.call(1, confirm::Select::default(), "confirm.select-ok")?;
        for (x, q) in (0..EXCHANGES).flat_map(|x| (0..QUEUES).map(move |q| (x, q))) {
            if self.exchanges[x] != Known::Present {
                self.bindings[x][q] = Known::Absent;
                continue;
            }
            let (exchange, queue) = (exchange_name(x), queue_name(q));
            let routed = publish(client, &exchange, &queue, true)?;
            // A binding cannot outlive its queue; whether an unsure one does is asked all the same.
            let expected = if self.queues[q] == Known::Absent { Known::Absent } else { self.bindings[x][q] };
            compare(format!("binding of {queue} to {exchange}"), expected, routed);
            self.bindings[x][q] = known(routed);
            self.empty[q] &= !routed;
        }
        wrong.append(&mut messages);
        if let Some(last) = wrong.last_mut() {
            last.push_str("\n    done before, oldest first: ");
            last.push_str(&self.diary.join("; "));
        }
        Ok(wrong)
    }
}

/// The number a passive declaration answers with; `None` when there is no such entity.
fn there(
    client: &mut Client,
    ask: impl FnOnce(&mut Client) -> Result<u32, Trouble>,
) -> Result<Option<u32>, Trouble> {
    match ask(client) {
        Ok(number) => Ok(Some(number)),
        Err(Trouble::Closed { channel: 1, code: 404, .. }) => {
            client.call(1, channel::Open, "channel.open-ok")?;
            Ok(None)
        }
        Err(trouble) => Err(trouble),
    }
}

/// Publishes a persistent message and waits for the confirm; whether a queue took it.
fn publish(client: &mut Client, exchange: &str, key: &str, mandatory: bool) -> Result<bool, Trouble> {
    let mut raw = Vec::new();
    Properties { delivery_mode: Some(2), ..Properties::default() }.encode(&mut raw);
    let properties = RawProperties::parse(&raw).unwrap_or(RawProperties::EMPTY);
    client.put_publish(1, exchange, key, mandatory, properties, b"somebody was here");
    let _ = client.flush();
    let mut routed = true;
    loop {
        match client.event(PATIENCE)? {
            Some(Event::Returned) => routed = false,
            Some(Event::Confirm { stored: true, .. }) => return Ok(routed),
            Some(Event::Closed { channel, code, text }) => {
                return Err(Trouble::Closed { channel, code, text });
            }
            other => return Err(Trouble::Wrong(format!("a publishing was answered with {other:?}"))),
        }
    }
}

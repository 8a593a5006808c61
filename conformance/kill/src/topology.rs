//! The queues and exchanges the load runs over, and which message goes where.
//!
//! Each queue is there for one promise: see [`QUEUES`]. They are declared once, in the first round; afterwards they must be there.

use crate::client::{Client, Trouble, short};
use leveret_protocol::methods::{exchange, queue};
use leveret_protocol::{FieldTable, FieldValue};
use std::time::Duration;

/// A queue by its place in [`QUEUES`], or [`DEAD_FROM`] and more for what was dead-lettered from a queue.
pub(crate) type QueueNo = u8;

pub(crate) const ONE: QueueNo = 0;
pub(crate) const FAN_A: QueueNo = 1;
pub(crate) const FAN_B: QueueNo = 2;
pub(crate) const FAN_C: QueueNo = 3;
pub(crate) const PRIORITY: QueueNo = 4;
pub(crate) const QUORUM: QueueNo = 5;
pub(crate) const REJECTED: QueueNo = 6;
pub(crate) const TX_IN: QueueNo = 7;
pub(crate) const TX_OUT: QueueNo = 8;
pub(crate) const MANY: QueueNo = 9;
pub(crate) const PARKED: QueueNo = 10;
pub(crate) const DEAD: QueueNo = 11;
pub(crate) const RETRY: QueueNo = 12;
pub(crate) const LATER: QueueNo = 13;
/// A message dead-lettered from queue `q` is, in [`DEAD`], a copy of its own: `DEAD_FROM + q`.
pub(crate) const DEAD_FROM: QueueNo = 32;

/// So often the queue with a ladder delivers a message again, after these times.
const RETRY_DELAYS: &str = "20,40,60";
const RETRIES: u32 = 3;
/// A message is delayed at most so long.
const DELAY_MS_MAX: u64 = 300;
/// After this time without anybody everything that waited is ready.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_millis(DELAY_MS_MAX + 50);
/// So often the quorum queue delivers a message again before it is dead.
pub(crate) const DELIVERY_LIMIT: u32 = 8;
/// Holds the one message whose confirm says that everything before it is stored.
pub(crate) const BARRIER: &str = "k.barrier";
const DEAD_EXCHANGE: &str = "k.dead";
const FAN_EXCHANGE: &str = "k.fan";
const DIRECT_EXCHANGE: &str = "k.direct";
const DELAYED_EXCHANGE: &str = "k.delayed";

/// A queue of the load.
pub(crate) struct QueueSpec {
    pub(crate) name: &'static str,
    arguments: &'static [(&'static str, Argument)],
}

enum Argument {
    Text(&'static str),
    Number(i64),
}

const TO_DEAD: (&str, Argument) = ("x-dead-letter-exchange", Argument::Text(DEAD_EXCHANGE));

/// All of them; a queue number is a place here.
pub(crate) const QUEUES: [QueueSpec; 14] = [
    QueueSpec { name: "k.one", arguments: &[] },
    QueueSpec { name: "k.fan.a", arguments: &[] },
    QueueSpec { name: "k.fan.b", arguments: &[] },
    QueueSpec { name: "k.fan.c", arguments: &[] },
    QueueSpec { name: "k.priority", arguments: &[("x-max-priority", Argument::Number(5))] },
    QueueSpec {
        name: "k.quorum",
        arguments: &[
            ("x-queue-type", Argument::Text("quorum")),
            ("x-delivery-limit", Argument::Number(DELIVERY_LIMIT as i64)),
            TO_DEAD,
        ],
    },
    QueueSpec { name: "k.rejected", arguments: &[TO_DEAD] },
    QueueSpec { name: "k.tx.in", arguments: &[] },
    QueueSpec { name: "k.tx.out", arguments: &[] },
    QueueSpec { name: "k.many", arguments: &[] },
    QueueSpec { name: "k.parked", arguments: &[] },
    QueueSpec { name: "k.dead.letters", arguments: &[] },
    QueueSpec { name: "k.retry", arguments: &[("x-retry-delays", Argument::Text(RETRY_DELAYS)), TO_DEAD] },
    QueueSpec { name: "k.later", arguments: &[] },
];

/// The name of a queue, or of the way a dead letter took.
pub(crate) fn name(queue: QueueNo) -> String {
    match QUEUES.get(usize::from(queue)) {
        Some(spec) => spec.name.to_owned(),
        None => format!("dead letters of {}", name(queue - DEAD_FROM)),
    }
}

/// The number of a queue by its name.
pub(crate) fn number(name: &str) -> Option<QueueNo> {
    QUEUES.iter().position(|spec| spec.name == name).map(|at| at as QueueNo)
}

/// Whether messages rejected in this queue become dead letters.
pub(crate) fn dead_letters(queue: QueueNo) -> bool {
    matches!(queue, QUORUM | REJECTED | RETRY)
}

/// After so many failed deliveries a message of this queue is tried again once more, and no more.
pub(crate) fn delivery_limit(queue: QueueNo) -> Option<u32> {
    match queue {
        QUORUM => Some(DELIVERY_LIMIT),
        RETRY => Some(RETRIES),
        _ => None,
    }
}

/// Whether messages leave a queue in the order in which they were published.
pub(crate) fn keeps_order(queue: QueueNo) -> bool {
    !matches!(queue, RETRY | LATER)
}

/// For how long a message of this route is delayed, by its number.
pub(crate) fn delay_ms(route: u8, sequence: u64) -> Option<i64> {
    (route == TO_LATER).then_some((sequence * 37 % (DELAY_MS_MAX + 1)) as i64)
}

/// A way to publish: exchange and key, and the queues it ends in.
pub(crate) struct Route {
    pub(crate) exchange: &'static str,
    pub(crate) key: &'static str,
    pub(crate) queues: &'static [QueueNo],
}

const fn plain(key: &'static str, queues: &'static [QueueNo]) -> Route {
    Route { exchange: "", key, queues }
}

/// The routes, by the number messages carry.
pub(crate) const ROUTES: [Route; 11] = [
    Route { exchange: DIRECT_EXCHANGE, key: "one", queues: &[ONE] },
    Route { exchange: FAN_EXCHANGE, key: "any", queues: &[FAN_A, FAN_B, FAN_C] },
    plain("k.priority", &[PRIORITY]),
    plain("k.quorum", &[QUORUM]),
    plain("k.rejected", &[REJECTED]),
    plain("k.tx.in", &[TX_IN]),
    plain("k.tx.out", &[TX_OUT]),
    plain("k.many", &[MANY]),
    plain("k.parked", &[PARKED]),
    plain("k.retry", &[RETRY]),
    Route { exchange: DELAYED_EXCHANGE, key: "later", queues: &[LATER] },
];
pub(crate) const TO_ONE: u8 = 0;
pub(crate) const TO_FAN: u8 = 1;
pub(crate) const TO_PRIORITY: u8 = 2;
pub(crate) const TO_QUORUM: u8 = 3;
pub(crate) const TO_REJECTED: u8 = 4;
pub(crate) const TO_TX_IN: u8 = 5;
pub(crate) const TO_TX_OUT: u8 = 6;
pub(crate) const TO_MANY: u8 = 7;
pub(crate) const TO_PARKED: u8 = 8;
pub(crate) const TO_RETRY: u8 = 9;
pub(crate) const TO_LATER: u8 = 10;

fn declare_of(spec: &QueueSpec, passive: bool) -> queue::Declare<'static> {
    let arguments: FieldTable = spec
        .arguments
        .iter()
        .map(|(name, value)| match value {
            Argument::Text(text) => (*name, FieldValue::from(*text)),
            Argument::Number(number) => (*name, FieldValue::from(*number)),
        })
        .collect();
    queue::Declare { queue: short(spec.name), durable: true, passive, arguments, ..Default::default() }
}

/// Declares everything.
pub(crate) fn declare(client: &mut Client) -> Result<(), Trouble> {
    for (name, kind) in [(DEAD_EXCHANGE, "fanout"), (FAN_EXCHANGE, "fanout"), (DIRECT_EXCHANGE, "direct")] {
        let declare = exchange::Declare {
            exchange: short(name),
            kind: short(kind),
            durable: true,
            ..Default::default()
        };
        client.call(1, declare, "exchange.declare-ok")?;
    }
    let delayed = exchange::Declare {
        exchange: short(DELAYED_EXCHANGE),
        kind: short("x-delayed-message"),
        durable: true,
        arguments: FieldTable::from([("x-delayed-type", "direct")]),
        ..Default::default()
    };
    client.call(1, delayed, "exchange.declare-ok")?;
    for spec in &QUEUES {
        client.call(1, declare_of(spec, false), "queue.declare-ok")?;
    }
    let arguments = FieldTable::from([("x-max-length", 1_i64)]);
    let barrier = queue::Declare { queue: short(BARRIER), durable: true, arguments, ..Default::default() };
    client.call(1, barrier, "queue.declare-ok")?;
    let bindings = [
        (DEAD_EXCHANGE, DEAD, ""),
        (DIRECT_EXCHANGE, ONE, "one"),
        (FAN_EXCHANGE, FAN_A, ""),
        (FAN_EXCHANGE, FAN_B, ""),
        (FAN_EXCHANGE, FAN_C, ""),
        (DELAYED_EXCHANGE, LATER, "later"),
    ];
    for (exchange, queue, key) in bindings {
        let bind = queue::Bind {
            queue: short(QUEUES[usize::from(queue)].name),
            exchange: short(exchange),
            routing_key: short(key),
            ..Default::default()
        };
        client.call(1, bind, "queue.bind-ok")?;
    }
    Ok(())
}

/// Looks whether everything is there, with the arguments it was declared with.
pub(crate) fn verify(client: &mut Client) -> Result<(), Trouble> {
    for name in [DEAD_EXCHANGE, FAN_EXCHANGE, DIRECT_EXCHANGE, DELAYED_EXCHANGE] {
        let declare = exchange::Declare { exchange: short(name), passive: true, ..Default::default() };
        client.call(1, declare, "exchange.declare-ok")?;
    }
    for spec in &QUEUES {
        client.call(1, declare_of(spec, true), "queue.declare-ok")?;
        // (declared again with other arguments than it has, it would be refused)
        client.call(1, declare_of(spec, false), "queue.declare-ok")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places() {
        let places = [
            (ONE, "k.one"),
            (FAN_C, "k.fan.c"),
            (PRIORITY, "k.priority"),
            (QUORUM, "k.quorum"),
            (REJECTED, "k.rejected"),
            (TX_IN, "k.tx.in"),
            (TX_OUT, "k.tx.out"),
            (MANY, "k.many"),
            (PARKED, "k.parked"),
            (DEAD, "k.dead.letters"),
            (RETRY, "k.retry"),
            (LATER, "k.later"),
        ];
        for (no, expected) in places {
            assert_eq!((name(no).as_str(), number(expected)), (expected, Some(no)));
        }
        assert_eq!(name(DEAD_FROM + QUORUM), "dead letters of k.quorum");
        for (route, queue) in [(TO_ONE, ONE), (TO_FAN, FAN_A), (TO_PRIORITY, PRIORITY), (TO_QUORUM, QUORUM)] {
            assert_eq!(ROUTES[usize::from(route)].queues[0], queue);
        }
        for (route, queue) in [
            (TO_REJECTED, REJECTED),
            (TO_TX_IN, TX_IN),
            (TO_TX_OUT, TX_OUT),
            (TO_MANY, MANY),
            (TO_PARKED, PARKED),
            (TO_RETRY, RETRY),
            (TO_LATER, LATER),
        ] {
            assert_eq!(ROUTES[usize::from(route)].queues, [queue]);
        }
    }
}

//! Arguments of queues, exchanges, bindings and consumers: those that RabbitMQ 3.10 knows, and wrong ones.

use super::{EXCHANGES, QUEUES};
use crate::random::Random;
use leveret_dialogues::{FieldTable, FieldValue, table};

const HOUR: i64 = 3_600_000;

/// A whole number, as one of the types that clients write.
fn number(random: &mut Random, value: i64) -> FieldValue {
    let short = i16::try_from(value).unwrap_or(i16::MAX);
    match random.below(6) {
        0 if i64::from(short) == value => FieldValue::I16(short),
        1 if (0..256).contains(&value) => FieldValue::U8(u8::try_from(value).unwrap_or(0)),
        2 => FieldValue::I64(value),
        _ => i32::try_from(value).map_or(FieldValue::I64(value), FieldValue::I32),
    }
}

/// A value that hardly anything takes.
fn wrong(random: &mut Random) -> FieldValue {
    random.one(&[
        FieldValue::from("text"),
        FieldValue::from(""),
        FieldValue::from("5"),
        FieldValue::from(true),
        FieldValue::Void,
        FieldValue::F64(1.5),
        FieldValue::I32(-1),
        FieldValue::I64(i64::from(i32::MAX) * 4),
        FieldValue::I64(i64::MAX),
        FieldValue::I32(0),
        FieldValue::Array(vec![FieldValue::I32(1)]),
        FieldValue::Table(FieldTable::new()),
        FieldValue::Timestamp(1),
    ])
}

/// Names of arguments of queues. (Nothing expires but at once or in an hour: what is compared does not depend on how fast a machine is.)
const NAMES: [(usize, &str); 18] = [
    (8, "x-message-ttl"),
    (3, "x-expires"),
    (12, "x-max-length"),
    (5, "x-max-length-bytes"),
    (10, "x-overflow"),
    (14, "x-dead-letter-exchange"),
    (8, "x-dead-letter-routing-key"),
    (12, "x-max-priority"),
    (6, "x-single-active-consumer"),
    (4, "x-queue-type"),
    (2, "x-delivery-limit"),
    (3, "x-queue-mode"),
    (2, "x-queue-version"),
    (1, "x-max-in-memory-length"),
    (1, "x-quorum-initial-group-size"),
    (2, "x-dead-letter-strategy"),
    (1, "x-queue-master-locator"),
    (2, "x-unknown"),
];

fn value(random: &mut Random, name: &str, quorum: bool) -> FieldValue {
    match name {
        "x-message-ttl" => {
            let ttl = random.weighted(&[(1, 0), (2, HOUR)]);
            number(random, ttl)
        }
        "x-expires" => number(random, HOUR),
        "x-max-length" => {
            let length = random.one(&[0, 1, 2, 2, 3, 5]);
            number(random, length)
        }
        "x-max-length-bytes" => {
            let bytes = random.one(&[0, 3, 10, 60, 6000]);
            number(random, bytes)
        }
        "x-overflow" => {
            let overflow =
                random.weighted(&[(2, "drop-head"), (5, "reject-publish"), (3, "reject-publish-dlx")]);
            FieldValue::from(overflow)
        }
        "x-dead-letter-exchange" => {
            let exchange =
                random.weighted(&[(3, ""), (3, "amq.fanout"), (3, "amq.topic"), (1, "nowhere"), (5, "bx")]);
            FieldValue::from(if exchange == "bx" { random.one(&EXCHANGES) } else { exchange })
        }
        "x-dead-letter-routing-key" => {
            let key = random.weighted(&[(1, "a"), (1, "a.b"), (6, "bq")]);
            FieldValue::from(if key == "bq" { random.one(&QUEUES) } else { key })
        }
        "x-max-priority" => {
            let priority = random.one(&[1, 2, 5, 9, 10, 0, 255, 256]);
            number(random, priority)
        }
        "x-single-active-consumer" => FieldValue::from(random.percent(80)),
        "x-queue-type" => FieldValue::from(if quorum { "quorum" } else { "classic" }),
        "x-delivery-limit" | "x-max-in-memory-length" => {
            let limit = random.one(&[0, 1, 2, 5]);
            number(random, limit)
        }
        "x-quorum-initial-group-size" => number(random, 1),
        "x-queue-mode" => FieldValue::from(random.one(&["lazy", "default", "other"])),
        "x-queue-version" => {
            let version = random.one(&[1, 2, 2, 3]);
            number(random, version)
        }
        "x-dead-letter-strategy" => FieldValue::from(random.one(&["at-most-once", "at-least-once"])),
        "x-queue-master-locator" => FieldValue::from(random.one(&["min-masters", "client-local"])),
        _ => wrong(random),
    }
}

/// Arguments of a queue; of one in eight something may be wrong.
pub(super) fn of_queue(random: &mut Random, quorum: bool) -> FieldTable {
    let mut arguments = FieldTable::new();
    if quorum {
        arguments.insert("x-queue-type", "quorum");
    }
    for _ in 0..random.weighted(&[(4, 0), (4, 1), (4, 2), (2, 3), (1, 4)]) {
        let name = random.weighted(&NAMES);
        if quorum && name == "x-max-priority" && random.percent(90) {
            continue;
        }
        let value = value(random, name, quorum);
        arguments.insert(name, value);
        // The two go together.
        if name == "x-dead-letter-routing-key" && random.percent(90) {
            let exchange = self::value(random, "x-dead-letter-exchange", quorum);
            arguments.insert("x-dead-letter-exchange", exchange);
        }
    }
    if random.percent(12) {
        let name = random.weighted(&NAMES);
        let value = wrong(random);
        arguments.insert(name, value);
    }
    arguments
}

/// Arguments of an exchange.
pub(super) fn of_exchange(random: &mut Random) -> FieldTable {
    match random.below(12) {
        0..3 => table([("alternate-exchange", random.one(&EXCHANGES).into())]),
        3 => table([("alternate-exchange", random.one(&["amq.fanout", "nowhere", ""]).into())]),
        4 if random.percent(30) => table([("alternate-exchange", wrong(random))]),
        5 if random.percent(30) => table([("x-unknown", wrong(random))]),
        _ => FieldTable::new(),
    }
}

/// Arguments of a binding, for a headers exchange in the first place.
pub(super) fn of_binding(random: &mut Random, headers: bool) -> FieldTable {
    let mut arguments = FieldTable::new();
    if !headers && random.percent(90) {
        return arguments;
    }
    if random.percent(80) {
        let how = random.weighted(&[
            (6, "all"),
            (6, "any"),
            (1, "all-with-x"),
            (1, "any-with-x"),
            (1, "some"),
            (1, ""),
        ]);
        arguments.insert("x-match", how);
        if random.percent(5) {
            arguments.insert("x-match", wrong(random));
        }
    }
    for _ in 0..random.below(3) {
        let (name, value) = header(random);
        arguments.insert(name, value);
    }
    arguments
}

/// A header that bindings look for.
pub(super) fn header(random: &mut Random) -> (&'static str, FieldValue) {
    match random.below(10) {
        0..4 => ("h1", FieldValue::I32(1)),
        4 => ("h1", FieldValue::I64(1)),
        5 => ("h1", FieldValue::Void),
        6..8 => ("h2", FieldValue::from("x")),
        8 => ("x-h3", FieldValue::from(true)),
        _ => ("h2", wrong(random)),
    }
}

/// Arguments of a consumer.
pub(super) fn of_consumer(random: &mut Random) -> FieldTable {
    match random.below(12) {
        0 | 1 => table([("x-priority", FieldValue::I32(random.one(&[-1, 1, 1, 5])))]),
        2 if random.percent(20) => table([("x-priority", wrong(random))]),
        3 if random.percent(20) => table([("x-unknown", wrong(random))]),
        _ => FieldTable::new(),
    }
}

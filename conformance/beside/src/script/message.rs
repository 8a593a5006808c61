//! Messages: properties and bodies.

use super::{QUEUES, arguments};
use crate::random::Random;
use leveret_dialogues::{FieldTable, FieldValue, Properties};

/// Properties, most of them valid.
pub(super) fn properties(random: &mut Random) -> Properties {
    let mut properties = Properties::default();
    if random.percent(50) {
        properties.delivery_mode = Some(random.weighted(&[(50, 2), (30, 1), (1, 0)]));
    }
    if random.percent(30) {
        properties.priority = Some(random.weighted(&[(3, 0), (3, 1), (3, 3), (3, 9), (1, 200)]));
    }
    if random.percent(10) {
        let expiration = random.weighted(&[
            (5, "0"),
            (5, "3600000"),
            (1, "-1"),
            (1, ""),
            (1, "text"),
            (1, "1.5"),
            (1, " 5"),
            (1, "99999999999999"),
        ]);
        properties.expiration = Some(expiration.to_owned());
    }
    if random.percent(30) {
        properties.headers = Some(headers(random));
    }
    if random.percent(4) {
        properties.user_id = Some(random.weighted(&[(3, "guest"), (1, "other"), (1, "")]).to_owned());
    }
    if random.percent(2) {
        properties.reply_to = Some("amq.rabbitmq.reply-to".to_owned());
    }
    if random.percent(10) {
        properties.message_id = Some("id".to_owned());
        properties.content_type = Some("text/plain".to_owned());
        properties.timestamp = Some(7);
        properties.app_id = Some(String::new());
    }
    properties
}

fn headers(random: &mut Random) -> FieldTable {
    let mut headers = FieldTable::new();
    for _ in 0..random.below(3) {
        let (name, value) = arguments::header(random);
        headers.insert(name, value);
    }
    if random.percent(30) {
        let name = random.one(&["CC", "BCC"]);
        let keys = (0..random.below(3)).map(|_| FieldValue::from(random.one(&QUEUES))).collect();
        headers.insert(name, FieldValue::Array(keys));
        if random.percent(8) {
            let wrong =
                [FieldValue::from("bq0"), FieldValue::I32(1), FieldValue::Array(vec![FieldValue::I32(1)])];
            headers.insert(name, random.one(&wrong));
        }
    }
    headers
}

/// A body of its own for each message.
pub(super) fn body(random: &mut Random, number: usize) -> String {
    let mut body = format!("m{number}");
    match random.below(20) {
        0 => body.extend(std::iter::repeat_n('.', 50)),
        // (From 4096 bytes on RabbitMQ keeps a message elsewhere.)
        1 => body.extend(std::iter::repeat_n('.', 5000)),
        2 if random.percent(50) => body.clear(),
        _ => {}
    }
    body
}

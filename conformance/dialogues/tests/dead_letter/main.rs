//! Dead letters and their history.

mod history;
mod routes;

use leveret_dialogues::*;

/// Declares a queue with dead letters; the argument's key may be absent.
#[track_caller]
fn source<const LEN: usize>(
    channel: &Channel,
    queue: &str,
    exchange: &str,
    key: Option<&str>,
    more: [(&str, FieldValue); LEN],
) {
    let mut arguments = table(more);
    arguments.insert("x-dead-letter-exchange", exchange);
    if let Some(key) = key {
        arguments.insert("x-dead-letter-routing-key", key);
    }
    channel.queue_with(queue, arguments);
}

#[track_caller]
fn headers(delivery: &Delivery) -> &FieldTable {
    match &delivery.properties.headers {
        Some(headers) => headers,
        None => panic!("a dead letter has headers"),
    }
}

#[track_caller]
fn deaths(delivery: &Delivery) -> Vec<FieldTable> {
    match headers(delivery).get("x-death").and_then(FieldValue::as_array) {
        Some(deaths) => deaths.iter().filter_map(FieldValue::as_table).cloned().collect(),
        None => panic!("a dead letter has x-death"),
    }
}

fn texts(values: &[&str]) -> FieldValue {
    FieldValue::Array(values.iter().map(|value| FieldValue::from(*value)).collect())
}

/// An entry of `x-death` as it has to be, but for the time.
#[track_caller]
fn expect_death(death: &FieldTable, expected: &[(&str, FieldValue)]) {
    let mut death = death.clone();
    assert!(matches!(death.remove("time"), Some(FieldValue::Timestamp(time)) if time > 1_700_000_000));
    let mut names: Vec<_> = death.iter().map(|(name, _)| name.to_string()).collect();
    names.sort();
    let mut expected_names: Vec<_> = expected.iter().map(|(name, _)| (*name).to_owned()).collect();
    expected_names.sort();
    assert_eq!(names, expected_names);
    for (name, value) in expected {
        assert_eq!(death.get(name), Some(value), "{name}");
    }
}

use super::*;
use crate::message::Parts;
use leveret_protocol::{FieldValue, Properties};

fn message(body: &str) -> Message {
    let parts = Parts { exchange: b"x", routing_key: b"k", properties: RawProperties::EMPTY };
    Message::new(parts, body.as_bytes().to_vec().into(), None, 1)
}

fn texts(router: &RecentHistoryRouter) -> Vec<String> {
    let messages = router.history().messages();
    messages.iter().map(|message| String::from_utf8_lossy(message.body()).into_owned()).collect()
}

#[test]
fn the_last_ones_are_kept_in_order_and_charged_while_they_are() {
    let gauge = Arc::new(MemoryGauge::new(u64::MAX, u64::MAX));
    let router = RecentHistoryRouter::new(&FieldTable::from([(LENGTH, 3)])).unwrap();
    for body in ["1", "2", "3", "4", "5"] {
        router.history().keep(message(body), &gauge);
    }
    assert_eq!(texts(&router), ["3", "4", "5"]);
    assert_eq!(gauge.bytes(), 3 * message("1").charge() as u64);
    drop(router);
    assert_eq!(gauge.bytes(), 0);
}

#[test]
fn bytes_are_bounded_and_the_newest_stays() {
    let gauge = Arc::new(MemoryGauge::new(u64::MAX, u64::MAX));
    let router = RecentHistoryRouter::new(&FieldTable::new()).unwrap();
    let large = "x".repeat(BYTES_MAX / 2 - 1_000);
    for body in ["a", &large, &large, "b"] {
        router.history().keep(message(body), &gauge);
    }
    assert_eq!(texts(&router).iter().map(String::len).collect::<Vec<_>>(), [1, large.len(), large.len(), 1]);
    router.history().keep(message(&"y".repeat(BYTES_MAX + 1)), &gauge);
    assert_eq!(texts(&router).len(), 1);
}

#[test]
fn what_asks_not_to_be_kept_is_not_asked_for() {
    let router = RecentHistoryRouter::new(&FieldTable::new()).unwrap();
    for (mark, kept) in [
        (None, true),
        (Some(FieldValue::Bool(true)), false),
        (Some(FieldValue::Bool(false)), true),
        (Some(FieldValue::from("true")), true),
    ] {
        let headers = mark.clone().map(|mark| FieldTable::from([(NO_STORE, mark)]));
        let mut raw = Vec::new();
        Properties { headers, ..Properties::default() }.encode(&mut raw);
        let properties = RawProperties::parse(&raw).unwrap();
        assert_eq!(router.history_for(properties).is_some(), kept, "{mark:?}");
    }
}

/// RabbitMQ's words.
#[test]
fn the_length_is_a_number_above_zero() {
    for (value, text) in [
        (FieldValue::from("a"), Some("<<\"a\">>")),
        (FieldValue::I32(-1), Some("-1")),
        (FieldValue::I32(0), Some("0")),
        (FieldValue::I32(1), None),
    ] {
        let refusal = RecentHistoryRouter::new(&FieldTable::from([(LENGTH, value)])).err();
        let expected = text.map(|text| {
            format!("Invalid argument {text}, 'x-recent-history-length' must be a positive integer")
        });
        assert_eq!(refusal.map(|refusal| refusal.to_string()), expected);
    }
}

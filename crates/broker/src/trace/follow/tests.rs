//! What is kept, and for how long.

use super::*;
use crate::message::Parts;
use crate::queue::select::{Condition, KeyPattern, TextProperty};
use bytes::Bytes;
use leveret_protocol::{FieldTable, FieldValue, Properties, RawProperties};

fn message(exchange: &str, key: &str, properties: &Properties) -> Message {
    let mut raw = Vec::new();
    properties.encode(&mut raw);
    let properties = RawProperties::parse(&raw).unwrap();
    let parts = Parts { exchange: exchange.as_bytes(), routing_key: key.as_bytes(), properties };
    Message::new(parts, Bytes::from_static(b"body"), None, 1)
}

fn plain(id: &str) -> Message {
    message("", "q", &Properties { message_id: Some(id.into()), ..Properties::default() })
}

fn ledger(clock: &Clock, bounds: FollowBounds) -> Ledger {
    Ledger::new(1, "/".into(), Subject::default(), bounds, clock)
}

#[tokio::test]
async fn the_newest_events_are_kept_as_many_as_may_be() {
    let clock = Clock::virtual_at(0);
    let one = ledger(&clock, FollowBounds { events_max: 3, ..FollowBounds::default() });
    for id in ["a", "b", "c", "d", "e"] {
        one.add(FollowEvent::of(&plain(id), 0));
    }
    let ids = |events: Vec<Arc<FollowEvent>>| -> Vec<_> {
        events.iter().map(|event| (event.number, event.message_id.clone().unwrap())).collect()
    };
    let (c, d, e) = ((3, "c".to_owned()), (4, "d".to_owned()), (5, "e".to_owned()));
    assert_eq!(ids(one.events(0, 10)), [c.clone(), d.clone(), e.clone()]);
    assert_eq!(ids(one.events(3, 10)), [d, e]);
    assert_eq!(ids(one.events(0, 1)), [c]);
    assert_eq!((one.state().seen, one.state().kept), (5, 3));
    let bytes = one.state().bytes;
    let one = ledger(&clock, FollowBounds { bytes_max: bytes, ..FollowBounds::default() });
    (0..1_000).for_each(|_| one.add(FollowEvent::of(&plain("x"), 0)));
    assert!(one.state().kept == 3 && one.state().bytes <= bytes, "{:?}", one.state());
}

#[tokio::test]
async fn it_ends_by_itself_and_is_forgotten_later() {
    let clock = Clock::virtual_at(0);
    let follows = Follows::new(clock.clone());
    assert!(!follows.is_on());
    let bounds = FollowBounds { ttl_ms: 1_000, ..FollowBounds::default() };
    let one = Follow(Arc::new(ledger(&clock, bounds)));
    follows.change(|all| all.push(one.clone()));
    assert!(follows.is_on() && follows.is_on_in("/") && !follows.is_on_in("other"));
    let note = || follows.note("/", &plain("a"), std::iter::empty(), |_| {});
    note();
    clock.advance(std::time::Duration::from_millis(1_000));
    note();
    assert_eq!(one.state().seen, 1);
    assert!(!follows.is_on() && !one.state().is_on);
    one.changed(1).await;
    assert_eq!(follows.all.read().len(), 1, "its events may still be read");
    clock.advance(std::time::Duration::from_millis(1_000));
    follows.look();
    assert!(follows.all.read().is_empty());
}

#[test]
fn a_dead_letter_is_still_what_it_was() {
    let death = FieldTable::from([
        ("queue", FieldValue::from("orders")),
        ("exchange", FieldValue::from("shop")),
        ("routing-keys", FieldValue::Array(vec![FieldValue::from("order.new")])),
    ]);
    let headers = FieldTable::from([
        ("x-death", FieldValue::Array(vec![FieldValue::Table(death)])),
        ("traceparent", FieldValue::from("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")),
    ]);
    let properties =
        Properties { headers: Some(headers), message_id: Some("7".into()), ..Properties::default() };
    let dead = message("dlx", "dead", &properties);
    let trace_id = u128::from_str_radix("4bf92f3577b34da6a3ce929d0e0e4736", 16).unwrap().to_be_bytes();
    let routed = |exchange: &str, key: &str| Subject {
        filter: [
            Condition::Exchange(exchange.into()),
            Condition::RoutingKey(KeyPattern::new(key.as_bytes())),
        ]
        .into_iter()
        .collect(),
        ..Subject::default()
    };
    let queue = |queue: &str| Subject { queue: Some(queue.into()), ..Subject::default() };
    let id = |id: &str| Subject {
        filter: Condition::Property(TextProperty::MessageId, id.into()).into(),
        ..Subject::default()
    };
    for (subject, is_meant) in [
        (Subject::default(), true),
        (queue("dead-orders"), true),
        (queue("orders"), true),
        (queue("other"), false),
        (id("7"), true),
        (id("8"), false),
        (routed("dlx", "dead"), true),
        (routed("shop", "order.*"), true),
        (routed("dlx", "order.*"), false),
        (Subject { trace_id: Some(trace_id), ..Subject::default() }, true),
        (Subject { trace_id: Some([1; 16]), ..Subject::default() }, false),
    ] {
        assert_eq!(subject.matches(&dead, std::iter::once("dead-orders")), is_meant, "{subject:?}");
    }
}

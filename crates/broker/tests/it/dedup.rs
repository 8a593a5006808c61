//! Deduplication in queues: what is dropped, what is confirmed, and what is let in again.

use crate::support::*;
use leveret_broker::Broker;
use leveret_broker::queue::Counters;
use leveret_protocol::FieldTable;
use leveret_protocol::FieldValue;
use leveret_protocol::methods::{exchange, queue, tx};

fn on<const LEN: usize>(more: [(&str, FieldValue); LEN]) -> FieldTable {
    let mut all = arguments([("x-message-deduplication", true.into())]);
    more.into_iter().for_each(|(name, value)| drop(all.insert(name, value)));
    all
}

fn with<'a, const LEN: usize>(
    queue: &'a str,
    body: &'a str,
    headers: [(&str, FieldValue); LEN],
) -> Publishing<'a> {
    let mut publishing = Publishing::to(queue, body);
    publishing.properties.headers = Some(arguments(headers));
    publishing
}

fn id<'a>(body: &'a str, id: &str) -> Publishing<'a> {
    with("q", body, [("x-deduplication-header", id.into())])
}

fn counters(broker: &Broker, queue: &str) -> Counters {
    broker.vhosts()[0].topology().queue(queue).unwrap().figures().counters
}

async fn start(arguments: FieldTable) -> (Broker, Client) {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", arguments)).await;
    (broker, client)
}

async fn publish_all<'a>(client: &mut Client, all: impl IntoIterator<Item = Publishing<'a>>) {
    for publishing in all {
        client.publish(publishing).await;
    }
    client.settle().await;
}

#[tokio::test]
async fn a_duplicate_is_confirmed_counted_and_dropped_though_its_message_is_long_gone() {
    let (broker, mut client) = start(on([])).await;
    client.confirm().await;
    publish_all(&mut client, [id("first", "a"), id("again", "a").mandatory(), id("other", "b")]).await;
    publish_all(&mut client, [Publishing::to("q", "none"), Publishing::to("q", "none")]).await;
    let mut confirmed = 0;
    for got in client.lying_here().await {
        match got {
            Got::Ack { tag, .. } => confirmed = tag,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(confirmed, 5, "nothing is refused or returned");
    assert_eq!(client.drain("q").await, ["first", "other", "none", "none"]);
    publish_all(&mut client, [id("late", "a")]).await;
    assert!(client.drain("q").await.is_empty(), "the id outlives its message");
    let counters = counters(&broker, "q");
    assert_eq!((counters.published, counters.duplicates, counters.dead), (6, 2, [0; 4]));
    assert_eq!(broker.vhosts()[0].topology().queue("q").unwrap().figures().ids, 2);
}

#[tokio::test]
async fn the_window_ends_by_number_and_by_time_and_a_message_may_say_by_which() {
    let (broker, mut client) =
        start(on([("x-cache-size", 2_i32.into()), ("x-cache-ttl", 1000_i32.into())])).await;
    let at = |body, key: &str, ttl: i32| {
        with("q", body, [("x-deduplication-header", key.into()), ("x-cache-ttl", ttl.into())])
    };
    publish_all(&mut client, [id("a", "a"), id("b", "b"), id("a2", "a"), id("c", "c"), id("a3", "a")]).await;
    assert_eq!(client.drain("q").await, ["a", "b", "c", "a3"], "two are remembered");
    pass(&broker, &mut client, ms(999)).await;
    publish_all(&mut client, [id("a4", "a")]).await;
    pass(&broker, &mut client, ms(1)).await;
    publish_all(&mut client, [id("a5", "a"), at("l", "long", 5000)]).await;
    assert_eq!(client.drain("q").await, ["a5", "l"]);
    pass(&broker, &mut client, ms(4999)).await;
    publish_all(&mut client, [at("l2", "long", 1)]).await;
    pass(&broker, &mut client, ms(1)).await;
    publish_all(&mut client, [at("l3", "long", 0), at("l4", "long", 0)]).await;
    assert_eq!(client.drain("q").await, ["l3", "l4"], "0 is not to be remembered");
}

#[tokio::test]
async fn the_header_has_a_name_and_message_id_is_the_property_too() {
    let (_broker, mut client) = start(on([("x-deduplication-header", "order".into())])).await;
    let order = |body, id: &str| with("q", body, [("order", id.into())]);
    publish_all(&mut client, [order("1", "x"), order("2", "x"), id("3", "x"), id("4", "x")]).await;
    assert_eq!(client.drain("q").await, ["1", "3", "4"]);
    client.declare(queue_with("m", on([("x-deduplication-header", "message-id".into())]))).await;
    for (body, id) in [("1", "x"), ("2", "x"), ("3", "y")] {
        let mut publishing = Publishing::to("m", body);
        publishing.properties.message_id = Some(id.into());
        client.publish(publishing).await;
    }
    publish_all(&mut client, [with("m", "4", [("message-id", "y".into())])]).await;
    assert_eq!(client.drain("m").await, ["1", "3"]);
}

#[tokio::test]
async fn a_refused_publishing_and_a_transaction_rolled_back_leave_no_id() {
    let limits = [("x-max-length", 1_i32.into()), ("x-overflow", "reject-publish".into())];
    let (broker, mut client) = start(on(limits)).await;
    client.confirm().await;
    publish_all(&mut client, [id("a", "a"), id("b", "b")]).await;
    let got = client.lying_here().await;
    assert!(got.iter().any(|got| matches!(got, Got::Nack { tag: 2, .. })), "{got:?}");
    assert_eq!(client.drain("q").await, ["a"]);
    publish_all(&mut client, [id("b", "b")]).await;
    assert_eq!(client.drain("q").await, ["b"], "it was never in");
    let mut client = Client::to(&broker).await;
    client.call(1, tx::Select).await;
    publish_all(&mut client, [id("c", "c")]).await;
    client.call(1, tx::Rollback).await;
    publish_all(&mut client, [id("c", "c")]).await;
    client.call(1, tx::Commit).await;
    assert_eq!(client.drain("q").await, ["c"]);
    publish_all(&mut client, [id("c", "c")]).await;
    assert_eq!(client.call(1, tx::Commit).await, Got::Reply("tx.commit-ok"));
    assert!(client.drain("q").await.is_empty());
    assert_eq!((counters(&broker, "q").duplicates, counters(&broker, "q").rejected), (1, 1));
}

/// The accident to avoid: a message goes round by dead letters and is dropped as its own duplicate.
#[tokio::test]
async fn a_message_that_comes_back_as_a_dead_letter_is_let_in() {
    let dead = [("x-dead-letter-exchange", "".into()), ("x-dead-letter-routing-key", "wait".into())];
    let (broker, mut client) = start(on(dead)).await;
    let back = [
        ("x-dead-letter-exchange", "".into()),
        ("x-dead-letter-routing-key", "q".into()),
        ("x-message-ttl", 100_i32.into()),
    ];
    client.declare(queue_with("wait", arguments(back))).await;
    publish_all(&mut client, [id("m", "a")]).await;
    for _ in 0..3 {
        let (tag, _, message) = client.get("q", false).await.expect("it comes back");
        assert_eq!(message.text(), "m");
        client.tell(1, reject(tag, false)).await;
        client.settle().await;
        pass(&broker, &mut client, ms(100)).await;
    }
    publish_all(&mut client, [id("m", "a")]).await;
    assert_eq!(client.drain("q").await, ["m"], "another like it is not");
    assert_eq!(counters(&broker, "q").duplicates, 1);
}

#[tokio::test]
async fn scheduled_messages_are_looked_at_when_they_are_due_and_a_purge_leaves_the_window() {
    let (broker, mut client) = start(on([])).await;
    let delayed = exchange::Declare {
        exchange: short("later"),
        kind: short("x-delayed-message"),
        arguments: arguments([("x-delayed-type", "fanout".into())]),
        ..Default::default()
    };
    assert_eq!(client.call(1, delayed).await, Got::Reply("exchange.declare-ok"));
    let bind = queue::Bind { queue: short("q"), exchange: short("later"), ..Default::default() };
    assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
    for (body, delay) in [("second", 200_i32), ("first", 100)] {
        let headers = [("x-deduplication-header", "a".into()), ("x-delay", delay.into())];
        client.publish(Publishing { exchange: "later", ..with("k", body, headers) }).await;
    }
    client.settle().await;
    pass(&broker, &mut client, ms(100)).await;
    pass(&broker, &mut client, ms(100)).await;
    let purge = queue::Purge { queue: short("q"), ..Default::default() };
    assert_eq!(client.call(1, purge).await, Got::Count(1));
    publish_all(&mut client, [id("third", "a")]).await;
    assert!(client.drain("q").await.is_empty());
    assert_eq!((counters(&broker, "q").duplicates, counters(&broker, "q").purged), (2, 1));
}

#[tokio::test]
async fn producers_that_number_their_messages_are_held_to_it() {
    let (broker, mut client) = start(on([])).await;
    let by = |body, producer: &str, sequence: i64| {
        with("q", body, [("x-producer-id", producer.into()), ("x-producer-sequence", sequence.into())])
    };
    publish_all(&mut client, [by("p5", "p", 5), by("p6", "p", 6), by("p5", "p", 5), by("o1", "o", 1)]).await;
    publish_all(&mut client, [by("p9", "p", 9), by("p7", "p", 7), by("p9", "p", 9)]).await;
    assert_eq!(client.drain("q").await, ["p5", "p6", "o1", "p9"]);
    let figures = broker.vhosts()[0].topology().queue("q").unwrap().figures();
    assert_eq!((figures.counters.duplicates, figures.counters.sequence_gaps), (3, 1));
    assert_eq!((figures.producers, figures.ids), (2, 0));
    pass(&broker, &mut client, secs(24 * 3600)).await;
    publish_all(&mut client, [by("p9", "p", 9)]).await;
    assert_eq!(client.drain("q").await, ["p9"], "forgotten after a day");
}

#[tokio::test]
async fn memory_is_charged_and_given_back_with_the_queue() {
    let (broker, mut client) = start(on([])).await;
    let before = broker.memory().bytes();
    for n in 0..100 {
        client.publish(id("", &n.to_string())).await;
    }
    client.settle().await;
    client.drain("q").await;
    assert_eq!(broker.memory().bytes() - before, 3200);
    client.call(1, queue::Delete { queue: short("q"), ..Default::default() }).await;
    assert_eq!(broker.memory().bytes(), before);
}

#[tokio::test]
async fn arguments_are_checked_and_compared() {
    let broker = broker();
    for (name, value, reason) in [
        ("x-message-deduplication", "yes".into(), "{unacceptable_type,longstr}"),
        ("x-deduplication-header", 1_i32.into(), "{unacceptable_type,signedint}"),
        ("x-cache-size", 0_i32.into(), "{value_zero,0}"),
        ("x-cache-size", 100_000_001_i32.into(), "{max_value_exceeded,100000001}"),
        ("x-cache-ttl", FieldValue::I32(-1), "{value_negative,-1}"),
        ("x-cache-ttl", "1".into(), "\"expected integer, got longstr\""),
        ("x-cache-persistence", "tape".into(), "invalid_cache_persistence"),
    ] {
        let mut client = Client::to(&broker).await;
        match client.call(1, queue_with("q", on([(name, value)]))).await {
            Got::Close { code: 406, text, .. } => {
                assert!(text.contains(name) && text.contains(reason), "{text}: {reason}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", on([("x-cache-size", 5_i32.into())]))).await;
    client.declare(queue_with("q", on([("x-cache-size", 5_i64.into())]))).await;
    match client.call(1, queue_with("q", on([("x-cache-size", 6_i32.into())]))).await {
        Got::Close { code: 406, text, .. } => {
            assert!(text.contains("inequivalent arg 'x-cache-size' for queue 'q'"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

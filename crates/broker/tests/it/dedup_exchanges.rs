//! Deduplication in exchanges: RabbitMQ's plugin's type, and the argument on any other.

use crate::support::*;
use leveret_broker::Broker;
use leveret_broker::vhost::SeenFigures;
use leveret_protocol::FieldTable;
use leveret_protocol::FieldValue;
use leveret_protocol::methods::{exchange, queue, tx};

fn declare<'a>(name: &'a str, kind: &'a str, arguments: FieldTable) -> exchange::Declare<'a> {
    exchange::Declare { exchange: short(name), kind: short(kind), arguments, ..Default::default() }
}

fn on() -> FieldTable {
    arguments([("x-message-deduplication", true.into())])
}

fn id<'a>(exchange: &'a str, key: &'a str, body: &'a str, id: &str) -> Publishing<'a> {
    let mut publishing = Publishing { exchange, ..Publishing::to(key, body) };
    publishing.properties.headers = Some(arguments([("x-deduplication-header", id.into())]));
    publishing
}

async fn bind(client: &mut Client, queue: &str, exchange: &str, key: &str) {
    let bind = queue::Bind {
        queue: short(queue),
        exchange: short(exchange),
        routing_key: short(key),
        ..Default::default()
    };
    assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
}

async fn start(kind: &str, arguments: FieldTable) -> (Broker, Client) {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    assert_eq!(client.call(1, declare("x", kind, arguments)).await, Got::Reply("exchange.declare-ok"));
    for name in ["a", "b"] {
        client.declare(queue_with(name, FieldTable::new())).await;
        bind(&mut client, name, "x", name).await;
    }
    (broker, client)
}

fn figures(broker: &Broker, exchange: &str) -> SeenFigures {
    broker.vhosts()[0].seen_figures(exchange).unwrap()
}

async fn publish_all<'a>(client: &mut Client, all: impl IntoIterator<Item = Publishing<'a>>) {
    for publishing in all {
        client.publish(publishing).await;
    }
    client.settle().await;
}

#[tokio::test]
async fn the_plugins_type_is_a_fanout_of_what_did_not_come_before() {
    for size in [FieldValue::I32(2), "2".into()] {
        let (broker, mut client) =
            start("x-message-deduplication", arguments([("x-cache-size", size)])).await;
        client.confirm().await;
        publish_all(&mut client, [id("x", "any", "1", "i"), id("x", "any", "again", "i").mandatory()]).await;
        publish_all(&mut client, [Publishing { exchange: "x", ..Publishing::to("any", "no id") }]).await;
        publish_all(&mut client, [id("x", "", "2", "j"), id("x", "", "3", "k"), id("x", "", "4", "i")]).await;
        let got = client.lying_here().await;
        assert!(got.iter().all(|got| matches!(got, Got::Ack { .. })), "{got:?}");
        assert!(got.iter().any(|got| matches!(got, Got::Ack { tag: 6, .. })), "{got:?}");
        for queue in ["a", "b"] {
            assert_eq!(client.drain(queue).await, ["1", "no id", "2", "3", "4"]);
        }
        let figures = figures(&broker, "x");
        assert_eq!((figures.published, figures.duplicates, figures.ids), (5, 1, 2));
    }
}

#[tokio::test]
async fn any_type_with_the_argument_routes_as_it_would() {
    let (broker, mut client) = start("topic", on()).await;
    publish_all(&mut client, [id("x", "a", "1", "i"), id("x", "b", "2", "i"), id("x", "b", "3", "j")]).await;
    assert_eq!((client.drain("a").await, client.drain("b").await), (vec!["1".into()], vec!["3".into()]));
    assert_eq!(figures(&broker, "x").duplicates, 1);
    assert!(broker.vhosts()[0].seen_figures("amq.topic").is_none());
}

#[tokio::test]
async fn what_leads_nowhere_is_returned_and_leaves_no_id() {
    let (_broker, mut client) = start("direct", on()).await;
    publish_all(&mut client, [id("x", "nobody", "1", "i").mandatory()]).await;
    let got = client.lying_here().await;
    assert!(matches!(&got[..], [Got::Return { code: 312, .. }]), "{got:?}");
    publish_all(&mut client, [id("x", "a", "2", "i").mandatory()]).await;
    assert_eq!(client.drain("a").await, ["2"]);
}

/// The accident to avoid: a queue behind the exchange refuses, the publisher sends again as it was told to, and that is dropped.
#[tokio::test]
async fn what_a_full_queue_refused_may_come_again() {
    let (broker, mut client) = start("fanout", on()).await;
    let limits = arguments([("x-max-length", 1_i32.into()), ("x-overflow", "reject-publish".into())]);
    client.declare(queue_with("full", limits)).await;
    bind(&mut client, "full", "x", "").await;
    client.confirm().await;
    let by = |sequence: i64| {
        let mut publishing = Publishing { exchange: "x", ..Publishing::to("", "p") };
        let headers = [("x-producer-id", "p".into()), ("x-producer-sequence", sequence.into())];
        publishing.properties.headers = Some(arguments(headers));
        publishing
    };
    publish_all(&mut client, [id("x", "", "1", "i"), id("x", "", "2", "j"), by(1)]).await;
    let got = client.lying_here().await;
    let nacked: Vec<_> = got
        .iter()
        .filter_map(|got| match got {
            Got::Nack { tag, .. } => Some(*tag),
            _ => None,
        })
        .collect();
    assert_eq!(nacked, [2, 3]);
    assert_eq!(client.drain("full").await, ["1"]);
    publish_all(&mut client, [id("x", "", "2", "j")]).await;
    assert_eq!(client.drain("full").await, ["2"]);
    publish_all(&mut client, [by(2)]).await;
    client.drain("full").await;
    publish_all(&mut client, [by(1)]).await;
    assert_eq!(client.drain("full").await, ["p"]);
    publish_all(&mut client, [by(1), by(2), id("x", "", "1", "i"), id("x", "", "2", "j")]).await;
    assert!(client.drain("full").await.is_empty());
    assert_eq!(figures(&broker, "x").duplicates, 4);
}

#[tokio::test]
async fn transactions_delays_and_circles_of_exchanges_keep_to_it() {
    let (broker, mut client) = start("fanout", on()).await;
    assert_eq!(client.call(1, declare("y", "fanout", on())).await, Got::Reply("exchange.declare-ok"));
    for (source, destination) in [("x", "y"), ("y", "x")] {
        let bind =
            exchange::Bind { source: short(source), destination: short(destination), ..Default::default() };
        assert_eq!(client.call(1, bind).await, Got::Reply("exchange.bind-ok"));
    }
    client.declare(queue_with("c", FieldTable::new())).await;
    bind(&mut client, "c", "y", "").await;
    let mut later = declare("later", "x-delayed-message", on());
    later.arguments.insert("x-delayed-type", "fanout");
    assert_eq!(client.call(1, later).await, Got::Reply("exchange.declare-ok"));
    bind(&mut client, "c", "later", "").await;
    client.call(1, tx::Select).await;
    publish_all(&mut client, [id("x", "", "1", "i")]).await;
    client.call(1, tx::Rollback).await;
    publish_all(&mut client, [id("x", "", "2", "i"), id("x", "", "3", "i")]).await;
    publish_all(&mut client, [Publishing { exchange: "x", ..Publishing::to("", "no id") }]).await;
    assert!(client.drain("a").await.is_empty());
    assert_eq!(client.call(1, tx::Commit).await, Got::Reply("tx.commit-ok"));
    assert_eq!(client.drain("a").await, ["2", "no id"]);
    let mut other = Client::to(&broker).await;
    assert_eq!(other.drain("c").await, ["2", "no id"]);
    for body in ["4", "5"] {
        let mut publishing = id("later", "", body, "k");
        publishing.properties.headers.as_mut().unwrap().insert("x-delay", 100_i32);
        other.publish(publishing).await;
    }
    other.settle().await;
    pass(&broker, &mut other, ms(99)).await;
    assert!(other.drain("c").await.is_empty());
    pass(&broker, &mut other, ms(1)).await;
    assert_eq!(other.drain("c").await, ["4"]);
    assert_eq!(figures(&broker, "later").duplicates, 1);
}

#[tokio::test]
async fn arguments_are_checked_and_compared_and_what_was_seen_goes_with_the_exchange() {
    let broker = broker();
    let with = |name: &str, value: FieldValue| {
        let mut arguments = on();
        arguments.insert(name, value);
        arguments
    };
    for (kind, arguments, told) in [
        ("x-message-deduplication", FieldTable::new(), "'x-cache-size' must be an integer greater than 0"),
        ("x-message-deduplication", with("x-cache-size", 0_i32.into()), "{value_zero,0}"),
        ("direct", with("x-cache-ttl", FieldValue::I32(-2)), "{value_negative,-2}"),
        ("direct", with("x-cache-ttl", true.into()), "{unacceptable_type,bool}"),
        ("direct", with("x-message-deduplication", 1_i32.into()), "{unacceptable_type,signedint}"),
        ("direct", with("x-cache-persistence", "tape".into()), "invalid_cache_persistence"),
        ("direct", with("x-deduplication-header", 1_i32.into()), "{unacceptable_type,signedint}"),
    ] {
        let mut client = Client::to(&broker).await;
        match client.call(1, declare("x", kind, arguments)).await {
            Got::Close { code: 406, text, .. } => assert!(text.contains(told), "{text}: {told}"),
            other => panic!("{told}: {other:?}"),
        }
    }
    let mut client = Client::to(&broker).await;
    let before = broker.memory().bytes();
    assert_eq!(client.call(1, declare("x", "fanout", on())).await, Got::Reply("exchange.declare-ok"));
    client.declare(queue_with("a", FieldTable::new())).await;
    bind(&mut client, "a", "x", "").await;
    publish_all(&mut client, [id("x", "", "1", "i")]).await;
    client.drain("a").await;
    assert!(broker.memory().bytes() > before);
    let delete = exchange::Delete { exchange: short("x"), ..Default::default() };
    assert_eq!(client.call(1, delete).await, Got::Reply("exchange.delete-ok"));
    assert_eq!(broker.memory().bytes(), before);
    assert_eq!(client.call(1, declare("x", "fanout", on())).await, Got::Reply("exchange.declare-ok"));
    match client.call(1, declare("x", "fanout", FieldTable::new())).await {
        Got::Close { code: 406, text, .. } => {
            assert!(text.contains("inequivalent arg 'x-message-deduplication' for exchange 'x'"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

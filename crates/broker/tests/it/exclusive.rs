//! Exclusive queues belong to one connection and go with it.

use crate::support::*;
use leveret_protocol::FieldTable;
use leveret_protocol::methods::{basic, queue};

fn exclusive(name: &str) -> queue::Declare<'_> {
    queue::Declare { exclusive: true, ..queue_with(name, FieldTable::new()) }
}

fn passive(name: &str) -> queue::Declare<'_> {
    queue::Declare { passive: true, ..queue_with(name, FieldTable::new()) }
}

#[tokio::test]
async fn an_exclusive_queue_vanishes_however_its_connection_ends() {
    for ending in ["close", "drop", "error"] {
        let broker = broker();
        let mut other = Client::to(&broker).await;
        let mut client = Client::to(&broker).await;
        client.declare(exclusive("mine")).await;
        client.fill("mine", &["1", "2"]).await;
        client.consume(consume("mine", "c")).await;
        match ending {
            "close" => client.close().await,
            "drop" => drop(client),
            _ => {
                let got = client.call(1, leveret_protocol::methods::channel::Open).await;
                assert!(matches!(got, Got::Close { channel: 0, code: 504, .. }), "{got:?}");
            }
        }
        connections_are(&broker, 1).await;
        let got = other.call(1, passive("mine")).await;
        assert!(matches!(got, Got::Close { code: 404, .. }), "after {ending}: {got:?}");
        assert_eq!(broker.memory().bytes(), 0, "after {ending}");
    }
}

/// RabbitMQ deletes it before it says `close-ok`, so that whoever closed may declare it anew at once.
#[tokio::test]
async fn it_is_gone_when_close_ok_arrives() {
    let broker = broker();
    let mut other = Client::to(&broker).await;
    for _ in 0..20 {
        let mut client = Client::to(&broker).await;
        client.declare(exclusive("mine")).await;
        client.close().await;
        assert_eq!(other.declare(queue_with("mine", FieldTable::new())).await, (0, 0));
        other.call(1, queue::Delete { queue: short("mine"), ..Default::default() }).await;
    }
}

#[tokio::test]
async fn other_connections_are_locked_out() {
    let broker = broker();
    let mut owner = Client::to(&broker).await;
    let mut other = Client::to(&broker).await;
    owner.declare(exclusive("mine")).await;
    let queue = short("mine");
    let methods: [leveret_protocol::Method<'_>; 7] = [
        exclusive("mine").into(),
        passive("mine").into(),
        queue::Bind { queue, exchange: short("amq.direct"), ..Default::default() }.into(),
        consume("mine", "c").into(),
        basic::Get { queue, no_ack: true }.into(),
        queue::Purge { queue, no_wait: false }.into(),
        queue::Delete { queue, ..Default::default() }.into(),
    ];
    let text = "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'mine' in vhost '/'. It could be originally \
                declared on another connection or the exclusive property value does not match that of the original declaration.";
    for method in methods {
        let name = method.id().name();
        let got = other.call(1, method).await;
        assert_eq!(got, Got::Close { channel: 1, code: 405, text: text.into() }, "{name}");
        other.open(1).await;
    }
    // Publishing is for everybody.
    other.fill("mine", &["1"]).await;
    assert_eq!(owner.drain("mine").await, ["1"]);
}

#[tokio::test]
async fn a_queue_of_the_same_name_made_later_is_not_taken_away() {
    let broker = broker();
    let mut first = Client::to(&broker).await;
    let mut second = Client::to(&broker).await;
    first.declare(exclusive("name")).await;
    first.call(1, queue::Delete { queue: short("name"), ..Default::default() }).await;
    second.declare(exclusive("name")).await;
    first.close().await;
    assert_eq!(second.count("name").await, (0, 0));
}

/// The channel that used a queue does not keep it in memory once it is deleted.
#[tokio::test]
async fn a_deleted_queue_is_let_go_by_a_channel_that_lives_on() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("temporary", FieldTable::new())).await;
    client.fill("temporary", &["1", "2"]).await;
    let weak = std::sync::Arc::downgrade(broker.vhost("/").unwrap().topology().queue("temporary").unwrap());
    let (tag, ..) = client.get("temporary", false).await.unwrap();
    client.tell(1, ack(tag)).await;
    client.consume(consume("temporary", "c")).await;
    client.settle().await;
    client.tell(1, ack(tag + 1)).await;
    client.call(1, basic::Cancel { consumer_tag: short("c"), no_wait: false }).await;
    client.call(1, queue::Delete { queue: short("temporary"), ..Default::default() }).await;
    // Whatever is remembered from one use to the next is for this one now.
    client.declare(queue_with("next", FieldTable::new())).await;
    client.fill("next", &["1"]).await;
    let (tag, ..) = client.get("next", false).await.unwrap();
    client.tell(1, ack(tag)).await;
    client.settle().await;
    assert!(weak.upgrade().is_none(), "somebody still holds the deleted queue");
}

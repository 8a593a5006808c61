//! A broker that stops: consumers are cancelled, settlements awaited, connections closed with 320.

use crate::support::*;
use leveret_broker::{Broker, ShutdownReport};
use leveret_protocol::methods::basic;
use leveret_protocol::{FieldTable, PROTOCOL_HEADER};
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinHandle;

fn stop(broker: &Broker, deadline_s: u64) -> JoinHandle<ShutdownReport> {
    let broker = broker.clone();
    tokio::spawn(async move { broker.shutdown(secs(deadline_s)).await })
}

async fn turns() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Time in the small steps in which the broker looks for settlements.
async fn pass_a_little(broker: &Broker) {
    for _ in 0..20 {
        broker.clock().advance(ms(5));
        turns().await;
    }
}

fn is_forced(got: &Got) -> bool {
    matches!(got, Got::Close { channel: 0, code: 320, text } if text.starts_with("CONNECTION_FORCED - "))
}

/// A consumer that holds `1` and `2` of `1`, `2`, `3`.
async fn start() -> (Broker, Client) {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.fill("q", &["1", "2", "3"]).await;
    client.call(1, prefetch(2)).await;
    client.consume(consume("q", "c")).await;
    assert_eq!(client.delivered().await, ["1", "2"]);
    (broker, client)
}

#[tokio::test]
async fn settlements_are_awaited_and_nothing_new_is_delivered() {
    let (broker, mut client) = start().await;
    let stopping = stop(&broker, 10);
    turns().await;
    assert_eq!(client.lying_here().await, [Got::Cancel { channel: 1, consumer: "c".into() }]);
    client.tell(1, ack(1)).await;
    pass_a_little(&broker).await;
    assert!(!stopping.is_finished(), "one is not settled");
    assert_eq!(client.lying_here().await, []);
    client.tell(1, ack(2)).await;
    pass_a_little(&broker).await;
    let got = client.next().await;
    assert!(is_forced(&got), "{got:?}");
    assert_eq!(client.next().await, Got::End);
    assert_eq!(stopping.await.unwrap(), ShutdownReport { connections: 1, unsettled: 0 });
    let figures = broker.vhost("/").unwrap().topology().queue("q").unwrap().figures();
    assert_eq!((figures.ready, figures.unacked, figures.counters.acked), (1, 0, 2));
}

#[tokio::test]
async fn after_the_deadline_what_is_not_settled_goes_back() {
    let (broker, mut client) = start().await;
    let stopping = stop(&broker, 10);
    turns().await;
    client.tell(1, ack(1)).await;
    turns().await;
    broker.clock().advance(secs(10));
    turns().await;
    let all = client.lying_here().await;
    assert!(matches!(&all[..], [Got::Cancel { .. }, close] if is_forced(close)), "{all:?}");
    assert_eq!(client.next().await, Got::End);
    assert_eq!(stopping.await.unwrap(), ShutdownReport { connections: 1, unsettled: 1 });
    let figures = broker.vhost("/").unwrap().topology().queue("q").unwrap().figures();
    assert_eq!((figures.ready, figures.unacked), (2, 0));
}

/// Clients subscribe again when they are cancelled; while the broker stops that gets them nothing.
#[tokio::test]
async fn whoever_consumes_during_the_drain_gets_nothing() {
    let (broker, mut client) = start().await;
    let stopping = stop(&broker, 10);
    turns().await;
    client.tell(1, consume("q", "again")).await;
    turns().await;
    let all = client.lying_here().await;
    assert!(!all.iter().any(|got| matches!(got, Got::Deliver { .. })), "{all:?}");
    client.tell(1, ack(1)).await;
    client.tell(1, ack(2)).await;
    turns().await;
    pass_a_little(&broker).await;
    broker.clock().advance(secs(20));
    stopping.await.unwrap();
}

#[tokio::test]
async fn connections_without_deliveries_do_not_hold_it_up() {
    let broker = broker();
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(Client::to(&broker).await);
    }
    clients[0].declare(queue_with("q", FieldTable::new())).await;
    clients[1].consume(basic::Consume { no_ack: true, ..consume("q", "c") }).await;
    let stopping = stop(&broker, 1_000);
    pass_a_little(&broker).await;
    for client in &mut clients {
        let all = client.lying_here().await;
        assert!(all.iter().any(is_forced), "{all:?}");
    }
    turns().await;
    assert_eq!(stopping.await.unwrap(), ShutdownReport { connections: 5, unsettled: 0 });
    assert_eq!(broker.connection_count(), 0);
}

#[tokio::test]
async fn nobody_is_let_in_any_more() {
    let (broker, client) = start().await;
    let stopping = stop(&broker, 10);
    turns().await;
    let late = Connect::default().try_over(broker.connect()).await;
    assert!(late.is_err());
    drop(client);
    turns().await;
    pass_a_little(&broker).await;
    assert_eq!(stopping.await.unwrap().unsettled, 0);
}

/// One in the middle of its handshake, one that has not said a word, one that does not read, one that does not answer.
#[tokio::test]
async fn it_ends_whatever_its_clients_do() {
    let broker = broker();
    let mut greeted = broker.connect();
    greeted.write_all(&PROTOCOL_HEADER).await.unwrap();
    let _silent = broker.connect();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    for _ in 0..5 {
        client.publish(Publishing::bytes("q", &vec![0; 2_000_000])).await;
    }
    client.settle().await;
    client.tell(1, consume("q", "does not read")).await;
    turns().await;
    let stopping = stop(&broker, 10);
    for _ in 0..40 {
        broker.clock().advance(secs(1));
        turns().await;
    }
    let report = stopping.await.unwrap();
    assert_eq!(report.connections, 4 - 1, "{report:?}");
    assert_eq!(broker.connection_count(), 0);
}

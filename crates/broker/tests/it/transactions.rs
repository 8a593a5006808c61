//! Transactions: nothing of it is seen before the commit, all of it after.

use crate::support::*;
use leveret_broker::Broker;
use leveret_protocol::FieldTable;
use leveret_protocol::methods::{confirm, tx};

async fn start() -> (Broker, Client, Client) {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let mut other = Client::to(&broker).await;
    other.declare(queue_with("q", FieldTable::new())).await;
    assert_eq!(client.call(1, tx::Select).await, Got::Reply("tx.select-ok"));
    other.settle().await;
    (broker, client, other)
}

async fn commit(client: &mut Client) {
    assert_eq!(client.call(1, tx::Commit).await, Got::Reply("tx.commit-ok"));
}

async fn rollback(client: &mut Client) {
    assert_eq!(client.call(1, tx::Rollback).await, Got::Reply("tx.rollback-ok"));
}

#[tokio::test]
async fn publishings_appear_at_commit_and_never_after_a_rollback() {
    let (broker, mut client, mut other) = start().await;
    client.fill("q", &["1", "2"]).await;
    assert_eq!(other.count("q").await.0, 0);
    client.settle().await;
    assert!(broker.memory().bytes() > 0, "an open transaction counts as memory");
    commit(&mut client).await;
    assert_eq!(other.drain("q").await, ["1", "2"]);
    client.fill("q", &["3"]).await;
    rollback(&mut client).await;
    client.fill("q", &["4"]).await;
    commit(&mut client).await;
    assert_eq!(other.drain("q").await, ["4"]);
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn settlements_wait_and_a_rollback_leaves_them_unsettled() {
    let (broker, mut client, mut other) = start().await;
    other.fill("q", &["1", "2", "3"]).await;
    for _ in 0..3 {
        client.get("q", false).await.unwrap();
    }
    client.tell(1, ack(1)).await;
    client.tell(1, reject(2, true)).await;
    client.settle().await;
    assert_eq!(other.count("q").await.0, 0);
    rollback(&mut client).await;
    assert_eq!(other.count("q").await.0, 0, "unacked as before");
    client.tell(1, ack(1)).await;
    client.tell(1, reject(2, true)).await;
    client.tell(1, reject(3, false)).await;
    commit(&mut client).await;
    assert_eq!(other.drain("q").await, ["2"]);
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn a_transaction_that_is_cut_off_never_was() {
    let (broker, mut client, mut other) = start().await;
    other.fill("q", &["held"]).await;
    client.get("q", false).await.unwrap();
    client.tell(1, ack(1)).await;
    client.fill("q", &["never"]).await;
    drop(client);
    connections_are(&broker, 1).await;
    let (_, redelivered, message) = other.get("q", true).await.unwrap();
    assert_eq!((redelivered, message.text()), (true, "held"));
    assert_eq!(other.count("q").await.0, 0);
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn unroutable_publishings_come_back_before_commit_ok() {
    let (_broker, mut client, mut other) = start().await;
    client.publish(Publishing::to("q", "1")).await;
    client.publish(Publishing::to("nowhere", "2").mandatory()).await;
    client.publish(Publishing::to("nowhere", "dropped")).await;
    client.settle().await;
    client.tell(1, tx::Commit).await;
    let all = client.arrived().await;
    let [Got::Return { code: 312, message, .. }, Got::Reply("tx.commit-ok")] = &all[..] else {
        panic!("{all:?}")
    };
    assert_eq!(message.text(), "2");
    assert_eq!(other.drain("q").await, ["1"]);
}

#[tokio::test]
async fn a_tag_is_settled_once_in_a_transaction_too() {
    let (_broker, mut client, mut other) = start().await;
    other.fill("q", &["1"]).await;
    client.get("q", false).await.unwrap();
    client.tell(1, ack(1)).await;
    client.tell(1, ack(1)).await;
    let text = "PRECONDITION_FAILED - unknown delivery tag 1".to_owned();
    assert_eq!(client.answer(1).await, Got::Close { channel: 1, code: 406, text });
    assert_eq!(other.count("q").await.0, 1, "not committed: back in its place");
}

#[tokio::test]
async fn transactions_and_confirms_exclude_each_other() {
    let (_broker, mut client, _other) = start().await;
    let text = |text: &str| format!("PRECONDITION_FAILED - {text}");
    let got = client.call(1, confirm::Select::default()).await;
    let expected = text("cannot switch from tx to confirm mode");
    assert_eq!(got, Got::Close { channel: 1, code: 406, text: expected });
    client.open(1).await;
    client.confirm().await;
    let got = client.call(1, tx::Select).await;
    let expected = text("cannot switch from confirm to tx mode");
    assert_eq!(got, Got::Close { channel: 1, code: 406, text: expected });
    client.open(1).await;
    let got = client.call(1, tx::Commit).await;
    assert_eq!(got, Got::Close { channel: 1, code: 406, text: text("channel is not transactional") });
}

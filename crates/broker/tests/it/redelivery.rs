//! What comes back: to its place, marked, and with the books in order.

use crate::support::*;
use leveret_broker::Broker;
use leveret_protocol::FieldTable;
use leveret_protocol::methods::{basic, channel, queue};

async fn start(texts: &[&str]) -> (Broker, Client, Client) {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let mut other = Client::to(&broker).await;
    other.declare(queue_with("q", FieldTable::new())).await;
    other.fill("q", texts).await;
    client.settle().await;
    (broker, client, other)
}

/// Everything in the queue, with `*` behind what was delivered before.
async fn rest(client: &mut Client) -> Vec<String> {
    let mut all = Vec::new();
    while let Some((_, redelivered, message)) = client.get("q", true).await {
        all.push(format!("{}{}", message.text(), if redelivered { "*" } else { "" }));
    }
    all
}

#[tokio::test]
async fn a_lost_connections_messages_return_to_their_places_marked() {
    let (broker, mut client, mut other) = start(&["1", "2", "3", "4", "5", "6"]).await;
    for _ in 0..4 {
        client.get("q", false).await.unwrap();
    }
    client.tell(1, ack(2)).await;
    client.settle().await;
    drop(client);
    connections_are(&broker, 1).await;
    assert_eq!(rest(&mut other).await, ["1*", "3*", "4*", "5", "6"]);
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn consumers_prefetched_messages_return_when_the_channel_closes() {
    let (broker, mut client, mut other) = start(&["1", "2", "3", "4", "5"]).await;
    client.call(1, prefetch(3)).await;
    client.consume(consume("q", "c")).await;
    client.settle().await;
    assert_eq!(other.count("q").await, (2, 1));
    client.tell(1, ack(1)).await;
    client.close_channel(1).await;
    client.open(1).await;
    assert_eq!(other.count("q").await, (4, 0));
    assert_eq!(rest(&mut other).await, ["2*", "3*", "4*", "5"]);
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn an_error_on_a_channel_returns_its_messages_and_leaves_the_other_channels_alone() {
    let (_broker, mut client, mut other) = start(&["1", "2", "3"]).await;
    client.open(2).await;
    client.get("q", false).await.unwrap();
    client.call(2, basic::Get { queue: short("q"), no_ack: false }).await;
    let text = "PRECONDITION_FAILED - unknown delivery tag 99".to_owned();
    client.tell(1, ack(99)).await;
    assert_eq!(client.answer(1).await, Got::Close { channel: 1, code: 406, text });
    assert_eq!(rest(&mut other).await, ["1*", "3"]);
    // Channel 2 still holds its own.
    client.tell(2, reject(1, true)).await;
    client.close_channel(2).await;
    assert_eq!(rest(&mut other).await, ["2*"]);
}

#[tokio::test]
async fn requeued_messages_go_to_whom_it_may_concern_in_order() {
    let (_broker, mut client, mut other) = start(&["1", "2", "3", "4"]).await;
    client.call(1, prefetch(3)).await;
    client.consume(consume("q", "c")).await;
    assert_eq!(client.delivered().await, ["1", "2", "3"]);
    client.call(1, basic::Cancel { consumer_tag: short("c"), no_wait: false }).await;
    client.tell(1, nack(2, true, true)).await;
    client.tell(1, reject(3, true)).await;
    client.settle().await;
    assert_eq!(rest(&mut other).await, ["1*", "2*", "3*", "4"]);
}

#[tokio::test]
async fn recover_gives_everything_back() {
    let (_broker, mut client, _other) = start(&["1", "2"]).await;
    client.consume(consume("q", "c")).await;
    assert_eq!(client.delivered().await, ["1", "2"]);
    client.tell(1, basic::Recover { requeue: true }).await;
    let all = client.arrived().await;
    let again: Vec<_> = all
        .iter()
        .filter_map(|got| match got {
            Got::Deliver { tag, redelivered, message, .. } => Some((*tag, *redelivered, message.text())),
            _ => None,
        })
        .collect();
    assert_eq!(again, [(3, true, "1"), (4, true, "2")]);
    assert!(all.contains(&Got::Reply("basic.recover-ok")));
}

/// Deliveries that need no ack and did not leave yet are not lost with their channel, and are not counted twice.
#[tokio::test]
async fn deliveries_without_ack_that_were_on_their_way_come_back_and_the_books_agree() {
    let (broker, mut client, mut other) = start(&["1", "2", "3", "4", "5"]).await;
    let (held, ..) = other.get("q", false).await.unwrap();
    let before = broker.memory().bytes();
    client.open(2).await;
    client
        .send(|out| {
            basic::Consume { no_ack: true, ..consume("q", "c") }.write(2, out);
            channel::Close { reply_code: 200, ..Default::default() }.write(2, out);
        })
        .await;
    client.settle().await;
    let figures = broker.vhost("/").unwrap().topology().queue("q").unwrap().figures();
    assert_eq!((figures.ready, figures.unacked, figures.consumers), (4, 1, 0), "{figures:?}");
    assert_eq!(broker.memory().bytes(), before);
    other.tell(1, ack(held)).await;
    assert_eq!(rest(&mut other).await.len(), 4);
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn the_memory_of_messages_is_given_back_however_they_leave() {
    let (broker, mut client, mut other) = start(&[]).await;
    let texts = ["1", "2", "3", "4", "5", "6"];
    for way in 0..6 {
        other.fill("q", &texts).await;
        assert!(broker.memory().bytes() > 0);
        client.consume(consume("q", "c")).await;
        client.settle().await;
        let first: u64 = 1 + way * 6;
        match way {
            0 => client.tell(1, basic::Ack { delivery_tag: 0, multiple: true }).await,
            1 => client.tell(1, nack(0, true, false)).await,
            2 => {
                for tag in (first..first + 6).rev() {
                    client.tell(1, ack(tag)).await;
                }
            }
            3 => {
                for tag in first..first + 6 {
                    client.tell(1, reject(tag, false)).await;
                }
            }
            4 => {
                client.call(1, basic::Cancel { consumer_tag: short("c"), no_wait: false }).await;
                client.tell(1, nack(0, true, true)).await;
                assert_eq!(
                    client.call(1, queue::Purge { queue: short("q"), no_wait: false }).await,
                    Got::Count(6)
                );
            }
            _ => {
                other.call(1, queue::Delete { queue: short("q"), ..Default::default() }).await;
                assert!(broker.memory().bytes() > 0, "the unacked ones are still there");
                client.tell(1, basic::Ack { delivery_tag: 0, multiple: true }).await;
            }
        }
        if way < 4 {
            client.call(1, basic::Cancel { consumer_tag: short("c"), no_wait: false }).await;
        }
        client.settle().await;
        client.lying_here().await;
        assert_eq!(broker.memory().bytes(), 0, "way {way}");
    }
}

//! Prefetch for each consumer and for a channel. Source: RabbitMQ, "Consumer Prefetch".

use crate::support::*;
use leveret_protocol::FieldTable;
use leveret_protocol::methods::{basic, channel};

fn global(prefetch_count: u16) -> basic::Qos {
    basic::Qos { global: true, ..prefetch(prefetch_count) }
}

#[tokio::test]
async fn a_limit_holds_for_consumers_that_come_after_it() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.call(1, prefetch(1)).await;
    client.consume(consume("q", "one")).await;
    client.call(1, prefetch(3)).await;
    client.consume(consume("q", "three")).await;
    client.fill("q", &["1", "2", "3", "4", "5", "6"]).await;
    assert_eq!(client.delivered().await, ["1", "2", "3", "4"]);
    client.tell(1, ack(1)).await;
    assert_eq!(client.delivered().await, ["5"]);
    client.tell(1, basic::Ack { delivery_tag: 0, multiple: true }).await;
    assert_eq!(client.delivered().await, ["6"]);
}

#[tokio::test]
async fn a_channels_limit_is_shared_by_its_consumers_on_all_queues() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    for queue in ["p", "q"] {
        client.declare(queue_with(queue, FieldTable::new())).await;
        client.consume(consume(queue, queue)).await;
    }
    client.call(1, global(3)).await;
    client.fill("p", &["p1", "p2"]).await;
    client.fill("q", &["q1", "q2"]).await;
    assert_eq!(client.delivered().await, ["p1", "p2", "q1"]);
    client.tell(1, nack(1, false, false)).await;
    assert_eq!(client.delivered().await, ["q2"]);
    client.fill("p", &["p3", "p4"]).await;
    assert_eq!(client.delivered().await, [""; 0]);
    client.call(1, global(4)).await;
    assert_eq!(client.delivered().await, ["p3"]);
    client.call(1, global(0)).await;
    assert_eq!(client.delivered().await, ["p4"]);
}

/// Deliveries on their way count, although the channel has not numbered them yet.
#[tokio::test]
async fn setting_the_channels_limit_again_does_not_widen_it() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.fill("q", &["1", "2", "3", "4", "5"]).await;
    client
        .send(|out| {
            global(2).write(1, out);
            consume("q", "c").write(1, out);
            global(2).write(1, out);
        })
        .await;
    let delivered = |all: Vec<Got>| all.iter().filter(|got| matches!(got, Got::Deliver { .. })).count();
    assert_eq!(delivered(client.arrived().await), 2);
    client.tell(1, ack(1)).await;
    assert_eq!(delivered(client.arrived().await), 1);
}

#[tokio::test]
async fn neither_limit_counts_what_was_got_or_needs_no_ack() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.call(1, prefetch(1)).await;
    client.call(1, global(1)).await;
    client.fill("q", &["1", "2", "3"]).await;
    client.get("q", false).await.unwrap();
    client.get("q", false).await.unwrap();
    client.consume(consume("q", "c")).await;
    assert_eq!(client.delivered().await, ["3"]);
    client.call(1, basic::Cancel { consumer_tag: short("c"), no_wait: false }).await;
    client.consume(basic::Consume { no_ack: true, ..consume("q", "free") }).await;
    client.fill("q", &["4", "5", "6"]).await;
    assert_eq!(client.delivered().await, ["4", "5", "6"]);
}

#[tokio::test]
async fn a_limit_in_bytes_is_not_implemented() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let got = client.call(1, basic::Qos { prefetch_size: 1, ..prefetch(0) }).await;
    let text = "NOT_IMPLEMENTED - prefetch_size!=0 (1)".to_owned();
    assert_eq!(got, Got::Close { channel: 0, code: 540, text });
}

/// Many round trips: no credit is lost or made on the way, whatever is done with the messages.
#[tokio::test]
async fn credit_is_never_lost_or_gained() {
    let broker = broker();
    let mut publisher = Client::to(&broker).await;
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.call(1, prefetch(2)).await;
    client.call(1, global(3)).await;
    client.consume(consume("q", "a")).await;
    client.consume(consume("q", "b")).await;
    let mut held: Vec<u64> = Vec::new();
    for round in 0..60 {
        publisher.fill("q", &["m"]).await;
        for got in client.arrived().await {
            let Got::Deliver { tag, .. } = got else { panic!("{got:?}") };
            held.push(tag);
        }
        let ready = client.count("q").await.0;
        assert!(held.len() == 3 || ready == 0, "round {round}: {held:?} held and {ready} ready");
        let tag = held.remove(round % held.len());
        match round % 5 {
            0 => client.tell(1, reject(tag, true)).await,
            1 => client.tell(1, nack(tag, false, false)).await,
            2 => {
                held.retain(|other| *other > tag);
                client.tell(1, basic::Ack { delivery_tag: tag, multiple: true }).await;
            }
            _ => client.tell(1, ack(tag)).await,
        }
    }
}

/// Consumers come and go while another one on the same connection has much to take in.
#[tokio::test]
async fn a_consumer_that_goes_leaves_its_room_to_the_others() {
    let body = vec![b'x'; 10_000];
    for ending in 0..3 {
        let broker = broker();
        let mut client = Client::to(&broker).await;
        client.open(2).await;
        for queue in ["going", "staying"] {
            client.declare(queue_with(queue, FieldTable::new())).await;
            for _ in 0..300 {
                client.publish(Publishing::bytes(queue, &body)).await;
            }
        }
        client.settle().await;
        // In one write, so that all of it happens before anything is written to the client.
        client
            .send(|out| {
                basic::Consume { no_ack: ending == 1, ..consume("going", "g") }.write(2, out);
                consume("staying", "s").write(1, out);
                match ending {
                    0 | 1 => basic::Cancel { consumer_tag: short("g"), no_wait: true }.write(2, out),
                    _ => channel::Close { reply_code: 200, ..Default::default() }.write(2, out),
                }
            })
            .await;
        let mut staying = 0;
        for _ in 0..20 {
            let all = client.arrived().await;
            staying +=
                all.iter().filter(|g| matches!(g, Got::Deliver { consumer, .. } if consumer == "s")).count();
        }
        assert_eq!(staying, 300, "ending {ending}");
    }
}

//! Queues with a limit. Source: RabbitMQ, "Queue Length Limit".

use crate::support::*;
use leveret_protocol::{FieldTable, FieldValue};

fn limited(max: i32, overflow: &str) -> FieldTable {
    arguments([("x-max-length", max.into()), ("x-overflow", overflow.into())])
}

/// Publishes one after the other and says for each whether it was taken.
async fn publish_each(client: &mut Client, queue: &str, texts: &[&str]) -> Vec<bool> {
    let mut taken = Vec::new();
    for text in texts {
        client.publish(Publishing::to(queue, text)).await;
        taken.push(match client.next().await {
            Got::Ack { multiple: false, .. } => true,
            Got::Nack { .. } => false,
            other => panic!("expected a confirm, got {other:?}"),
        });
    }
    taken
}

#[tokio::test]
async fn the_oldest_goes_when_the_queue_is_full() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", limited(3, "drop-head"))).await;
    client.confirm().await;
    assert_eq!(publish_each(&mut client, "q", &["1", "2", "3", "4", "5"]).await, [true; 5]);
    assert_eq!(client.drain("q").await, ["3", "4", "5"]);
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn the_limit_counts_ready_messages_only() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", limited(2, "drop-head"))).await;
    client.fill("q", &["1", "2"]).await;
    let (first, ..) = client.get("q", false).await.unwrap();
    let (second, ..) = client.get("q", false).await.unwrap();
    client.fill("q", &["3", "4"]).await;
    assert_eq!(client.count("q").await.0, 2);
    // What comes back takes its old place, at the head; and the head is what goes.
    client.tell(1, reject(second, true)).await;
    client.tell(1, ack(first)).await;
    client.settle().await;
    assert_eq!(client.drain("q").await, ["3", "4"]);
}

#[tokio::test]
async fn bodies_are_what_the_limit_in_bytes_counts() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", arguments([("x-max-length-bytes", 10.into())]))).await;
    client.fill("q", &["aaaaa", "bbbbb", ""]).await;
    assert_eq!(client.count("q").await.0, 3);
    client.fill("q", &["c"]).await;
    assert_eq!(client.count("q").await.0, 3);
    client.fill("q", &["ddddddddddd"]).await;
    assert_eq!(client.count("q").await.0, 0, "larger than the queue may be");
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn a_full_queue_refuses_publishings_with_nack() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", limited(2, "reject-publish"))).await;
    client.confirm().await;
    assert_eq!(publish_each(&mut client, "q", &["1", "2", "3", "4"]).await, [true, true, false, false]);
    let (tag, ..) = client.get("q", false).await.unwrap();
    client.tell(1, ack(tag)).await;
    assert_eq!(publish_each(&mut client, "q", &["5", "6"]).await, [true, false]);
    assert_eq!(client.drain("q").await, ["2", "5"]);
    assert_eq!(broker.memory().bytes(), 0);
}

/// All in one write: the confirms may be coalesced, but say the same.
#[tokio::test]
async fn refusals_in_one_batch_are_told_apart() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("small", limited(2, "reject-publish"))).await;
    client.declare(queue_with("large", FieldTable::new())).await;
    client.confirm().await;
    let frame_max = client.tuning.frame_max;
    let targets = ["small", "large", "small", "small", "large", "nowhere", "small", "large"];
    client
        .send(|out| targets.into_iter().for_each(|queue| Publishing::to(queue, "m").write(1, frame_max, out)))
        .await;
    let mut answers = vec![None; targets.len()];
    let mut answered = 0;
    for got in client.arrived().await {
        let (tag, multiple, taken) = match got {
            Got::Ack { tag, multiple, .. } => (tag as usize, multiple, true),
            Got::Nack { tag, multiple, .. } => (tag as usize, multiple, false),
            other => panic!("{other:?}"),
        };
        let from = if multiple { answered } else { tag - 1 };
        for answer in &mut answers[from..tag] {
            assert_eq!(answer.replace(taken), None, "answered twice");
        }
        answered = tag;
    }
    let expected = [true, true, true, false, true, true, false, true];
    assert_eq!(answers, expected.map(Some));
}

#[tokio::test]
async fn what_is_refused_may_be_dead_lettered() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("dead", FieldTable::new())).await;
    let mut all = limited(1, "reject-publish-dlx");
    all.insert("x-dead-letter-exchange", FieldValue::from(""));
    all.insert("x-dead-letter-routing-key", FieldValue::from("dead"));
    client.declare(queue_with("q", all)).await;
    client.confirm().await;
    assert_eq!(publish_each(&mut client, "q", &["1", "2", "3"]).await, [true, false, false]);
    assert_eq!(client.drain("q").await, ["1"]);
    let (_, _, letter) = client.get("dead", true).await.unwrap();
    assert_eq!((letter.text(), letter.deaths()[0].reason.as_str()), ("2", "maxlen"));
    assert_eq!(client.drain("dead").await, ["3"]);
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn one_refusing_queue_makes_the_confirm_a_nack_though_others_took_the_message() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    for (queue, all) in [("small", limited(1, "reject-publish")), ("large", FieldTable::new())] {
        client.declare(queue_with(queue, all)).await;
        let bind = leveret_protocol::methods::queue::Bind {
            queue: short(queue),
            exchange: short("amq.fanout"),
            ..Default::default()
        };
        client.call(1, bind).await;
    }
    client.confirm().await;
    for expected in [true, false] {
        client.publish(Publishing { exchange: "amq.fanout", ..Publishing::to("", "m") }).await;
        assert_eq!(matches!(client.next().await, Got::Ack { .. }), expected);
    }
    assert_eq!((client.count("small").await.0, client.count("large").await.0), (1, 2));
}

/// A consumer with credit takes a message before it could be too many.
#[tokio::test]
async fn a_queue_of_length_zero_hands_over_directly() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", limited(0, "drop-head"))).await;
    client.fill("q", &["dropped"]).await;
    assert_eq!(client.count("q").await.0, 0);
    client.consume(consume("q", "c")).await;
    client.publish(Publishing::to("q", "direct")).await;
    assert_eq!(client.delivered().await, ["direct"]);
}

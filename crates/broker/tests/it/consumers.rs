//! Whose turn it is: priorities, a single active consumer, exclusive consumers, prefetch.

use crate::support::*;
use leveret_protocol::FieldTable;
use leveret_protocol::methods::{basic, channel, queue};

fn cancel(tag: &str) -> basic::Cancel<'_> {
    basic::Cancel { consumer_tag: short(tag), no_wait: false }
}

fn with_priority<'a>(queue: &'a str, tag: &'a str, priority: i32) -> basic::Consume<'a> {
    basic::Consume { arguments: arguments([("x-priority", priority.into())]), ..consume(queue, tag) }
}

/// Who got what, as `consumer:text`.
async fn deliveries(client: &mut Client) -> Vec<String> {
    let brief = |got| match got {
        Got::Deliver { consumer, message, .. } => format!("{consumer}:{}", message.text()),
        other => panic!("expected deliveries, got {other:?}"),
    };
    client.arrived().await.into_iter().map(brief).collect()
}

#[tokio::test]
async fn messages_of_higher_priority_leave_first() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", arguments([("x-max-priority", 5.into())]))).await;
    for (text, priority) in [("a", 0), ("b", 3), ("c", 200), ("d", 3), ("e", 5), ("f", 1)] {
        client.publish(Publishing::to("q", text).priority(priority)).await;
    }
    client.publish(Publishing::to("q", "g")).await;
    client.settle().await;
    assert_eq!(
        client.drain("q").await,
        ["c", "e", "b", "d", "f", "a", "g"],
        "above the highest counts as the highest"
    );
}

#[tokio::test]
async fn a_requeued_message_returns_to_its_place_among_its_priority() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", arguments([("x-max-priority", 5.into())]))).await;
    for (text, priority) in [("a", 1), ("b", 1), ("c", 4), ("d", 1)] {
        client.publish(Publishing::to("q", text).priority(priority)).await;
    }
    client.settle().await;
    for text in ["c", "a", "b"] {
        assert_eq!(client.get("q", false).await.unwrap().2.text(), text);
    }
    client.tell(1, nack(0, true, true)).await;
    client.settle().await;
    assert_eq!(client.drain("q").await, ["c", "a", "b", "d"]);
}

#[tokio::test]
async fn consumers_take_turns() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    for tag in ["x", "y", "z"] {
        client.consume(consume("q", tag)).await;
    }
    client.fill("q", &["1", "2", "3", "4", "5"]).await;
    assert_eq!(deliveries(&mut client).await, ["x:1", "y:2", "z:3", "x:4", "y:5"]);
}

#[tokio::test]
async fn a_consumer_of_higher_priority_is_served_while_it_has_credit() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.call(1, prefetch(2)).await;
    client.consume(with_priority("q", "low", -1)).await;
    client.consume(consume("q", "mid")).await;
    client.consume(with_priority("q", "high", 10)).await;
    client.fill("q", &["1", "2", "3", "4", "5", "6", "7"]).await;
    assert_eq!(deliveries(&mut client).await, ["high:1", "high:2", "mid:3", "mid:4", "low:5", "low:6"]);
    client.tell(1, ack(2)).await;
    assert_eq!(deliveries(&mut client).await, ["high:7"]);
}

#[tokio::test]
async fn one_consumer_is_active_and_another_takes_over_when_it_goes() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let mut second = Client::to(&broker).await;
    let mut third = Client::to(&broker).await;
    client.declare(queue_with("q", arguments([("x-single-active-consumer", true.into())]))).await;
    client.consume(consume("q", "a")).await;
    second.consume(consume("q", "b")).await;
    third.consume(consume("q", "c")).await;
    client.fill("q", &["1", "2"]).await;
    assert_eq!(deliveries(&mut client).await, ["a:1", "a:2"]);
    // Cancelled: what it holds stays its own.
    client.call(1, cancel("a")).await;
    client.fill("q", &["3"]).await;
    assert_eq!(deliveries(&mut second).await, ["b:3"]);
    client.tell(1, ack(1)).await;
    client.tell(1, reject(2, true)).await;
    client.settle().await;
    assert_eq!(deliveries(&mut second).await, ["b:2"]);
    // Its connection is lost: what it held goes to the next, in order.
    drop(second);
    connections_are(&broker, 2).await;
    assert_eq!(deliveries(&mut third).await, ["c:2", "c:3"]);
}

/// As RabbitMQ 3.10 does for classic queues.
#[tokio::test]
async fn the_waiting_consumer_of_highest_priority_takes_over() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", arguments([("x-single-active-consumer", true.into())]))).await;
    for (tag, priority) in [("first", 0), ("low", 1), ("high", 5), ("late", 5)] {
        client.consume(with_priority("q", tag, priority)).await;
    }
    client.fill("q", &["1"]).await;
    assert_eq!(deliveries(&mut client).await, ["first:1"], "nobody is displaced");
    client.call(1, cancel("first")).await;
    client.fill("q", &["2"]).await;
    assert_eq!(deliveries(&mut client).await, ["high:2"]);
}

#[tokio::test]
async fn a_single_active_consumer_without_credit_is_not_replaced() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", arguments([("x-single-active-consumer", true.into())]))).await;
    client.call(1, prefetch(1)).await;
    client.consume(consume("q", "a")).await;
    client.consume(consume("q", "b")).await;
    client.fill("q", &["1", "2"]).await;
    assert_eq!(deliveries(&mut client).await, ["a:1"]);
    client.tell(1, ack(1)).await;
    assert_eq!(deliveries(&mut client).await, ["a:2"]);
}

#[tokio::test]
async fn an_exclusive_consumer_is_alone_until_it_goes() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let mut other = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.consume(basic::Consume { exclusive: true, ..consume("q", "a") }).await;
    let Got::Close { channel: 1, code: 403, text } = other.call(1, consume("q", "b")).await else { panic!() };
    assert_eq!(text, "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use");
    drop(client);
    connections_are(&broker, 1).await;
    other.open(1).await;
    other.consume(consume("q", "b")).await;
}

#[tokio::test]
async fn consumers_hear_that_their_queue_went_if_they_said_they_would() {
    let broker = broker();
    let mut owner = Client::to(&broker).await;
    let mut told = Client::to(&broker).await;
    let mut plain = Connect::plain().to(&broker).await;
    owner.declare(queue_with("q", FieldTable::new())).await;
    told.consume(consume("q", "told")).await;
    plain.consume(consume("q", "plain")).await;
    owner.fill("q", &["1", "2"]).await;
    owner.call(1, queue::Delete { queue: short("q"), ..Default::default() }).await;
    let all = told.arrived().await;
    assert_eq!(all[1..], [Got::Cancel { channel: 1, consumer: "told".into() }]);
    assert!(matches!(plain.arrived().await[..], [Got::Deliver { .. }]));
    // What was delivered may still be settled, and the tags are free again.
    for client in [&mut told, &mut plain] {
        client.tell(1, ack(1)).await;
        client.declare(queue_with("q", FieldTable::new())).await;
    }
    told.consume(consume("q", "told")).await;
    plain.consume(consume("q", "plain")).await;
    assert_eq!(broker.memory().bytes(), 0);
}

/// A defect: what was on its way to another channel of the connection stayed where it was until some other message came.
#[tokio::test]
async fn deliveries_of_other_channels_go_out_when_a_channel_closes() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.open(2).await;
    client.open(3).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.call(3, consume("q", "c")).await;
    let close = channel::Close { reply_code: 200, ..Default::default() };
    // In one read: it is handed to the consumer when the channel closes.
    client
        .send(|out| {
            Publishing::to("q", "a").write(1, 131_072, out);
            leveret_protocol::Method::from(close).write(2, out);
        })
        .await;
    assert_eq!(client.answer(2).await, Got::Reply("channel.close-ok"));
    assert_eq!(client.delivered().await, ["a"]);
}

/// Defects: the second consumer of a channel that closed became the active one for a moment and took messages; and the next active one
/// got what lay behind before what the last one had held. RabbitMQ takes back first.
#[tokio::test]
async fn consumers_of_a_connection_go_together_and_leave_the_order_as_it_was() {
    let broker = broker();
    let (mut ours, mut theirs) = (Client::to(&broker).await, Client::to(&broker).await);
    ours.declare(queue_with("q", arguments([("x-single-active-consumer", true.into())]))).await;
    ours.open(2).await;
    for (channel, tag) in [(1, "a"), (1, "b"), (2, "c")] {
        ours.call(channel, prefetch(1)).await;
        ours.call(channel, consume("q", tag)).await;
    }
    theirs.consume(consume("q", "d")).await;
    ours.fill("q", &["one", "two", "three"]).await;
    assert_eq!(ours.delivered().await, ["one"]);
    drop(ours);
    connections_are(&broker, 1).await;
    let got: Vec<(String, bool)> = theirs
        .arrived()
        .await
        .into_iter()
        .map(|got| match got {
            Got::Deliver { message, redelivered, .. } => (message.text().to_owned(), redelivered),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(got, [("one".to_owned(), true), ("two".to_owned(), false), ("three".to_owned(), false)]);
}

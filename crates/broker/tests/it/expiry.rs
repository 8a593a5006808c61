//! Time to live of messages and of queues, on the virtual clock.

use crate::support::*;
use leveret_protocol::FieldTable;
use leveret_protocol::methods::queue;

fn ttl(ms: i32) -> FieldTable {
    arguments([("x-message-ttl", ms.into())])
}

#[tokio::test]
async fn a_queues_messages_die_at_its_time_to_live_and_not_before() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", ttl(1_000))).await;
    client.fill("q", &["1"]).await;
    pass(&broker, &mut client, ms(400)).await;
    client.fill("q", &["2"]).await;
    pass(&broker, &mut client, ms(599)).await;
    assert_eq!(client.count("q").await, (2, 0));
    pass(&broker, &mut client, ms(1)).await;
    assert_eq!(client.count("q").await, (1, 0));
    pass(&broker, &mut client, ms(399)).await;
    assert_eq!(client.count("q").await, (1, 0));
    pass(&broker, &mut client, ms(1)).await;
    assert_eq!(client.count("q").await, (0, 0));
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn the_shorter_of_the_two_lives_counts() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    for (queue, own, message_ttl, dies_at) in
        [("a", 1_000, 200, 200), ("b", 300, 2_000, 300), ("c", 1_000_000_000, 5, 5)]
    {
        client.declare(queue_with(queue, ttl(own))).await;
        client.publish(Publishing::to(queue, "m").expiring(message_ttl)).await;
        client.settle().await;
        pass(&broker, &mut client, ms(dies_at - 1)).await;
        assert_eq!(client.count(queue).await.0, 1, "{queue} just before {dies_at} ms");
        pass(&broker, &mut client, ms(1)).await;
        assert_eq!(client.count(queue).await.0, 0, "{queue} at {dies_at} ms");
    }
}

/// As RabbitMQ's classic queues: a message behind one that lives longer leaves when it comes to the head.
#[tokio::test]
async fn messages_expire_at_the_head_of_the_queue() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.publish(Publishing::to("q", "long").expiring(10_000)).await;
    client.publish(Publishing::to("q", "short").expiring(10)).await;
    client.publish(Publishing::to("q", "ever")).await;
    client.settle().await;
    pass(&broker, &mut client, ms(5_000)).await;
    assert_eq!(client.count("q").await.0, 3);
    let (_, _, head) = client.get("q", true).await.unwrap();
    assert_eq!(head.text(), "long");
    assert_eq!(client.drain("q").await, ["ever"]);
}

#[tokio::test]
async fn an_unacked_message_does_not_expire_until_it_is_back() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", ttl(1_000))).await;
    client.fill("q", &["held", "back"]).await;
    let (held, ..) = client.get("q", false).await.unwrap();
    let (back, ..) = client.get("q", false).await.unwrap();
    pass(&broker, &mut client, secs(60)).await;
    client.tell(1, ack(held)).await;
    client.tell(1, reject(back, true)).await;
    client.settle().await;
    assert_eq!(client.count("q").await.0, 0);
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn with_a_life_of_zero_a_message_is_delivered_now_or_never() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", ttl(0))).await;
    client.declare(queue_with("p", FieldTable::new())).await;
    client.fill("q", &["nobody there"]).await;
    client.publish(Publishing::to("p", "nobody there").expiring(0)).await;
    client.settle().await;
    assert_eq!((client.count("q").await.0, client.count("p").await.0), (0, 0));
    client.consume(consume("q", "c")).await;
    client.consume(consume("p", "d")).await;
    client.publish(Publishing::to("q", "now")).await;
    client.publish(Publishing::to("p", "too").expiring(0)).await;
    assert_eq!(client.delivered().await, ["now", "too"]);
}

fn expires(ms: i32) -> FieldTable {
    arguments([("x-expires", ms.into())])
}

async fn exists(client: &mut Client, queue: &str) -> bool {
    client.open(7).await;
    let passive = queue::Declare { queue: short(queue), passive: true, ..Default::default() };
    match client.call(7, passive).await {
        Got::DeclareOk { .. } => {
            client.close_channel(7).await;
            true
        }
        Got::Close { code: 404, .. } => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_unused_queue_expires_with_its_messages() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", expires(1_000))).await;
    client.fill("q", &["1"]).await;
    pass(&broker, &mut client, ms(1_000)).await;
    assert!(!exists(&mut client, "q").await);
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn declare_and_get_are_use_and_so_is_a_consumer() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", expires(1_000))).await;
    for use_it in 0..4 {
        pass(&broker, &mut client, ms(999)).await;
        match use_it % 2 {
            0 => assert!(client.get("q", true).await.is_none()),
            _ => assert_eq!(client.declare(queue_with("q", expires(1_000))).await, (0, 0)),
        }
    }
    client.consume(consume("q", "c")).await;
    pass(&broker, &mut client, secs(3_600)).await;
    let cancel = leveret_protocol::methods::basic::Cancel { consumer_tag: short("c"), no_wait: false };
    client.call(1, cancel).await;
    pass(&broker, &mut client, ms(999)).await;
    assert!(exists(&mut client, "q").await);
    pass(&broker, &mut client, ms(1_000)).await;
    assert!(!exists(&mut client, "q").await);
}

#[tokio::test]
async fn publishing_is_no_use_of_a_queue() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", expires(1_000))).await;
    pass(&broker, &mut client, ms(600)).await;
    client.fill("q", &["1"]).await;
    pass(&broker, &mut client, ms(400)).await;
    assert!(!exists(&mut client, "q").await);
}

#[tokio::test]
async fn an_auto_delete_queue_goes_with_its_last_consumer_only() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let mut other = Client::to(&broker).await;
    client.declare(queue::Declare { auto_delete: true, ..queue_with("q", FieldTable::new()) }).await;
    pass(&broker, &mut client, secs(3_600)).await;
    assert!(exists(&mut client, "q").await, "it never had a consumer");
    client.consume(consume("q", "a")).await;
    other.consume(consume("q", "b")).await;
    drop(other);
    connections_are(&broker, 1).await;
    assert!(exists(&mut client, "q").await);
    client.close_channel(1).await;
    client.open(1).await;
    assert!(!exists(&mut client, "q").await);
}

//! Dead letters and the history they carry. Source: RabbitMQ, "Dead Letter Exchanges".

use crate::support::*;
use leveret_broker::Broker;
use leveret_protocol::methods::{exchange, queue};
use leveret_protocol::{FieldTable, FieldValue};

fn text(value: &str) -> FieldValue {
    value.into()
}

/// A queue whose dead letters go to `dead`.
async fn declare_dying<const LEN: usize>(
    client: &mut Client,
    name: &str,
    dead: &str,
    more: [(&str, FieldValue); LEN],
) {
    let mut all =
        arguments([("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text(dead))]);
    for (argument, value) in more {
        all.insert(argument, value);
    }
    client.declare(queue_with(name, all)).await;
}

async fn start() -> (Broker, Client) {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("dead", FieldTable::new())).await;
    (broker, client)
}

async fn letter(client: &mut Client) -> Message {
    client.settle().await;
    client.get("dead", true).await.expect("a dead letter").2
}

#[tokio::test]
async fn an_expired_message_carries_its_history_and_no_expiration() {
    let (broker, mut client) = start().await;
    declare_dying(&mut client, "q", "dead", []).await;
    client.publish(Publishing::to("q", "m").expiring(1_500)).await;
    client.settle().await;
    pass(&broker, &mut client, ms(1_500)).await;
    let letter = letter(&mut client).await;
    assert_eq!((letter.text(), letter.exchange.as_str(), letter.routing_key.as_str()), ("m", "", "dead"));
    assert_eq!(letter.properties.expiration, None);
    let death = Death {
        queue: "q".into(),
        reason: "expired".into(),
        count: 1,
        exchange: String::new(),
        routing_keys: vec!["q".into()],
        time_s: (START_UNIX_MS + 1_500) / 1_000,
        original_expiration: Some("1500".into()),
    };
    assert_eq!(letter.deaths(), [death]);
    for name in ["x-first-death", "x-last-death"] {
        assert_eq!(letter.header(&format!("{name}-queue")).unwrap(), "q");
        assert_eq!(letter.header(&format!("{name}-reason")).unwrap(), "expired");
        assert_eq!(letter.header(&format!("{name}-exchange")).unwrap(), "");
    }
}

#[tokio::test]
async fn the_reason_says_how_it_died() {
    let (_broker, mut client) = start().await;
    declare_dying(&mut client, "rejected", "dead", []).await;
    declare_dying(&mut client, "full", "dead", [("x-max-length", 1.into())]).await;
    let limits = [("x-queue-type", text("quorum")), ("x-delivery-limit", 1.into())];
    let mut quorum =
        arguments([("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))]);
    limits.into_iter().for_each(|(name, value)| drop(quorum.insert(name, value)));
    client.declare(queue::Declare { durable: true, ..queue_with("often", quorum) }).await;

    client.fill("rejected", &["1"]).await;
    let (tag, ..) = client.get("rejected", false).await.unwrap();
    client.tell(1, reject(tag, false)).await;
    assert_eq!(letter(&mut client).await.deaths()[0].reason, "rejected");

    client.fill("full", &["old", "new"]).await;
    let dropped = letter(&mut client).await;
    assert_eq!((dropped.text(), dropped.deaths()[0].reason.as_str()), ("old", "maxlen"));

    client.fill("often", &["3"]).await;
    for round in 0..2 {
        let (tag, redelivered, _) = client.get("often", false).await.unwrap();
        assert_eq!(redelivered, round > 0);
        client.tell(1, reject(tag, true)).await;
    }
    client.settle().await;
    assert!(client.get("often", false).await.is_none());
    assert_eq!(letter(&mut client).await.deaths()[0].reason, "delivery_limit");
}

/// Two queues that pass a message on to each other when it expires, with a consumer that rejects it once.
#[tokio::test]
async fn deaths_are_counted_by_queue_and_reason_newest_first() {
    let (broker, mut client) = start().await;
    declare_dying(&mut client, "q", "dead", []).await;
    client.publish(Publishing::to("q", "m").expiring(100)).await;
    client.settle().await;
    pass(&broker, &mut client, ms(100)).await;
    let first = letter(&mut client).await;
    // Sent again by hand with its headers, as RabbitMQ 3's users do to retry.
    let again = Publishing { properties: first.properties.clone(), ..Publishing::to("q", "m") };
    client.publish(again).await;
    client.settle().await;
    pass(&broker, &mut client, secs(10)).await;
    let (tag, ..) = client.get("q", false).await.unwrap();
    client.tell(1, reject(tag, false)).await;
    let second = letter(&mut client).await;
    let again = Publishing { properties: second.properties.clone(), ..Publishing::to("q", "m") };
    client.publish(again.expiring(100)).await;
    client.settle().await;
    pass(&broker, &mut client, secs(10)).await;
    let third = letter(&mut client).await;
    let brief = |m: &Message| {
        m.deaths()
            .into_iter()
            .map(|d| (d.reason, d.count, d.time_s - START_UNIX_MS / 1000))
            .collect::<Vec<_>>()
    };
    assert_eq!(brief(&second), [("rejected".into(), 1, 10), ("expired".into(), 1, 0)]);
    assert_eq!(
        brief(&third),
        [("expired".into(), 2, 0), ("rejected".into(), 1, 10)],
        "the time is the first death's"
    );
    assert_eq!(third.header("x-first-death-reason").unwrap(), "expired");
    assert_eq!(second.header("x-last-death-reason").unwrap(), "rejected");
}

#[tokio::test]
async fn without_a_key_of_its_own_the_letter_keeps_the_messages_key() {
    let (_broker, mut client) = start().await;
    let fanout = exchange::Declare { exchange: short("dlx"), kind: short("fanout"), ..Default::default() };
    client.call(1, fanout).await;
    client.call(1, queue::Bind { queue: short("dead"), exchange: short("dlx"), ..Default::default() }).await;
    client.declare(queue_with("q", arguments([("x-dead-letter-exchange", text("dlx"))]))).await;
    let bind = queue::Bind {
        queue: short("q"),
        exchange: short("amq.topic"),
        routing_key: short("#"),
        ..Default::default()
    };
    client.call(1, bind).await;
    client.publish(Publishing { exchange: "amq.topic", ..Publishing::to("some.key", "m") }).await;
    client.settle().await;
    let (tag, ..) = client.get("q", false).await.unwrap();
    client.tell(1, reject(tag, false)).await;
    let letter = letter(&mut client).await;
    assert_eq!((letter.exchange.as_str(), letter.routing_key.as_str()), ("dlx", "some.key"));
    assert_eq!(letter.deaths()[0].exchange, "amq.topic");
    assert_eq!(letter.deaths()[0].routing_keys, ["some.key"]);
}

#[tokio::test]
async fn a_cycle_of_expiries_ends_where_it_began() {
    let (broker, mut client) = start().await;
    let life = [("x-message-ttl", 100.into())];
    declare_dying(&mut client, "a", "b", life.clone()).await;
    declare_dying(&mut client, "b", "a", life).await;
    client.fill("a", &["m"]).await;
    pass(&broker, &mut client, ms(100)).await;
    assert_eq!((client.count("a").await.0, client.count("b").await.0), (0, 1));
    pass(&broker, &mut client, ms(100)).await;
    assert_eq!((client.count("a").await.0, client.count("b").await.0), (0, 0), "back to a would be a cycle");
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn a_cycle_with_a_rejection_in_it_goes_on() {
    let (broker, mut client) = start().await;
    declare_dying(&mut client, "work", "wait", []).await;
    declare_dying(&mut client, "wait", "work", [("x-message-ttl", 1_000.into())]).await;
    client.fill("work", &["m"]).await;
    for round in 1..=5 {
        let (tag, redelivered, message) = client.get("work", false).await.expect("it came back");
        assert!(!redelivered, "a dead letter is a new message");
        let rejections = message.deaths().into_iter().find(|d| d.reason == "rejected").map_or(0, |d| d.count);
        assert_eq!(rejections, round - 1);
        client.tell(1, reject(tag, false)).await;
        client.settle().await;
        pass(&broker, &mut client, ms(1_000)).await;
    }
}

/// A queue that dead-letters to itself through rejections is no cycle either; through overflow it is.
#[tokio::test]
async fn a_full_queue_that_dies_into_itself_drops() {
    let (_broker, mut client) = start().await;
    declare_dying(&mut client, "q", "q", [("x-max-length", 2.into())]).await;
    client.fill("q", &["1", "2", "3", "4"]).await;
    assert_eq!(client.drain("q").await, ["3", "4"]);
}

#[tokio::test]
async fn letters_for_nobody_are_dropped_quietly() {
    let (broker, mut client) = start().await;
    let missing =
        arguments([("x-dead-letter-exchange", text("no such exchange")), ("x-message-ttl", 10.into())]);
    client.declare(queue_with("q", missing)).await;
    client.fill("q", &["1", "2"]).await;
    pass(&broker, &mut client, ms(10)).await;
    assert_eq!(client.count("q").await.0, 0);
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn letters_keep_their_order() {
    let (broker, mut client) = start().await;
    declare_dying(&mut client, "q", "dead", [("x-message-ttl", 10.into())]).await;
    let texts: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    client.fill("q", &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    pass(&broker, &mut client, ms(10)).await;
    assert_eq!(client.drain("dead").await, texts);
}

/// `x-dead-letter-strategy: at-least-once`, which takes `x-overflow: reject-publish` (RabbitMQ, "Quorum Queues").
#[tokio::test]
async fn at_least_once_a_dead_letter_waits_until_it_finds_a_place() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let keeping = |strategy: &str| {
        arguments([
            ("x-queue-type", text("quorum")),
            ("x-overflow", text("reject-publish")),
            ("x-dead-letter-strategy", text(strategy)),
            ("x-dead-letter-exchange", text("")),
            ("x-dead-letter-routing-key", text("dead")),
        ])
    };
    for (queue, strategy) in [("keeps", "at-least-once"), ("drops", "at-most-once")] {
        client.declare(queue::Declare { durable: true, ..queue_with(queue, keeping(strategy)) }).await;
        client.fill(queue, &[queue]).await;
        let (tag, ..) = client.get(queue, false).await.unwrap();
        client.tell(1, reject(tag, false)).await;
        client.settle().await;
        assert_eq!(client.count(queue).await, (0, 0), "it is not ready again");
    }
    // One message has room, and there is one already.
    let full = arguments([("x-max-length", 1.into()), ("x-overflow", text("reject-publish"))]);
    client.declare(queue_with("dead", full)).await;
    client.fill("dead", &["first"]).await;
    pass(&broker, &mut client, secs(60)).await;
    assert_eq!(client.drain("dead").await, ["first"]);
    pass(&broker, &mut client, secs(1)).await;
    let letter = letter(&mut client).await;
    assert_eq!((letter.text(), letter.deaths()[0].count), ("keeps", 1));
    pass(&broker, &mut client, secs(60)).await;
    assert!(client.get("dead", true).await.is_none(), "once, and the other one is gone");
}

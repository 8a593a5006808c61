//! Retries as a property of a queue: `x-retry-delays` (ours) and `x-delayed-retry-*` (RabbitMQ 4.3, "Quorum Queues").

use crate::support::*;
use leveret_broker::Broker;
use leveret_broker::policy::{ApplyTo, Policy, PolicyScope};
use leveret_protocol::methods::{channel, queue};
use leveret_protocol::{FieldTable, FieldValue};

const HOUR: u64 = 3600;

fn delays(all: &[i32]) -> FieldValue {
    FieldValue::Array(all.iter().map(|ms| FieldValue::I32(*ms)).collect())
}

fn with_dead_letters<const LEN: usize>(more: [(&str, FieldValue); LEN]) -> FieldTable {
    let mut all =
        arguments([("x-dead-letter-exchange", "".into()), ("x-dead-letter-routing-key", "dead".into())]);
    more.into_iter().for_each(|(name, value)| drop(all.insert(name, value)));
    all
}

async fn start<const LEN: usize>(queue: [(&str, FieldValue); LEN]) -> (Broker, Client) {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("dead", FieldTable::new())).await;
    let queue = queue::Declare { durable: true, ..queue_with("q", with_dead_letters(queue)) };
    client.declare(queue).await;
    (broker, client)
}

/// The next message of `q`, refused so that it is to be tried again.
async fn fail(client: &mut Client) -> Message {
    let (tag, _, message) = client.get("q", false).await.expect("a message");
    client.tell(1, reject(tag, true)).await;
    client.settle().await;
    message
}

async fn is_hidden(client: &mut Client) -> bool {
    client.get("q", false).await.is_none()
}

#[tokio::test]
async fn five_fifteen_and_thirty_seconds_then_the_dead_letters() {
    let (broker, mut client) = start([("x-retry-delays", delays(&[5_000, 15_000, 30_000]))]).await;
    client.fill("q", &["order"]).await;
    for (attempt, wait) in [(1, 5), (2, 15), (3, 30)] {
        let message = fail(&mut client).await;
        assert_eq!(message.headers().contains_key("x-delivery-count"), attempt > 1, "attempt {attempt}");
        pass(&broker, &mut client, ms(wait * 1000 - 1)).await;
        assert!(is_hidden(&mut client).await, "attempt {attempt} comes too early");
        assert_eq!(client.count("q").await, (0, 0));
        pass(&broker, &mut client, ms(1)).await;
    }
    let last = fail(&mut client).await;
    assert_eq!(last.headers().get("x-delivery-count"), Some(&FieldValue::I64(3)));
    assert_eq!(last.headers().get("x-acquired-count"), Some(&FieldValue::I64(3)));
    assert_eq!(last.headers().get("x-first-failed-at"), Some(&FieldValue::Timestamp(START_UNIX_MS / 1000)));
    assert_eq!(last.header("x-last-failure").unwrap(), "rejected");
    let (_, _, letter) = client.get("dead", true).await.expect("a dead letter");
    assert_eq!((letter.text(), letter.deaths()[0].reason.as_str()), ("order", "delivery_limit"));
    assert_eq!(letter.headers().get("x-delivery-count"), Some(&FieldValue::I64(4)));
    assert_eq!(letter.header("x-last-failure").unwrap(), "rejected");
    assert!(is_hidden(&mut client).await);
}

#[tokio::test]
async fn others_overtake_and_it_returns_to_its_place() {
    let (broker, mut client) = start([("x-retry-delays", delays(&[1_000]))]).await;
    client.fill("q", &["a", "b", "c"]).await;
    fail(&mut client).await;
    let (tag, _, second) = client.get("q", false).await.unwrap();
    assert_eq!(second.text(), "b", "it overtakes");
    client.tell(1, ack(tag)).await;
    pass(&broker, &mut client, secs(1)).await;
    assert_eq!(client.drain("q").await, ["a", "c"]);
}

#[tokio::test]
async fn a_consumer_gets_it_when_it_is_due_and_a_lost_consumer_counts() {
    let (broker, mut client) = start([("x-retry-delays", delays(&[1_000, 2_000]))]).await;
    let mut other = Client::to(&broker).await;
    assert_eq!(other.call(1, prefetch(1)).await, Got::Reply("basic.qos-ok"));
    other.consume(consume("q", "lost")).await;
    client.fill("q", &["m"]).await;
    assert_eq!(other.delivered().await, ["m"]);
    drop(other);
    connections_are(&broker, 1).await;
    client.consume(consume("q", "c")).await;
    pass(&broker, &mut client, ms(999)).await;
    assert!(client.arrived().await.is_empty());
    pass(&broker, &mut client, ms(1)).await;
    match &client.arrived().await[..] {
        [Got::Deliver { redelivered: true, message, .. }] => {
            assert_eq!(message.header("x-last-failure").unwrap(), "consumer_lost");
            assert_eq!(message.headers().get("x-delivery-count"), Some(&FieldValue::I64(1)));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn giving_back_is_no_failure_and_comes_at_once() {
    let (_broker, mut client) = start([("x-retry-delays", delays(&[1_000]))]).await;
    client.fill("q", &["m"]).await;
    for round in 1..=30 {
        let (tag, redelivered, message) = client.get("q", false).await.expect("it is there again");
        assert_eq!(redelivered, round > 1);
        assert!(!message.headers().contains_key("x-delivery-count"));
        client.tell(1, nack(tag, false, true)).await;
    }
}

#[tokio::test]
async fn refusing_for_good_dead_letters_at_once() {
    let (_broker, mut client) = start([("x-retry-delays", delays(&[1_000]))]).await;
    client.fill("q", &["m"]).await;
    let (tag, ..) = client.get("q", false).await.unwrap();
    client.tell(1, reject(tag, false)).await;
    client.settle().await;
    assert_eq!(client.get("dead", true).await.unwrap().2.deaths()[0].reason, "rejected");
}

#[tokio::test]
async fn quorum_queues_back_off_as_rabbitmq_4_3_does() {
    let (broker, mut client) = start([
        ("x-queue-type", "quorum".into()),
        ("x-delayed-retry-type", "failed".into()),
        ("x-delayed-retry-min", 1_000.into()),
        ("x-delayed-retry-max", 2_500.into()),
        ("x-delivery-limit", 4.into()),
    ])
    .await;
    client.fill("q", &["m"]).await;
    for wait in [1_000, 2_000, 2_500, 2_500] {
        fail(&mut client).await;
        pass(&broker, &mut client, ms(wait - 1)).await;
        assert!(is_hidden(&mut client).await);
        pass(&broker, &mut client, ms(1)).await;
    }
    fail(&mut client).await;
    assert_eq!(client.get("dead", true).await.unwrap().2.deaths()[0].reason, "delivery_limit");
}

#[tokio::test]
async fn what_waits_still_expires_and_can_be_purged() {
    let (broker, mut client) = start([("x-retry-delays", delays(&[10_000]))]).await;
    client.publish(Publishing::to("q", "short").expiring(3_000)).await;
    fail(&mut client).await;
    pass(&broker, &mut client, secs(3)).await;
    let (_, _, letter) = client.get("dead", true).await.expect("it died while it waited");
    assert_eq!(letter.deaths()[0].reason, "expired");
    client.fill("q", &["a", "b"]).await;
    fail(&mut client).await;
    let purged = client.call(1, queue::Purge { queue: short("q"), ..Default::default() }).await;
    assert_eq!(purged, Got::Count(2), "the one that waits, too");
    pass(&broker, &mut client, secs(HOUR)).await;
    assert!(is_hidden(&mut client).await);
}

#[tokio::test]
async fn the_arguments_are_checked() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let bad = [
        ("x-retry-delays", delays(&[-1]), "expected an array of up to 100 delays"),
        ("x-retry-delays", FieldValue::I32(5), "expected an array of up to 100 delays"),
        ("x-retry-jitter", 101.into(), "max_value_exceeded,101"),
        ("x-delayed-retry-type", "sometimes".into(), "invalid_delayed_retry_type"),
        ("x-delayed-retry-type", "all".into(), "delayed_retry_min_required"),
        ("x-delayed-retry-min", 0.into(), "value_zero,0"),
    ];
    for (name, value, words) in bad {
        match client.call(1, queue_with("q", arguments([(name, value)]))).await {
            Got::Close { code: 406, text, .. } => assert!(text.contains(words), "{name}: {text}"),
            other => panic!("{name}: {other:?}"),
        }
        client.open(1).await;
    }
    let same = || arguments([("x-retry-delays", delays(&[5, 6]))]);
    client.declare(queue_with("q", same())).await;
    client.declare(queue_with("q", same())).await;
    let other = queue_with("q", arguments([("x-retry-delays", delays(&[5, 7]))]));
    assert!(matches!(client.call(1, other).await, Got::Close { code: 406, .. }));
    client.tell(1, channel::CloseOk).await;
}

#[tokio::test]
async fn a_policy_gives_a_queue_a_ladder() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("dead", FieldTable::new())).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    let definition = serde_json::json!({
        "retry-delays": [1000, 2000], "dead-letter-exchange": "", "dead-letter-routing-key": "dead",
    });
    let policy = Policy {
        name: "ladder".into(),
        pattern: "^q$".into(),
        apply_to: ApplyTo::Queues,
        priority: 0,
        definition: serde_json::from_value(definition).unwrap(),
    };
    let vhost = broker.vhosts().remove(0);
    vhost.set_policy(PolicyScope::User, policy).unwrap();
    client.fill("q", &["m"]).await;
    for wait in [1, 2] {
        fail(&mut client).await;
        assert!(is_hidden(&mut client).await);
        pass(&broker, &mut client, secs(wait)).await;
    }
    let last = fail(&mut client).await;
    assert_eq!(last.headers().get("x-delivery-count"), Some(&FieldValue::I64(2)));
    assert_eq!(client.get("dead", true).await.unwrap().2.deaths()[0].reason, "delivery_limit");
}

//! Messages that an operator follows: what is told of their way, and that nothing is once it is over.

use crate::support::*;
use leveret_broker::Broker;
use leveret_broker::queue::select::{Condition, TextProperty};
use leveret_broker::trace::follow::{FOLLOWS_MAX, Follow, FollowBounds, FollowEvent, Subject};
use leveret_protocol::methods::{exchange, queue};
use leveret_protocol::{FieldTable, FieldValue};

fn id(id: &str) -> Subject {
    Subject { filter: Condition::Property(TextProperty::MessageId, id.into()).into(), ..Subject::default() }
}

fn follow(broker: &Broker, subject: Subject) -> Follow {
    broker.follow("/", subject, FollowBounds::default()).unwrap()
}

fn named<'a>(queue: &'a str, id: &str) -> Publishing<'a> {
    let mut publishing = Publishing::to(queue, "body");
    publishing.properties.message_id = Some(id.into());
    publishing
}

/// Each event in a line: what, where, and what else there is to know.
fn told(follow: &Follow) -> Vec<String> {
    follow.events(0, usize::MAX).iter().map(|event| line(event)).collect()
}

fn line(event: &FollowEvent) -> String {
    let mut words = vec![event.step.as_str().to_owned()];
    words.extend(event.queue.iter().map(ToString::to_string));
    words.extend(event.attempt.map(|attempt| format!("#{attempt}")));
    words.extend(event.reason.clone());
    words.extend(event.requeue.map(|requeue| format!("requeue={requeue}")));
    if event.routes() {
        words.push(format!("-> {}", event.queues.join(" ")));
    }
    words.join(" ")
}

async fn start(arguments: FieldTable) -> (Broker, Client) {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("dead", FieldTable::new())).await;
    client.declare(queue_with("q", arguments)).await;
    (broker, client)
}

fn dying<const LEN: usize>(more: [(&str, FieldValue); LEN]) -> FieldTable {
    let mut all =
        arguments([("x-dead-letter-exchange", "".into()), ("x-dead-letter-routing-key", "dead".into())]);
    more.into_iter().for_each(|(name, value)| drop(all.insert(name, value)));
    all
}

#[tokio::test]
async fn one_message_through_a_retry_to_the_dead_letters() {
    let ladder = FieldValue::Array(vec![FieldValue::I32(5_000)]);
    let (broker, mut client) = start(dying([("x-retry-delays", ladder)])).await;
    let one = follow(&broker, id("7"));
    client.publish(named("q", "other")).await;
    client.publish(named("q", "7")).await;
    client.settle().await;
    client.get("q", true).await.unwrap();
    let (tag, _, _) = client.get("q", false).await.unwrap();
    client.tell(1, reject(tag, true)).await;
    client.settle().await;
    pass(&broker, &mut client, ms(5_000)).await;
    client.consume(consume("q", "c")).await;
    let Got::Deliver { tag, .. } = client.next().await else { panic!() };
    client.tell(1, reject(tag, false)).await;
    client.settle().await;
    let (tag, _, _) = client.get("dead", false).await.unwrap();
    client.tell(1, ack(tag)).await;
    client.settle().await;
    assert_eq!(
        told(&one),
        [
            "published -> q",
            "got q #1",
            "rejected q #1 reject requeue=true",
            "retried q #1",
            "delivered q #2",
            "rejected q #2 reject requeue=false",
            "dead_lettered q #2 rejected -> dead",
            "got dead #1",
            "acked dead #1",
        ]
    );
    let events = one.events(0, usize::MAX);
    let published = &events[0];
    assert_eq!((published.user.as_deref(), published.channel), (Some("guest"), Some(1)));
    assert_eq!((published.routing_key.as_str(), published.body_bytes), ("q", 4));
    assert_eq!(events[4].consumer_tag.as_deref(), Some("c"));
    assert_eq!(events[6].to, Some((String::new(), "dead".to_owned())));
    assert_eq!(events[3].unix_us - events[2].unix_us, 5_000_000);
    let numbers: Vec<u64> = events.iter().map(|event| event.number).collect();
    assert_eq!(numbers, (1..=9).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_message_that_was_there_before_is_followed_from_then_on() {
    let (broker, mut client) = start(FieldTable::new()).await;
    client.publish(named("q", "7")).await;
    client.consume(consume("q", "c")).await;
    let Got::Deliver { .. } = client.next().await else { panic!() };
    let one = follow(&broker, Subject { queue: Some("q".into()), ..Subject::default() });
    let other = follow(&broker, Subject { queue: Some("dead".into()), ..Subject::default() });
    client.close_channel(1).await;
    client.open(1).await;
    client.get("q", true).await.unwrap();
    client.settle().await;
    assert_eq!(told(&one), ["lost q #1 requeue=true", "got q #2 no_ack"]);
    assert!(told(&other).is_empty());
}

#[tokio::test]
async fn what_is_not_taken_expires_or_is_purged_is_told() {
    let (broker, mut client) =
        start(dying([("x-max-length", 1.into()), ("x-overflow", "reject-publish".into())])).await;
    let all = follow(&broker, Subject::default());
    client.publish(named("q", "1").expiring(10)).await;
    client.publish(named("q", "2")).await;
    client.settle().await;
    client.publish(Publishing { exchange: "amq.direct", ..named("nowhere", "3") }).await;
    client.publish(Publishing { exchange: "amq.direct", ..named("nowhere", "4") }.mandatory()).await;
    client.settle().await;
    pass(&broker, &mut client, ms(10)).await;
    assert_eq!(
        client.call(1, queue::Purge { queue: short("dead"), ..Default::default() }).await,
        Got::Count(1)
    );
    client.publish(named("q", "5")).await;
    client.settle().await;
    assert_eq!(
        client.call(1, queue::Delete { queue: short("q"), ..Default::default() }).await,
        Got::Count(1)
    );
    client.publish(Publishing { exchange: "missing", ..named("x", "6") }).await;
    // What was returned comes first.
    while !matches!(client.next().await, Got::Close { .. }) {}
    let refusal = "refused no exchange 'missing' in vhost '/'";
    assert_eq!(
        told(&all),
        [
            "published -> q",
            "published -> q",
            "refused q maxlen",
            "published -> ",
            "published NO_ROUTE -> ",
            "dead_lettered q #0 expired -> dead",
            "purged dead #0 purged",
            "published -> q",
            "purged q #0 deleted",
            refusal,
        ]
    );
}

#[tokio::test]
async fn delayed_and_seen_before() {
    let (broker, mut client) = start(arguments([("x-message-deduplication", true.into())])).await;
    let declare = exchange::Declare {
        exchange: short("later"),
        kind: short("x-delayed-message"),
        arguments: arguments([("x-delayed-type", "fanout".into())]),
        ..Default::default()
    };
    assert_eq!(client.call(1, declare).await, Got::Reply("exchange.declare-ok"));
    let bind = queue::Bind { queue: short("dead"), exchange: short("later"), ..Default::default() };
    assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
    let all = follow(&broker, Subject::default());
    let mut later = Publishing { exchange: "later", ..named("k", "1") };
    later.properties.headers = Some(arguments([("x-delay", 1_000.into())]));
    client.publish(later).await;
    for _ in 0..2 {
        let mut twice = named("q", "2");
        twice.properties.headers = Some(arguments([("x-deduplication-header", "same".into())]));
        client.publish(twice).await;
        client.settle().await;
    }
    pass(&broker, &mut client, ms(1_000)).await;
    let told = told(&all);
    assert_eq!(told[1..], ["published -> q", "published -> q", "duplicate q", "due -> dead"], "{told:?}");
}

#[tokio::test]
async fn nothing_is_told_when_it_is_over_and_there_are_bounds() {
    let (broker, mut client) = start(FieldTable::new()).await;
    let bounds = FollowBounds { ttl_ms: 1_000, ..FollowBounds::default() };
    let short = broker.follow("/", Subject::default(), bounds).unwrap();
    let ended = follow(&broker, Subject::default());
    let elsewhere = broker.follow("other", Subject::default(), FollowBounds::default()).unwrap();
    client.fill("q", &["1"]).await;
    client.settle().await;
    assert!(broker.unfollow(ended.id()) && !broker.unfollow(ended.id()));
    pass(&broker, &mut client, ms(1_000)).await;
    client.fill("q", &["2"]).await;
    client.settle().await;
    let seen = [&short, &ended, &elsewhere].map(|one| (one.state().seen, one.state().is_on));
    assert_eq!(seen, [(1, false), (1, false), (0, true)]);
    while broker.follows().len() < FOLLOWS_MAX {
        follow(&broker, Subject::default());
    }
    assert!(broker.follow("/", Subject::default(), FollowBounds::default()).is_err());
    assert!(broker.unfollow(short.id()));
    follow(&broker, Subject::default());
}

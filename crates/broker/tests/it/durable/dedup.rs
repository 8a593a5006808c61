//! What was seen outlives a restart and a crash together with the messages it speaks of.

use super::faults::{on_disk, until};
use super::*;
use leveret_broker::policy::{ApplyTo, Policy, PolicyScope};
use leveret_broker::queue::QueueFigures;
use leveret_protocol::FieldValue;
use leveret_protocol::methods::{exchange, queue};
use leveret_store::State;
use leveret_store::disk::faulty::{Fault, FaultyDisk, Plan, Survival};
use std::sync::Arc;

fn on(size: i64) -> FieldTable {
    arguments([("x-message-deduplication", true.into()), ("x-cache-size", size.into())])
}

fn id(text: &str) -> Publishing<'_> {
    let mut publishing = persistent("q", text);
    publishing.properties.headers = Some(arguments([("x-deduplication-header", text.into())]));
    publishing
}

fn by<'a>(producer: &str, sequence: i64, body: &'a str) -> Publishing<'a> {
    let mut publishing = persistent("q", body);
    let headers = [("x-producer-id", producer.into()), ("x-producer-sequence", FieldValue::I64(sequence))];
    publishing.properties.headers = Some(arguments(headers));
    publishing
}

fn figures(broker: &Broker) -> QueueFigures {
    broker.vhosts()[0].topology().queue("q").unwrap().figures()
}

async fn send(client: &mut Client, texts: &[String]) {
    let frame_max = client.tuning.frame_max;
    client.send(|out| texts.iter().for_each(|text| id(text).write(1, frame_max, out))).await;
}

async fn send_confirmed(broker: &Broker, texts: &[String]) {
    let mut client = Client::to(broker).await;
    client.confirm().await;
    send(&mut client, texts).await;
    confirmed(&mut client, texts.len() as u64).await;
}

#[tokio::test]
async fn what_was_confirmed_is_known_after_a_crash_and_a_restart_though_it_was_consumed() {
    let first = Durable::start();
    let mut client = first.client().await;
    client.declare(durable("q", on(5000))).await;
    // Many small records and some large ones, and more than the window holds.
    for chunk in numbered(0..3000).chunks(1500) {
        send_confirmed(&first.broker, chunk).await;
    }
    client.confirm().await;
    for text in numbered(3000..6000) {
        client.publish(id(&text)).await;
        client.next().await;
    }
    let mut transient = id("transient");
    transient.properties.delivery_mode = None;
    client.publish(transient).await;
    client.publish(by("p", 7, "seven")).await;
    confirmed_by(&mut client, 3002).await;
    assert_eq!(client.drain("q").await.len(), 6002);
    store(&mut Client::to(&first.broker).await, "q", &["done".into()]).await;
    for (later, how) in [(first.crash(secs(3600)), "crash"), (first.restart().await, "restart")] {
        let mut client = later.client().await;
        client.drain("q").await;
        send_confirmed(&later.broker, &numbered(1002..6000)).await;
        assert_eq!(figures(&later.broker).counters.duplicates, 4998, "{how}");
        assert!(client.drain("q").await.is_empty());
        send_confirmed(&later.broker, &["transient".into(), "message 0".into()]).await;
        client.confirm().await;
        client.publish(by("p", 7, "seven")).await;
        client.publish(by("p", 8, "eight")).await;
        confirmed_by(&mut client, 2).await;
        assert_eq!(client.drain("q").await, ["transient", "message 0", "eight"], "{how}");
    }
}

/// The accident: many small batches were put together behind a large one that came after them; a start took the large one for the oldest,
/// and forgot it first.
#[tokio::test]
async fn a_large_batch_among_small_ones_is_known_after_a_crash() {
    let first = Durable::start();
    let mut client = first.client().await;
    client.declare(durable("q", on(1500))).await;
    client.confirm().await;
    let texts = numbered(0..1700);
    for text in &texts[..300] {
        client.publish(id(text)).await;
        client.next().await;
    }
    send(&mut client, &texts[300..500]).await;
    confirmed_by(&mut client, 500).await;
    for text in &texts[500..] {
        client.publish(id(text)).await;
        client.next().await;
    }
    let second = first.crash(secs(0));
    send_confirmed(&second.broker, &texts[200..]).await;
    assert_eq!(figures(&second.broker).counters.duplicates, 1500);
}

async fn confirmed_by(client: &mut Client, last: u64) {
    loop {
        match client.next().await {
            Got::Ack { tag, .. } if tag >= last => return,
            Got::Ack { .. } => {}
            other => panic!("expected confirms, got {other:?}"),
        }
    }
}

/// Two publishers send the same ids, and the power goes at some moment. Whatever survived of it, sending all again has every message
/// there, and none twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_id_survives_with_its_message_or_not_at_all() {
    for seed in 0..8 {
        let disk = Arc::new(FaultyDisk::new());
        let broker = on_disk(&disk);
        Client::to(&broker).await.declare(durable("q", on(100_000))).await;
        let texts = numbered(0..3000);
        let mut publishers = Vec::new();
        for step in [7, 50] {
            let mut client = Client::to(&broker).await;
            let texts = texts.clone();
            publishers.push(tokio::spawn(async move {
                client.confirm().await;
                for chunk in texts.chunks(step) {
                    send(&mut client, chunk).await;
                }
                std::future::pending::<()>().await;
            }));
        }
        until("some of it is there", || figures(&broker).ids > 100 + seed * 300).await;
        let survivor = Arc::new(disk.survivor(seed, Survival::Prefix));
        publishers.iter().for_each(tokio::task::JoinHandle::abort);
        let again = on_disk(&survivor);
        let survived = figures(&again);
        assert_eq!(survived.ids, survived.ready as u64, "seed {seed}");
        send_confirmed(&again, &texts).await;
        let mut found = Client::to(&again).await.drain("q").await;
        found.sort_by_key(|text| text.trim_start_matches("message ").parse::<u32>().unwrap());
        assert!(found == texts, "seed {seed}: {} of {}", found.len(), texts.len());
    }
}

/// The accident to avoid: a publisher loses its connection, sends again and is told that all is well, and then the first is lost.
#[tokio::test]
async fn a_duplicate_is_confirmed_when_what_it_repeats_is_stored_and_refused_when_that_is_lost() {
    for persistence in ["disk", "memory"] {
        check_that_duplicates_wait(persistence).await;
    }
}

async fn check_that_duplicates_wait(persistence: &str) {
    let disk = Arc::new(FaultyDisk::new());
    let broker = on_disk(&disk);
    let (mut first, mut second) = (Client::to(&broker).await, Client::to(&broker).await);
    let mut arguments = on(100);
    arguments.insert("x-cache-persistence", persistence);
    first.declare(durable("q", arguments)).await;
    first.confirm().await;
    second.confirm().await;
    disk.set_space(Some(0));
    // More than what was prepared of the disk before it was full.
    for _ in 0..10 {
        first.publish(persistent("q", &"x".repeat(400_000))).await;
    }
    until("the store says that the disk is full", || {
        matches!(broker.store_state(), Some(State::Full { .. }))
    })
    .await;
    first.publish(id("a")).await;
    until("the first of them is in the queue", || figures(&broker).ids == 1).await;
    second.publish(id("a")).await;
    until("the second is recognised", || figures(&broker).counters.duplicates == 1).await;
    second.settle().await;
    assert!(second.lying_here().await.is_empty(), "the first is not stored");
    disk.set_space(None);
    assert!(matches!(second.next().await, Got::Ack { tag: 1, .. }));
    confirmed_by(&mut first, 11).await;
    disk.plan(Plan { fault: Fault::SyncError, at: disk.calls() + 1, stays: true });
    first.publish(id("b")).await;
    assert!(matches!(first.next().await, Got::Nack { tag: 12, .. }));
    second.publish(id("b")).await;
    assert!(matches!(second.next().await, Got::Nack { tag: 2, .. }));
}

#[tokio::test]
async fn an_exchange_remembers_what_it_let_pass_and_forgets_what_was_refused() {
    let first = Durable::start();
    let mut client = first.client().await;
    let arguments = arguments([("x-cache-size", 1000_i32.into())]);
    let declare = exchange::Declare {
        exchange: short("x"),
        kind: short("x-message-deduplication"),
        durable: true,
        arguments,
        ..Default::default()
    };
    assert_eq!(client.call(1, declare).await, Got::Reply("exchange.declare-ok"));
    let mut limits = FieldTable::new();
    limits.insert("x-max-length", FieldValue::I32(20));
    limits.insert("x-overflow", "reject-publish");
    for (queue, arguments) in [("q", FieldTable::new()), ("full", limits)] {
        client.declare(durable(queue, arguments)).await;
        let bind = queue::Bind { queue: short(queue), exchange: short("x"), ..Default::default() };
        assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
    }
    client.confirm().await;
    let texts = numbered(0..30);
    let frame_max = client.tuning.frame_max;
    let publish = |out: &mut Vec<u8>| {
        for text in &texts {
            Publishing { exchange: "x", ..id(text) }.write(1, frame_max, out);
        }
    };
    client.send(publish).await;
    let mut answers = 0;
    while answers < 30 {
        match client.next().await {
            Got::Ack { tag, .. } | Got::Nack { tag, .. } => answers = tag,
            other => panic!("{other:?}"),
        }
    }
    for (later, how) in [(first.crash(secs(0)), "crash"), (first.restart().await, "restart")] {
        let mut client = later.client().await;
        assert_eq!(client.drain("full").await, texts[..20]);
        assert_eq!(client.drain("q").await, texts);
        assert_eq!(later.broker.vhosts()[0].seen_figures("x").unwrap().ids, 20, "{how}");
        client.confirm().await;
        client.send(publish).await;
        confirmed_by(&mut client, 30).await;
        assert_eq!(client.drain("full").await, texts[20..], "{how}");
        assert_eq!(later.broker.vhosts()[0].seen_figures("x").unwrap().duplicates, 20);
    }
}

#[tokio::test]
async fn an_exchange_remembers_by_policy_as_long_as_there_is_one() {
    let first = Durable::start();
    let mut client = first.client().await;
    let declare = exchange::Declare {
        exchange: short("x"),
        kind: short("fanout"),
        durable: true,
        ..Default::default()
    };
    assert_eq!(client.call(1, declare).await, Got::Reply("exchange.declare-ok"));
    client.declare(durable("q", FieldTable::new())).await;
    let bind = queue::Bind { queue: short("q"), exchange: short("x"), ..Default::default() };
    assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
    let Ok(serde_json::Value::Object(definition)) =
        serde_json::from_str(r#"{"message-deduplication": true}"#)
    else {
        panic!()
    };
    let (name, pattern, apply_to) = ("p".into(), "^x$".to_owned(), ApplyTo::Exchanges);
    let policy = Policy { name, pattern, apply_to, priority: 0, definition };
    first.broker.vhosts()[0].set_policy(PolicyScope::User, policy).unwrap();
    let texts = numbered(0..30);
    let frame_max = client.tuning.frame_max;
    let publish = |out: &mut Vec<u8>| {
        for text in &texts {
            Publishing { exchange: "x", ..id(text) }.write(1, frame_max, out);
        }
    };
    client.confirm().await;
    client.send(publish).await;
    confirmed(&mut client, 30).await;
    assert_eq!(client.drain("q").await, texts);
    let later = first.restart().await;
    let mut client = later.client().await;
    assert_eq!(later.broker.vhosts()[0].seen_figures("x").unwrap().ids, 30);
    client.confirm().await;
    client.send(publish).await;
    confirmed_by(&mut client, 30).await;
    assert!(client.drain("q").await.is_empty(), "all of it was seen");
    assert!(later.broker.vhosts()[0].clear_policy(PolicyScope::User, "p").unwrap());
    let last = later.restart().await;
    assert!(last.broker.vhosts()[0].seen_figures("x").is_none());
    let mut client = last.client().await;
    client.confirm().await;
    client.send(publish).await;
    confirmed(&mut client, 30).await;
    assert_eq!(client.drain("q").await, texts, "nothing of it is known any more");
}

#[tokio::test]
async fn refused_sequences_may_come_again_after_a_crash() {
    let first = Durable::start();
    let mut client = first.client().await;
    let mut arguments = on(100);
    arguments.insert("x-max-length", FieldValue::I32(1));
    arguments.insert("x-overflow", "reject-publish");
    client.declare(durable("q", arguments)).await;
    client.confirm().await;
    for (sequence, body) in [(1, "one"), (2, "two"), (3, "three")] {
        client.publish(by("p", sequence, body)).await;
        let refused = matches!(client.next().await, Got::Nack { .. });
        assert_eq!(refused, sequence == 2);
        if sequence == 2 {
            assert_eq!(client.drain("q").await, ["one"]);
        }
    }
    let second = first.crash(secs(0));
    let mut client = second.client().await;
    client.confirm().await;
    client.drain("q").await;
    for (sequence, count) in [(1, 0), (3, 0), (2, 1), (2, 0)] {
        client.publish(by("p", sequence, "again")).await;
        assert!(matches!(client.next().await, Got::Ack { .. }));
        assert_eq!(client.drain("q").await.len(), count, "{sequence}");
    }
}

/// What was to be forgotten of others went to the store without hurry, and the duplicate's publisher waited for that: for ever, if
/// nobody else came.
#[tokio::test]
async fn a_duplicate_is_confirmed_also_when_ids_expire_with_it() {
    let disk = Arc::new(FaultyDisk::new());
    let broker = on_disk(&disk);
    let mut client = Client::to(&broker).await;
    let mut how = on(5);
    how.insert("x-cache-ttl", FieldValue::I32(5000));
    client.declare(durable("q", how)).await;
    client.confirm().await;
    for (tag, text) in ["a", "b", "b", "c", "c"].into_iter().enumerate() {
        client.publish(id(text)).await;
        let answer = tokio::time::timeout(secs(20), client.next()).await;
        assert!(matches!(answer, Ok(Got::Ack { .. })), "{text}, number {tag}: {answer:?}");
        broker.clock().advance(Duration::from_millis(2600));
    }
    assert_eq!(figures(&broker).counters.duplicates, 2);
}

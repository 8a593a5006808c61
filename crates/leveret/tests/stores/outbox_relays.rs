//! Several relays, relays that are killed or stopped, connections that break: nothing is lost, the order of a key stays, and what comes twice
//! comes with the same id.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use leveret::Outbox;
use leveret::test::{Direction, Ending, TestBroker, connect};
use sqlx::Postgres;

use crate::databases::{Fresh, TestDatabase, on_each_database};
use crate::outbox::{
    add, add_all, all_sent, start, start_and_wait, texts, to, waiting, with_orders, with_table,
};

on_each_database!(
    several_relays_send_each_message_once_and_keep_the_order_of_keys,
    what_a_killed_relay_held_is_taken_over_after_its_lease,
    a_connection_that_breaks_repeats_messages_with_their_ids,
    a_relay_that_stops_gives_back_what_it_did_not_begin,
    a_batch_has_a_bound_in_bytes,
);

const KEYS: usize = 7;
const MESSAGES: usize = 210;

/// `k-n`: the n-th message of the key k; every tenth has no key.
async fn fill<DB: TestDatabase>(outbox: &Outbox<DB>, db: &Fresh<DB>) {
    let mut tx = db.pool.begin().await.unwrap();
    for number in 0..MESSAGES {
        let key = number % KEYS;
        let message = to("orders", &format!("{key}-{number}"));
        let message = if key == 0 { message } else { message.key(key.to_string()) };
        outbox.add(&mut tx, message).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// The messages of the queue in the order of each key, repeated ones left out; and how many there were of them.
fn in_order(broker: &TestBroker) -> (HashMap<String, Vec<usize>>, usize) {
    let (mut by_key, mut ids, mut repeated) = (HashMap::<_, Vec<_>>::new(), HashSet::new(), 0);
    for message in broker.messages("orders") {
        let text = message.text();
        let (key, number) = text.split_once('-').unwrap();
        if ids.insert(message.properties.message_id.unwrap()) {
            by_key.entry(key.to_owned()).or_default().push(number.parse::<usize>().unwrap());
        } else {
            repeated += 1;
        }
    }
    (by_key, repeated)
}

fn assert_complete_and_ordered(by_key: &HashMap<String, Vec<usize>>) {
    for key in 0..KEYS {
        let mut got = by_key[&key.to_string()].clone();
        if key == 0 {
            got.sort_unstable();
        }
        assert_eq!(got, (key..MESSAGES).step_by(KEYS).collect::<Vec<_>>(), "key {key}");
    }
}

async fn several_relays_send_each_message_once_and_keep_the_order_of_keys<DB: TestDatabase>(db: Fresh<DB>) {
    let (broker, mq) = with_orders().await;
    let outbox = with_table(&db).await;
    fill(&outbox, &db).await;
    let relays: Vec<_> = (0..3).map(|_| start(outbox.relay(&mq).batch(10, 1 << 20))).collect();
    all_sent(&db.pool).await;
    let (by_key, repeated) = in_order(&broker);
    assert_complete_and_ordered(&by_key);
    assert_eq!(repeated, 0);
    let mut sent = 0;
    for relay in relays {
        sent += relay.stop().await.sent;
    }
    assert_eq!(sent, MESSAGES as u64);
}

async fn what_a_killed_relay_held_is_taken_over_after_its_lease<DB: TestDatabase>(db: Fresh<DB>) {
    let (broker, mq) = with_orders().await;
    let other = connect(&broker).await;
    let outbox = with_table(&db).await;
    let first = start_and_wait(&outbox, &db, &broker, outbox.relay(&mq)).await;
    // No confirm arrives on its connections: it has begun, and does not end.
    for index in [0, 1] {
        broker.faults().on(index).stall(Direction::ToClient);
    }
    add_all(&outbox, &db.pool, vec![to("orders", "a1").key("a"), to("orders", "a2").key("a")]).await;
    broker.eventually("a1 is on its way", || texts(&broker, "orders") == ["first", "a1"]).await;
    let leased = "SELECT COUNT(*) FROM leveret_outbox WHERE leased_by IS NOT NULL";
    assert_eq!(DB::number(&db.pool, leased).await, 2);
    first.kill().await;

    let second = start(outbox.relay(&other));
    add(&outbox, &db.pool, to("orders", "b1").key("b")).await;
    add(&outbox, &db.pool, to("orders", "a3").key("a")).await;
    broker.eventually("b1 is there", || texts(&broker, "orders").contains(&"b1".to_owned())).await;
    waiting(&db.pool, 3).await;
    assert_eq!(texts(&broker, "orders"), ["first", "a1", "b1"], "a is still the first relay's");
    assert_eq!(
        DB::sql(&db.pool, "UPDATE leveret_outbox SET leased_until = 1 WHERE leased_by IS NOT NULL").await,
        2
    );
    all_sent(&db.pool).await;
    assert_eq!(texts(&broker, "orders"), ["first", "a1", "b1", "a1", "a2", "a3"]);
    let ids: Vec<_> =
        broker.messages("orders").into_iter().map(|message| message.properties.message_id).collect();
    assert_eq!(ids[1], ids[3], "what comes twice has the same id");
    second.stop().await;
}

async fn a_connection_that_breaks_repeats_messages_with_their_ids<DB: TestDatabase>(db: Fresh<DB>) {
    let (broker, mq) = with_orders().await;
    let outbox = with_table(&db).await;
    let relay = outbox.relay(&mq).retry_pauses(Duration::from_millis(1), Duration::from_millis(10));
    let relay = start(relay.batch(20, 1 << 20));
    fill(&outbox, &db).await;
    for part in 1..5 {
        let wanted = MESSAGES * part / 5;
        broker.eventually("it goes on", || texts(&broker, "orders").len() >= wanted).await;
        broker.faults().open().drop_now(Ending::Reset);
    }
    all_sent(&db.pool).await;
    let (by_key, repeated) = in_order(&broker);
    assert_complete_and_ordered(&by_key);
    let report = relay.stop().await;
    assert_eq!(report.sent, MESSAGES as u64, "{report:?}, {repeated} repeated");
    assert!(repeated as u64 <= report.failed, "{report:?}, {repeated} repeated");
}

async fn a_relay_that_stops_gives_back_what_it_did_not_begin<DB: TestDatabase>(db: Fresh<DB>) {
    let (broker, mq) = with_orders().await;
    let outbox = with_table(&db).await;
    let relay = start_and_wait(&outbox, &db, &broker, outbox.relay(&mq)).await;
    broker.faults().open().stall(Direction::ToClient);
    let messages = ["a1", "a2", "a3"].map(|text| to("orders", text).key("a"));
    add_all(&outbox, &db.pool, messages.into()).await;
    broker.eventually("a1 is on its way", || texts(&broker, "orders") == ["first", "a1"]).await;
    relay.tell();
    broker.faults().open().resume();
    let report = relay.stop().await;
    assert_eq!((report.sent, report.failed, report.released), (2, 0, 2));
    let held = "SELECT COUNT(*) FROM leveret_outbox WHERE leased_until > 0 OR leased_by IS NOT NULL";
    assert_eq!((DB::number(&db.pool, held).await, outbox.stats().await.unwrap().waiting), (0, 2));
    let again = start(outbox.relay(&mq));
    all_sent(&db.pool).await;
    assert_eq!(texts(&broker, "orders"), ["first", "a1", "a2", "a3"]);
    again.stop().await;
}

async fn a_batch_has_a_bound_in_bytes<DB: TestDatabase>(db: Fresh<DB>) {
    let (broker, mq) = with_orders().await;
    let outbox = with_table(&db).await;
    let relay = start_and_wait(&outbox, &db, &broker, outbox.relay(&mq).batch(100, 1000)).await;
    broker.faults().open().stall(Direction::ToClient);
    let messages = [300, 600, 200, 5000].map(|size| to("orders", &"x".repeat(size)).key("one"));
    add_all(&outbox, &db.pool, messages.into()).await;
    broker.eventually("one is on its way", || texts(&broker, "orders").len() == 2).await;
    let leased = "SELECT COUNT(*) FROM leveret_outbox WHERE leased_by IS NOT NULL";
    assert_eq!(DB::number(&db.pool, leased).await, 2, "together within the bound");
    broker.faults().open().resume();
    all_sent(&db.pool).await;
    let sizes: Vec<_> = texts(&broker, "orders").iter().map(String::len).collect();
    assert_eq!(sizes, [5, 300, 600, 200, 5000], "one goes whatever its size");
    relay.stop().await;
}

/// The accident: a relay that looks once an hour, and nobody to wake it.
#[tokio::test]
#[ignore = "needs PostgreSQL: conformance/stores/run"]
async fn a_commit_wakes_relays_on_postgresql() {
    let db = Postgres::fresh().await;
    let (broker, mq) = with_orders().await;
    let outbox = with_table(&db).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let relay = tokio::spawn(outbox.relay(&mq).poll_interval(Duration::from_secs(3600)).run(stop.clone()));
    for text in ["1", "2"] {
        add(&outbox, &db.pool, to("orders", text)).await;
        broker
            .eventually("it is there", || texts(&broker, "orders").last().is_some_and(|last| last == text))
            .await;
    }
    stop.cancel();
    relay.await.unwrap().unwrap();
}

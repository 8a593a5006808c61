//! What cannot be sent says why, holds back its own key and nothing else, and goes out when it can.

use std::time::Duration;

use leveret::Queue;
use leveret::test::Ending;

use crate::databases::{Fresh, TestDatabase, on_each_database};
use crate::outbox::{add, all_sent, start, texts, to, with_orders, with_table};

on_each_database!(
    a_row_that_fails_holds_back_its_key_alone,
    a_row_is_tried_again_after_a_pause_and_can_be_given_up,
    a_broker_that_is_away_is_waited_for,
    a_row_that_is_spoiled_says_so,
    a_table_that_is_away_is_waited_for,
);

async fn a_row_that_fails_holds_back_its_key_alone<DB: TestDatabase>(db: Fresh<DB>) {
    let (broker, mq) = with_orders().await;
    let outbox = with_table(&db).await;
    // No queue yet for the first of a's.
    let bad = add(&outbox, &db.pool, to("later", "a1").key("a")).await;
    for (text, key) in [("a2", "a"), ("b1", "b"), ("a3", "a"), ("b2", "b")] {
        add(&outbox, &db.pool, to("orders", text).key(key)).await;
    }
    add(&outbox, &db.pool, to("orders", "free")).await;
    let long = Duration::from_secs(3600);
    let relay = start(outbox.relay(&mq).retry_pauses(long, long));
    broker.eventually("all others are there", || texts(&broker, "orders").len() == 3).await;
    // Written later, and held back as well.
    add(&outbox, &db.pool, to("orders", "a4").key("a")).await;
    add(&outbox, &db.pool, to("orders", "b3").key("b")).await;
    broker.eventually("b goes on", || texts(&broker, "orders").iter().any(|text| text == "b3")).await;
    let mut got = texts(&broker, "orders");
    got.retain(|text| text != "free");
    assert_eq!(got, ["b1", "b2", "b3"]);

    let failing = loop {
        let failing = outbox.failing(10).await.unwrap();
        if outbox.stats().await.unwrap().waiting == 4 && !failing.is_empty() {
            break failing;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    let [row] = &failing[..] else { panic!("{failing:?}") };
    assert_eq!(
        (row.id.as_str(), row.key.as_deref(), row.routing_key.as_str(), row.attempts),
        (bad.as_str(), Some("a"), "later", 1)
    );
    assert!(row.last_error.contains("no queue is bound for routing key \"later\""), "{}", row.last_error);
    let stats = outbox.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.failing), (4, 1));
    assert!(stats.oldest.unwrap() >= row.age);

    mq.declare(Queue::durable("later")).await.unwrap();
    assert_eq!(outbox.retry_now().await.unwrap(), 1);
    all_sent(&db.pool).await;
    assert_eq!(texts(&broker, "later"), ["a1"]);
    let mut got = texts(&broker, "orders");
    got.retain(|text| text.starts_with('a'));
    assert_eq!(got, ["a2", "a3", "a4"]);
    let report = relay.stop().await;
    assert_eq!((report.sent, report.failed), (8, 1), "{report:?}");
}

async fn a_row_is_tried_again_after_a_pause_and_can_be_given_up<DB: TestDatabase>(db: Fresh<DB>) {
    let (broker, mq) = with_orders().await;
    let outbox = with_table(&db).await;
    let refused = add(&outbox, &db.pool, to("orders", "x").to("nothing", "k").key("a")).await;
    add(&outbox, &db.pool, to("orders", "after").key("a")).await;
    broker.faults().nack_next(2);
    add(&outbox, &db.pool, to("orders", "nacked")).await;
    let pauses = (Duration::from_millis(10), Duration::from_millis(20));
    let relay = start(outbox.relay(&mq).retry_pauses(pauses.0, pauses.1));
    broker.eventually("what was nacked is there", || texts(&broker, "orders") == ["nacked"]).await;
    let row = loop {
        let failing = outbox.failing(1).await.unwrap();
        if let Some(row) = failing.into_iter().find(|row| row.attempts >= 3) {
            break row;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    assert!(row.last_error.contains("404"), "{}", row.last_error);
    assert!(outbox.discard(&refused).await.unwrap());
    assert!(!outbox.discard(&refused).await.unwrap());
    all_sent(&db.pool).await;
    assert_eq!(texts(&broker, "orders"), ["nacked", "after"]);
    relay.stop().await;
}

async fn a_broker_that_is_away_is_waited_for<DB: TestDatabase>(db: Fresh<DB>) {
    let (broker, mq) = with_orders().await;
    let outbox = with_table(&db).await;
    let relay = start(outbox.relay(&mq).retry_pauses(Duration::from_millis(10), Duration::from_millis(50)));
    broker.faults().refuse_all();
    broker.faults().open().drop_now(Ending::Reset);
    for text in ["1", "2", "3"] {
        add(&outbox, &db.pool, to("orders", text).key("a")).await;
    }
    broker.settle().await;
    assert_eq!(outbox.stats().await.unwrap().waiting, 3);
    broker.faults().accept();
    all_sent(&db.pool).await;
    assert_eq!(texts(&broker, "orders"), ["1", "2", "3"]);
    assert_eq!(relay.stop().await.sent, 3);
}

async fn a_row_that_is_spoiled_says_so<DB: TestDatabase>(db: Fresh<DB>) {
    let (broker, mq) = with_orders().await;
    let outbox = with_table(&db).await;
    let spoiled = add(&outbox, &db.pool, to("orders", "x")).await;
    let nonsense = if DB::NAME == "SQLite" { "x'ff'" } else { "'\\xff'" };
    DB::sql(&db.pool, &format!("UPDATE leveret_outbox SET properties = {nonsense}")).await;
    add(&outbox, &db.pool, to("orders", "good")).await;
    let relay = start(outbox.relay(&mq));
    broker.eventually("the good one is there", || texts(&broker, "orders") == ["good"]).await;
    let failing = loop {
        match outbox.failing(1).await.unwrap().pop() {
            Some(row) => break row,
            None => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    };
    assert_eq!(failing.id, spoiled);
    assert!(failing.last_error.starts_with("the row's properties"), "{}", failing.last_error);
    relay.stop().await;
}

async fn a_table_that_is_away_is_waited_for<DB: TestDatabase>(db: Fresh<DB>) {
    let (broker, mq) = with_orders().await;
    let outbox = with_table(&db).await;
    add(&outbox, &db.pool, to("orders", "1")).await;
    DB::sql(&db.pool, "ALTER TABLE leveret_outbox RENAME TO elsewhere").await;
    let relay = start(outbox.relay(&mq));
    broker.settle().await;
    assert_eq!(texts(&broker, "orders").len(), 0);
    DB::sql(&db.pool, "ALTER TABLE elsewhere RENAME TO leveret_outbox").await;
    all_sent(&db.pool).await;
    assert_eq!(texts(&broker, "orders"), ["1"]);
    relay.stop().await;
}

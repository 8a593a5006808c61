//! Messages that the source has and does not give: what `--wait-unacked` makes of them.

use super::way::Way;
use super::{Broker, Migration};
use leveret_client::options::RecoveryOptions;
use leveret_client::{
    ConnectOptions, Connection, Consumer, ConsumerOptions, Delivery, FieldTable, FieldValue,
};

/// Both brokers; ten messages at the source, the first three of which a consumer has that can be cut off.
struct Held {
    from: Broker,
    to: Broker,
    way: Way,
    _connection: Connection,
    consumer: Consumer,
    deliveries: Vec<Delivery>,
}

impl Held {
    async fn start(arguments: FieldTable, prefetch: u16) -> Held {
        let (from, to) = tokio::join!(Broker::start(), Broker::start());
        from.declare("q", arguments).await;
        from.publish("q", 0..10).await;
        let way = Way::to(from.server.address, None).await;
        let options = ConnectOptions::new(format!("amqp://guest:guest@{}", way.address)).unwrap();
        let connection = Connection::connect(options.recovery(RecoveryOptions::off())).await.unwrap();
        let mut consumer = connection.consumer(ConsumerOptions::new("q", prefetch)).await.unwrap();
        let deliveries = Broker::take(&mut consumer, prefetch.into()).await;
        Held { from, to, way, _connection: connection, consumer, deliveries }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_consumer_acks_in_time_is_not_moved() {
    let held = Held::start(FieldTable::new(), 3).await;
    let migration = Migration::start(&held.from, &held.to, &[]);
    held.to.counts("q", 7).await;
    held.deliveries.into_iter().for_each(|delivery| delivery.ack().unwrap());
    let (code, row) = migration.end().await;
    assert_eq!(
        (code, &row["stored"]["count"], &row["unacked_at_source"]),
        (0, &7.into(), &0.into()),
        "{row}"
    );
    assert_eq!(held.to.drain("q", 7).await, (3..10).collect::<Vec<_>>());
    held.consumer.drain(super::PATIENCE).await.unwrap();
    assert_eq!(held.from.ready("q").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_consumer_loses_in_time_is_moved_once_behind_the_others() {
    let held = Held::start(FieldTable::new(), 3).await;
    let migration = Migration::start(&held.from, &held.to, &[]);
    held.to.counts("q", 7).await;
    held.way.cut();
    let (code, row) = migration.end().await;
    assert_eq!(
        (code, &row["stored"]["count"], &row["unacked_at_source"]),
        (0, &10.into(), &0.into()),
        "{row}"
    );
    assert_eq!(held.to.drain("q", 10).await, (3..10).chain(0..3).collect::<Vec<_>>());
    assert_eq!(held.from.ready("q").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_consumer_holds_longer_is_told_and_moved_another_time() {
    let held = Held::start(FieldTable::new(), 3).await;
    let (code, row) = Migration::start(&held.from, &held.to, &["--wait-unacked", "1s"]).end().await;
    let verdict =
        "consumers of FROM have 3 messages and did not settle them within 1s; the same command goes on";
    assert_eq!((code, row["queue"].as_str(), row["verdict"].as_str()), (1, Some("q"), Some(verdict)));
    assert_eq!((&row["stored"]["count"], &row["unacked_at_source"]), (&7.into(), &3.into()), "{row}");
    held.way.cut();
    held.from.counts("q", 3).await;
    let (code, row) = Migration::start(&held.from, &held.to, &[]).end().await;
    assert_eq!((code, &row["stored"]["count"], &row["recognised"]), (0, &10.into(), &0.into()), "{row}");
    assert_eq!(held.to.drain("q", 10).await, (3..10).chain(0..3).collect::<Vec<_>>());
}

/// It said "moved", with exit code 0, and left them behind.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_next_attempt_is_waited_for_and_told() {
    for (delay_ms, more, code) in [(2_000, [].as_slice(), 0), (3_600_000, &["--wait-unacked", "1s"], 1)] {
        let mut arguments = FieldTable::new();
        arguments.insert("x-retry-delays", FieldValue::Array(vec![FieldValue::from(delay_ms)]));
        let held = Held::start(arguments, 3).await;
        held.deliveries.into_iter().for_each(|delivery| delivery.reject(true).unwrap());
        let deliveries = held.consumer;
        let migration = Migration::start(&held.from, &held.to, more);
        drop(deliveries);
        let (ended, row) = migration.end().await;
        assert_eq!(ended, code, "{row}");
        let kept = row["kept_at_source"].as_u64().unwrap();
        if code == 0 {
            assert_eq!((kept, &row["stored"]["count"]), (0, &10.into()), "{row}");
            let mut moved = held.to.drain("q", 10).await;
            moved.sort_unstable();
            assert_eq!(moved, (0..10).collect::<Vec<_>>());
        } else {
            let verdict = row["verdict"].as_str().unwrap();
            assert!(kept >= 3 && verdict.starts_with(&format!("FROM keeps {kept} messages back: ")), "{row}");
        }
    }
}

/// The same.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_single_active_consumer_is_to_have_is_told() {
    let mut arguments = FieldTable::new();
    arguments.insert("x-single-active-consumer", true);
    let held = Held::start(arguments, 1).await;
    let (code, row) = Migration::start(&held.from, &held.to, &["--wait-unacked", "1s"]).end().await;
    assert_eq!((code, &row["unacked_at_source"], &row["kept_at_source"]), (1, &1.into(), &9.into()), "{row}");
    held.way.cut();
    held.from.counts("q", 10).await;
    let (code, row) = Migration::start(&held.from, &held.to, &[]).end().await;
    assert_eq!((code, &row["stored"]["count"]), (0, &10.into()), "{row}");
    assert_eq!(held.to.drain("q", 10).await, (0..10).collect::<Vec<_>>());
}

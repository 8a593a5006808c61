//! Messages that were moved and come back late: stored at the target, not acknowledged at the source, and not at its head when the
//! migration goes on. A quorum queue of a cluster keeps them for a consumer of a lost node; a queue with retries lets them wait.

use super::way::{TX_COMMIT, Way};
use super::{Broker, Migration};
use leveret_client::{FieldTable, FieldValue};

/// Messages of the first batch.
const FIRST: u32 = 16;

/// A migration that has stored a batch and dies when it is to be acknowledged.
async fn stored_and_not_acknowledged(from: &Broker, to: &Broker) {
    let way = Way::to(from.server.address, Some(TX_COMMIT)).await;
    let url = format!("amqp://guest:guest@{}", way.address);
    let migration = Migration::start_at(&url, from, to, &[]);
    tokio::time::timeout(super::PATIENCE, way.is_cut()).await.expect("it acknowledges");
    migration.kill().await;
}

/// Both brokers, and forty messages of which the target has the first batch.
async fn begun(arguments: FieldTable) -> (Broker, Broker) {
    let (from, to) = tokio::join!(Broker::start(), Broker::start());
    from.declare("q", arguments).await;
    from.publish("q", 0..40).await;
    stored_and_not_acknowledged(&from, &to).await;
    to.counts("q", FIRST as usize).await;
    (from, to)
}

/// The accident: they were moved a second time when they came back. First in the run in which they do, then in one after it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_consumer_kept_is_not_moved_twice() {
    for more in [[].as_slice(), &["--wait-unacked", "1s"]] {
        let (from, to) = begun(FieldTable::new()).await;
        from.counts("q", 40).await;
        // Somebody keeps them, as the queue does for a consumer that is lost.
        let mut keeper = from.consumer("q", FIRST as u16).await;
        let kept = Broker::take(&mut keeper, FIRST as usize).await;
        assert!(kept.iter().all(leveret_client::Delivery::is_redelivered));
        let migration = Migration::start(&from, &to, more);
        to.counts("q", 40).await;
        let running = if more.is_empty() {
            Some(migration)
        } else {
            let (code, row) = migration.end().await;
            let told = (&row["unacked_at_source"], &row["stored"]["count"]);
            assert_eq!((code, told), (1, (&FIRST.into(), &40.into())), "{row}");
            None
        };
        kept.into_iter().for_each(|delivery| delivery.nack(true).unwrap());
        keeper.drain(super::PATIENCE).await.unwrap();
        let migration = running.unwrap_or_else(|| Migration::start(&from, &to, &[]));
        let (code, row) = migration.end().await;
        assert_eq!(
            (code, &row["stored"]["count"], &row["recognised"]),
            (0, &40.into(), &FIRST.into()),
            "{row}"
        );
        assert_eq!(to.drain("q", 40).await, (0..40).collect::<Vec<_>>());
        assert_eq!(from.ready("q").await, 0);
    }
}

/// The same of a queue with retries: a lost connection is an attempt, and the batch waits for its next one.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_next_attempt_is_not_moved_twice() {
    let mut arguments = FieldTable::new();
    arguments.insert("x-retry-delays", FieldValue::Array(vec![FieldValue::from(3_000)]));
    // Each waits for another time.
    arguments.insert("x-retry-jitter", 50);
    let (from, to) = begun(arguments).await;
    let (code, row) = Migration::start(&from, &to, &[]).end().await;
    assert_eq!((code, &row["stored"]["count"], &row["recognised"]), (0, &40.into(), &FIRST.into()), "{row}");
    assert_eq!(to.drain("q", 40).await, (0..40).collect::<Vec<_>>());
}

/// The accident: a batch with messages that were there already was known by its new ones alone, and all of it was moved a second time.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_partly_there_is_known_as_a_whole() {
    let (from, to) = tokio::join!(Broker::start(), Broker::start());
    from.declare("q", FieldTable::new()).await;
    from.publish("q", 0..5).await;
    stored_and_not_acknowledged(&from, &to).await;
    from.publish("q", 5..20).await;
    stored_and_not_acknowledged(&from, &to).await;
    to.counts("q", FIRST as usize).await;
    let (code, row) = Migration::start(&from, &to, &[]).end().await;
    assert_eq!((code, &row["stored"]["count"], &row["recognised"]), (0, &20.into(), &FIRST.into()), "{row}");
    assert_eq!(to.drain("q", 20).await, (0..20).collect::<Vec<_>>());
}

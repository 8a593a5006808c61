//! A disk that is full or fails, as a client sees it.

use super::*;
use leveret_store::State;
use leveret_store::disk::Disk;
use leveret_store::disk::faulty::{Fault, FaultyDisk, Plan, Survival};
use std::sync::Arc;
use std::time::Instant;

pub(super) fn on_disk(disk: &Arc<FaultyDisk>) -> Broker {
    let mut config = Config::default();
    config.heartbeat = Duration::ZERO;
    config.limits.disk_free_min_bytes = 0;
    config.store.file_bytes = 256 * 1024;
    let disk: Arc<dyn Disk> = disk.clone();
    config.data = DataLocation::Disk(disk);
    Broker::start_with_clock(config, Clock::virtual_at(START_UNIX_MS)).unwrap()
}

pub(super) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < secs(20), "still not: {what}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn after_a_failed_sync_publishers_get_nacks_and_declarations_the_reason_until_a_restart() {
    let disk = Arc::new(FaultyDisk::new());
    let broker = on_disk(&disk);
    let mut client = Client::to(&broker).await;
    client.declare(durable("q", FieldTable::new())).await;
    store(&mut client, "q", &numbered(0..10)).await;

    disk.plan(Plan { fault: Fault::SyncError, at: disk.calls() + 1, stays: false });
    client.publish(persistent("q", "lost")).await;
    let answer = client.next().await;
    assert!(matches!(answer, Got::Nack { tag: 11, .. }), "{answer:?}");
    assert!(matches!(broker.store_state(), Some(State::Failed { .. })), "{:?}", broker.store_state());
    // The disk works again; what the failed sync lost is lost, and so nothing may be promised any more.
    client.publish(persistent("q", "lost too")).await;
    let answer = client.next().await;
    assert!(matches!(answer, Got::Nack { tag: 12, .. }), "{answer:?}");
    let mut other = Client::to(&broker).await;
    let refused = other.call(1, durable("another", FieldTable::new())).await;
    let Got::Close { code: 541, text, .. } = refused else { panic!("{refused:?}") };
    assert!(text.contains("restart the broker"), "{text}");

    let survivor = Arc::new(disk.survivor(1, Survival::Nothing));
    let again = on_disk(&survivor);
    let mut client = Client::to(&again).await;
    assert_eq!(client.drain("q").await, numbered(0..10));
    store(&mut Client::to(&again).await, "q", &numbered(0..1)).await;
}

#[tokio::test]
async fn a_full_disk_blocks_publishers_and_goes_on_where_it_stood() {
    let disk = Arc::new(FaultyDisk::new());
    let broker = on_disk(&disk);
    let mut client = Client::to(&broker).await;
    client.declare(durable("q", FieldTable::new())).await;
    store(&mut client, "q", &numbered(0..10)).await;

    disk.set_space(Some(0));
    let body = "x".repeat(400_000);
    // More than what was prepared of the disk before it was full: a single one once found room in a spare file.
    for _ in 0..10 {
        client.publish(persistent("q", &body)).await;
    }
    until("the store says that the disk is full", || {
        matches!(broker.store_state(), Some(State::Full { .. }))
    })
    .await;
    broker.clock().advance(secs(2));
    until("publishers are blocked", || !broker.memory().alarms().is_empty()).await;
    // A consumer goes on.
    let mut consumer = Client::to(&broker).await;
    let (_, _, first) = consumer.get("q", true).await.unwrap();
    assert_eq!(first.text(), "message 0");

    disk.set_space(None);
    until("the store works again", || matches!(broker.store_state(), Some(State::Running))).await;
    broker.clock().advance(secs(2));
    loop {
        match client.next().await {
            Got::Ack { tag: 20, .. } => break,
            Got::Ack { .. } | Got::Blocked(_) | Got::Unblocked => {}
            other => panic!("neither lost nor refused, but {other:?}"),
        }
    }
    let survivor = Arc::new(disk.survivor(1, Survival::Nothing));
    let again = on_disk(&survivor);
    let mut client = Client::to(&again).await;
    assert_eq!(client.drain("q").await.last().map(String::len), Some(body.len()));
}

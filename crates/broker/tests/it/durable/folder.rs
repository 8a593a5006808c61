//! The folder itself: one that an earlier version wrote is read, one of a later version is refused, and it has one owner.
//!
//! `tests/fixtures/data-folder-1` was written by version 0.1.0 (format 1) by `fill` and killed. It stays as it is: when the format
//! changes, the next one is put beside it, and both must be read.

use super::*;
use leveret_broker::StartError;
use leveret_protocol::FieldValue;
use std::time::Instant;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/data-folder-1");

fn small_files(config: &mut Config) {
    config.store.file_bytes = 64 * 1024;
}

fn body(number: u32) -> String {
    format!("message {number} {}", "x".repeat(400))
}

fn quorum() -> FieldTable {
    arguments([("x-queue-type", FieldValue::LongString(b"quorum".to_vec()))])
}

fn levels() -> FieldTable {
    arguments([("x-max-priority", FieldValue::I32(5))])
}

/// Fills a broker with what the fixture holds.
async fn fill(broker: &Durable) {
    let mut client = broker.client().await;
    client.declare(durable("orders", FieldTable::new())).await;
    client.declare(durable("tasks", quorum())).await;
    client.declare(durable("levels", levels())).await;
    client.confirm().await;
    for number in 0..400 {
        client.publish(persistent("orders", &body(number))).await;
        // Small groups, so that there are several files.
        if number % 20 == 19 {
            confirmed_through(&mut client, u64::from(number) + 1).await;
        }
    }
    client.publish(persistent("orders", "short-lived").expiring(3_600_000)).await;
    client.publish(persistent("tasks", "tried twice")).await;
    for priority in [1, 5, 3] {
        let text = format!("priority {priority}");
        let mut publishing = persistent("levels", &text);
        publishing.properties.priority = Some(priority);
        client.publish(publishing).await;
    }
    confirmed_through(&mut client, 405).await;
    for _ in 0..2 {
        let (tag, _, _) = client.get("tasks", false).await.unwrap();
        client.tell(1, reject(tag, true)).await;
    }
    for _ in 0..10 {
        client.get("orders", true).await.unwrap();
    }
    client.settle().await;
}

async fn confirmed_through(client: &mut Client, last: u64) {
    loop {
        match client.next().await {
            Got::Ack { tag, .. } if tag >= last => return,
            Got::Ack { .. } => {}
            other => panic!("expected confirms, got {other:?}"),
        }
    }
}

/// Reads all of it again, two hours later.
async fn check(folder: &Path) {
    let broker = start_on(folder, START_UNIX_MS + 7_200_000, small_files);
    let mut client = Client::to(&broker).await;
    let (_, redelivered, message) = client.get("tasks", true).await.unwrap();
    assert_eq!((redelivered, message.text()), (true, "tried twice"));
    assert_eq!(message.headers().get("x-delivery-count"), Some(&FieldValue::I64(2)));
    assert_eq!(client.drain("levels").await, ["priority 5", "priority 3", "priority 1"]);
    // Its hour is over two hours later.
    let expected: Vec<String> = (10..400).map(body).collect();
    assert!(client.drain("orders").await == expected);
}

#[tokio::test]
async fn a_folder_of_format_1_is_read() {
    let folder = copy_of_the_fixture();
    check(folder.path()).await;
    let format = std::fs::read_to_string(folder.path().join("format")).unwrap();
    assert_eq!(format, "leveret data folder, format 2\n", "no earlier version is to open it again");
}

/// With `LEVERET_WRITE_FIXTURE` set to a folder's name it is kept there: for a new format.
#[tokio::test]
async fn a_folder_of_today_holds_the_same() {
    let first = Durable::start_with(small_files);
    fill(&first).await;
    // What nobody waits for is stored as well, and closed files are sealed, in the background.
    let began = Instant::now();
    while first.broker.store_stats().unwrap().sealed_files < 2 || first.broker.store_pending_bytes() > 0 {
        assert!(began.elapsed() < secs(30), "{:?}", first.broker.store_stats());
        tokio::task::yield_now().await;
    }
    first.broker.close_store();
    let folder = first.crash_folder();
    if let Some(kept) = std::env::var_os("LEVERET_WRITE_FIXTURE") {
        copy(folder.path(), Path::new(&kept), |name| !name.starts_with("spare-") && name != "leveret.lock");
    }
    check(folder.path()).await;
}

fn copy_of_the_fixture() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(Path::new(FIXTURE), folder.path(), |_| true);
    folder
}

fn refusal(folder: &Path) -> String {
    let mut config = Config::default();
    config.data = DataLocation::Directory(folder.to_owned());
    let error = Broker::start_with_clock(config, Clock::virtual_at(START_UNIX_MS)).unwrap_err();
    assert!(matches!(error, StartError::Data { .. }), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn a_folder_of_a_later_format_is_refused_with_advice_and_left_alone() {
    let folder = copy_of_the_fixture();
    std::fs::write(folder.path().join("format"), "leveret data folder, format 3\n").unwrap();
    let text = refusal(folder.path());
    assert!(
        text.contains("newer version (format 3, this one reads 2)") && text.contains("start that version"),
        "{text}"
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("format")).unwrap(),
        "leveret data folder, format 3\n"
    );
}

#[tokio::test]
async fn a_folder_has_one_broker_and_is_free_as_soon_as_that_has_shut_down() {
    let first = Durable::start();
    let text = refusal(first.folder.path());
    assert!(text.contains("another broker uses it"), "{text}");
    // (The handle still lives: a shutdown alone gives the folder back.)
    first.broker.shutdown(secs(0)).await;
    let second = start_on(first.folder.path(), START_UNIX_MS, |_| ());
    drop(second);
}

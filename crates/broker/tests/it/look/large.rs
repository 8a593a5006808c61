//! What a large queue costs whoever looks at it and moves it. Figures are printed; run by hand:
//! `LOOK_MESSAGES=1000000 cargo test --release -p leveret-broker --test it large -- --nocapture`.

use super::*;
use leveret_broker::queue::select::{Condition, Filter};
use leveret_broker::queue::sweep::Selection;
use leveret_broker::{Clock, Config, DataLocation};
use leveret_protocol::FieldTable;
use leveret_protocol::methods::queue;
use std::time::{Duration, Instant};

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

#[tokio::test]
async fn a_large_queue_on_disk_is_browsed_and_moved_in_bounded_memory() {
    let asked = std::env::var("LOOK_MESSAGES").ok().and_then(|n| n.parse().ok());
    let count: u64 = asked.unwrap_or(20_000);
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.heartbeat = Duration::ZERO;
    config.data = DataLocation::Directory(folder.path().to_owned());
    config.limits.backlog_bytes_max = 1_000_000;
    let broker = Broker::start_with_clock(config, Clock::virtual_at(START_UNIX_MS)).unwrap();
    let mut client = Client::to(&broker).await;
    for name in ["q", "to"] {
        client.declare(queue::Declare { durable: true, ..queue_with(name, FieldTable::new()) }).await;
    }
    let body = "x".repeat(200);
    let frame_max = client.tuning.frame_max;
    for from in (0..count).step_by(1_000) {
        let write = |out: &mut Vec<u8>| {
            for n in from..count.min(from + 1_000) {
                let text = format!("{n:010}{body}");
                let mut publishing = Publishing::to("q", &text);
                publishing.properties.delivery_mode = Some(2);
                publishing.write(1, frame_max, out);
            }
        };
        client.send(write).await;
        client.settle().await;
    }
    assert_eq!(u64::from(client.count("q").await.0), count);
    let before = (resident_bytes(), broker.memory().bytes());
    let mut browse = Browse { messages_max: 1_000, ..Browse::default() };
    let (mut seen, mut slowest, mut most, began) = (0_u64, Duration::ZERO, 0, Instant::now());
    loop {
        let began = Instant::now();
        let page = page(&broker, "q", &browse);
        (slowest, most) = (slowest.max(began.elapsed()), most.max(resident_bytes()));
        for found in &page.messages {
            assert!(found.message.body().starts_with(format!("{seen:010}").as_bytes()), "{seen}");
            seen += 1;
        }
        browse.from = page.next;
        if browse.from.is_none() {
            break;
        }
    }
    assert_eq!((seen, broker.memory().bytes()), (count, before.1));
    let grown = most.saturating_sub(before.0) / 1024;
    println!(
        "browsed {seen} in {:?}, slowest page {slowest:?}, resident memory grew by {grown} KiB",
        began.elapsed()
    );
    // Among other tests of the process it says nothing.
    assert!(asked.is_none() || grown < 64 * 1024, "{grown} KiB");
    let (vhost, actor) = operator(&broker);
    let nines = Selection::from(Filter::from(Condition::BodyContains(b"9x".to_vec())));
    let began = Instant::now();
    let moved = vhost.move_messages(&actor, "q", "to", nines).unwrap().finished().await;
    assert_eq!((moved.moved, moved.failed, moved.skipped), (count / 10, 0, 0));
    println!("moved every tenth of {count} in {:?}", began.elapsed());
    assert_eq!(u64::from(client.count("q").await.0), count - count / 10);
    assert_eq!(u64::from(client.count("to").await.0), count / 10);
    let began = Instant::now();
    let deleted = vhost.delete_messages(&actor, "q", Selection::default()).unwrap().finished().await;
    assert_eq!((deleted.moved, deleted.skipped, client.count("q").await.0), (count - count / 10, 0, 0));
    println!("deleted the rest in {:?}", began.elapsed());
}

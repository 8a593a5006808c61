//! Backlogs that are larger than the memory they may take.

use super::*;
use leveret_protocol::FieldValue;
use leveret_protocol::methods::basic;

const MEMORY: u64 = 200_000;
/// With what one read may bring on top.
const HELD: u64 = MEMORY + 1_000_000;

fn short_of_memory(config: &mut Config) {
    config.limits.backlog_bytes_max = MEMORY;
}

#[tokio::test]
async fn a_backlog_leaves_memory_and_comes_back_in_order() {
    let first = Durable::start_with(short_of_memory);
    let mut client = first.client().await;
    client.declare(durable("q", FieldTable::new())).await;
    store(&mut client, "q", &numbered(0..20_000)).await;
    assert_eq!(client.count("q").await.0, 20_000);
    assert!(first.broker.memory().bytes() < HELD, "{} bytes in memory", first.broker.memory().bytes());
    let second = first.crash_with(secs(0), short_of_memory);
    for broker in [&first, &second] {
        let mut client = broker.client().await;
        client.call(1, prefetch(100)).await;
        client.consume(consume("q", "c")).await;
        let mut seen = Vec::new();
        while seen.len() < 20_000 {
            let Got::Deliver { tag, message, .. } = client.next().await else { panic!("a delivery") };
            seen.push(message.text().to_owned());
            if tag % 50 == 0 {
                client.tell(1, basic::Ack { delivery_tag: tag, multiple: true }).await;
            }
        }
        assert!(seen == numbered(0..20_000), "order");
        client.settle().await;
        assert_eq!(broker.broker.memory().bytes(), 0);
    }
}

#[tokio::test]
async fn messages_that_do_not_outlive_a_restart_go_to_disk_too() {
    let first = Durable::start_with(short_of_memory);
    let mut client = first.client().await;
    client.declare(queue_with("q", FieldTable::new())).await;
    let all = numbered(0..10_000);
    let frame_max = client.tuning.frame_max;
    client.send(|out| all.iter().for_each(|text| Publishing::to("q", text).write(1, frame_max, out))).await;
    client.settle().await;
    assert_eq!(client.count("q").await.0, 10_000);
    assert!(first.broker.memory().bytes() < HELD);
    assert!(client.drain("q").await == all);
    assert_eq!(first.broker.memory().bytes(), 0);
}

#[tokio::test]
async fn a_backlog_on_disk_is_purged_bounded_and_deleted() {
    let first = Durable::start_with(short_of_memory);
    let mut client = first.client().await;
    client.declare(durable("q", FieldTable::new())).await;
    store(&mut client, "q", &numbered(0..5_000)).await;
    let purge = queue::Purge { queue: short("q"), no_wait: false };
    assert_eq!(client.call(1, purge).await, Got::Count(5_000));
    assert_eq!(client.count("q").await.0, 0);
    let mut publisher = first.client().await;
    store(&mut publisher, "q", &numbered(5_000..10_000)).await;
    let second = first.crash_with(secs(0), short_of_memory);
    let mut other = second.client().await;
    assert_eq!(other.count("q").await.0, 5_000);
    assert!(other.drain("q").await == numbered(5_000..10_000));
    let delete = queue::Delete { queue: short("q"), ..Default::default() };
    assert_eq!(client.call(1, delete).await, Got::Count(5_000));
    assert_eq!(first.broker.memory().bytes(), 0);
}

#[tokio::test]
async fn a_length_limit_drops_heads_that_are_on_disk() {
    let first = Durable::start_with(short_of_memory);
    let mut client = first.client().await;
    client.declare(durable("filler", FieldTable::new())).await;
    client.declare(durable("q", arguments([("x-max-length", FieldValue::I32(1_000))]))).await;
    let mut publisher = first.client().await;
    store(&mut publisher, "filler", &numbered(0..5_000)).await;
    let mut publisher = first.client().await;
    store(&mut publisher, "q", &numbered(0..3_000)).await;
    for _ in 0..10_000 {
        if client.count("q").await.0 <= 1_000 {
            break;
        }
        std::thread::yield_now();
    }
    assert!(client.drain("q").await == numbered(2_000..3_000));
}

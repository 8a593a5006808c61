//! Streams on disk: what outlives a restart and a crash.

use super::*;
use crate::durable::Durable;
use leveret_protocol::Properties;

/// Publishes `m0`, `m1` and so on, transient ones, on a connection of its own and waits for the confirms of all.
async fn store(broker: &Durable, queue: &str, numbers: std::ops::Range<u64>) {
    let mut client = broker.client().await;
    client.confirm().await;
    let count = numbers.end - numbers.start;
    for number in numbers {
        client.publish(Publishing::to(queue, &format!("m{number}"))).await;
    }
    let mut confirmed = 0;
    while confirmed < count {
        match client.next().await {
            Got::Ack { tag, multiple, .. } => confirmed = if multiple { tag } else { confirmed + 1 },
            other => panic!("expected a confirm, got {other:?}"),
        }
    }
}

async fn all_from(broker: &Durable, offset: impl Into<FieldValue>, expected: std::ops::Range<u64>) {
    let mut client = broker.client().await;
    qos(&mut client, 60_000).await;
    client.consume(from("s", "c", offset)).await;
    let got = take(&mut client, (expected.end - expected.start) as usize).await;
    for (delivery, offset) in got.iter().zip(expected) {
        assert_eq!((delivery.offset, &*delivery.text), (offset, &*format!("m{offset}")));
    }
    assert_eq!(offsets(&mut client).await, [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_confirmed_is_there_after_a_crash_at_the_same_offsets() {
    let mut broker = Durable::start();
    broker.client().await.declare(stream("s", &[])).await;
    for round in 0..3 {
        store(&broker, "s", round * 5000..(round + 1) * 5000).await;
        broker = broker.crash(secs(60));
        all_from(&broker, "first", 0..(round + 1) * 5000).await;
    }
    assert_eq!(broker.client().await.count("s").await.0, 15_000);
    let broker = broker.restart().await;
    all_from(&broker, 14_990, 14_990..15_000).await;
    // Chunks remember their times: the rounds were a minute apart.
    all_from(&broker, FieldValue::Timestamp(START_UNIX_MS / 1000 + 60), 5000..15_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_at_the_tail_get_what_is_stored() {
    let broker = Durable::start();
    let mut client = broker.client().await;
    client.declare(stream("s", &[])).await;
    qos(&mut client, 1000).await;
    client.consume(consume("s", "c")).await;
    for round in 0..10 {
        store(&broker, "s", round * 100..(round + 1) * 100).await;
    }
    let got = take(&mut client, 1000).await;
    assert!(got.iter().enumerate().all(|(n, delivery)| delivery.offset == n as u64));
    // Without confirms as well.
    client.publish(Publishing::to("s", "m1000")).await;
    assert_eq!(take_after(&mut client, 1000).await, 1000);
}

/// Acknowledges everything so far; the offset of the next delivery.
async fn take_after(client: &mut Client, tag: u64) -> u64 {
    client.tell(1, basic::Ack { delivery_tag: tag, multiple: true }).await;
    take(client, 1).await[0].offset
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_holds_on_disk_and_offsets_go_on() {
    let segment = ("x-stream-max-segment-size-bytes", FieldValue::I64(10_000));
    let arguments = [segment, ("x-max-length-bytes", 50_000.into())];
    let broker = Durable::start();
    let mut client = broker.client().await;
    client.declare(stream("s", &arguments)).await;
    store(&broker, "s", 0..5000).await;
    let mut count = client.count("s").await.0;
    // Confirms do not wait for retention: both follow when the store has the messages, and which comes first is open.
    let began = std::time::Instant::now();
    while count > 1000 && began.elapsed() < secs(20) {
        tokio::task::yield_now().await;
        count = client.count("s").await.0;
    }
    assert!((500..=1000).contains(&count), "{count}");
    let first = 5000 - u64::from(count);
    all_from(&broker, "first", first..5000).await;
    let broker = broker.restart().await;
    let mut client = broker.client().await;
    assert_eq!(client.count("s").await.0, count);
    store(&broker, "s", 5000..5001).await;
    all_from(&broker, 4999, 4999..5001).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_deleted_is_gone_and_another_of_its_name_begins_at_0() {
    let broker = Durable::start();
    let mut client = broker.client().await;
    client.declare(stream("s", &[])).await;
    store(&broker, "s", 0..5000).await;
    assert_eq!(
        client.call(1, queue::Delete { queue: short("s"), ..Default::default() }).await,
        Got::Count(0)
    );
    client.declare(stream("s", &[])).await;
    store(&broker, "s", 0..10).await;
    let broker = broker.crash(secs(1));
    all_from(&broker, "first", 0..10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_consumers_replay_from_disk_in_bounded_memory() {
    let broker = Durable::start();
    broker.client().await.declare(stream("s", &[])).await;
    store(&broker, "s", 0..30_000).await;
    let broker = broker.restart().await;
    let starts = [0_u64, 1, 5000, 15_000, 29_999];
    let mut clients = Vec::new();
    for start in starts {
        let mut client = broker.client().await;
        qos(&mut client, 500).await;
        client.consume(from("s", "c", start as i64)).await;
        clients.push(client);
    }
    for (client, start) in clients.iter_mut().zip(starts) {
        let mut next = start;
        while next < 30_000 {
            let delivery = take(client, 1).await.remove(0);
            assert_eq!((delivery.offset, &*delivery.text), (next, &*format!("m{next}")));
            next += 1;
            if delivery.tag % 250 == 0 {
                client.tell(1, basic::Ack { delivery_tag: delivery.tag, multiple: true }).await;
            }
            let bytes = broker.broker.memory().bytes();
            assert!(bytes < 16 << 20, "{bytes}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_finds_its_chunks_after_a_restart() {
    let broker = Durable::start();
    let mut client = broker.client().await;
    client.declare(stream("s", &[])).await;
    client.confirm().await;
    // Two chunks of each value, one after the other, and a few messages more.
    for n in 0..4 * 4096 + 10 {
        let value = ["a", "b"][n / 4096 % 2];
        let properties = Properties { headers: Some(headers(value)), ..Properties::default() };
        client.publish(Publishing { properties, ..Publishing::to("s", value) }).await;
    }
    let mut confirmed = 0;
    while confirmed < 4 * 4096 + 10 {
        match client.next().await {
            Got::Ack { tag, multiple, .. } => confirmed = if multiple { tag } else { confirmed + 1 },
            other => panic!("expected a confirm, got {other:?}"),
        }
    }
    let broker = broker.restart().await;
    let mut client = broker.client().await;
    qos(&mut client, 60_000).await;
    let filter = [("x-stream-offset", "first".into()), ("x-stream-filter", "b".into())];
    client.consume(basic::Consume { arguments: arguments(filter), ..consume("s", "c") }).await;
    let got = take(&mut client, 2 * 4096).await;
    assert!(got.iter().all(|delivery| delivery.text == "b"));
    assert_eq!((got[0].offset, got[4096].offset), (4096, 3 * 4096));
    assert_eq!(offsets(&mut client).await, [0; 0]);
}

//! Messages that wait for their next delivery while the broker is started again.

use super::*;
use crate::look::{browsed, operator};
use leveret_protocol::FieldValue;

/// A queue with a ladder of one step of ten seconds, and `messages` of which those in `failed` wait.
async fn with_some_waiting(messages: u32, failed: &[u32], max_length: Option<i32>) -> Durable {
    let first = Durable::start();
    let mut client = first.client().await;
    let delays = FieldValue::Array(vec![FieldValue::I32(10_000)]);
    let mut all = arguments([("x-retry-delays", delays)]);
    if let Some(max) = max_length {
        all.insert("x-max-length", FieldValue::I32(max));
    }
    client.declare(durable("q", all)).await;
    store(&mut first.client().await, "q", &numbered(0..messages)).await;
    let mut tags = Vec::new();
    for _ in 0..messages {
        tags.push(client.get("q", false).await.expect("a message").0);
    }
    for (number, tag) in tags.into_iter().enumerate() {
        match failed.contains(&(number as u32)) {
            true => client.tell(1, reject(tag, true)).await,
            false => client.tell(1, nack(tag, false, true)).await,
        }
    }
    client.settle().await;
    // What is confirmed later lies behind the returns.
    client.declare(durable("other", FieldTable::new())).await;
    store(&mut first.client().await, "other", &numbered(0..1)).await;
    first
}

/// The accident: what waited counted as ready after a start, until it was loaded; a queue with a bound dropped ready messages for it.
#[tokio::test]
async fn what_waits_takes_no_place_of_a_ready_message_after_a_start() {
    let failed: Vec<u32> = (0..60).filter(|n| n % 2 == 1).collect();
    let second = with_some_waiting(60, &failed, Some(60)).await.crash(secs(1));
    let mut client = second.client().await;
    assert_eq!(client.count("q").await, (30, 0));
    store(&mut second.client().await, "q", &numbered(60..90)).await;
    assert_eq!(client.count("q").await, (60, 0), "there is room for thirty");
    let ready: Vec<u32> = (0..60).filter(|n| n % 2 == 0).chain(60..90).collect();
    let texts: Vec<String> = ready.iter().map(|n| format!("message {n}")).collect();
    assert_eq!(client.drain("q").await, texts);
    pass(&second.broker, &mut client, secs(9)).await;
    let texts: Vec<String> = failed.iter().map(|n| format!("message {n}")).collect();
    assert_eq!(client.drain("q").await, texts, "those that waited, in their order");
}

/// The accident: what had waited was delivered before older messages that the start had left on disk.
#[tokio::test]
async fn what_waited_over_a_start_returns_to_its_place_wherever_the_others_are() {
    let first = with_some_waiting(3000, &[7, 8, 1500, 2999], None).await;
    for loaded in [0, 5, 1000] {
        let second = first.crash(secs(1));
        let mut client = second.client().await;
        assert_eq!(client.count("q").await, (2996, 0));
        let mut texts = Vec::new();
        for _ in 0..loaded {
            texts.push(client.get("q", true).await.expect("a message").2.text().to_owned());
        }
        pass(&second.broker, &mut client, secs(9)).await;
        assert_eq!(client.count("q").await, (3000 - loaded, 0));
        texts.extend(client.drain("q").await);
        let mut wanted = numbered(0..3000);
        if loaded == 1000 {
            // They came too late for their places.
            let late = wanted.drain(7..9).collect::<Vec<_>>();
            wanted.splice(1000..1000, late);
        }
        assert_eq!(texts, wanted, "{loaded} were taken before");
    }
}

#[tokio::test]
async fn what_waits_is_seen_once_and_can_be_purged_after_a_start() {
    let first = with_some_waiting(50, &[3, 40], None).await;
    let second = first.crash(secs(1));
    let (vhost, actor) = operator(&second.broker);
    let figures = vhost.check_queue(&actor, "q").unwrap().figures();
    assert_eq!((figures.ready, figures.waiting), (48, 2));
    let mut seen = browsed(&second.broker, "q", 7);
    seen.sort_unstable();
    let mut wanted = numbered(0..50);
    wanted.sort_unstable();
    assert_eq!(seen, wanted, "each of them once");
    drop(vhost);
    let mut client = second.client().await;
    let purged = client.call(1, queue::Purge { queue: short("q"), ..Default::default() }).await;
    assert_eq!(purged, Got::Count(50));
    pass(&second.broker, &mut client, secs(20)).await;
    assert!(client.get("q", true).await.is_none());
    drop(client);
    let third = second.restart().await;
    assert_eq!(third.client().await.count("q").await, (0, 0));
}

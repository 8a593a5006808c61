use crate::support::*;
use leveret_protocol::methods::{basic, queue};
use leveret_protocol::{FieldTable, FieldValue};
use leveret_test::TestBroker;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

fn arguments(all: &[(&str, FieldValue)]) -> FieldTable {
    all.iter().cloned().collect()
}

fn expiring_to(ttl_ms: i64, next: &str) -> FieldTable {
    arguments(&[
        ("x-message-ttl", ttl_ms.into()),
        ("x-dead-letter-exchange", "".into()),
        ("x-dead-letter-routing-key", next.into()),
    ])
}

#[tokio::test]
async fn messages_expire_when_the_clock_is_moved_and_not_before() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::to(&broker).await;
    let arguments = arguments(&[("x-message-ttl", 30_000.into())]);
    raw.call(queue::Declare { arguments, ..declare("q") }).await;
    raw.publish("q", "one").await;
    broker.advance(Duration::from_millis(29_999)).await;
    assert_eq!(broker.messages("q").len(), 1);
    assert_eq!(broker.messages("q")[0].expires_ms, Some(30_000));
    broker.advance(Duration::from_millis(1)).await;
    assert_eq!(broker.queue("q").unwrap().ready, 0);
}

/// Moved in one leap, the second rung would only begin where the leap ends.
#[tokio::test]
async fn a_ladder_of_delays_is_climbed_in_one_advance() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::to(&broker).await;
    for (name, ttl_ms, next) in [("first", 5_000, "second"), ("second", 15_000, "work")] {
        raw.call(queue::Declare { arguments: expiring_to(ttl_ms, next), ..declare(name) }).await;
    }
    raw.call(declare("work")).await;
    raw.publish("first", "job").await;
    broker.advance(20 * SECOND - Duration::from_millis(1)).await;
    assert_eq!(broker.queue("work").unwrap().ready, 0);
    broker.advance(Duration::from_millis(1)).await;
    assert_eq!(broker.messages("work")[0].text(), "job");
}

#[tokio::test]
async fn a_silent_client_is_dead_after_two_heartbeats_and_hours_pass_without_them() {
    let broker = TestBroker::builder().heartbeat(10 * SECOND).start().await.unwrap();
    let mut raw = Raw::to(&broker).await;
    broker.advance(15 * SECOND).await;
    assert!(broker.connections()[0].open);
    broker.advance(15 * SECOND).await;
    assert!(!broker.connections()[0].open);
    let arrived = raw.arrived(&broker).await;
    assert_eq!(arrived.first().map(String::as_str), Some("heartbeat"));

    let quiet = TestBroker::start().await;
    let mut raw = Raw::to(&quiet).await;
    let began = Instant::now();
    quiet.advance(24 * 3600 * SECOND).await;
    println!("a day took {:?}", began.elapsed());
    assert_eq!(raw.call(declare("q")).await, "queue.declare-ok");
}

#[tokio::test(start_paused = true)]
async fn clients_that_are_given_time_as_well_stay_alive() {
    let broker = TestBroker::builder().heartbeat(10 * SECOND).start().await.unwrap();
    let client = broker.client().await;
    broker.advance_with_tokio(100 * SECOND).await;
    assert_eq!(broker.connections().len(), 1, "it was never lost");
    assert!(broker.connections()[0].open);
    client.channel().await.unwrap();
}

#[tokio::test]
async fn a_consumer_that_does_not_settle_is_timed_out() {
    let broker = TestBroker::builder()
        .config(|config| config.consumer_timeout = Some(120 * SECOND))
        .start()
        .await
        .unwrap();
    let mut raw = Raw::to(&broker).await;
    raw.call(declare("q")).await;
    raw.publish("q", "one").await;
    raw.call(basic::Consume { queue: short("q"), ..Default::default() }).await;
    broker.advance(100 * SECOND).await;
    assert_eq!(broker.queue("q").unwrap().unacked, 1);
    broker.advance(100 * SECOND).await;
    assert_eq!((broker.queue("q").unwrap().unacked, broker.queue("q").unwrap().ready), (0, 1));
}

#[tokio::test]
#[should_panic(expected = "clock is real")]
async fn a_real_clock_cannot_be_moved() {
    let broker = TestBroker::builder().real_clock().start().await.unwrap();
    broker.advance(SECOND).await;
}

use crate::support::*;
use leveret_protocol::methods::basic;
use leveret_test::TestBroker;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(20);

async fn with_two_messages() -> (TestBroker, Raw) {
    let broker = TestBroker::start().await;
    let mut raw = Raw::named(&broker, "shop").await;
    raw.call(declare("orders")).await;
    for body in ["tea", "coffee"] {
        raw.publish("orders", body).await;
    }
    broker.settle().await;
    (broker, raw)
}

#[tokio::test]
async fn the_first_message_that_matches_in_all_ways_is_found() {
    let (broker, _raw) = with_two_messages().await;
    assert_eq!(broker.expect_message("orders").await.text(), "tea");
    let message = broker
        .expect_message("orders")
        .body("coffee")
        .body_containing("off")
        .header("n", "coffee")
        .routing_key("orders")
        .exchange("")
        .matching("persistent", |message| message.properties.delivery_mode == Some(2))
        .await;
    assert_eq!(message.text(), "coffee");
}

#[tokio::test]
async fn a_message_is_waited_for() {
    let (broker, mut raw) = with_two_messages().await;
    let waiting = tokio::spawn({
        let broker = broker.clone();
        async move { broker.expect_message("orders").body("cake").await }
    });
    tokio::task::yield_now().await;
    raw.publish("orders", "cake").await;
    assert_eq!(waiting.await.unwrap().text(), "cake");
}

#[tokio::test]
async fn a_failure_says_what_is_there_instead() {
    let (broker, _raw) = with_two_messages().await;
    let text = panic_of(async move {
        broker.expect_message("orders").body("cake").header("n", 1).within(SHORT).await;
    })
    .await;
    for part in [
        "assertions.rs:",
        "in queue \"orders\" a message with body \"cake\", with header n = I32(1)",
        "2 ready, none matches:",
        "\"tea\" (3 bytes), exchange \"\", routing key \"orders\", header n = \"tea\": not with body \"cake\", not with header",
        "queue   ready  unacked  consumers  published\norders  2      0        0          2",
        "0           shop  open   1",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[tokio::test]
async fn a_failure_says_that_there_is_no_queue_or_nothing_in_it() {
    let (broker, mut raw) = with_two_messages().await;
    let other = broker.clone();
    let text = panic_of(async move {
        other.expect_message("order").within(SHORT).await;
    })
    .await;
    assert!(text.contains("there is no such queue in virtual host \"/\""), "{text}");
    raw.call(basic::Consume { queue: short("orders"), ..Default::default() }).await;
    let text = panic_of(async move {
        broker.expect_message("orders").within(SHORT).await;
    })
    .await;
    assert!(text.contains("no message is ready; 2 are unacked"), "{text}");
}

#[tokio::test]
async fn empty_means_nothing_ready_and_nothing_unacked() {
    let (broker, mut raw) = with_two_messages().await;
    raw.call(basic::Consume { queue: short("orders"), ..Default::default() }).await;
    raw.next().await;
    let other = broker.clone();
    let text = panic_of(async move { other.expect_empty("orders").within(SHORT).await }).await;
    assert!(text.contains("0 ready, 2 unacked"), "{text}");
    raw.tell(basic::Ack { delivery_tag: 0, multiple: true }).await;
    broker.expect_empty("orders").await;
    let text = panic_of(async move { broker.expect_empty("nowhere").within(SHORT).await }).await;
    assert!(text.contains("no such queue"), "{text}");
}

#[tokio::test]
async fn a_condition_is_waited_for_and_its_words_are_in_the_failure() {
    let (broker, _raw) = with_two_messages().await;
    let mut looks = 0;
    broker
        .eventually("the third look", || {
            looks += 1;
            looks == 3
        })
        .await;
    let text = panic_of(async move {
        broker.eventually_within(SHORT, "pigs fly", || false).await;
    })
    .await;
    assert!(text.contains("that pigs fly") && text.contains("orders  2"), "{text}");
    assert!(text.contains("assertions.rs:"), "{text}");
}

/// A client's timers must go on while an assertion waits, or what it waits for never comes.
#[tokio::test(start_paused = true)]
async fn waiting_lets_a_paused_clock_run() {
    let (broker, mut raw) = with_two_messages().await;
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        raw.publish("orders", "late").await;
        std::future::pending::<()>().await;
    });
    broker.expect_message("orders").body("late").await;
}

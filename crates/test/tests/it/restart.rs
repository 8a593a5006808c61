use crate::support::*;
use leveret_client::{ConsumerOptions, PublisherOptions, QueueDeclare};
use leveret_protocol::methods::basic;
use leveret_test::TestBroker;
use std::time::Duration;

#[tokio::test]
async fn what_was_confirmed_outlives_an_orderly_restart_and_a_kill() {
    let broker = TestBroker::builder().on_memory_disk().start().await.unwrap();
    let mut expected = Vec::new();
    for round in 0..3 {
        let mut raw = Raw::to(&broker).await;
        raw.call(declare("q")).await;
        raw.confirm().await;
        for n in 0..20 {
            let text = format!("{round}.{n}");
            raw.publish("q", &text).await;
            assert_eq!(raw.next().await, format!("ack {}", n + 1));
            expected.push(text);
        }
        if round == 1 {
            broker.restart().await.unwrap();
            assert_eq!(raw.next().await, "connection.close 320");
            assert_eq!(raw.next().await, "end");
        } else {
            broker.kill().await.unwrap();
            assert_eq!(raw.next().await, "ConnectionReset");
        }
        let texts: Vec<String> = broker.messages("q").iter().map(|m| m.text()).collect();
        assert_eq!(texts, expected, "round {round}");
        assert_eq!(broker.queue("q").unwrap().ready, expected.len());
    }
}

/// The consumer's deliveries were not settled: they come again, and say so.
#[tokio::test]
async fn after_a_kill_unsettled_deliveries_come_again() {
    let broker = TestBroker::builder().on_memory_disk().start().await.unwrap();
    let mut raw = Raw::to(&broker).await;
    raw.call(declare("q")).await;
    raw.publish("q", "one").await;
    raw.call(basic::Consume { queue: short("q"), ..Default::default() }).await;
    assert_eq!(raw.next().await, "deliver one");
    broker.settle().await;
    broker.kill().await.unwrap();
    let mut raw = Raw::to(&broker).await;
    raw.call(basic::Consume { queue: short("q"), ..Default::default() }).await;
    assert_eq!(raw.next().await, "redelivery one");
}

#[tokio::test]
async fn folders_are_gone_with_the_broker() {
    for _ in 0..20 {
        let broker = TestBroker::builder().on_memory_disk().start().await.unwrap();
        Raw::to(&broker).await.call(declare("q")).await;
        let folder = || match &broker.broker().config().data {
            leveret_broker::DataLocation::Directory(folder) => folder.clone(),
            _ => panic!("it has no folder"),
        };
        let first = folder();
        broker.kill().await.unwrap();
        let second = folder();
        assert!(first != second && first.exists() && second.exists());
        drop(broker);
        assert!(!first.exists() && !second.exists());
    }
}

#[tokio::test]
async fn in_memory_a_restart_forgets_and_the_clock_goes_on() {
    let broker = TestBroker::start().await;
    Raw::to(&broker).await.call(declare("q")).await;
    broker.advance(Duration::from_secs(60)).await;
    let now_ms = broker.broker().clock().unix_ms();
    broker.restart().await.unwrap();
    assert!(broker.queues().is_empty());
    assert!(broker.broker().clock().unix_ms() >= now_ms);
    Raw::to(&broker).await.call(declare("q")).await;
    broker.kill().await.unwrap();
    assert!(broker.queues().is_empty());
}

#[tokio::test]
async fn a_client_comes_back_over_the_same_port() {
    let broker = TestBroker::builder().on_memory_disk().start().await.unwrap();
    let url = broker.url().await;
    let client = leveret_client::Connection::connect(&*url).await.unwrap();
    let declare = QueueDeclare { durable: true, ..QueueDeclare::default() };
    client.channel().await.unwrap().queue_declare("q", declare).await.unwrap();
    let publisher = client.publisher(PublisherOptions::to_queue("q")).await.unwrap();
    publisher.send("before").await.unwrap();
    broker.restart().await.unwrap();
    assert_eq!(broker.url().await, url);
    publisher.send("after").await.unwrap();
    broker.expect_message("q").body("after").await;
    let mut consumer = client.consumer(ConsumerOptions::new("q", 10)).await.unwrap();
    let delivery = consumer.next().await.unwrap().unwrap();
    assert_eq!(delivery.body(), "before");
    delivery.ack().unwrap();
}

//! Deliveries that nobody settles. Source: RabbitMQ, "Delivery Acknowledgement Timeout".

use crate::support::*;
use leveret_protocol::FieldTable;
use leveret_protocol::methods::basic;

const HALF_AN_HOUR_MS: u64 = 30 * 60 * 1000;

async fn minutes(broker: &leveret_broker::Broker, client: &mut Client, count: u64) {
    for _ in 0..count {
        pass(broker, client, secs(60)).await;
    }
}

#[tokio::test]
async fn a_delivery_unsettled_for_half_an_hour_closes_its_channel_and_no_other() {
    let broker = broker();
    let mut other = Client::to(&broker).await;
    let mut client = Client::to(&broker).await;
    client.open(2).await;
    for queue in ["forgotten", "fine"] {
        other.declare(queue_with(queue, FieldTable::new())).await;
        other.fill(queue, &["1", "2"]).await;
    }
    client.call(2, prefetch(1)).await;
    client.call(2, consume("forgotten", "f")).await;
    client.call(1, prefetch(1)).await;
    client.call(1, consume("fine", "g")).await;
    other.settle().await;
    minutes(&broker, &mut other, 29).await;
    let here = client.lying_here().await;
    assert!(here.iter().all(|got| matches!(got, Got::Deliver { .. })), "{here:?}");
    client.tell(1, ack(1)).await;
    minutes(&broker, &mut other, 2).await;
    let all = client.lying_here().await;
    let text = format!(
        "PRECONDITION_FAILED - delivery acknowledgement on channel 2 timed out. Timeout value used: {HALF_AN_HOUR_MS} ms. \
         This timeout value can be configured, see consumers doc guide to learn more"
    );
    let [Got::Deliver { channel: 1, .. }, close] = &all[..] else { panic!("{all:?}") };
    assert_eq!(*close, Got::Close { channel: 2, code: 406, text });
    // The message is back, and the channel that settles in time goes on.
    assert_eq!(other.count("forgotten").await, (2, 0));
    client.tell(1, ack(2)).await;
    minutes(&broker, &mut other, 40).await;
    client.settle().await;
    assert_eq!(other.count("fine").await, (0, 1));
}

#[tokio::test]
async fn a_queue_may_have_a_timeout_of_its_own() {
    let broker = broker();
    let mut other = Client::to(&broker).await;
    let mut client = Client::to(&broker).await;
    let minutes_two = arguments([("x-consumer-timeout", 120_000.into())]);
    other.declare(queue_with("q", minutes_two)).await;
    other.fill("q", &["1"]).await;
    client.consume(consume("q", "c")).await;
    other.settle().await;
    minutes(&broker, &mut other, 3).await;
    let all = client.lying_here().await;
    assert!(matches!(&all[..], [Got::Deliver { .. }, Got::Close { channel: 1, code: 406, .. }]), "{all:?}");
}

#[tokio::test]
async fn without_a_timeout_and_without_ack_nothing_is_overdue() {
    let broker = broker_with(|config| config.consumer_timeout = None);
    let mut other = Client::to(&broker).await;
    let mut client = Client::to(&broker).await;
    other.declare(queue_with("q", FieldTable::new())).await;
    other.fill("q", &["1"]).await;
    client.consume(consume("q", "c")).await;
    other.settle().await;
    minutes(&broker, &mut other, 120).await;
    client.settle().await;

    let broker = broker_with(|_| ());
    let mut other = Client::to(&broker).await;
    let mut client = Client::to(&broker).await;
    other.declare(queue_with("q", FieldTable::new())).await;
    client.consume(basic::Consume { no_ack: true, ..consume("q", "c") }).await;
    other.fill("q", &["1"]).await;
    minutes(&broker, &mut other, 120).await;
    client.settle().await;
}

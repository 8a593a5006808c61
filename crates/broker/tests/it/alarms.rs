//! Resource alarms hold publishers back and nobody else. Source: RabbitMQ, "Memory and Disk Alarms", "Blocked Connections".

use crate::support::*;
use leveret_broker::{Broker, Resource};
use leveret_protocol::FieldTable;
use leveret_protocol::put_heartbeat;

/// A queue, and an onlooker whose round trips show when the broker is done.
async fn start() -> (Broker, Client) {
    let broker = broker();
    let mut onlooker = Client::to(&broker).await;
    onlooker.declare(queue_with("q", FieldTable::new())).await;
    (broker, onlooker)
}

async fn publisher(broker: &Broker, onlooker: &mut Client) -> Client {
    let mut client = Client::to(broker).await;
    client.publish(Publishing::to("q", "before")).await;
    onlooker.settle().await;
    client
}

fn blocked(reason: &str) -> Got {
    Got::Blocked(reason.into())
}

#[tokio::test]
async fn publishers_are_told_and_not_read_until_the_alarm_is_over() {
    let (broker, mut onlooker) = start().await;
    let mut client = publisher(&broker, &mut onlooker).await;
    broker.memory().set_alarm(Resource::Memory, true);
    onlooker.settle().await;
    assert_eq!(client.lying_here().await, [blocked("low on memory")]);
    client.publish(Publishing::to("q", "held back")).await;
    onlooker.settle().await;
    assert_eq!(onlooker.count("q").await.0, 1);
    broker.memory().set_alarm(Resource::Memory, false);
    onlooker.settle().await;
    assert_eq!(client.lying_here().await, [Got::Unblocked]);
    assert_eq!(onlooker.drain("q").await, ["before", "held back"]);
}

#[tokio::test]
async fn whoever_publishes_first_during_an_alarm_is_blocked_after_it() {
    let (broker, mut onlooker) = start().await;
    let mut client = Client::to(&broker).await;
    broker.memory().set_alarm(Resource::Disk, true);
    onlooker.settle().await;
    assert_eq!(client.arrived().await, [], "it has not published");
    client.publish(Publishing::to("q", "1")).await;
    onlooker.settle().await;
    client.publish(Publishing::to("q", "2")).await;
    onlooker.settle().await;
    assert_eq!(client.lying_here().await, [blocked("low on disk")]);
    assert_eq!(onlooker.count("q").await.0, 1);
}

#[tokio::test]
async fn consumers_go_on() {
    let (broker, mut onlooker) = start().await;
    onlooker.call(1, prefetch(1)).await;
    onlooker.consume(consume("q", "c")).await;
    let mut client = publisher(&broker, &mut onlooker).await;
    client.publish(Publishing::to("q", "more")).await;
    onlooker.settle().await;
    broker.memory().set_alarm(Resource::Memory, true);
    assert_eq!(onlooker.delivered().await, ["before"]);
    onlooker.tell(1, ack(1)).await;
    assert_eq!(onlooker.delivered().await, ["more"]);
    assert_eq!(client.lying_here().await, [blocked("low on memory")]);
}

#[tokio::test]
async fn a_client_that_does_not_know_the_word_is_held_back_in_silence() {
    let (broker, mut onlooker) = start().await;
    let mut client = Connect::plain().to(&broker).await;
    client.publish(Publishing::to("q", "before")).await;
    onlooker.settle().await;
    broker.memory().set_alarm(Resource::Memory, true);
    client.publish(Publishing::to("q", "held back")).await;
    onlooker.settle().await;
    assert_eq!(client.lying_here().await, []);
    assert_eq!(onlooker.count("q").await.0, 1);
    broker.memory().set_alarm(Resource::Memory, false);
    onlooker.settle().await;
    assert_eq!(client.lying_here().await, []);
    assert_eq!(onlooker.count("q").await.0, 2);
}

#[tokio::test]
async fn two_alarms_block_once_and_unblock_when_both_are_over() {
    let (broker, mut onlooker) = start().await;
    let mut client = publisher(&broker, &mut onlooker).await;
    for (resource, raised) in
        [(Resource::Memory, true), (Resource::Disk, true), (Resource::Memory, false), (Resource::Disk, false)]
    {
        broker.memory().set_alarm(resource, raised);
        onlooker.settle().await;
    }
    assert_eq!(client.lying_here().await, [blocked("low on memory"), Got::Unblocked]);
}

/// Nothing is read from it, so its silence means nothing; but it hears that the broker lives.
#[tokio::test]
async fn a_blocked_publisher_is_not_taken_for_dead() {
    let (broker, mut onlooker) = start().await;
    let mut client = Connect::heartbeat_s(10).to(&broker).await;
    client.publish(Publishing::to("q", "before")).await;
    onlooker.settle().await;
    broker.memory().set_alarm(Resource::Memory, true);
    onlooker.settle().await;
    let mut beat = Vec::new();
    put_heartbeat(&mut beat);
    for _ in 0..30 {
        client.send_bytes(&beat).await;
        pass(&broker, &mut onlooker, secs(5)).await;
    }
    assert_eq!(broker.connection_count(), 2);
    let heard = client.lying_here().await;
    assert!(heard.iter().filter(|got| **got == Got::Heartbeat).count() >= 25, "{heard:?}");
    broker.memory().set_alarm(Resource::Memory, false);
    onlooker.settle().await;
    // From now on it counts again.
    pass(&broker, &mut onlooker, secs(20)).await;
    connections_are(&broker, 1).await;
}

#[tokio::test]
async fn the_alarm_follows_the_bytes_in_queues() {
    let (broker, mut onlooker) = start().await;
    broker.memory().set_high_watermark(1_000_000);
    let mut client = publisher(&broker, &mut onlooker).await;
    let body = vec![1; 100_000];
    for _ in 0..9 {
        client.publish(Publishing::bytes("q", &body)).await;
    }
    onlooker.settle().await;
    assert_eq!(broker.memory().alarms(), []);
    client.publish(Publishing::bytes("q", &body)).await;
    onlooker.settle().await;
    assert_eq!(broker.memory().alarms(), [Resource::Memory]);
    assert_eq!(client.lying_here().await, [blocked("low on memory")]);
    // Delivered and unacked is still held; acked is not.
    for _ in 0..3 {
        onlooker.get("q", false).await.unwrap();
    }
    assert_eq!(broker.memory().alarms(), [Resource::Memory]);
    for tag in 1..=3 {
        onlooker.tell(1, ack(tag)).await;
    }
    onlooker.settle().await;
    assert_eq!(broker.memory().alarms(), []);
    onlooker.settle().await;
    assert_eq!(client.lying_here().await, [Got::Unblocked]);
}

/// A publisher that announces large bodies and never finishes them holds memory as well.
#[tokio::test]
async fn unfinished_bodies_count() {
    let (broker, mut onlooker) = start().await;
    broker.memory().set_high_watermark(4_000_000);
    let mut client = Client::to(&broker).await;
    let body = vec![1; 2_000_000];
    let piece = client.tuning.frame_max as usize - 8;
    for channel in 2..5 {
        client.open(channel).await;
        let mut frames = Vec::new();
        Publishing::bytes("q", &body).write(channel, client.tuning.frame_max, &mut frames);
        frames.truncate(frames.len() - (body.len() % piece) - 8);
        client.send_bytes(&frames).await;
    }
    onlooker.settle().await;
    assert_eq!(broker.memory().alarms(), [Resource::Memory], "{} bytes are charged", broker.memory().bytes());
    drop(client);
    broker.memory().set_high_watermark(400_000_000);
    connections_are(&broker, 1).await;
    assert_eq!(broker.memory().bytes(), 0);
}

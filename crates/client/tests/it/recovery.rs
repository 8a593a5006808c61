//! The connection is cut while messages are in flight: publishers and consumers go on by themselves.

use std::collections::HashSet;

use leveret_client::{ConsumerOptions, PublisherOptions, QueueDeclare, StaleDelivery};
use tokio::time::timeout;

use crate::support::{SOON, Target, next, text};

#[tokio::test]
async fn every_message_in_flight_at_a_cut_is_confirmed_later_and_arrives() {
    let target = Target::start().await;
    let relay = target.relay().await;
    let connection = relay.connect().await;
    let name = target.fresh("cut");
    connection.channel().await.unwrap().queue_declare(&name, QueueDeclare::default()).await.unwrap();
    let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
    let mut confirms = Vec::new();
    for n in 0..2000 {
        confirms.push(publisher.enqueue(n.to_string()).await.unwrap());
        if n % 500 == 250 {
            tokio::task::yield_now().await;
            relay.cut_and_wait(&connection).await;
        }
    }
    for confirm in confirms {
        timeout(SOON, confirm).await.unwrap().unwrap();
    }
    let mut consumer = connection.consumer(ConsumerOptions::new(name, 100)).await.unwrap();
    let (mut seen, mut order) = (HashSet::new(), Vec::new());
    while seen.len() < 2000 {
        let delivery = next(&mut consumer).await;
        let n: u32 = text(&delivery).parse().unwrap();
        if seen.insert(n) {
            order.push(n);
        }
        delivery.ack().unwrap();
    }
    assert!(order.is_sorted(), "first arrivals are in the order of sending");
}

#[tokio::test]
async fn a_consumer_goes_on_after_a_cut_and_what_it_held_is_stale() {
    let target = Target::start().await;
    let relay = target.relay().await;
    let connection = relay.connect().await;
    let name = target.fresh("stale");
    connection.channel().await.unwrap().queue_declare(&name, QueueDeclare::default()).await.unwrap();
    let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
    let mut consumer = connection.consumer(ConsumerOptions::new(name, 10)).await.unwrap();
    publisher.send("one").await.unwrap();
    let held = next(&mut consumer).await;
    relay.cut();
    let again = next(&mut consumer).await;
    assert_eq!(again.body(), "one");
    assert!(again.is_redelivered());
    assert_eq!(held.ack(), Err(StaleDelivery::Stale(1)));
    again.ack().unwrap();
}

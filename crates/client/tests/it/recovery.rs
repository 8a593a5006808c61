//! The connection is cut while messages are in flight: publishers and consumers go on by themselves.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use leveret_broker::Broker;
use leveret_client::options::{BackoffOptions, RecoveryOptions};
use leveret_client::{
    ConnectOptions, Connection, ConnectionState, Connector, ConsumerOptions, PublisherOptions, QueueDeclare,
    StaleDelivery,
};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::support::{SOON, fresh};

/// The last pipe between client and broker; aborting it cuts the connection.
pub(crate) type Pipe = Arc<Mutex<Option<AbortHandle>>>;

fn cut(pipe: &Pipe) {
    pipe.lock().unwrap().take().unwrap().abort();
}

/// Cuts it and waits until it is back.
pub(crate) async fn cut_and_wait(connection: &Connection, pipe: &Pipe) {
    cut(pipe);
    let mut watch = connection.watch();
    let lost = watch.wait_for(|state| matches!(state, ConnectionState::Recovering { .. }));
    timeout(SOON, lost).await.unwrap().unwrap();
    let back = watch.wait_for(|state| matches!(state, ConnectionState::Connected));
    timeout(SOON, back).await.unwrap().unwrap();
}

pub(crate) async fn connect(broker: &Broker, pipe: &Pipe) -> Connection {
    let (broker, pipe) = (broker.clone(), pipe.clone());
    let connector = Connector::new(move |_| {
        let (ours, mut theirs) = tokio::io::duplex(8192);
        let mut far = broker.connect();
        let task = tokio::spawn(async move {
            let _ = tokio::io::copy_bidirectional(&mut theirs, &mut far).await;
        });
        *pipe.lock().unwrap() = Some(task.abort_handle());
        std::future::ready(Ok(ours))
    });
    Connection::connect_over(connector, quick()).await.unwrap()
}

/// Options with short pauses.
pub(crate) fn quick() -> ConnectOptions {
    let backoff = BackoffOptions::default().first(Duration::from_millis(2)).max(Duration::from_millis(5));
    ConnectOptions::default().recovery(RecoveryOptions::default().backoff(backoff))
}

#[tokio::test]
async fn every_message_in_flight_at_a_cut_is_confirmed_later_and_arrives() {
    let (broker, pipe) = (Broker::in_memory(), Pipe::default());
    let connection = connect(&broker, &pipe).await;
    let name = fresh("cut");
    connection.channel().await.unwrap().queue_declare(&name, QueueDeclare::default()).await.unwrap();
    let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
    let mut confirms = Vec::new();
    for n in 0..2000 {
        confirms.push(publisher.enqueue(n.to_string()).await.unwrap());
        if n % 500 == 250 {
            tokio::task::yield_now().await;
            cut_and_wait(&connection, &pipe).await;
        }
    }
    for confirm in confirms {
        timeout(SOON, confirm).await.unwrap().unwrap();
    }
    let mut consumer = connection.consumer(ConsumerOptions::new(name, 100)).await.unwrap();
    let (mut seen, mut order) = (HashSet::new(), Vec::new());
    while seen.len() < 2000 {
        let delivery = timeout(SOON, consumer.next()).await.unwrap().unwrap().unwrap();
        let n: u32 = std::str::from_utf8(delivery.body()).unwrap().parse().unwrap();
        if seen.insert(n) {
            order.push(n);
        }
        delivery.ack().unwrap();
    }
    assert!(order.is_sorted(), "first arrivals are in the order of sending");
}

#[tokio::test]
async fn a_consumer_goes_on_after_a_cut_and_what_it_held_is_stale() {
    let (broker, pipe) = (Broker::in_memory(), Pipe::default());
    let connection = connect(&broker, &pipe).await;
    let name = fresh("stale");
    connection.channel().await.unwrap().queue_declare(&name, QueueDeclare::default()).await.unwrap();
    let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
    let mut consumer = connection.consumer(ConsumerOptions::new(name, 10)).await.unwrap();
    publisher.send("one").await.unwrap();
    let held = timeout(SOON, consumer.next()).await.unwrap().unwrap().unwrap();
    cut(&pipe);
    let again = timeout(SOON, consumer.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(again.body(), "one");
    assert!(again.is_redelivered());
    assert_eq!(held.ack(), Err(StaleDelivery::Stale(1)));
    again.ack().unwrap();
}

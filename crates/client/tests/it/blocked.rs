//! `connection.blocked`: publishers wait, consumers go on.

use std::time::Duration;

use leveret_client::{ConnectionState, ConsumerOptions, PublisherOptions};
use tokio::time::timeout;

use crate::support::{SOON, Target, next};

/// Makes the RabbitMQ node that `LEVERET_CLIENT_RABBITMQ` names run short of memory, or not. With any other broker that is not in the
/// process there is no way to.
struct Watermark(String);

impl Watermark {
    fn set(&self, fraction: &str) {
        let mut command = std::process::Command::new("rabbitmqctl");
        command.args(["-q", "-n", &self.0, "set_vm_memory_high_watermark", fraction]);
        let output = command.output().expect("rabbitmqctl");
        assert!(output.status.success(), "{output:?}");
    }
}

impl Drop for Watermark {
    fn drop(&mut self) {
        self.set("0.4");
    }
}

#[tokio::test]
async fn publishers_wait_while_the_broker_is_short_of_memory_and_consumers_go_on() {
    let node = std::env::var("LEVERET_CLIENT_RABBITMQ").ok().map(Watermark);
    let target = match &node {
        Some(_) => Target::start().await,
        None => Target::short_of_memory().await,
    };
    let connection = target.connect().await;
    let name = target.queue(&connection.channel().await.unwrap(), "blocked").await;
    let options = PublisherOptions::to_queue(name.clone()).deadline(3 * SOON);
    let publisher = connection.publisher(options).await.unwrap();
    let mut states = connection.watch();
    match &node {
        Some(node) => {
            publisher.send("before").await.unwrap();
            node.set("0.000001");
        }
        // As much as the broker bears.
        None => drop(publisher.send(vec![b'x'; 64 << 10]).await.unwrap()),
    }
    let blocked = |state: &ConnectionState| matches!(state, ConnectionState::Blocked { reason } if reason.contains("memory"));
    // RabbitMQ tells it to who publishes.
    let waiting = publisher.enqueue("while it is short").await.unwrap();
    timeout(SOON, states.wait_for(blocked)).await.unwrap().unwrap();
    let more = publisher.enqueue("later").await.unwrap();
    let mut waiting = std::pin::pin!(async { (waiting.await.unwrap(), more.await.unwrap()) });
    assert!(timeout(Duration::from_millis(300), &mut waiting).await.is_err(), "nothing is taken");
    assert!(matches!(connection.state(), ConnectionState::Blocked { .. }));
    // (The blocked connection itself is not read from, whatever it asks for.)
    let other = target.connect().await;
    let mut consumer = other.consumer(ConsumerOptions::new(name, 10)).await.unwrap();
    next(&mut consumer).await.ack().unwrap();
    if let Some(node) = &node {
        node.set("0.4");
    }
    timeout(SOON, waiting).await.unwrap();
    for _ in 0..2 {
        next(&mut consumer).await.ack().unwrap();
    }
    let free = |state: &ConnectionState| matches!(state, ConnectionState::Connected);
    timeout(SOON, states.wait_for(free)).await.unwrap().unwrap();
}

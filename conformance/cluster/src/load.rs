//! Publishers that send a message until it is confirmed, and workers that take them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use leveret_client::{
    Address, ConnectOptions, Connection, ConsumerOptions, Message, PublisherOptions, QueueDeclare, SendError,
};
use leveret_protocol::{FieldTable, FieldValue};
use tokio::task::JoinSet;

use super::Failure;
use super::tally::Tally;

pub(crate) const QUEUE: &str = "cluster.orders";
const PUBLISHERS: usize = 8;
const WORKERS: usize = 4;
/// Between two messages of one publisher, so that the cluster keeps up on two cores.
const PACE: Duration = Duration::from_millis(2);

/// What all tasks share.
#[derive(Default)]
pub(crate) struct Load {
    next: AtomicU64,
    /// Publishers stop when this is set, after the message they are at.
    pub(crate) is_over: AtomicBool,
    pub(crate) confirmed: Tally,
    pub(crate) received: Tally,
    /// Sends that failed and were tried again.
    pub(crate) again: AtomicU64,
}

/// One connection that knows all nodes, the first of them in turn.
pub(crate) async fn connect(ports: &[u16], first: usize, name: &str) -> Result<Connection, Failure> {
    let addresses =
        (0..ports.len()).map(|place| Address::new("127.0.0.1", ports[(first + place) % ports.len()]));
    let options = ConnectOptions::default().addresses(addresses).name(name).heartbeat(Duration::from_secs(5));
    Ok(Connection::connect(options).await?)
}

pub(crate) async fn declare(connection: &Connection) -> Result<(), Failure> {
    let arguments = FieldTable::from([("x-queue-type", FieldValue::from("quorum"))]);
    let how = QueueDeclare { durable: true, arguments, ..Default::default() };
    connection.channel().await?.queue_declare(QUEUE, how).await?;
    Ok(())
}

impl Load {
    /// Starts the publishers: two connections, that begin at different nodes.
    pub(crate) async fn publish(
        self: &Arc<Self>,
        ports: &[u16],
    ) -> Result<JoinSet<Result<(), Failure>>, Failure> {
        let mut tasks = JoinSet::new();
        for number in 0..2 {
            let connection = connect(ports, number, "publishing").await?;
            let publisher = connection.publisher(PublisherOptions::to_queue(QUEUE)).await?;
            for _ in 0..PUBLISHERS / 2 {
                let (load, publisher, connection) = (self.clone(), publisher.clone(), connection.clone());
                tasks.spawn(async move {
                    let _open = connection;
                    while !load.is_over.load(Ordering::Relaxed) {
                        let number = load.next.fetch_add(1, Ordering::Relaxed);
                        load.send(&publisher, number).await?;
                        tokio::time::sleep(PACE).await;
                    }
                    Ok(())
                });
            }
        }
        Ok(tasks)
    }

    async fn send(&self, publisher: &leveret_client::Publisher, number: u64) -> Result<(), Failure> {
        loop {
            match publisher.send(Message::new(Bytes::from(number.to_be_bytes().to_vec()))).await {
                Ok(_) => {
                    self.confirmed.note(number);
                    return Ok(());
                }
                // A queue whose leader is gone takes nothing for a moment, and may not even be found.
                Err(error) if error.is_transient() || matches!(error, SendError::Unroutable(_)) => {
                    self.again.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Starts the workers, each with a connection of its own.
    pub(crate) async fn consume(
        self: &Arc<Self>,
        ports: &[u16],
    ) -> Result<JoinSet<Result<(), Failure>>, Failure> {
        let mut tasks = JoinSet::new();
        for number in 0..WORKERS {
            let connection = connect(ports, number, "consuming").await?;
            let mut consumer = connection.consumer(ConsumerOptions::new(QUEUE, 50)).await?;
            let load = self.clone();
            tasks.spawn(async move {
                let _open = connection;
                while let Some(delivery) = consumer.next().await {
                    let delivery = delivery?;
                    load.received.note(u64::from_be_bytes(delivery.body()[..].try_into()?));
                    // One of a connection that was lost meanwhile comes again.
                    let _ = delivery.ack();
                }
                Err("a consumer ended".into())
            });
        }
        Ok(tasks)
    }
}

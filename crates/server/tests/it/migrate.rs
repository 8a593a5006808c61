//! `leveret migrate` between two brokers of this test's own.

mod held;
mod late;
mod refused;
mod verify;
mod way;

use crate::support::{Server, leveret};
use leveret_client::{
    ConnectOptions, Connection, Consumer, ConsumerOptions, Delivery, FieldTable, Message, PublisherOptions,
    QueueDeclare,
};
use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::timeout;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// A broker, and a connection to it.
struct Broker {
    server: Server,
    connection: Connection,
}

impl Broker {
    async fn start() -> Broker {
        let server = Server::start(&[]);
        let connection = connect(&server).await;
        Broker { server, connection }
    }

    fn url(&self) -> String {
        format!("amqp://guest:guest@{}", self.server.address)
    }

    fn http(&self) -> &str {
        self.server.banner.split_whitespace().find(|word| word.starts_with("http://")).unwrap()
    }

    async fn declare(&self, queue: &str, arguments: FieldTable) {
        let channel = self.connection.channel().await.unwrap();
        let how = QueueDeclare { durable: true, arguments, ..QueueDeclare::default() };
        channel.queue_declare(queue, how).await.unwrap();
    }

    /// Publishes the numbers, in order.
    async fn publish(&self, queue: &str, numbers: std::ops::Range<u32>) {
        let publisher =
            self.connection.publisher(PublisherOptions::to_queue(queue.to_owned())).await.unwrap();
        let sent = publisher.send_all(numbers.map(|number| Message::new(number.to_string()))).await;
        assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    }

    async fn consumer(&self, queue: &str, prefetch: u16) -> Consumer {
        self.connection.consumer(ConsumerOptions::new(queue, prefetch)).await.unwrap()
    }

    /// So many messages of a queue, in order, none of them settled.
    async fn take(consumer: &mut Consumer, count: usize) -> Vec<Delivery> {
        let mut taken = Vec::new();
        while taken.len() < count {
            let next = timeout(PATIENCE, consumer.next()).await;
            taken.push(next.expect("a message in time").unwrap().unwrap());
        }
        taken
    }

    /// Takes everything there is out of a queue that has this many.
    async fn drain(&self, queue: &str, count: usize) -> Vec<u32> {
        self.counts(queue, count).await;
        let mut consumer = self.consumer(queue, 1000).await;
        let mut numbers = Vec::new();
        while numbers.len() < count {
            let delivery = Self::take(&mut consumer, 1).await.remove(0);
            numbers.push(std::str::from_utf8(delivery.body()).unwrap().parse().unwrap());
            delivery.ack().unwrap();
        }
        consumer.drain(PATIENCE).await.unwrap();
        numbers
    }

    async fn ready(&self, queue: &str) -> usize {
        let channel = self.connection.channel().await.unwrap();
        let passive = QueueDeclare { passive: true, ..QueueDeclare::default() };
        let declared = channel.queue_declare(queue, passive).await;
        declared.map_or(0, |declared| declared.messages as usize)
    }

    /// Waits until a queue has so many messages that are ready.
    async fn counts(&self, queue: &str, count: usize) {
        let reached = async {
            while self.ready(queue).await != count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let reached = timeout(PATIENCE, reached).await;
        assert!(reached.is_ok(), "{queue} has {} messages and not {count}", self.ready(queue).await);
    }
}

async fn connect(server: &Server) -> Connection {
    let address = format!("amqp://guest:guest@{}", server.address);
    Connection::connect(ConnectOptions::new(&address).unwrap()).await.unwrap()
}

/// A migration that runs.
struct Migration {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Migration {
    fn start(from: &Broker, to: &Broker, more: &[&str]) -> Migration {
        Self::start_at(&from.url(), from, to, more)
    }

    /// The source is reached by another way.
    fn start_at(url: &str, from: &Broker, to: &Broker, more: &[&str]) -> Migration {
        Self::start_between(url, from, &to.url(), to, more)
    }

    /// Both have URLs of their own.
    fn start_between(url: &str, from: &Broker, to_url: &str, to: &Broker, more: &[&str]) -> Migration {
        let folder = tempfile::tempdir().unwrap();
        let places = ["migrate", url, to_url, "--from-http", from.http(), "--to-http", to.http(), "--json"];
        let mut command: Command = leveret(&folder, &[&places, more].concat());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        Migration { child, _folder: folder }
    }

    /// Its exit code, and the row of its report that is about the only queue.
    async fn end(self) -> (i32, Value) {
        let ended = tokio::task::spawn_blocking(move || self.child.wait_with_output().unwrap());
        let output = timeout(PATIENCE * 2, ended).await.expect("it ends in time").unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["queues"].as_array().unwrap().len(), 1, "{report}");
        (output.status.code().unwrap(), report["queues"][0].clone())
    }

    /// As `kill -9` does.
    async fn kill(mut self) {
        self.child.kill().unwrap();
        tokio::task::spawn_blocking(move || self.child.wait().unwrap()).await.unwrap();
    }
}

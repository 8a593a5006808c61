//! Shovels between two brokers in this process: what arrives, what is said of them, and what a failure in the middle leaves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use leveret_broker::{Broker, Config};
use leveret_client::{ConnectOptions, Connection, Connector, FieldTable, Message, QueueDeclare};
use leveret_shovel::{Running, Shovels, State};
use serde_json::{Value, json};
use std::future::Future;
use std::time::Duration;

/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(30);

struct Pair {
    near: Broker,
    far: Broker,
    far_uri: String,
    shovels: Shovels,
    running: Option<Running>,
}

impl Pair {
    async fn start() -> Self {
        let shovels = Shovels::new();
        let mut config = Config::default();
        config.components.push(shovels.component());
        let near = Broker::start(config).unwrap();
        let far = Broker::start(Config::default()).unwrap();
        let address = far.listen_amqp("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let running = Some(shovels.start(&near));
        Self { near, far, far_uri: format!("amqp://guest:guest@{address}"), shovels, running }
    }

    fn set(&self, name: &str, mut value: Value) {
        let object = value.as_object_mut().unwrap();
        object.entry("src-uri").or_insert(json!("amqp://"));
        object.entry("dest-uri").or_insert(json!(self.far_uri));
        self.near.vhost("/").unwrap().set_parameter("shovel", name, value).unwrap();
    }

    async fn state(&self, name: &str, wanted: impl Fn(&State) -> bool) {
        until(|| async { self.shovels.get("/", name).is_some_and(|status| wanted(&status.state)) }).await;
    }

    async fn running(&self, name: &str) {
        self.state(name, |state| matches!(state, State::Running { .. })).await;
    }
}

async fn until<F: Future<Output = bool>>(holds: impl Fn() -> F) {
    let waited = tokio::time::timeout(DEADLINE, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("it never came to that");
}

async fn connect(broker: &Broker) -> Connection {
    let broker = broker.clone();
    let connector = Connector::new(move |_| {
        let stream = broker.connect();
        async move { Ok(stream) }
    });
    Connection::connect_over(connector, ConnectOptions::default()).await.unwrap()
}

async fn declare(connection: &Connection, queue: &str) {
    let how = QueueDeclare { durable: true, ..QueueDeclare::default() };
    connection.channel().await.unwrap().queue_declare(queue, how).await.unwrap();
}

async fn send(connection: &Connection, queue: &str, numbers: std::ops::Range<usize>) {
    let publisher =
        connection.publisher(leveret_client::PublisherOptions::to_queue(queue.to_owned())).await.unwrap();
    let all = numbers.map(|n| Message::new(n.to_string()).message_id(n.to_string()).header("n", n as i64));
    for sent in publisher.send_all(all).await {
        sent.unwrap();
    }
}

/// Bodies, in order.
async fn bodies(connection: &Connection, queue: &str, count: usize) -> Vec<String> {
    let options = leveret_client::ConsumerOptions::new(queue, 1000);
    let mut consumer = connection.consumer(options).await.unwrap();
    let mut bodies = Vec::new();
    while bodies.len() < count {
        let delivery = tokio::time::timeout(DEADLINE, consumer.next()).await.unwrap().unwrap().unwrap();
        bodies.push(String::from_utf8_lossy(delivery.body()).into_owned());
        delivery.ack().unwrap();
    }
    bodies
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

#[tokio::test]
async fn what_enters_a_queue_arrives_at_the_other_broker_in_order() {
    let pair = Pair::start().await;
    let (near, far) = (connect(&pair.near).await, connect(&pair.far).await);
    declare(&near, "a").await;
    send(&near, "a", 0..500).await;
    pair.set("s", json!({"src-queue": "a", "dest-queue": "b"}));
    pair.running("s").await;
    send(&near, "a", 500..1000).await;
    assert_eq!(bodies(&far, "b", 1000).await, numbers(0..1000));
    until(|| async { pair.shovels.get("/", "s").unwrap().figures.forwarded == 1000 }).await;
    let status = pair.shovels.get("/", "s").unwrap();
    assert_eq!(status.figures.pending, 0);
    let State::Running { dest_uri, .. } = status.state else { panic!("{:?}", status.state) };
    assert!(dest_uri.starts_with("amqp://127.0.0.1:"), "a password is shown: {dest_uri}");
}

#[tokio::test]
async fn a_queue_is_moved_and_the_shovel_goes() {
    let pair = Pair::start().await;
    let near = connect(&pair.near).await;
    declare(&near, "a").await;
    send(&near, "a", 0..30).await;
    let value = json!({"src-queue": "a", "dest-uri": "amqp://", "dest-queue": "b", "src-delete-after": "queue-length",
        "src-prefetch-count": 4});
    pair.set("s", value);
    let has_gone = || async { pair.near.vhost("/").unwrap().parameters().is_empty() };
    until(has_gone).await;
    assert_eq!(bodies(&near, "b", 30).await, numbers(0..30));
    // An empty queue is moved at once.
    pair.set("t", json!({"src-queue": "a", "dest-queue": "b", "src-delete-after": "queue-length"}));
    until(has_gone).await;
    until(|| async { pair.shovels.list().is_empty() }).await;
}

#[tokio::test]
async fn what_was_on_its_way_when_the_target_died_comes_again_and_nothing_is_lost() {
    let pair = Pair::start().await;
    let (near, far) = (connect(&pair.near).await, connect(&pair.far).await);
    declare(&near, "a").await;
    pair.set(
        "s",
        json!({"src-queue": "a", "dest-queue": "b", "src-prefetch-count": 50, "reconnect-delay": 1}),
    );
    pair.running("s").await;
    send(&near, "a", 0..2000).await;
    let shovel =
        pair.far.connections().into_iter().find(|c| c.user_provided_name.as_deref() == Some("Shovel s"));
    assert!(pair.far.close_connection(shovel.unwrap().id, "a test"));
    pair.state("s", |state| matches!(state, State::Terminated { reason } if reason.starts_with("target: ")))
        .await;
    pair.running("s").await;
    send(&near, "a", 2000..2001).await;
    let mut consumer = far.consumer(leveret_client::ConsumerOptions::new("b", 1000)).await.unwrap();
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last| last != "2000") {
        let Ok(next) = tokio::time::timeout(DEADLINE, consumer.next()).await else {
            panic!("after {} messages nothing more comes: {:?}", seen.len(), pair.shovels.list());
        };
        let delivery = next.unwrap().unwrap();
        seen.push(String::from_utf8_lossy(delivery.body()).into_owned());
        delivery.ack().unwrap();
    }
    let twice = seen.len() - 2001;
    assert!(twice <= 50, "{twice} came twice, more than may be on their way");
    seen.sort_by_key(|n| n.parse::<usize>().unwrap());
    seen.dedup();
    assert_eq!(seen, numbers(0..2001));
}

#[tokio::test]
async fn a_shovel_that_cannot_connect_says_why_and_tries_again() {
    let pair = Pair::start().await;
    pair.set("s", json!({"src-queue": "a", "dest-queue": "b", "dest-uri": "amqp://guest:guest@127.0.0.1:1"}));
    let refused = |state: &State| matches!(state, State::Starting { reason: Some(reason) } if reason.starts_with("target: amqp://127.0.0.1:1: "));
    pair.state("s", refused).await;
    // A list with a broker that answers.
    let uris = json!(["amqp://guest:guest@127.0.0.1:1", pair.far_uri]);
    pair.set("s", json!({"src-queue": "a", "dest-queue": "b", "dest-uri": uris}));
    pair.running("s").await;
}

#[tokio::test]
async fn a_change_replaces_it_and_a_deletion_stops_it() {
    let mut pair = Pair::start().await;
    let (near, far) = (connect(&pair.near).await, connect(&pair.far).await);
    declare(&near, "a").await;
    declare(&far, "c").await;
    pair.set("s", json!({"src-queue": "a", "dest-queue": "b"}));
    pair.running("s").await;
    send(&near, "a", 0..10).await;
    assert_eq!(bodies(&far, "b", 10).await, numbers(0..10));
    pair.set("s", json!({"src-queue": "a", "dest-queue": "c"}));
    send(&near, "a", 10..20).await;
    assert_eq!(bodies(&far, "c", 10).await, numbers(10..20));
    assert!(pair.shovels.restart("/", "s"));
    send(&near, "a", 20..30).await;
    assert_eq!(bodies(&far, "c", 10).await, numbers(20..30));
    pair.near.vhost("/").unwrap().clear_parameter("shovel", "s").unwrap();
    let gone = || async { pair.far.connections().iter().all(|c| c.user_provided_name.is_none()) };
    until(gone).await;
    assert!(!pair.shovels.restart("/", "s"));
    pair.running.take().unwrap().stop(DEADLINE).await;
}

#[tokio::test]
async fn a_queue_that_vanishes_at_the_target_loses_nothing() {
    let pair = Pair::start().await;
    let (near, far) = (connect(&pair.near).await, connect(&pair.far).await);
    declare(&near, "a").await;
    pair.set("s", json!({"src-queue": "a", "dest-queue": "b", "reconnect-delay": 1}));
    pair.running("s").await;
    far.channel().await.unwrap().queue_delete("b", Default::default()).await.unwrap();
    send(&near, "a", 0..10).await;
    pair.state("s", |state| matches!(state, State::Terminated { reason } if reason.contains("'b' is gone")))
        .await;
    pair.running("s").await;
    assert_eq!(bodies(&far, "b", 10).await, numbers(0..10));
}

#[tokio::test]
async fn messages_of_an_exchange_arrive_with_the_way_they_took() {
    let pair = Pair::start().await;
    let (near, far) = (connect(&pair.near).await, connect(&pair.far).await);
    let channel = far.channel().await.unwrap();
    channel.queue_declare("b", QueueDeclare::default()).await.unwrap();
    channel.queue_bind("b", "amq.fanout", Default::default()).await.unwrap();
    pair.set(
        "s",
        json!({"src-exchange": "amq.topic", "src-exchange-key": "k.#", "dest-exchange": "amq.fanout", "ack-mode": "no-ack",
            "dest-add-forward-headers": true, "dest-publish-properties": {"app_id": "shovel"}}),
    );
    pair.running("s").await;
    let publisher = near.publisher(leveret_client::PublisherOptions::to("amq.topic", "k.1")).await.unwrap();
    publisher.send("hello").await.unwrap();
    let mut consumer = far.consumer(leveret_client::ConsumerOptions::new("b", 10)).await.unwrap();
    let delivery = tokio::time::timeout(DEADLINE, consumer.next()).await.unwrap().unwrap().unwrap();
    let properties = delivery.properties().unwrap();
    assert_eq!((delivery.routing_key(), properties.app_id.as_deref()), ("k.1", Some("shovel")));
    let headers: FieldTable = properties.headers.unwrap();
    let way = headers.get("x-shovelled").unwrap().as_array().unwrap()[0].as_table().unwrap();
    assert_eq!(way.get("src-exchange-key").unwrap().as_str(), Some("k.#"));
    delivery.ack().unwrap();
}

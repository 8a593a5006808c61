//! The functions of `docs/guides/from-lapin.md`, as they stand there, each run against a broker of its own.

#![allow(clippy::print_stdout, clippy::print_stderr)] // as the guide has it

use std::time::Duration;

use leveret_client::options::{Mechanism, TlsOptions};
use leveret_client::pool::{Pools, PoolsOptions};
use leveret_client::{
    Bind, ConnectOptions, Connection, ConnectionState, Consumer, ConsumerOptions, ExchangeDeclare,
    FieldTable, Message, PublisherOptions, QueueDeclare, SendError, UriError,
};
use leveret_test::TestBroker;

/// A broker with what the guide takes for given: a durable queue `orders`, a topic exchange `events` that leads to it.
async fn broker() -> (TestBroker, Connection) {
    let broker = TestBroker::start().await;
    let connection = broker.client().await;
    let channel = connection.channel().await.unwrap();
    channel.queue_declare("orders", QueueDeclare { durable: true, ..Default::default() }).await.unwrap();
    channel.exchange_declare("events", "topic", ExchangeDeclare::default()).await.unwrap();
    channel
        .queue_bind("orders", "events", Bind { routing_key: "#".into(), ..Default::default() })
        .await
        .unwrap();
    (broker, connection)
}

async fn connect(url: &str) -> Result<Connection, Box<dyn std::error::Error>> {
    let options = ConnectOptions::new(url)?.name("orders");
    Ok(Connection::connect(options).await?) // or Connection::connect("amqp://...") right away
}

#[tokio::test]
async fn connecting() {
    let broker = TestBroker::start().await;
    let connection = connect(&format!("{}/%2f?heartbeat=10", broker.url().await)).await.unwrap();
    connection.channel().await.unwrap();
}

fn watch(connection: &Connection) {
    let mut states = connection.watch();
    tokio::spawn(async move {
        while states.changed().await.is_ok() {
            match &*states.borrow_and_update() {
                ConnectionState::Recovering { attempt, cause } => eprintln!("attempt {attempt}: {cause}"),
                ConnectionState::Blocked { reason } => eprintln!("the broker takes no messages: {reason}"),
                state => eprintln!("{state:?}"),
            }
        }
    });
}

#[tokio::test]
async fn watching() {
    let (_broker, connection) = broker().await;
    watch(&connection);
    connection.channel().await.unwrap();
}

fn with_tls() -> Result<ConnectOptions, UriError> {
    ConnectOptions::new("amqps://mq.example/?cacertfile=/etc/mq/ca.pem")
}

/// The same, with a certificate of our own that is also our login.
fn with_certificate() -> Result<ConnectOptions, UriError> {
    let tls = TlsOptions::new().ca_file("/etc/mq/ca.pem").client_files("/etc/mq/me.pem", "/etc/mq/me.key");
    Ok(ConnectOptions::new("amqps://mq.example/")?.tls(tls).mechanisms([Mechanism::External]))
}

#[test]
fn encrypting() {
    with_tls().unwrap();
    with_certificate().unwrap();
}

async fn declare(connection: &Connection) -> Result<(), leveret_client::Error> {
    let channel = connection.channel().await?;
    channel.exchange_declare("events", "topic", ExchangeDeclare::default()).await?;
    let arguments = FieldTable::from([("x-message-ttl", 60_000)]);
    let how = QueueDeclare { durable: true, arguments, ..Default::default() };
    channel.queue_declare("invoices", how).await?;
    let bind = Bind { routing_key: "invoice.*".into(), ..Default::default() };
    channel.queue_bind("invoices", "events", bind).await
}

#[tokio::test]
async fn declaring() {
    let (broker, connection) = broker().await;
    declare(&connection).await.unwrap();
    let events = PublisherOptions::to("events", "invoice.sent");
    connection.publisher(events).await.unwrap().send("one invoice").await.unwrap();
    broker.expect_message("invoices").body("one invoice").await;
}

async fn publish(connection: &Connection) -> Result<(), Box<dyn std::error::Error>> {
    let publisher = connection.publisher(PublisherOptions::to("events", "order.created")).await?;
    publisher.send("one coffee").await?; // confirmed, mandatory and persistent unless told otherwise

    match publisher.send(Message::new("lost?").exchange("").routing_key("no such queue")).await {
        Ok(_) => {}
        Err(SendError::Unroutable(returned)) => println!("no queue: {} {}", returned.code, returned.text),
        Err(SendError::Rejected) => println!("nack: a queue is full; try again after a pause"),
        Err(error) if error.maybe_stored() => println!("no confirm came; the message may be stored"),
        Err(error) => println!("not stored: {error}"),
    }
    Ok(())
}

#[tokio::test]
async fn publishing() {
    let (broker, connection) = broker().await;
    publish(&connection).await.unwrap();
    broker.expect_message("orders").body("one coffee").await;
}

async fn pipeline(connection: &Connection) -> Result<(), Box<dyn std::error::Error>> {
    let publisher = connection.publisher(PublisherOptions::to_queue("orders")).await?;
    let first = publisher.enqueue("one coffee").await?; // on its way
    let second = publisher.enqueue("one tea").await?;
    first.await?;
    second.await?;
    let outcomes = publisher.send_all(["one cake", "another"]).await; // one outcome for each, in order
    assert!(outcomes.iter().all(Result::is_ok));
    publisher.flush().await?; // nothing is in flight any more
    Ok(())
}

#[tokio::test]
async fn pipelining() {
    let (broker, connection) = broker().await;
    pipeline(&connection).await.unwrap();
    broker.expect_message("orders").body("another").await;
}

async fn work(body: &[u8]) -> Result<(), String> {
    if body.is_empty() { Err("nothing to do".into()) } else { Ok(()) }
}

async fn consume(connection: &Connection) -> Result<(), Box<dyn std::error::Error>> {
    let mut consumer = connection.consumer(ConsumerOptions::new("orders", 50).tag("worker")).await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?; // Err: it has ended for good
        let settled = match work(delivery.body()).await {
            Ok(()) => delivery.ack(),
            Err(_) => delivery.nack(true), // or reject(false): to the dead letters
        };
        if let Err(stale) = settled {
            println!("{stale}"); // the connection was lost meanwhile: the broker delivers it again
        }
    }
    Ok(())
}

#[tokio::test]
async fn consuming() {
    let (broker, connection) = broker().await;
    connection
        .publisher(PublisherOptions::to_queue("orders"))
        .await
        .unwrap()
        .send("one coffee")
        .await
        .unwrap();
    tokio::select! {
        ended = consume(&connection) => panic!("it goes on until the queue is gone: {ended:?}"),
        () = broker.expect_empty("orders").into_future() => {}
    }
}

async fn get(connection: &Connection) -> Result<(), Box<dyn std::error::Error>> {
    let channel = connection.channel().await?;
    if let Some(got) = channel.basic_get("orders", false).await? {
        println!("{} more", got.messages);
        got.delivery.ack()?;
    }
    Ok(())
}

#[tokio::test]
async fn getting() {
    let (broker, connection) = broker().await;
    connection
        .publisher(PublisherOptions::to_queue("orders"))
        .await
        .unwrap()
        .send("one coffee")
        .await
        .unwrap();
    get(&connection).await.unwrap();
    broker.expect_empty("orders").await;
}

async fn transaction(connection: &Connection) -> Result<(), leveret_client::Error> {
    let channel = connection.channel().await?;
    channel.tx_select().await?;
    channel.basic_publish(Message::new("one coffee").routing_key("orders")).await?;
    channel.tx_commit().await
}

#[tokio::test]
async fn transactions() {
    let (broker, connection) = broker().await;
    transaction(&connection).await.unwrap();
    broker.expect_message("orders").body("one coffee").await;
}

async fn failing(connection: &Connection) -> Result<(), leveret_client::Error> {
    let channel = connection.channel().await?;
    let passive = QueueDeclare { passive: true, ..Default::default() };
    let error = channel.queue_declare("no such queue", passive).await.unwrap_err();
    assert_eq!(error.reply_code(), Some(404)); // the broker's, and its text to the letter
    assert!(!error.is_transient());
    assert!(channel.closed().is_some()); // as AMQP has it: an error closes its channel
    Ok(())
}

#[tokio::test]
async fn errors() {
    let (_broker, connection) = broker().await;
    failing(&connection).await.unwrap();
}

async fn pooled(options: ConnectOptions) -> Result<(), Box<dyn std::error::Error>> {
    let pools = Pools::new(options, PoolsOptions::new("orders"));
    let publisher = pools.publisher().await?; // goes back when it is dropped
    publisher.send(Message::new("one coffee").routing_key("orders")).await?;
    let channel = pools.channel().await?; // a channel with a mode or a consumer left on it is not lent again
    println!("{} waiting", channel.queue_purge("orders").await?);
    Ok(())
}

#[tokio::test]
async fn pooling() {
    let (broker, _connection) = broker().await;
    pooled(ConnectOptions::new(broker.url().await).unwrap()).await.unwrap();
    broker.expect_empty("orders").await;
}

async fn stop(connection: Connection, consumer: Consumer) -> Result<(), leveret_client::Error> {
    let report = consumer.drain(Duration::from_secs(10)).await?; // handlers finish, acks are with the broker
    println!("requeued {}, not settled in time {}", report.requeued, report.abandoned);
    connection.close(Duration::from_secs(5)).await
}

#[tokio::test]
async fn stopping() {
    let (_broker, connection) = broker().await;
    let consumer = connection.consumer(ConsumerOptions::new("orders", 1)).await.unwrap();
    stop(connection, consumer).await.unwrap();
}

/// Each snippet of ours stands here, in this order of lines; and none has a line that only rustdoc hides.
#[test]
fn the_guide_shows_these_functions() {
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.trim().to_owned());
        lines.filter(|line| !line.is_empty() && !line.starts_with("use ")).collect()
    };
    let here = lines(include_str!("from_lapin.rs"));
    let guide = include_str!("../../../../docs/guides/from-lapin.md");
    let mut compared = 0;
    for snippet in guide.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        for function in snippet.split("\n\n").map(lines).filter(|function| !function.is_empty()) {
            assert!(
                here.windows(function.len()).any(|window| window == function),
                "not run here:\n{}",
                function.join("\n")
            );
            compared += 1;
        }
    }
    assert!(compared >= 14, "{compared} functions of the guide were found");
}

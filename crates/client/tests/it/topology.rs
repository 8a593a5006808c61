//! What was declared on a connection is declared again after a cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use leveret_broker::Broker;
use leveret_client::{
    Bind, Connection, Connector, ConsumerOptions, ExchangeDeclare, Message, PublisherOptions, QueueDeclare,
    RpcClient, RpcError,
};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use crate::recovery::{Pipe, connect, cut_and_wait, quick};
use crate::support::{SOON, fresh};

fn exclusive() -> QueueDeclare {
    QueueDeclare { exclusive: true, ..QueueDeclare::default() }
}

fn key(text: &str) -> Bind {
    Bind { routing_key: text.into(), ..Bind::default() }
}

#[tokio::test]
async fn exclusive_and_server_named_queues_come_back_with_their_bindings_and_consumers() {
    let (broker, pipe) = (Broker::in_memory(), Pipe::default());
    let connection = connect(&broker, &pipe).await;
    let (exchange, queue) = (fresh("events"), fresh("mine"));
    let channel = connection.channel().await.unwrap();
    let transient = ExchangeDeclare { auto_delete: true, ..ExchangeDeclare::default() };
    channel.exchange_declare(&exchange, "topic", transient).await.unwrap();
    channel.queue_declare(&queue, exclusive()).await.unwrap();
    channel.queue_bind(&queue, &exchange, key("a.*")).await.unwrap();
    let given = channel.queue_declare("", exclusive()).await.unwrap().name;
    channel.queue_bind(&given, &exchange, key("b.*")).await.unwrap();
    let mut mine = connection.consumer(ConsumerOptions::new(queue.clone(), 10)).await.unwrap();
    let mut theirs = connection.consumer(ConsumerOptions::new(given.clone(), 10)).await.unwrap();
    let publisher = connection.publisher(PublisherOptions::to(exchange.clone(), "a.x")).await.unwrap();

    for round in 0..3 {
        publisher.send(format!("a{round}")).await.unwrap();
        publisher.send(Message::new(format!("b{round}")).routing_key("b.x")).await.unwrap();
        for (consumer, text) in [(&mut mine, "a"), (&mut theirs, "b")] {
            let delivery = timeout(SOON, consumer.next()).await.unwrap().unwrap().unwrap();
            assert_eq!(&delivery.body()[..], format!("{text}{round}").as_bytes());
            delivery.ack().unwrap();
        }
        cut_and_wait(&connection, &pipe).await;
    }
    let report = connection.last_recovery().unwrap();
    assert!(report.failures.is_empty(), "{report:?}");
    assert_eq!(report.renames.len(), 1, "{report:?}");
    assert_eq!(report.recovered, 5, "an exchange, two queues, two bindings: {report:?}");
}

#[tokio::test]
async fn what_was_deleted_stays_gone_and_what_cannot_be_declared_is_skipped_and_told() {
    let (broker, pipe) = (Broker::in_memory(), Pipe::default());
    let connection = connect(&broker, &pipe).await;
    let channel = connection.channel().await.unwrap();
    let (gone, changed, kept) = (fresh("gone"), fresh("changed"), fresh("kept"));
    for name in [&gone, &changed, &kept] {
        channel.queue_declare(name, QueueDeclare::default()).await.unwrap();
    }
    channel.queue_delete(&gone, Default::default()).await.unwrap();
    // Somebody else makes it another queue, and deletes one.
    let other = connect(&broker, &Pipe::default()).await;
    let elsewhere = other.channel().await.unwrap();
    for name in [&changed, &kept] {
        elsewhere.queue_delete(name, Default::default()).await.unwrap();
    }
    let durable = QueueDeclare { durable: true, ..QueueDeclare::default() };
    elsewhere.queue_declare(&changed, durable).await.unwrap();

    cut_and_wait(&connection, &pipe).await;
    let passive = || QueueDeclare { passive: true, ..QueueDeclare::default() };
    let exists = async |name: &str| {
        let channel = other.channel().await.unwrap();
        channel.queue_declare(name, passive()).await.is_ok()
    };
    assert!(exists(&kept).await);
    assert!(!exists(&gone).await);
    let report = connection.last_recovery().unwrap();
    assert_eq!(report.failures.len(), 1, "{report:?}");
    assert!(report.failures[0].reason.contains("inequivalent arg 'durable'"), "{report:?}");
}

/// A broker's connector whose next connection ends after so many bytes from the broker.
fn cut_after(broker: &Broker, bytes: &Arc<AtomicU64>, pipe: &Pipe) -> Connector {
    let (broker, bytes, pipe) = (broker.clone(), bytes.clone(), pipe.clone());
    Connector::new(move |_| {
        let (ours, theirs) = tokio::io::duplex(8192);
        let (mut from_client, mut to_client) = tokio::io::split(theirs);
        let (from_broker, mut to_broker) = tokio::io::split(broker.connect());
        let mut from_broker = from_broker.take(bytes.swap(u64::MAX, SeqCst));
        let task = tokio::spawn(async move {
            tokio::select! {
                _ = tokio::io::copy(&mut from_client, &mut to_broker) => {}
                _ = tokio::io::copy(&mut from_broker, &mut to_client) => {}
            }
        });
        *pipe.lock().unwrap() = Some(task.abort_handle());
        std::future::ready(Ok(ours))
    })
}

/// The accident: cut again after the broker had named a queue and before the end of the plan, the queue's consumer asked for the name
/// before, for ever.
#[tokio::test]
async fn a_second_cut_anywhere_in_the_recovery_leaves_no_consumer_behind() {
    let (broker, pipe, bytes) = (Broker::in_memory(), Pipe::default(), Arc::new(AtomicU64::new(u64::MAX)));
    let connection = Connection::connect_over(cut_after(&broker, &bytes, &pipe), quick()).await.unwrap();
    let channel = connection.channel().await.unwrap();
    let exchange = fresh("events");
    channel.exchange_declare(&exchange, "fanout", ExchangeDeclare::default()).await.unwrap();
    let mut consumers = Vec::new();
    for _ in 0..3 {
        let given = channel.queue_declare("", exclusive()).await.unwrap().name;
        channel.queue_bind(&given, &exchange, key("")).await.unwrap();
        consumers.push(connection.consumer(ConsumerOptions::new(given, 10)).await.unwrap());
    }
    let publisher = connection.publisher(PublisherOptions::to(exchange, "")).await.unwrap();
    // From the middle of the handshake to behind all that is declared.
    for (round, allowed) in (300..1300).step_by(9).enumerate() {
        bytes.store(allowed, SeqCst);
        cut_and_wait(&connection, &pipe).await;
        // (Queues may have been bound again after the publisher was back.)
        let text = format!("round {round}");
        'found: for consumer in &mut consumers {
            for attempt in 0.. {
                assert!(attempt < 50, "a consumer gets nothing after a cut at byte {allowed}");
                publisher.send(text.clone()).await.unwrap();
                let found = timeout(SOON / 50, consumer.next()).await;
                let Ok(found) = found else { continue };
                let delivery = found.unwrap().unwrap();
                let is_it = delivery.body()[..] == *text.as_bytes();
                let _ = delivery.ack();
                if is_it {
                    continue 'found;
                }
            }
        }
    }
}

/// The accident: what was answered was recorded by the caller, and one that gave up waiting had it forgotten: the queue it had deleted
/// came back.
#[tokio::test]
async fn a_caller_that_gives_up_waiting_changes_nothing_of_what_comes_back() {
    let (broker, pipe) = (Broker::in_memory(), Pipe::default());
    let connection = connect(&broker, &pipe).await;
    let channel = connection.channel().await.unwrap();
    let (deleted, declared) = (fresh("deleted"), fresh("declared"));
    channel.queue_declare(&deleted, exclusive()).await.unwrap();
    // Polled once: the method is on its way.
    let _ = timeout(std::time::Duration::ZERO, channel.queue_delete(&deleted, Default::default())).await;
    let _ = timeout(std::time::Duration::ZERO, channel.queue_declare(&declared, exclusive())).await;
    channel.basic_qos(0, false).await.unwrap();
    cut_and_wait(&connection, &pipe).await;
    let passive = || QueueDeclare { passive: true, ..QueueDeclare::default() };
    let exists = async |name: &str| {
        let channel = connection.channel().await.unwrap();
        channel.queue_declare(name, passive()).await.is_ok()
    };
    assert!(exists(&declared).await);
    assert!(!exists(&deleted).await);
}

#[tokio::test]
async fn requests_under_way_fail_when_the_connection_is_lost_and_later_ones_are_answered() {
    let (broker, pipe) = (Broker::in_memory(), Pipe::default());
    let connection = connect(&broker, &pipe).await;
    let server = connect(&broker, &Pipe::default()).await;
    let name = fresh("rpc");
    let answering = server.channel().await.unwrap();
    answering.queue_declare(&name, QueueDeclare::default()).await.unwrap();
    let mut requests = server.consumer(ConsumerOptions::new(name.clone(), 10)).await.unwrap();
    let client = RpcClient::new(&connection).await.unwrap();
    let ask = |text: &'static str| client.call(Message::new(text).routing_key(name.clone()), SOON);

    let (asked, lost) = tokio::join!(ask("never answered"), async {
        let request = timeout(SOON, requests.next()).await.unwrap().unwrap().unwrap();
        cut_and_wait(&connection, &pipe).await;
        request.ack()
    });
    lost.unwrap();
    let error = asked.unwrap_err();
    assert!(matches!(error, RpcError::Closed(_)) && error.is_transient(), "{error:?}");

    let (answer, ()) = tokio::join!(ask("answered"), async {
        let request = timeout(SOON, requests.next()).await.unwrap().unwrap().unwrap();
        answering.reply(&request, "yes").await.unwrap();
        request.ack().unwrap();
    });
    assert_eq!(&answer.unwrap().body()[..], b"yes");
}

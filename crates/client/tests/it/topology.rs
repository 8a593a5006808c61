//! What was declared on a connection is declared again after a cut.

use leveret_broker::Broker;
use leveret_client::{Bind, ConsumerOptions, ExchangeDeclare, Message, PublisherOptions, QueueDeclare};
use tokio::time::timeout;

use crate::recovery::{Pipe, connect, cut_and_wait};
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
    assert_eq!(report.recovered, 7, "an exchange, two queues, two bindings, two consumers: {report:?}");
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

//! The low-level channel: each method of AMQP, by what it changes.

use leveret_client::{
    Bind, Channel, Connection, ConsumeOptions, DeleteExchange, DeleteQueue, Error, ExchangeDeclare,
    FieldTable, Message,
};
use tokio::time::timeout;

use crate::support::{SOON, Target, exclusive, next, passive, text};

fn to(queue: &str, body: &'static str) -> Message {
    Message::new(body).routing_key(queue.to_owned())
}

fn key(text: &str) -> Bind {
    Bind { routing_key: text.into(), ..Bind::default() }
}

/// Takes everything, acknowledged at once.
async fn bodies(channel: &Channel, queue: &str) -> Vec<String> {
    let mut bodies = Vec::new();
    while let Some(got) = channel.basic_get(queue, true).await.unwrap() {
        bodies.push(text(&got.delivery).to_owned());
    }
    bodies
}

#[tokio::test]
async fn exchanges_and_queues_are_declared_bound_unbound_purged_and_deleted() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let channel = connection.channel().await.unwrap();
    let (source, middle, queue) = (target.fresh("source"), target.fresh("middle"), target.fresh("q"));
    channel.exchange_declare(&source, "topic", ExchangeDeclare::default()).await.unwrap();
    let durable = ExchangeDeclare { durable: true, internal: true, ..ExchangeDeclare::default() };
    channel.exchange_declare(&middle, "headers", durable.clone()).await.unwrap();
    channel.exchange_declare(&middle, "headers", durable).await.unwrap();
    let passive_exchange = || ExchangeDeclare { passive: true, ..ExchangeDeclare::default() };
    channel.exchange_declare(&middle, "headers", passive_exchange()).await.unwrap();
    let declared = channel.queue_declare(&queue, exclusive()).await.unwrap();
    assert_eq!((&declared.name, declared.messages, declared.consumers), (&queue, 0, 0));

    channel.exchange_bind(&middle, &source, key("a.#")).await.unwrap();
    let mut arguments = FieldTable::from([("x-match", "all")]);
    arguments.insert("colour", "brown");
    let brown = Bind { arguments, ..Bind::default() };
    channel.queue_bind(&queue, &middle, brown.clone()).await.unwrap();
    let publish = async |body: &'static str, key: &'static str, colour: &str| {
        let message = Message::new(body).exchange(source.clone()).routing_key(key);
        channel.basic_publish(message.header("colour", colour)).await.unwrap();
    };
    publish("yes", "a.b", "brown").await;
    publish("other colour", "a.b", "red").await;
    publish("other key", "b", "brown").await;
    assert_eq!(bodies(&channel, &queue).await, ["yes"]);
    channel.queue_unbind(&queue, &middle, brown.clone()).await.unwrap();
    publish("unbound", "a.b", "brown").await;
    channel.queue_bind(&queue, &middle, brown).await.unwrap();
    channel.exchange_unbind(&middle, &source, key("a.#")).await.unwrap();
    publish("unbound", "a.b", "brown").await;
    assert_eq!(bodies(&channel, &queue).await, [""; 0]);

    for _ in 0..3 {
        channel.basic_publish(to(&queue, "x")).await.unwrap();
    }
    assert_eq!(channel.queue_purge(&queue).await.unwrap(), 3);
    channel.basic_publish(to(&queue, "x")).await.unwrap();
    let probe = connection.channel().await.unwrap();
    let if_empty = DeleteQueue { if_empty: true, ..DeleteQueue::default() };
    assert_eq!(probe.queue_delete(&queue, if_empty).await.unwrap_err().reply_code(), Some(406));
    assert_eq!(channel.queue_delete(&queue, DeleteQueue::default()).await.unwrap(), 1);
    let probe = connection.channel().await.unwrap();
    assert_eq!(probe.queue_declare(&queue, passive()).await.unwrap_err().reply_code(), Some(404));
    channel.exchange_delete(&source, DeleteExchange { if_unused: true }).await.unwrap();
    channel.exchange_delete(&middle, DeleteExchange::default()).await.unwrap();
    let gone = channel.exchange_declare(&middle, "headers", passive_exchange()).await.unwrap_err();
    assert_eq!(gone.reply_code(), Some(404), "{gone}");
}

#[tokio::test]
async fn transactions_take_effect_as_a_whole_or_not_at_all() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let channel = connection.channel().await.unwrap();
    let queue = target.queue(&channel, "tx").await;
    target.fill(&queue, ["first".to_owned()]).await;
    let without = connection.channel().await.unwrap();
    assert_eq!(without.tx_commit().await.unwrap_err().reply_code(), Some(406));
    channel.tx_select().await.unwrap();
    assert!(!channel.is_pristine());
    channel.basic_get(&queue, false).await.unwrap().unwrap().delivery.ack().unwrap();
    channel.basic_publish(to(&queue, "rolled back")).await.unwrap();
    channel.tx_rollback().await.unwrap();
    channel.basic_publish(to(&queue, "second")).await.unwrap();
    channel.basic_publish(to(&queue, "third")).await.unwrap();
    target.wait_for(&queue, 0, 0).await;
    channel.tx_commit().await.unwrap();
    target.wait_for(&queue, 2, 0).await;
    assert_eq!(channel.confirm_select().await.unwrap_err().reply_code(), Some(406));
    // The ack was rolled back as well, and the message is requeued with its channel.
    target.wait_for(&queue, 3, 0).await;
    assert_eq!(bodies(&connection.channel().await.unwrap(), &queue).await, ["first", "second", "third"]);
}

#[tokio::test]
async fn prefetch_recover_get_and_cancel() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let channel = connection.channel().await.unwrap();
    assert!(channel.is_pristine());
    let queue = target.queue(&channel, "recover").await;
    target.fill(&queue, ["1", "2", "3"].map(String::from)).await;
    channel.basic_qos(2, true).await.unwrap();
    let mut consumer = channel.basic_consume(&queue, ConsumeOptions::default()).await.unwrap();
    let (one, two) = (next(&mut consumer).await, next(&mut consumer).await);
    assert_eq!((text(&one), text(&two)), ("1", "2"));
    target.wait_for(&queue, 1, 1).await;
    one.ack().unwrap();
    let three = next(&mut consumer).await;
    channel.basic_cancel(consumer.tag()).await.unwrap();
    assert!(timeout(SOON, consumer.next()).await.unwrap().is_none());
    target.wait_for(&queue, 0, 0).await;
    // Those in hand can still be settled.
    three.ack().unwrap();
    two.nack(true).unwrap();
    target.wait_for(&queue, 1, 0).await;
    let other = connection.channel().await.unwrap();
    let got = other.basic_get(&queue, false).await.unwrap().unwrap();
    assert_eq!((text(&got.delivery), got.messages, got.delivery.is_redelivered()), ("2", 0, true));
    other.basic_recover(true).await.unwrap();
    target.wait_for(&queue, 1, 0).await;
    // What is settled now is not there any more; the broker says so by closing the channel.
    got.delivery.ack().unwrap();
    let closed = timeout(SOON, async {
        while other.closed().is_none() {
            let _ = other.basic_qos(0, false).await;
        }
    });
    closed.await.unwrap();
    assert_eq!(other.closed().unwrap().reply_code(), Some(406));
}

#[tokio::test]
async fn a_channel_closed_is_told_so_and_one_dropped_leaves_its_number() {
    let target = Target::start().await;
    let connection = Connection::connect(target.options().channel_max(8)).await.unwrap();
    let first = connection.channel().await.unwrap();
    first.close().await.unwrap();
    assert!(matches!(first.basic_qos(1, false).await, Err(Error::Closed { code: 200, .. })));
    // More than there are numbers.
    for _ in 0..30 {
        connection.channel().await.unwrap();
    }
    let mut all = Vec::new();
    let full = loop {
        match connection.channel().await {
            Ok(channel) => all.push(channel),
            Err(error) => break error,
        }
    };
    // (The last of those that were dropped may not be closed yet.)
    assert!(matches!(full, Error::NoChannelLeft(8)) && (7..=8).contains(&all.len()), "{full} {}", all.len());
    let lost = target.relay().await;
    let connection = lost.connect().await;
    let channel = connection.channel().await.unwrap();
    lost.cut_and_wait(&connection).await;
    assert!(
        matches!(channel.basic_qos(1, false).await, Err(Error::Lost(_))),
        "a channel ends with its connection"
    );
}

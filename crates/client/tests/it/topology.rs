//! What was declared on a connection is declared again after a cut.

use leveret_client::{
    Bind, ConsumerOptions, ExchangeDeclare, Message, PublisherOptions, QueueDeclare, RpcClient, RpcError,
};
use tokio::time::timeout;

use crate::support::{SOON, Target, exclusive, next, passive};

fn key(text: &str) -> Bind {
    Bind { routing_key: text.into(), ..Bind::default() }
}

#[tokio::test]
async fn exclusive_and_server_named_queues_come_back_with_their_bindings_and_consumers() {
    let target = Target::start().await;
    let relay = target.relay().await;
    let connection = relay.connect().await;
    let (exchange, queue) = (target.fresh("events"), target.fresh("mine"));
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
            let delivery = next(consumer).await;
            assert_eq!(&delivery.body()[..], format!("{text}{round}").as_bytes());
            delivery.ack().unwrap();
        }
        relay.cut_and_wait(&connection).await;
        // A broker that has not noticed the end of the last connection yet keeps its queues locked for a moment.
        let mut reports = connection.recoveries();
        let whole = reports.wait_for(|report| report.as_ref().is_some_and(|report| report.complete));
        drop(timeout(SOON, whole).await.unwrap().unwrap());
    }
    let report = connection.last_recovery().unwrap();
    assert!(report.failures.is_empty(), "{report:?}");
    assert_eq!(report.renames.len(), 1, "{report:?}");
    assert_eq!(report.recovered, 5, "an exchange, two queues, two bindings: {report:?}");
}

#[tokio::test]
async fn what_was_deleted_stays_gone_and_what_cannot_be_declared_is_skipped_and_told() {
    let target = Target::start().await;
    let relay = target.relay().await;
    let connection = relay.connect().await;
    let channel = connection.channel().await.unwrap();
    let (gone, changed, kept) = (target.fresh("gone"), target.fresh("changed"), target.fresh("kept"));
    for name in [&gone, &changed, &kept] {
        channel.queue_declare(name, QueueDeclare::default()).await.unwrap();
    }
    channel.queue_delete(&gone, Default::default()).await.unwrap();
    // Somebody else makes it another queue, and deletes one.
    let other = target.connect().await;
    let elsewhere = other.channel().await.unwrap();
    for name in [&changed, &kept] {
        elsewhere.queue_delete(name, Default::default()).await.unwrap();
    }
    let durable = QueueDeclare { durable: true, ..QueueDeclare::default() };
    elsewhere.queue_declare(&changed, durable).await.unwrap();

    relay.cut_and_wait(&connection).await;
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

/// The accident: cut again after the broker had named a queue and before the end of the plan, the queue's consumer asked for the name
/// before, for ever.
#[tokio::test]
async fn a_second_cut_anywhere_in_the_recovery_leaves_no_consumer_behind() {
    let target = Target::start().await;
    let relay = target.relay().await;
    let connection = relay.connect().await;
    let channel = connection.channel().await.unwrap();
    let exchange = target.fresh("events");
    channel.exchange_declare(&exchange, "fanout", ExchangeDeclare::default()).await.unwrap();
    let mut consumers = Vec::new();
    for _ in 0..3 {
        let given = channel.queue_declare("", exclusive()).await.unwrap().name;
        channel.queue_bind(&given, &exchange, key("")).await.unwrap();
        consumers.push(connection.consumer(ConsumerOptions::new(given, 10)).await.unwrap());
    }
    let publisher = connection.publisher(PublisherOptions::to(exchange, "")).await.unwrap();
    relay.cut_and_wait(&connection).await;
    // From the end of the handshake, or before, to behind all that is declared.
    let whole = relay.arrived();
    for (round, allowed) in (whole.saturating_sub(700)..whole + 100).step_by(9).enumerate() {
        relay.cut_next_after(allowed);
        relay.cut_and_wait(&connection).await;
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
    let target = Target::start().await;
    let relay = target.relay().await;
    let connection = relay.connect().await;
    let channel = connection.channel().await.unwrap();
    let (deleted, declared) = (target.fresh("deleted"), target.fresh("declared"));
    channel.queue_declare(&deleted, exclusive()).await.unwrap();
    // Polled once: the method is on its way.
    let _ = timeout(std::time::Duration::ZERO, channel.queue_delete(&deleted, Default::default())).await;
    let _ = timeout(std::time::Duration::ZERO, channel.queue_declare(&declared, exclusive())).await;
    channel.basic_qos(0, false).await.unwrap();
    relay.cut_and_wait(&connection).await;
    let exists = async |name: &str| {
        let channel = connection.channel().await.unwrap();
        channel.queue_declare(name, passive()).await.is_ok()
    };
    assert!(exists(&declared).await);
    assert!(!exists(&deleted).await);
}

#[tokio::test]
async fn requests_under_way_fail_when_the_connection_is_lost_and_later_ones_are_answered() {
    let target = Target::start().await;
    let relay = target.relay().await;
    let connection = relay.connect().await;
    let server = target.connect().await;
    let name = target.fresh("rpc");
    let answering = server.channel().await.unwrap();
    answering.queue_declare(&name, QueueDeclare::default()).await.unwrap();
    let mut requests = server.consumer(ConsumerOptions::new(name.clone(), 10)).await.unwrap();
    let client = RpcClient::new(&connection).await.unwrap();
    let ask = |text: &'static str| client.call(Message::new(text).routing_key(name.clone()), SOON);

    let (asked, lost) = tokio::join!(ask("never answered"), async {
        let request = next(&mut requests).await;
        relay.cut_and_wait(&connection).await;
        request.ack()
    });
    lost.unwrap();
    let error = asked.unwrap_err();
    assert!(matches!(error, RpcError::Closed(_)) && error.is_transient(), "{error:?}");

    let (answer, ()) = tokio::join!(ask("answered"), async {
        let request = next(&mut requests).await;
        answering.reply(&request, "yes").await.unwrap();
        request.ack().unwrap();
    });
    assert_eq!(&answer.unwrap().body()[..], b"yes");
}

//! The broker notices late that a connection has ended: what belongs to it stands in the way of the next one for a while.

use leveret_client::{Bind, Connection, ConsumerOptions, ExchangeDeclare, PublisherOptions, QueueDeclare};
use tokio::time::{Duration, sleep, timeout};

use crate::support::{SOON, Target, exclusive, next, text};

/// The accident: after two seconds of refusals the queue was given up until the next loss, and its consumer asked for it for ever.
#[tokio::test]
async fn an_exclusive_queue_that_stays_locked_comes_back_once_it_is_free() {
    let target = Target::start().await;
    let relay = target.relay().await;
    // Nor does a missing heartbeat tell it.
    let connection = Connection::connect(relay.options().heartbeat(Duration::from_secs(30))).await.unwrap();
    let channel = connection.channel().await.unwrap();
    let (exchange, queue) = (target.fresh("events"), target.fresh("mine"));
    let transient = ExchangeDeclare { auto_delete: true, ..ExchangeDeclare::default() };
    channel.exchange_declare(&exchange, "fanout", transient).await.unwrap();
    channel.queue_declare(&queue, exclusive()).await.unwrap();
    channel.queue_bind(&queue, &exchange, Bind::default()).await.unwrap();
    let mut consumer = connection.consumer(ConsumerOptions::new(queue.clone(), 10)).await.unwrap();
    relay.hold(true);
    relay.cut_and_wait(&connection).await;
    let mut reports = connection.recoveries();
    let given_up = reports.wait_for(|report| report.as_ref().is_some_and(|report| report.complete));
    let report = timeout(SOON, given_up).await.unwrap().unwrap().clone().unwrap();
    assert!(report.failures[0].reason.contains("RESOURCE_LOCKED"), "{report:?}");
    relay.hold(false);
    let publisher = connection.publisher(PublisherOptions::to(exchange, "")).await.unwrap();
    receives(&publisher, &mut consumer).await;
}

/// Whether it goes before it is declared again, between that and its consumer, or not at all, is the broker's.
#[tokio::test]
async fn an_auto_delete_queue_that_goes_late_comes_back() {
    let target = Target::start().await;
    let relay = target.relay().await;
    let connection = relay.connect().await;
    let channel = connection.channel().await.unwrap();
    let (exchange, queue) = (target.fresh("events"), target.fresh("auto"));
    let transient = ExchangeDeclare { auto_delete: true, ..ExchangeDeclare::default() };
    channel.exchange_declare(&exchange, "fanout", transient).await.unwrap();
    let auto_delete = QueueDeclare { auto_delete: true, ..QueueDeclare::default() };
    channel.queue_declare(&queue, auto_delete).await.unwrap();
    channel.queue_bind(&queue, &exchange, Bind::default()).await.unwrap();
    let mut consumer = connection.consumer(ConsumerOptions::new(queue.clone(), 10)).await.unwrap();
    let publisher = connection.publisher(PublisherOptions::to(exchange, "")).await.unwrap();
    for _ in 0..5 {
        relay.cut_and_wait(&connection).await;
        receives(&publisher, &mut consumer).await;
    }
}

/// Sends until something sent by now is received: there may be no queue for a moment.
async fn receives(publisher: &leveret_client::Publisher, consumer: &mut leveret_client::Consumer) {
    let marks = (0..200).map(|_| format!("{:x}", rand::random::<u64>())).collect::<Vec<_>>();
    for mark in &marks {
        let sent = timeout(SOON, publisher.send(mark.clone())).await.unwrap();
        let Ok(found) = timeout(Duration::from_millis(100), async {
            loop {
                let delivery = next(consumer).await;
                let found = marks.iter().any(|mark| mark == text(&delivery));
                let _ = delivery.ack();
                if found {
                    return found;
                }
            }
        })
        .await
        else {
            if sent.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
            continue;
        };
        assert!(found);
        return;
    }
    panic!("nothing is received any more");
}

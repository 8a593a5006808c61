//! A message that is sent alone is written by its sender, and nobody is forgotten by that.

use std::task::Context;

use leveret_broker::Broker;
use leveret_client::{PublisherOptions, QueueDeclare};
use tokio::time::timeout;

use crate::support::pipe::{Pipe, connect, cut_and_wait};
use crate::support::{SOON, Tap, fresh};

#[tokio::test]
async fn a_message_alone_is_written_before_its_sender_waits() {
    let broker = Broker::in_memory();
    let tap = Tap::default();
    let connection = tap.connect(&broker).await;
    let name = fresh("alone");
    connection.channel().await.unwrap().queue_declare(&name, QueueDeclare::default()).await.unwrap();
    let publisher = connection.publisher(PublisherOptions::to_queue(name)).await.unwrap();
    publisher.send("first").await.unwrap();

    tap.clear();
    let noop = &mut Context::from_waker(std::task::Waker::noop());
    let mut alone = Box::pin(publisher.send("second"));
    // This thread is the only one: nobody else can have written in the meantime.
    assert!(alone.as_mut().poll(noop).is_pending());
    assert_eq!(tap.publishes(), [1]);
    // The next one is not alone: it waits for the task, and for others to go with.
    let mut company = Box::pin(publisher.send("third"));
    assert!(company.as_mut().poll(noop).is_pending());
    assert_eq!(tap.publishes(), [1]);
    timeout(SOON, alone).await.unwrap().unwrap();
    timeout(SOON, company).await.unwrap().unwrap();
}

#[test]
fn a_runtime_that_is_dropped_takes_its_connections_with_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tap = Tap::default();
    let connection = runtime.block_on(async {
        let connection = tap.connect(&Broker::in_memory()).await;
        connection.channel().await.unwrap();
        connection
    });
    assert!(tap.is_held());
    drop(runtime);
    drop(connection);
    assert!(!tap.is_held(), "the stream is still there");
}

/// Every sender finds the task asleep, awake or at work for another; one that is overlooked waits for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn senders_of_one_message_at_a_time_get_along_also_across_cuts() {
    let (broker, pipe) = (Broker::in_memory(), Pipe::default());
    let connection = connect(&broker, &pipe).await;
    let channel = connection.channel().await.unwrap();
    let name = fresh("together");
    channel.queue_declare(&name, QueueDeclare::default()).await.unwrap();
    let mut senders = Vec::new();
    for _ in 0..4 {
        let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
        senders.push(tokio::spawn(async move {
            for number in 0..2_000 {
                timeout(SOON, publisher.send(number.to_string())).await.unwrap().unwrap();
            }
        }));
    }
    for _ in 0..5 {
        cut_and_wait(&connection, &pipe).await;
        // As much again as has been sent since: the next cut comes in the middle.
        let publisher = connection.publisher(PublisherOptions::to_queue(name.clone())).await.unwrap();
        for _ in 0..50 {
            timeout(SOON, publisher.send("between")).await.unwrap().unwrap();
        }
    }
    for sender in senders {
        sender.await.unwrap();
    }
    let how = QueueDeclare { passive: true, ..Default::default() };
    let channel = connection.channel().await.unwrap();
    let held = channel.queue_declare(&name, how).await.unwrap().messages;
    assert!(held >= 4 * 2_000 + 250, "{held}");
}

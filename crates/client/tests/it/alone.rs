//! A message that is sent alone is written by its sender, and nobody is forgotten by that.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use leveret_broker::Broker;
use leveret_client::{Connection, Connector, PublisherOptions, QueueDeclare};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use crate::recovery::{Pipe, connect, cut_and_wait, quick};
use crate::support::{SOON, fresh};

/// Counts bytes written; the count's other holders see when it is dropped.
struct Counted<S>(S, Arc<AtomicUsize>);

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, to)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.1.fetch_add(count, SeqCst);
        }
        written
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

async fn counted(broker: &Broker) -> (Connection, Arc<AtomicUsize>) {
    let (broker, bytes) = (broker.clone(), Arc::new(AtomicUsize::new(0)));
    let count = bytes.clone();
    let connector = Connector::new(move |_| {
        let stream = Counted(broker.connect(), count.clone());
        std::future::ready(Ok(stream))
    });
    (Connection::connect_over(connector, quick()).await.unwrap(), bytes)
}

#[tokio::test]
async fn a_message_alone_is_written_before_its_sender_waits() {
    let broker = Broker::in_memory();
    let (connection, bytes) = counted(&broker).await;
    let name = fresh("alone");
    connection.channel().await.unwrap().queue_declare(&name, QueueDeclare::default()).await.unwrap();
    let publisher = connection.publisher(PublisherOptions::to_queue(name)).await.unwrap();
    publisher.send("first").await.unwrap();

    let before = bytes.load(SeqCst);
    let noop = &mut Context::from_waker(std::task::Waker::noop());
    let mut alone = Box::pin(publisher.send("second"));
    // This thread is the only one: nobody else can have written in the meantime.
    assert!(alone.as_mut().poll(noop).is_pending());
    let after = bytes.load(SeqCst);
    assert!(after > before + "second".len(), "{before} {after}");
    // The next one is not alone: it waits for the task, and for others to go with.
    let mut company = Box::pin(publisher.send("third"));
    assert!(company.as_mut().poll(noop).is_pending());
    assert_eq!(bytes.load(SeqCst), after);
    timeout(SOON, alone).await.unwrap().unwrap();
    timeout(SOON, company).await.unwrap().unwrap();
}

#[test]
fn a_runtime_that_is_dropped_takes_its_connections_with_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (connection, bytes) = runtime.block_on(async {
        let broker = Broker::in_memory();
        let (connection, bytes) = counted(&broker).await;
        connection.channel().await.unwrap();
        (connection, bytes)
    });
    assert!(Arc::strong_count(&bytes) > 1);
    drop(runtime);
    drop(connection);
    assert_eq!(Arc::strong_count(&bytes), 1, "the stream is still there");
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

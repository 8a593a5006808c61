//! Messages that wait for company, by a clock that only the tests move; and publishers as sinks.

use std::time::Duration;

use futures_sink::Sink;
use leveret_broker::Broker;
use leveret_client::{
    Channel, Connection, Message, Publisher, PublisherOptions, QueueDeclare, SendError, SinkError,
};
use std::future::poll_fn;
use std::pin::Pin;
use tokio::time::{Instant, timeout};

use crate::support::{SOON, Tap, fresh};

const LINGER: Duration = Duration::from_millis(20);

struct Bench {
    tap: Tap,
    connection: Connection,
    channel: Channel,
    queue: String,
    publisher: Publisher,
}

async fn bench(with: impl FnOnce(PublisherOptions) -> PublisherOptions) -> Bench {
    let tap = Tap::default();
    let connection = tap.connect(&Broker::in_memory()).await;
    let channel = connection.channel().await.unwrap();
    let queue = fresh("linger");
    channel.queue_declare(&queue, QueueDeclare::default()).await.unwrap();
    let options = with(PublisherOptions::to_queue(queue.clone()).linger(LINGER));
    let publisher = connection.publisher(options).await.unwrap();
    tap.clear();
    Bench { tap, connection, channel, queue, publisher }
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_within_the_linger_goes_out_in_one_write_when_it_is_over() {
    let Bench { tap, publisher, .. } = bench(|options| options).await;
    let began = Instant::now();
    let mut confirms = Vec::new();
    for number in 0..50 {
        confirms.push(publisher.enqueue(number.to_string()).await.unwrap());
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(LINGER - Duration::from_millis(2)).await;
    assert_eq!(tap.publishes(), [] as [usize; 0]);
    for confirm in confirms {
        confirm.await.unwrap();
    }
    assert_eq!(tap.publishes(), [50]);
    let took = began.elapsed();
    assert!(took >= LINGER && took <= LINGER + Duration::from_millis(2), "{took:?}");
    // The next one begins anew, also when it comes alone and is waited for.
    let began = Instant::now();
    publisher.send("late").await.unwrap();
    assert_eq!(tap.publishes(), [50, 1]);
    assert!(began.elapsed() >= LINGER && began.elapsed() <= LINGER + Duration::from_millis(2));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_full_does_not_linger() {
    let Bench { tap, publisher, .. } = bench(|options| options.batch_bytes(10 << 10)).await;
    let began = Instant::now();
    let first = publisher.enqueue(vec![0; 6 << 10]).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(tap.publishes(), [] as [usize; 0]);
    let second = publisher.enqueue(vec![0; 6 << 10]).await.unwrap();
    first.await.unwrap();
    second.await.unwrap();
    assert_eq!(tap.publishes(), [2]);
    assert!(began.elapsed() < LINGER / 2, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn flush_a_full_bound_and_close_end_the_linger() {
    let Bench { tap, publisher, connection, channel, queue } =
        bench(|options| options.in_flight(3, 1 << 20)).await;
    let began = Instant::now();
    let _one = publisher.enqueue("flushed").await.unwrap();
    publisher.flush().await.unwrap();
    assert_eq!(tap.publishes(), [1]);
    for number in 0..4 {
        let _three_have_room = publisher.enqueue(number.to_string()).await.unwrap();
    }
    assert_eq!(tap.publishes(), [1, 3]);
    let outcomes = publisher.send_all(["x", "y"]).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let _last = publisher.enqueue("closed").await.unwrap();
    drop(publisher);
    let passive = QueueDeclare { passive: true, ..Default::default() };
    while channel.queue_declare(&queue, passive.clone()).await.unwrap().messages < 8 {}
    assert!(began.elapsed() < LINGER / 2, "{:?}", began.elapsed());
    let again = connection.publisher(PublisherOptions::to_queue(queue).linger(LINGER)).await.unwrap();
    let last = again.enqueue("goodbye").await.unwrap();
    tokio::task::yield_now().await;
    connection.close(SOON).await.unwrap();
    assert_eq!(
        tap.publishes().iter().sum::<usize>(),
        9,
        "the last one was written before the connection was closed"
    );
    assert!(began.elapsed() < LINGER / 2, "{:?}", began.elapsed());
    drop(last);
}

#[tokio::test(start_paused = true)]
async fn others_are_not_held_up_and_order_stays() {
    let Bench { tap, publisher, connection, channel, queue } = bench(|options| options).await;
    let quick = connection.publisher(PublisherOptions::to_queue(queue.clone())).await.unwrap();
    let began = Instant::now();
    let slow: Vec<_> = [publisher.enqueue("1").await.unwrap(), publisher.enqueue("2").await.unwrap()].into();
    quick.send("0").await.unwrap();
    assert!(began.elapsed() < LINGER / 2, "{:?}", began.elapsed());
    assert_eq!(tap.publishes(), [1]);
    for confirm in slow {
        confirm.await.unwrap();
    }
    for expected in ["0", "1", "2"] {
        let got = channel.basic_get(&queue, true).await.unwrap().unwrap();
        assert_eq!(got.delivery.body(), expected);
    }
}

async fn give(sink: &mut leveret_client::PublisherSink, message: Message) -> Result<(), SinkError> {
    poll_fn(|cx| Pin::new(&mut *sink).poll_ready(cx)).await?;
    Pin::new(sink).start_send(message)
}

#[tokio::test]
async fn a_sink_sends_all_within_its_bounds_and_its_error_has_the_message() {
    let Bench { publisher, channel, queue, .. } =
        bench(|options| options.in_flight(8, 1000).linger(Duration::ZERO)).await;
    let mut sink = publisher.sink();
    for number in 0..300 {
        timeout(SOON, give(&mut sink, Message::new(format!("{number:>100}")))).await.unwrap().unwrap();
        assert!(publisher.in_flight_len() <= 8);
    }
    timeout(SOON, poll_fn(|cx| Pin::new(&mut sink).poll_flush(cx))).await.unwrap().unwrap();
    assert_eq!(publisher.in_flight_len(), 0);
    assert_eq!(channel.queue_purge(&queue).await.unwrap(), 300);

    let nowhere = fresh("nowhere");
    give(&mut sink, Message::new("lost").routing_key(nowhere.clone()).message_id("7")).await.unwrap();
    give(&mut sink, Message::new("kept")).await.unwrap();
    let failed = timeout(SOON, poll_fn(|cx| Pin::new(&mut sink).poll_close(cx))).await.unwrap().unwrap_err();
    assert!(matches!(failed.error, SendError::Unroutable(_)), "{failed:?}");
    assert_eq!(
        (&*failed.message.body, failed.message.routing_key.as_deref()),
        (&b"lost"[..], Some(&*nowhere))
    );
    assert_eq!(failed.message.properties.message_id.as_deref(), Some("7"));
    timeout(SOON, poll_fn(|cx| Pin::new(&mut sink).poll_close(cx))).await.unwrap().unwrap();
    assert_eq!(channel.queue_purge(&queue).await.unwrap(), 1);

    let long = Message::new("x").routing_key("k".repeat(256));
    let refused = give(&mut sink, long).await.unwrap_err();
    assert!(matches!(refused.error, SendError::TooLong(_)) && refused.message.body == "x", "{refused:?}");
}

//! Retries: where the broker has ladders, and where queues beside the first are one. Handlers see no difference.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use leveret::client::PublisherOptions;
use leveret::test::{Ending, TestBroker, connect, connect_with};
use leveret::{
    Attempt, Binding, Class, Classify, Exchange, Failure, Incoming, Message, Mq, Queue, Redelivered, Retry,
    State, Text, Topology,
};

use super::support::{Log, header, only, seconds, send, start};

/// A broker with `orders`, bound to `events`: with the broker's ladder, or with rungs.
async fn with_ladder(rungs: bool) -> (TestBroker, Mq) {
    with_retry(rungs, Retry::ladder(seconds([5, 15]))).await
}

async fn with_retry(rungs: bool, retry: Retry) -> (TestBroker, Mq) {
    let broker = TestBroker::start().await;
    let mq = connect_with(&broker, |options| options.rungs_everywhere(rungs)).await;
    let topology = Topology::from(Queue::durable("orders").retry(retry).dead_letter())
        .exchange(Exchange::topic("events"))
        .binding(Binding::new("orders", "events", "order.*"));
    mq.declare(topology).await.unwrap();
    (broker, mq)
}

#[tokio::test]
async fn a_message_that_fails_is_tried_again_after_each_pause_and_then_is_a_dead_letter() {
    for rungs in [false, true] {
        let (broker, mq) = with_ladder(rungs).await;
        let seen: Log<String> = Log::default();
        let handler = |message: Incoming,
                       Attempt(attempt): Attempt,
                       Redelivered(again): Redelivered,
                       State(seen): State<Log<String>>| async move {
            seen.lock().push(format!(
                "{attempt} {again} {} {} {:?}",
                message.exchange(),
                message.routing_key(),
                message.message_id()
            ));
            Err::<(), _>(std::io::Error::other("no stock"))
        };
        let worker = start(mq.worker("orders").state(seen.clone()), handler);
        let events = mq.publisher_to("events", "order.new").build::<Text>().await.unwrap();
        events.send_with("coffee", |message| message.message_id("1")).await.unwrap();
        for (calls, pause) in [(1, 5), (2, 15)] {
            broker.eventually("it failed", || seen.lock().len() == calls).await;
            broker.settle().await;
            broker.advance(Duration::from_millis(pause * 1000 - 30)).await;
            assert_eq!(seen.lock().len(), calls, "rungs {rungs}: not before {pause} s");
            broker.advance(Duration::from_millis(40)).await;
        }
        let dead = only(&broker, "orders.dead").await;
        let wanted = |attempt, again| format!("{attempt} {again} events order.new Some(\"1\")");
        assert_eq!(*seen.lock(), [wanted(1, false), wanted(2, true), wanted(3, true)], "rungs {rungs}");
        assert_eq!(dead.body, "coffee");
        let headers = [
            "x-error",
            "x-error-reason",
            "x-attempts",
            "x-original-exchange",
            "x-original-routing-key",
            "x-original-queue",
        ];
        let values = headers.map(|name| header(&dead, name));
        assert_eq!(values, ["no stock", "failed", "3", "events", "order.new", "orders"], "rungs {rungs}");
        assert!(dead.header("x-first-failed-at").is_some() && dead.header("x-last-failed-at").is_some());
        assert_eq!(dead.properties.message_id.as_deref(), Some("1"));
        let report = worker.stop().await;
        assert_eq!((report.retried, report.dead_lettered, report.acked), (2, 1, 0), "rungs {rungs}");
        broker.expect_empty("orders").await;
    }
}

#[tokio::test]
async fn a_message_that_succeeds_later_is_done() {
    for rungs in [false, true] {
        let (broker, mq) = with_ladder(rungs).await;
        let handler = |Attempt(attempt): Attempt| async move {
            if attempt < 3 {
                panic!("attempt {attempt}")
            }
        };
        let worker = start(mq.worker("orders"), handler);
        send(&mq, "orders", "1").await;
        for retried in [5, 15] {
            broker.settle().await;
            broker.advance(Duration::from_secs(retried)).await;
        }
        broker.expect_empty("orders").await;
        let report = worker.stop().await;
        assert_eq!(
            (report.retried, report.acked, report.dead_lettered),
            (2, 1, 0),
            "panics are failures; rungs {rungs}"
        );
    }
}

#[tokio::test]
async fn errors_are_told_apart() {
    let (broker, mq) = with_ladder(false).await;
    let handler = |Text(text): Text| async move {
        match text.as_str() {
            "permanent" => Err(Failure::permanent("never").reason("refused")),
            "ignored" => "x".parse::<u32>().map(drop).ignore(),
            "by type" => Err("x".parse::<u32>().unwrap_err().into()),
            _ => Ok(()),
        }
    };
    let worker = start(mq.worker("orders").classify_as::<std::num::ParseIntError>(Class::Permanent), handler);
    for body in ["permanent", "ignored", "by type", "fine"] {
        send(&mq, "orders", body).await;
    }
    broker.eventually("two are dead", || broker.messages("orders.dead").len() == 2).await;
    let reasons: Vec<_> = broker
        .messages("orders.dead")
        .iter()
        .map(|dead| (header(dead, "x-error-reason"), header(dead, "x-error")))
        .collect();
    assert!(reasons.contains(&("refused".into(), "never".into())), "{reasons:?}");
    assert!(reasons.contains(&("failed".into(), "invalid digit found in string".into())), "{reasons:?}");
    broker.expect_empty("orders").await;
    assert_eq!(worker.stop().await.acked, 2);
}

#[tokio::test(start_paused = true)]
async fn attempts_in_place_come_first_and_count_as_one() {
    let (broker, mq) =
        with_retry(false, Retry::ladder(seconds([5])).in_place(2, Duration::from_millis(50))).await;
    let seen: Log<(u32, Duration)> = Log::default();
    let began = tokio::time::Instant::now();
    let handler = move |Attempt(attempt): Attempt, State(seen): State<Log<(u32, Duration)>>| async move {
        seen.lock().push((attempt, began.elapsed()));
        Err::<(), _>(Failure::transient("not yet"))
    };
    let worker = start(mq.worker("orders").state(seen.clone()), handler);
    send(&mq, "orders", "1").await;
    broker.eventually("three calls", || seen.lock().len() == 3).await;
    let log = seen.lock().clone();
    assert!(log.iter().all(|(attempt, _)| *attempt == 1), "{log:?}");
    let pauses = [log[1].1 - log[0].1, log[2].1 - log[1].1].map(|pause| pause.as_millis() / 50);
    assert_eq!(pauses, [1, 2], "{log:?}");
    broker.settle().await;
    assert_eq!(worker.stop().await.retried, 1);
}

/// A process that dies over a message runs no code to count it. Quorum queues count; for others the worker does.
#[tokio::test]
async fn what_ends_its_worker_without_a_word_is_poison_in_the_end() {
    for queue in [Queue::durable("orders"), Queue::quorum("orders")] {
        let broker = TestBroker::start().await;
        let mq = connect(&broker).await;
        mq.declare(queue.dead_letter()).await.unwrap();
        send(&mq, "orders", "1").await;
        let called = Arc::new(AtomicUsize::new(0));
        let counter = called.clone();
        let handler = move || {
            counter.fetch_add(1, SeqCst);
            std::future::pending::<()>()
        };
        let worker = mq.worker("orders").poison_after(3).drain_within(Duration::from_millis(1));
        let worker = start(worker, handler);
        for times in 1..=3 {
            broker.eventually("its handling has begun", || called.load(SeqCst) == times).await;
            // The copy with the count in it has taken the place of the delivery; before that there are both.
            broker
                .eventually("it is alone", || broker.queue("orders").is_some_and(|queue| queue.unacked == 1))
                .await;
            broker.faults().open().drop_now(Ending::Reset);
        }
        let dead = only(&broker, "orders.dead").await;
        assert_eq!(header(&dead, "x-error-reason"), "poison");
        assert_eq!(header(&dead, "x-error"), "its handling began 3 times and never ended");
        broker.expect_empty("orders").await;
        worker.stop().await;
        assert_eq!(called.load(SeqCst), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_refused_is_kept_and_tried_again() {
    let (broker, mq) = with_ladder(true).await;
    send(&mq, "orders", "1").await;
    broker.faults().nack_next(3);
    let worker = start(mq.worker("orders"), || async { Err::<(), _>(Failure::permanent("never")) });
    let dead = only(&broker, "orders.dead").await;
    assert_eq!(header(&dead, "x-error"), "never");
    broker.expect_empty("orders").await;
    assert_eq!(broker.published().iter().filter(|copy| copy.nacked).count(), 3);
    assert_eq!(worker.stop().await.dead_lettered, 1);
}

#[tokio::test(start_paused = true)]
async fn a_rung_that_somebody_deleted_is_declared_again() {
    let (broker, mq) = with_ladder(true).await;
    mq.consuming()
        .channel()
        .await
        .unwrap()
        .queue_delete("orders.retry.5s", Default::default())
        .await
        .unwrap();
    let worker = start(mq.worker("orders"), || async { Err::<(), _>(Failure::transient("not yet")) });
    send(&mq, "orders", "1").await;
    only(&broker, "orders.retry.5s").await;
    broker.expect_empty("orders").await;
    assert_eq!(worker.stop().await.retried, 1);
}

#[tokio::test]
async fn what_is_others_gets_its_rungs_and_dead_letters_beside_it() {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    mq.consuming().channel().await.unwrap().queue_declare("theirs", Default::default()).await.unwrap();
    let retry = Retry::ladder(seconds([5])).jitter(20);
    mq.declare(Queue::existing("theirs").retry(retry).dead_letter()).await.unwrap();
    let worker = start(mq.worker("theirs"), || async { Err::<(), _>(Failure::transient("not yet")) });
    let to_theirs = mq.publishing().publisher(PublisherOptions::to_queue("theirs")).await.unwrap();
    let mut message = Message::new("1");
    message.properties.expiration = Some("60000".into());
    to_theirs.send(message).await.unwrap();
    let waiting = only(&broker, "theirs.retry.5s+20%").await;
    let ms: u64 = waiting.properties.expiration.as_deref().unwrap().parse().unwrap();
    assert!((5000..=6000).contains(&ms), "{ms}");
    assert_eq!(header(&waiting, "x-original-expiration"), "60000");
    broker.advance(Duration::from_secs(6)).await;
    let dead = only(&broker, "theirs.dead").await;
    assert_eq!((header(&dead, "x-attempts").as_str(), dead.body.as_ref()), ("2", &b"1"[..]));
    worker.stop().await;
}

/// The same as a ladder, by the queue's own means that RabbitMQ 4.3 has as well.
#[tokio::test]
async fn linear_pauses_of_a_quorum_queue_are_kept_by_the_queue() {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    let retry = Retry::linear(Duration::from_secs(5), Duration::from_secs(8), 2);
    mq.declare(Queue::quorum("orders").retry(retry).dead_letter()).await.unwrap();
    let seen: Log<u32> = Log::default();
    let handler = |Attempt(attempt): Attempt, State(seen): State<Log<u32>>| async move {
        seen.lock().push(attempt);
        Err::<(), _>(Failure::transient("no stock"))
    };
    let worker = start(mq.worker("orders").state(seen.clone()), handler);
    send(&mq, "orders", "1").await;
    for (attempts, pause) in [(1, 5), (2, 8)] {
        broker.eventually("it has failed", || seen.lock().len() == attempts).await;
        broker.settle().await;
        broker.advance(Duration::from_secs(pause - 1)).await;
        assert_eq!(seen.lock().len(), attempts);
        broker.advance(Duration::from_secs(1)).await;
    }
    let dead = only(&broker, "orders.dead").await;
    assert_eq!((header(&dead, "x-attempts").as_str(), header(&dead, "x-error").as_str()), ("3", "no stock"));
    assert_eq!(*seen.lock(), [1, 2, 3]);
    assert_eq!(worker.stop().await.retried, 2);
}

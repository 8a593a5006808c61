//! Retries: where the broker has ladders, and where queues beside the first are one. Handlers see no difference.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use leveret::client::PublisherOptions;
use leveret::{
    Attempt, Binding, Class, Classify, Exchange, Failure, Incoming, Message, Mq, Queue, Redelivered, Retry,
    State, Text, Topology,
};

use super::home::{Figures, Home};
use super::support::{Log, header, only, send, start};

/// A broker with `orders`, bound to `events`: with the broker's ladder, or with rungs.
async fn with_ladder(rungs: bool) -> (Home, Mq) {
    with_retry(rungs, |home| Retry::ladder(home.spans([5, 15]))).await
}

async fn with_retry(rungs: bool, retry: impl FnOnce(&Home) -> Retry) -> (Home, Mq) {
    let home = Home::start().await;
    let mq = home.connect_with(|options| options.rungs_everywhere(rungs)).await;
    let topology = Topology::from(Queue::durable("orders").retry(retry(&home)).dead_letter())
        .exchange(Exchange::topic("events"))
        .binding(Binding::new("orders", "events", "order.*"));
    mq.declare(topology).await.unwrap();
    (home, mq)
}

#[tokio::test]
async fn a_message_that_fails_is_tried_again_after_each_pause_and_then_is_a_dead_letter() {
    for rungs in [false, true] {
        let (home, mq) = with_ladder(rungs).await;
        let seen: Log<(String, Instant)> = Log::default();
        let handler = |message: Incoming,
                       Attempt(attempt): Attempt,
                       Redelivered(again): Redelivered,
                       State(seen): State<Log<(String, Instant)>>| async move {
            let call = format!(
                "{attempt} {again} {} {} {:?}",
                message.exchange(),
                message.routing_key(),
                message.message_id()
            );
            seen.lock().push((call, Instant::now()));
            Err::<(), _>(std::io::Error::other("no stock"))
        };
        let worker = start(mq.worker("orders").state(seen.clone()), handler);
        let events = mq.publisher_to("events", "order.new").build::<Text>().await.unwrap();
        events.send_with("coffee", |message| message.message_id("1")).await.unwrap();
        for (calls, pause) in [(1, 5), (2, 15)] {
            home.eventually("it failed", || seen.lock().len() == calls).await;
            home.settle().await;
            home.pause_over(pause, || seen.lock().len() == calls).await;
            home.eventually("it comes again", || seen.lock().len() > calls).await;
            let log = seen.lock().clone();
            let apart = log[calls].1 - log[calls - 1].1;
            assert!(!home.is_real() || home.took(apart, pause), "rungs {rungs}: {apart:?} for {pause}");
        }
        let dead = only(&home, "orders.dead").await;
        let wanted = |attempt, again| format!("{attempt} {again} events order.new Some(\"1\")");
        let calls: Vec<_> = seen.lock().iter().map(|(call, _)| call.clone()).collect();
        assert_eq!(calls, [wanted(1, false), wanted(2, true), wanted(3, true)], "rungs {rungs}");
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
        home.expect_empty("orders").await;
    }
}

#[tokio::test]
async fn a_message_that_succeeds_later_is_done() {
    for rungs in [false, true] {
        let (home, mq) = with_ladder(rungs).await;
        let handler = |Attempt(attempt): Attempt| async move {
            if attempt < 3 {
                panic!("attempt {attempt}")
            }
        };
        let worker = start(mq.worker("orders"), handler);
        send(&mq, "orders", "1").await;
        for retried in [5, 15] {
            home.settle().await;
            home.advance(retried).await;
        }
        home.expect_empty("orders").await;
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
    let (home, mq) = with_ladder(false).await;
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
    home.eventually("two are dead", || home.ready("orders.dead") == Some(2)).await;
    let reasons: Vec<_> = home
        .messages("orders.dead")
        .iter()
        .map(|dead| (header(dead, "x-error-reason"), header(dead, "x-error")))
        .collect();
    assert!(reasons.contains(&("refused".into(), "never".into())), "{reasons:?}");
    assert!(reasons.contains(&("failed".into(), "invalid digit found in string".into())), "{reasons:?}");
    home.expect_empty("orders").await;
    assert_eq!(worker.stop().await.acked, 2);
}

#[tokio::test]
async fn attempts_in_place_come_first_and_count_as_one() {
    let (home, mq) =
        with_retry(false, |home| Retry::ladder(home.spans([5])).in_place(2, Duration::from_millis(50))).await;
    home.pause_clock();
    let seen: Log<(u32, Duration)> = Log::default();
    let began = tokio::time::Instant::now();
    let handler = move |Attempt(attempt): Attempt, State(seen): State<Log<(u32, Duration)>>| async move {
        seen.lock().push((attempt, began.elapsed()));
        Err::<(), _>(Failure::transient("not yet"))
    };
    let worker = start(mq.worker("orders").state(seen.clone()), handler);
    send(&mq, "orders", "1").await;
    home.eventually("three calls", || seen.lock().len() == 3).await;
    let log = seen.lock().clone();
    assert!(log.iter().all(|(attempt, _)| *attempt == 1), "{log:?}");
    let pauses = [log[1].1 - log[0].1, log[2].1 - log[1].1].map(|pause| pause.as_millis() / 50);
    assert_eq!(pauses, [1, 2], "{log:?}");
    home.settle().await;
    assert_eq!(worker.stop().await.retried, 1);
}

/// A process that dies over a message runs no code to count it. Quorum queues count; for others the worker does.
#[tokio::test]
async fn what_ends_its_worker_without_a_word_is_poison_in_the_end() {
    for queue in [Queue::durable("orders"), Queue::quorum("orders")] {
        let home = Home::start().await;
        let mq = home.connect().await;
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
            home.eventually("its handling has begun", || called.load(SeqCst) == times).await;
            // The copy with the count in it has taken the place of the delivery; before that there are both.
            home.expect("orders", Figures { ready: 0, unacked: 1 }).await;
            home.cut();
        }
        let dead = only(&home, "orders.dead").await;
        assert_eq!(header(&dead, "x-error-reason"), "poison");
        assert_eq!(header(&dead, "x-error"), "its handling began 3 times and never ended");
        home.expect_empty("orders").await;
        worker.stop().await;
        assert_eq!(called.load(SeqCst), 3);
    }
}

#[tokio::test]
async fn a_copy_that_is_refused_is_kept_and_tried_again() {
    let (home, mq) = with_ladder(true).await;
    home.pause_clock();
    send(&mq, "orders", "1").await;
    home.nack_for_a_while("orders.dead").await;
    let worker = start(mq.worker("orders"), || async { Err::<(), _>(Failure::permanent("never")) });
    let dead = only(&home, "orders.dead").await;
    assert_eq!(header(&dead, "x-error"), "never");
    home.expect_empty("orders").await;
    assert_eq!(worker.stop().await.dead_lettered, 1);
}

#[tokio::test]
async fn a_rung_that_somebody_deleted_is_declared_again() {
    let (home, mq) = with_retry(true, |home| Retry::ladder(home.spans([60]))).await;
    home.pause_clock();
    let rung = Queue::durable("orders").rung(home.span(60));
    mq.consuming().channel().await.unwrap().queue_delete(&rung, Default::default()).await.unwrap();
    let worker = start(mq.worker("orders"), || async { Err::<(), _>(Failure::transient("not yet")) });
    send(&mq, "orders", "1").await;
    only(&home, &rung).await;
    home.expect_empty("orders").await;
    assert_eq!(worker.stop().await.retried, 1);
}

#[tokio::test]
async fn what_is_others_gets_its_rungs_and_dead_letters_beside_it() {
    let home = Home::start().await;
    let mq = home.connect().await;
    mq.consuming().channel().await.unwrap().queue_declare("theirs", Default::default()).await.unwrap();
    let retry = Retry::ladder(home.spans([60])).jitter(20);
    let queue = Queue::existing("theirs").retry(retry).dead_letter();
    mq.declare(queue.clone()).await.unwrap();
    let worker = start(mq.worker("theirs"), || async { Err::<(), _>(Failure::transient("not yet")) });
    let to_theirs = mq.publishing().publisher(PublisherOptions::to_queue("theirs")).await.unwrap();
    let mut message = Message::new("1");
    message.properties.expiration = Some("60000".into());
    to_theirs.send(message).await.unwrap();
    let waiting = only(&home, &queue.rung(home.span(60))).await;
    let ms: u64 = waiting.properties.expiration.as_deref().unwrap().parse().unwrap();
    assert!((home.span(60)..=home.span(72)).contains(&Duration::from_millis(ms)), "{ms}");
    assert_eq!(header(&waiting, "x-original-expiration"), "60000");
    home.advance(72).await;
    let dead = only(&home, "theirs.dead").await;
    assert_eq!((header(&dead, "x-attempts").as_str(), dead.body.as_ref()), ("2", &b"1"[..]));
    worker.stop().await;
}

/// The same as a ladder, by the queue's own means that RabbitMQ 4.3 has as well.
#[tokio::test]
async fn linear_pauses_of_a_quorum_queue_are_kept_by_the_queue() {
    let home = Home::start().await;
    let mq = home.connect().await;
    let retry = Retry::linear(home.span(5), home.span(8), 2);
    mq.declare(Queue::quorum("orders").retry(retry).dead_letter()).await.unwrap();
    let seen: Log<u32> = Log::default();
    let handler = |Attempt(attempt): Attempt, State(seen): State<Log<u32>>| async move {
        seen.lock().push(attempt);
        Err::<(), _>(Failure::transient("no stock"))
    };
    let worker = start(mq.worker("orders").state(seen.clone()), handler);
    send(&mq, "orders", "1").await;
    for (attempts, pause) in [(1, 5), (2, 8)] {
        home.eventually("it has failed", || seen.lock().len() == attempts).await;
        home.settle().await;
        home.pause_over(pause, || seen.lock().len() == attempts).await;
    }
    let dead = only(&home, "orders.dead").await;
    assert_eq!((header(&dead, "x-attempts").as_str(), header(&dead, "x-error").as_str()), ("3", "no stock"));
    assert_eq!(*seen.lock(), [1, 2, 3]);
    assert_eq!(worker.stop().await.retried, 2);
}

//! Handlers of many messages at a time: when they are called, and each message's own end.

use std::sync::Arc;
use std::time::Duration;

use leveret::layers::{LoadShed, Timeout};
use leveret::test::{TestBroker, connect};
use leveret::{
    Attempt, Cancelled, Class, DrainReport, Failure, Idempotency, Json, MemoryStore, MessageId, Mq, Queue,
    RateLimit, Retry, State, Text, Worker, WorkerError,
};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::support::{Log, header, only, seconds, send};

const WAIT: Duration = Duration::from_secs(2);

async fn with_orders(retry: impl Into<Retry>) -> (TestBroker, Mq) {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    mq.declare(Queue::durable("orders").retry(retry).dead_letter()).await.unwrap();
    (broker, mq)
}

struct Running(CancellationToken, JoinHandle<Result<DrainReport, WorkerError>>);

fn start(worker: Worker) -> Running {
    let stop = CancellationToken::new();
    Running(stop.clone(), tokio::spawn(worker.run(stop)))
}

impl Running {
    async fn stop(self) -> DrainReport {
        self.0.cancel();
        self.1.await.unwrap().unwrap()
    }
}

/// What was handled together.
type Seen = Log<Vec<String>>;

async fn note(orders: Vec<Text>, State(seen): State<Seen>) {
    seen.lock().push(orders.into_iter().map(|Text(order)| order).collect());
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_handled_when_it_is_full_or_has_waited_long_enough() {
    let (broker, mq) = with_orders(Retry::never()).await;
    let seen = Seen::default();
    let worker = start(mq.worker("orders").concurrency(1).state(seen.clone()).batch(3, WAIT, note));
    for order in ["1", "2", "3", "4"] {
        send(&mq, "orders", order).await;
    }
    broker.eventually("one is full", || seen.lock().len() == 1).await;
    let full = tokio::time::Instant::now();
    broker.eventually("the other has waited", || seen.lock().len() == 2).await;
    assert_eq!(full.elapsed().as_secs(), 2);
    assert_eq!(*seen.lock(), [vec!["1", "2", "3"], vec!["4"]]);
    broker.expect_empty("orders").await;
    assert_eq!(worker.stop().await.acked, 4);
}

#[tokio::test]
async fn each_message_has_its_own_end() {
    let (broker, mq) = with_orders(seconds([5])).await;
    let seen: Log<(u32, u32)> = Log::default();
    let handler = |orders: Vec<(Json<u32>, Attempt, MessageId)>, State(seen): State<Log<(u32, u32)>>| async move {
        let each = |(Json(order), Attempt(attempt), _): &(Json<u32>, Attempt, MessageId)| {
            seen.lock().push((*order, *attempt));
            match order {
                1 => Err(Failure::transient("not yet")),
                2 => Err(Failure::permanent("never").reason("mine")),
                3 => Err(Failure::ignore("whatever")),
                _ => Ok(()),
            }
        };
        orders.iter().map(each).collect::<Vec<_>>()
    };
    let publisher = mq.publisher("orders").build::<Json<u32>>().await.unwrap();
    for order in 1..=4 {
        publisher.send(&order).await.unwrap();
    }
    send(&mq, "orders", "no number").await;
    let worker = mq.worker("orders").concurrency(1).state(seen.clone()).batch(5, WAIT, handler);
    let worker = start(worker);
    broker.eventually("two are dead", || broker.messages("orders.dead").len() == 2).await;
    let reasons: Vec<_> =
        broker.messages("orders.dead").iter().map(|dead| header(dead, "x-error-reason")).collect();
    assert!(
        reasons.contains(&"mine".to_owned()) && reasons.contains(&"content-type".to_owned()),
        "{reasons:?}"
    );
    assert_eq!(*seen.lock(), [(1, 1), (2, 1), (3, 1), (4, 1)]);
    broker.advance(Duration::from_secs(5)).await;
    broker.eventually("the first is there again", || seen.lock().last() == Some(&(1, 2))).await;
    broker.eventually("it is dead", || broker.messages("orders.dead").len() == 3).await;
    let report = worker.stop().await;
    assert_eq!((report.acked, report.retried, report.dead_lettered), (2, 1, 3), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn one_error_is_everybodys_and_attempts_in_place_are_made_with_what_is_left() {
    let (broker, mq) = with_orders(Retry::never().in_place(2, Duration::from_millis(10))).await;
    let seen = Seen::default();
    let handler = |orders: Vec<Text>, State(seen): State<Seen>| async move {
        let texts: Vec<_> = orders.into_iter().map(|Text(order)| order).collect();
        seen.lock().push(texts.clone());
        match seen.lock().len() {
            1 => texts
                .iter()
                .map(|text| if text == "2" { Err(Failure::transient("again")) } else { Ok(()) })
                .collect(),
            2 => vec![Ok(())],
            _ => texts.iter().map(|text| text.parse::<u32>().map(drop).map_err(Failure::from)).collect(),
        }
    };
    let worker = mq.worker("orders").concurrency(1).state(seen.clone());
    let worker =
        start(worker.classify_as::<std::num::ParseIntError>(Class::Permanent).batch(2, WAIT, handler));
    for order in ["1", "2", "x"] {
        send(&mq, "orders", order).await;
    }
    let dead = only(&broker, "orders.dead").await;
    assert_eq!((dead.text().as_str(), header(&dead, "x-attempts").as_str()), ("x", "1"));
    assert_eq!(*seen.lock(), [vec!["1", "2"], vec!["2"], vec!["x"]]);
    assert_eq!(worker.stop().await.acked, 2);

    let down = |_: Vec<Text>| async { Err::<(), _>(Failure::permanent("no table")) };
    let worker = start(mq.worker("orders").batch(2, WAIT, down));
    for order in ["4", "5"] {
        send(&mq, "orders", order).await;
    }
    broker.eventually("both are dead", || broker.messages("orders.dead").len() == 3).await;
    assert_eq!(worker.stop().await.dead_lettered, 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_or_a_deadline_is_the_whole_batchs() {
    let (broker, mq) = with_orders(Retry::never()).await;
    let handler = |orders: Vec<Text>, cancelled: Cancelled| async move {
        assert!(orders[0].0 != "1", "at one");
        cancelled.cancelled().await;
        std::future::pending::<()>().await;
    };
    let worker =
        mq.worker("orders").concurrency(1).deadline(Duration::from_secs(3)).grace(Duration::from_secs(1));
    let worker = start(worker.batch(2, WAIT, handler));
    for order in ["1", "2", "3", "4"] {
        send(&mq, "orders", order).await;
    }
    broker.eventually("all are dead", || broker.messages("orders.dead").len() == 4).await;
    let dead = broker.messages("orders.dead");
    let reasons: Vec<_> = dead.iter().map(|dead| header(dead, "x-error-reason")).collect();
    assert_eq!(reasons.iter().filter(|reason| *reason == "panic").count(), 2, "{reasons:?}");
    assert_eq!(reasons.iter().filter(|reason| *reason == "deadline").count(), 2, "{reasons:?}");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn duplicates_in_one_batch_are_handled_once() {
    let (broker, mq) = with_orders(Retry::never()).await;
    let seen = Seen::default();
    let once = Idempotency::new(MemoryStore::default());
    let worker = mq.worker("orders").concurrency(1).idempotent(once).state(seen.clone()).batch(4, WAIT, note);
    for order in ["1", "1", "2", "1"] {
        send(&mq, "orders", order).await;
    }
    let worker = start(worker);
    broker.eventually("they are handled", || seen.lock().len() == 1).await;
    broker.expect_empty("orders").await;
    let report = worker.stop().await;
    assert_eq!((report.acked, report.duplicates), (4, 2), "{report:?}");
    assert_eq!(*seen.lock(), [vec!["1", "2"]]);
}

#[tokio::test]
async fn a_worker_that_stops_finishes_its_batch_and_gives_back_what_it_gathers() {
    let (broker, mq) = with_orders(Retry::never()).await;
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let handler = |orders: Vec<Text>, State(seen): State<Seen>, State(gate): State<Arc<Semaphore>>| async move {
        note(orders, State(seen)).await;
        gate.acquire().await.unwrap().forget();
    };
    let worker = mq.worker("orders").concurrency(2).state(seen.clone()).state(gate.clone());
    let worker = start(worker.batch(2, Duration::from_secs(3600), handler));
    for order in ["1", "2", "3"] {
        send(&mq, "orders", order).await;
    }
    broker.eventually("the first has begun", || seen.lock().len() == 1).await;
    broker
        .eventually("the other is gathered", || broker.queue("orders").is_some_and(|q| q.unacked == 3))
        .await;
    worker.0.cancel();
    broker.eventually("it is back", || broker.queue("orders").is_some_and(|queue| queue.ready == 1)).await;
    gate.add_permits(1);
    let report = worker.stop().await;
    assert_eq!((report.acked, report.requeued, report.abandoned), (2, 1, 0), "{report:?}");
    assert_eq!(mq.consuming().dropped_unsettled(), 0);
}

#[tokio::test]
async fn what_has_no_meaning_for_batches_is_refused() {
    let (_broker, mq) = with_orders(Retry::never()).await;
    let worker = || mq.worker("orders").state(Seen::default());
    for (worker, text) in [
        (worker().prefetch(2).batch(3, WAIT, note), "never fills"),
        (worker().order_by(|_| String::new()).batch(3, WAIT, note), "order_by"),
        (worker().layer(RateLimit::new(1, WAIT)).batch(3, WAIT, note), "batch_layer"),
        (mq.worker("orders").batch(3, WAIT, note), "State<"),
    ] {
        let error = worker.run(CancellationToken::new()).await.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
}

/// Layers of batches are called with each, answer for all of it, and what they release is no attempt.
#[tokio::test(start_paused = true)]
async fn layers_are_around_batches() {
    let (broker, mq) = with_orders(Retry::never()).await;
    let (seen, times) = (Seen::default(), Log::<tokio::time::Instant>::default());
    let handler = |orders: Vec<Text>,
                   State(seen): State<Seen>,
                   State(times): State<Log<tokio::time::Instant>>| async move {
        times.lock().push(tokio::time::Instant::now());
        let stuck = orders.iter().any(|Text(order)| order == "5");
        seen.lock().push(orders.into_iter().map(|Text(order)| order).collect());
        if stuck {
            std::future::pending::<()>().await;
        }
    };
    for order in ["1", "2", "3", "4", "5", "6"] {
        send(&mq, "orders", order).await;
    }
    let worker = mq.worker("orders").concurrency(1).state(seen.clone()).state(times.clone());
    let worker = worker.batch_layer(RateLimit::new(1, WAIT * 5)).batch_layer(Timeout::new(WAIT * 10));
    let worker = start(worker.batch(2, WAIT, handler));
    tokio::time::sleep(WAIT * 30).await;
    broker.eventually("two are dead", || broker.messages("orders.dead").len() == 2).await;
    for dead in broker.messages("orders.dead") {
        assert_eq!(header(&dead, "x-error"), "not done within 20s");
    }
    assert_eq!(*seen.lock(), [vec!["1", "2"], vec!["3", "4"], vec!["5", "6"]]);
    let pauses: Vec<_> = times.lock().windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    assert_eq!(pauses, [10, 10]);
    let report = worker.stop().await;
    assert_eq!((report.acked, report.dead_lettered), (4, 2), "{report:?}");

    let worker = mq.worker("orders").concurrency(2).state(seen.clone()).state(times.clone());
    let worker = start(worker.batch_layer(LoadShed::new(1)).batch(1, WAIT, handler));
    seen.lock().clear();
    send(&mq, "orders", "5").await;
    broker.eventually("one is stuck", || seen.lock().len() == 1).await;
    send(&mq, "orders", "7").await;
    tokio::time::sleep(WAIT * 2).await;
    worker.0.cancel();
    let report = worker.1.await.unwrap().unwrap();
    assert!(report.released >= 2 && report.acked == 0, "shed, and the stuck one at the end: {report:?}");
    assert!(broker.messages("orders.dead").len() == 2, "it was no attempt");
}

#[tokio::test]
async fn layers_of_batches_are_refused_around_single_messages() {
    let (_broker, mq) = with_orders(Retry::never()).await;
    let worker = mq.worker("orders").batch_layer(RateLimit::new(1, WAIT));
    let ended = worker.run(|| async {}, CancellationToken::new()).await;
    assert!(
        matches!(&ended, Err(WorkerError::Handler { text, .. }) if text.contains("batch_layer")),
        "{ended:?}"
    );
}

/// A layer that loses results: what it says nothing of was acked, as if it had been done.
#[tokio::test]
async fn a_layer_that_answers_for_some_of_a_batch_has_failed_for_all_of_it() {
    let (broker, mq) = with_orders(Retry::never()).await;
    for order in ["1", "2"] {
        send(&mq, "orders", order).await;
    }
    let fewer = tower::util::MapResponseLayer::new(|mut results: Vec<Result<(), Failure>>| {
        results.pop();
        results
    });
    let worker = mq.worker("orders").concurrency(1).state(Seen::default()).batch_layer(fewer);
    let worker = start(worker.batch(2, WAIT, note));
    broker.eventually("both are dead", || broker.messages("orders.dead").len() == 2).await;
    assert_eq!(header(&broker.messages("orders.dead")[0], "x-error-reason"), "results");
    assert_eq!(worker.stop().await.acked, 0);
}

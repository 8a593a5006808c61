//! Handlers of many messages at a time: when they are called, and each message's own end.

use std::sync::Arc;
use std::time::Duration;

use leveret::layers::{LoadShed, Timeout};
use leveret::{
    Attempt, Cancelled, Class, DrainReport, Failure, Idempotency, Json, MemoryStore, MessageId, Mq, Queue,
    RateLimit, Retry, State, Text, Worker, WorkerError,
};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::home::Home;
use super::support::{Log, header, only, send};

async fn with_orders(retry: impl FnOnce(&Home) -> Retry) -> (Home, Mq) {
    let home = Home::start().await;
    let mq = home.connect().await;
    mq.declare(Queue::durable("orders").retry(retry(&home)).dead_letter()).await.unwrap();
    (home, mq)
}

fn never(_: &Home) -> Retry {
    Retry::never()
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

#[tokio::test]
async fn a_batch_is_handled_when_it_is_full_or_has_waited_long_enough() {
    let (home, mq) = with_orders(never).await;
    home.pause_clock();
    for order in ["1", "2", "3", "4"] {
        send(&mq, "orders", order).await;
    }
    let seen = Seen::default();
    let began = tokio::time::Instant::now();
    let worker = start(mq.worker("orders").concurrency(1).state(seen.clone()).batch(3, home.span(2), note));
    home.eventually("one is full", || !seen.lock().is_empty()).await;
    assert!(home.is_real() || began.elapsed() < home.span(1), "{:?}", began.elapsed());
    home.eventually("the other has waited", || seen.lock().len() == 2).await;
    assert!(home.took(began.elapsed(), 2), "{:?}", began.elapsed());
    assert_eq!(*seen.lock(), [vec!["1", "2", "3"], vec!["4"]]);
    home.expect_empty("orders").await;
    assert_eq!(worker.stop().await.acked, 4);
}

#[tokio::test]
async fn each_message_has_its_own_end() {
    let (home, mq) = with_orders(|home| home.spans([5]).into()).await;
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
    let worker = mq.worker("orders").concurrency(1).state(seen.clone()).batch(5, home.span(2), handler);
    let worker = start(worker);
    home.eventually("two are dead", || home.ready("orders.dead") == Some(2)).await;
    let reasons: Vec<_> =
        home.messages("orders.dead").iter().map(|dead| header(dead, "x-error-reason")).collect();
    assert!(
        reasons.contains(&"mine".to_owned()) && reasons.contains(&"content-type".to_owned()),
        "{reasons:?}"
    );
    assert_eq!(*seen.lock(), [(1, 1), (2, 1), (3, 1), (4, 1)]);
    home.advance(5).await;
    home.eventually("the first is there again", || seen.lock().last() == Some(&(1, 2))).await;
    home.eventually("it is dead", || home.ready("orders.dead") == Some(3)).await;
    let report = worker.stop().await;
    assert_eq!((report.acked, report.retried, report.dead_lettered), (2, 1, 3), "{report:?}");
}

#[tokio::test]
async fn one_error_is_everybodys_and_attempts_in_place_are_made_with_what_is_left() {
    let (home, mq) = with_orders(|_| Retry::never().in_place(2, Duration::from_millis(10))).await;
    home.pause_clock();
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
    let worker = start(worker.classify_as::<std::num::ParseIntError>(Class::Permanent).batch(
        2,
        home.span(2),
        handler,
    ));
    for order in ["1", "2", "x"] {
        send(&mq, "orders", order).await;
    }
    let dead = only(&home, "orders.dead").await;
    assert_eq!((dead.text().as_str(), header(&dead, "x-attempts").as_str()), ("x", "1"));
    assert_eq!(*seen.lock(), [vec!["1", "2"], vec!["2"], vec!["x"]]);
    assert_eq!(worker.stop().await.acked, 2);

    let down = |_: Vec<Text>| async { Err::<(), _>(Failure::permanent("no table")) };
    let worker = start(mq.worker("orders").batch(2, home.span(2), down));
    for order in ["4", "5"] {
        send(&mq, "orders", order).await;
    }
    home.eventually("both are dead", || home.ready("orders.dead") == Some(3)).await;
    assert_eq!(worker.stop().await.dead_lettered, 2);
}

#[tokio::test]
async fn a_panic_or_a_deadline_is_the_whole_batchs() {
    let (home, mq) = with_orders(never).await;
    home.pause_clock();
    let handler = |orders: Vec<Text>, cancelled: Cancelled| async move {
        assert!(orders[0].0 != "1", "at one");
        cancelled.cancelled().await;
        std::future::pending::<()>().await;
    };
    let worker = mq.worker("orders").concurrency(1).deadline(home.span(3)).grace(home.span(1));
    let worker = start(worker.batch(2, home.span(2), handler));
    for order in ["1", "2", "3", "4"] {
        send(&mq, "orders", order).await;
    }
    home.eventually("all are dead", || home.ready("orders.dead") == Some(4)).await;
    let dead = home.messages("orders.dead");
    let reasons: Vec<_> = dead.iter().map(|dead| header(dead, "x-error-reason")).collect();
    assert_eq!(reasons.iter().filter(|reason| *reason == "panic").count(), 2, "{reasons:?}");
    assert_eq!(reasons.iter().filter(|reason| *reason == "deadline").count(), 2, "{reasons:?}");
    worker.stop().await;
}

#[tokio::test]
async fn duplicates_in_one_batch_are_handled_once() {
    let (home, mq) = with_orders(never).await;
    home.pause_clock();
    let seen = Seen::default();
    let once = Idempotency::new(MemoryStore::default());
    let worker =
        mq.worker("orders").concurrency(1).idempotent(once).state(seen.clone()).batch(4, home.span(2), note);
    for order in ["1", "1", "2", "1"] {
        send(&mq, "orders", order).await;
    }
    let worker = start(worker);
    home.eventually("they are handled", || seen.lock().len() == 1).await;
    home.expect_empty("orders").await;
    let report = worker.stop().await;
    assert_eq!((report.acked, report.duplicates), (4, 2), "{report:?}");
    assert_eq!(*seen.lock(), [vec!["1", "2"]]);
}

#[tokio::test]
async fn a_worker_that_stops_finishes_its_batch_and_gives_back_what_it_gathers() {
    let (home, mq) = with_orders(never).await;
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
    home.eventually("the first has begun", || seen.lock().len() == 1).await;
    home.eventually("the other is gathered", || home.unacked("orders") == 3).await;
    worker.0.cancel();
    home.eventually("it is back", || home.ready("orders") == Some(1)).await;
    gate.add_permits(1);
    let report = worker.stop().await;
    assert_eq!((report.acked, report.requeued, report.abandoned), (2, 1, 0), "{report:?}");
    assert_eq!(mq.consuming().dropped_unsettled(), 0);
}

#[tokio::test]
async fn what_has_no_meaning_for_batches_is_refused() {
    const WAIT: Duration = Duration::from_secs(2);
    let (_home, mq) = with_orders(never).await;
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
#[tokio::test]
async fn layers_are_around_batches() {
    let (home, mq) = with_orders(never).await;
    home.pause_clock();
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
    let worker =
        worker.batch_layer(RateLimit::new(1, home.span(10))).batch_layer(Timeout::new(home.span(20)));
    let worker = start(worker.batch(2, home.span(2), handler));
    home.sleep(60).await;
    home.eventually("two are dead", || home.ready("orders.dead") == Some(2)).await;
    for dead in home.messages("orders.dead") {
        assert_eq!(header(&dead, "x-error"), format!("not done within {:?}", home.span(20)));
    }
    assert_eq!(*seen.lock(), [vec!["1", "2"], vec!["3", "4"], vec!["5", "6"]]);
    assert!(times.lock().windows(2).all(|pair| home.took(pair[1] - pair[0], 10)), "{times:?}");
    let report = worker.stop().await;
    assert_eq!((report.acked, report.dead_lettered), (4, 2), "{report:?}");

    let worker = mq.worker("orders").concurrency(2).state(seen.clone()).state(times.clone());
    let worker = start(worker.batch_layer(LoadShed::new(1)).batch(1, home.span(2), handler));
    seen.lock().clear();
    send(&mq, "orders", "5").await;
    home.eventually("one is stuck", || seen.lock().len() == 1).await;
    send(&mq, "orders", "7").await;
    home.sleep(4).await;
    worker.0.cancel();
    let report = worker.1.await.unwrap().unwrap();
    assert!(report.released >= 2 && report.acked == 0, "shed, and the stuck one at the end: {report:?}");
    assert_eq!(home.ready("orders.dead"), Some(2), "it was no attempt");
}

#[tokio::test]
async fn layers_of_batches_are_refused_around_single_messages() {
    let (home, mq) = with_orders(never).await;
    let worker = mq.worker("orders").batch_layer(RateLimit::new(1, home.span(2)));
    let ended = worker.run(|| async {}, CancellationToken::new()).await;
    assert!(
        matches!(&ended, Err(WorkerError::Handler { text, .. }) if text.contains("batch_layer")),
        "{ended:?}"
    );
}

/// A layer that loses results: what it says nothing of was acked, as if it had been done.
#[tokio::test]
async fn a_layer_that_answers_for_some_of_a_batch_has_failed_for_all_of_it() {
    let (home, mq) = with_orders(never).await;
    for order in ["1", "2"] {
        send(&mq, "orders", order).await;
    }
    let fewer = tower::util::MapResponseLayer::new(|mut results: Vec<Result<(), Failure>>| {
        results.pop();
        results
    });
    let worker = mq.worker("orders").concurrency(1).state(Seen::default()).batch_layer(fewer);
    let worker = start(worker.batch(2, home.span(2), note));
    home.eventually("both are dead", || home.messages("orders.dead").len() == 2).await;
    assert_eq!(header(&home.messages("orders.dead")[0], "x-error-reason"), "results");
    assert_eq!(worker.stop().await.acked, 0);
}

//! What builders are told arrives: each option here is seen to be at work, and at its end of the scale harms nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use leveret::layers::{InFlightLimit, LoadShed, Timeout};
use leveret::test::{TestBroker, connect, connect_with};
use leveret::{
    App, CircuitBreaker, Exchange, Idempotency, Json, MemoryStore, Mq, Queue, Retry, Text, Topology,
    WorkerBuilder,
};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const NEVER: Duration = Duration::MAX;

async fn with(queue: Queue) -> (TestBroker, Mq) {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    mq.declare(queue).await.unwrap();
    (broker, mq)
}

type Told = fn(WorkerBuilder) -> WorkerBuilder;

#[tokio::test]
async fn a_worker_consumes_as_it_is_told() {
    let (broker, mq) = with(Queue::durable("orders").discard_failed()).await;
    tokio::time::pause();
    let table: [(&str, Told, Option<&str>, u16); 4] = [
        ("tag", |worker| worker.tag("till 7").prefetch(5), Some("till 7"), 5),
        ("concurrency", |worker| worker.concurrency(3).handler_time(Duration::from_secs(2)), None, 4),
        ("adapts", |worker| worker.concurrency(1..=3).handler_time(Duration::from_secs(1)), None, 4),
        ("prefetch", |worker| worker.concurrency(3).prefetch(1), None, 1),
    ];
    for (what, told, tag, prefetch) in table {
        let stop = CancellationToken::new();
        let running = tokio::spawn(told(mq.worker("orders")).run(async || {}, stop.clone()));
        broker.eventually(what, || broker.consumers().len() == 1).await;
        let consumer = broker.consumers().remove(0);
        assert_eq!(consumer.prefetch_count, prefetch, "{what}");
        assert!(tag.is_none_or(|tag| tag == consumer.consumer_tag), "{what}: {consumer:?}");
        stop.cancel();
        running.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn queues_and_exchanges_are_as_they_were_told() {
    let (broker, mq) = with(Queue::durable("orders").message_ttl(Duration::from_secs(5)).dead_letter()).await;
    mq.publisher("orders").build::<Text>().await.unwrap().send("late").await.unwrap();
    broker.advance(Duration::from_secs(4)).await;
    assert_eq!(broker.queue("orders").unwrap().ready, 1);
    broker.advance(Duration::from_secs(1)).await;
    broker.expect_message("orders.dead").body("late").await;

    let exchanges = Topology::from(Exchange::fanout("rest"))
        .exchange(Exchange::topic("events").alternate("rest"))
        .exchange(Exchange::topic("inner").internal())
        .queue(Queue::durable("strays"))
        .binding(leveret::Binding::new("strays", "rest", ""));
    mq.declare(exchanges).await.unwrap();
    mq.publisher_to("events", "unknown").build::<Text>().await.unwrap().send("stray").await.unwrap();
    broker.expect_message("strays").body("stray").await;
    let refused = mq.publisher_to("inner", "x").build::<Text>().await.unwrap().send("no").await;
    assert!(
        refused.unwrap_err().to_string().contains("403"),
        "an internal exchange takes nothing from outside"
    );

    let most = Duration::from_secs(3);
    let capped = Retry::exponential(Duration::from_secs(1), 2.0, 4).at_most(most);
    assert_eq!(capped.delays(), [1, 2, 3, 3].map(Duration::from_secs));
}

#[tokio::test]
async fn a_publisher_that_lingers_writes_later() {
    let (broker, mq) = with(Queue::durable("orders")).await;
    tokio::time::pause();
    let orders = mq.publisher("orders").linger(Duration::from_secs(2)).build::<Text>().await.unwrap();
    let began = Instant::now();
    let sent = orders.enqueue("1").await.unwrap();
    broker.settle().await;
    assert_eq!(broker.queue("orders").unwrap().ready, 0);
    sent.await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 2);
}

/// Counts spans by name.
#[derive(Clone, Default)]
struct Spans(Arc<(AtomicU64, Mutex<Vec<&'static str>>)>);

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("leveret")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.0.1.lock().push(span.metadata().name());
        Id::from_u64(self.0.0.fetch_add(1, SeqCst) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Questions had spans whatever the share.
#[tokio::test]
async fn spans_are_made_of_the_share_of_messages_that_was_told() {
    for (share, spans) in [(0.0, &[][..]), (1.0, &["process", "process", "publish", "publish"])] {
        let broker = TestBroker::start().await;
        let mq = connect_with(&broker, |options| options.trace_share(share)).await;
        mq.declare(Queue::durable("orders").discard_failed()).await.unwrap();
        let stop = CancellationToken::new();
        let seen = Spans::default();
        let _subscribed = tracing::subscriber::set_default(seen.clone());
        let worker = mq.worker("orders").responder(async |Json(order): Json<u32>| Json(order));
        let worker = tokio::spawn(worker.run(stop.clone()));
        mq.publisher("orders").build::<Json<u32>>().await.unwrap().send(&1).await.unwrap();
        mq.requester("orders").build::<Json<u32>, Json<u32>>().await.unwrap().call(&2).await.unwrap();
        stop.cancel();
        assert_eq!(worker.await.unwrap().unwrap().acked, 2);
        let mut names = seen.0.1.lock().clone();
        names.sort_unstable();
        assert_eq!(names, spans, "a share of {share}");
    }
}

/// The accident: a time that was added to the present panicked, in a worker's task or in the application.
#[tokio::test]
async fn never_is_a_time() {
    let (broker, mq) =
        with(Queue::durable("orders").retry(Retry::never().in_place(1, NEVER)).dead_letter()).await;
    tokio::time::pause();
    let breaker = CircuitBreaker::new(usize::MAX, usize::MAX).pause(NEVER);
    let once = Idempotency::new(MemoryStore::default()).lease(NEVER).window(NEVER);
    let worker = mq
        .worker("orders")
        .concurrency(1..=u16::MAX)
        .prefetch(u16::MAX)
        .handler_time(NEVER)
        .deadline(NEVER)
        .grace(NEVER)
        .drain_within(NEVER)
        .poison_after(u32::MAX)
        .idempotent(once)
        .circuit_breaker(breaker.clone())
        .layer(Timeout::new(NEVER))
        .layer(InFlightLimit::new(usize::MAX))
        .layer(LoadShed::new(usize::MAX));
    let stop = CancellationToken::new();
    let worker = worker.responder(async |Json(order): Json<u32>| Json(order));
    let app = tokio::spawn(App::new().worker(worker).drain_within(NEVER).run(stop.clone()));
    let orders = mq.publisher("orders").deadline(NEVER).layer(breaker.clone()).layer(Timeout::new(NEVER));
    let orders = orders.options(|options| options.in_flight(usize::MAX, usize::MAX)).build::<Json<u32>>();
    let orders = orders.await.unwrap();
    orders.send(&1).await.unwrap();
    orders.enqueue(&2).await.unwrap().await.unwrap();
    assert!(orders.send_after(&3, NEVER).await.is_err());
    let asker = mq.requester("orders").deadline(NEVER).outstanding_max(usize::MAX).layer(breaker);
    let asker = asker.build::<Json<u32>, Json<u32>>().await.unwrap();
    assert_eq!(asker.call(&4).await.unwrap(), Json(4));
    orders.flush().await.unwrap();
    broker.eventually("all were handled", || broker.queue("orders").unwrap().unacked == 0).await;
    stop.cancel();
    assert_eq!(app.await.unwrap().unwrap().total().acked, 3);
    mq.close(NEVER).await.unwrap();
}

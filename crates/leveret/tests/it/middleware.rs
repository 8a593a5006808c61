//! Layers around handlers: any of `tower`'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use leveret::{Attempt, CircuitBreaker, Failure, Incoming, Queue, RateLimit, State};
use tower::{Layer, Service};

use super::home::Home;
use super::support::{Log, header, only, send, start};

/// Counts calls and refuses every second.
#[derive(Clone)]
struct Every<S>(S, Arc<AtomicUsize>);

struct EveryLayer(Arc<AtomicUsize>);

impl<S> Layer<S> for EveryLayer {
    type Service = Every<S>;

    fn layer(&self, inner: S) -> Every<S> {
        Every(inner, self.0.clone())
    }
}

impl<S> Service<Incoming> for Every<S>
where
    S: Service<Incoming, Response = (), Error = leveret::BoxError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = leveret::BoxError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<(), leveret::BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), leveret::BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, message: Incoming) -> Self::Future {
        if self.1.fetch_add(1, SeqCst) % 2 == 1 {
            return Box::pin(async { Err("refused by the layer".into()) });
        }
        Box::pin(self.0.call(message))
    }
}

#[tokio::test]
async fn layers_see_every_call_and_failures_come_through_as_they_were() {
    let home = Home::start().await;
    let mq = home.connect().await;
    mq.declare(Queue::durable("orders").dead_letter()).await.unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let handler = || async { Err::<(), _>(Failure::permanent("by the handler").reason("mine")) };
    let worker = start(mq.worker("orders").concurrency(1).layer(EveryLayer(calls.clone())), handler);
    for (order, reason, error) in [("1", "mine", "by the handler"), ("2", "failed", "refused by the layer")] {
        send(&mq, "orders", order).await;
        let dead = only(&home, "orders.dead").await;
        assert_eq!(
            (header(&dead, "x-error-reason").as_str(), header(&dead, "x-error").as_str()),
            (reason, error)
        );
        mq.consuming().channel().await.unwrap().queue_purge("orders.dead").await.unwrap();
    }
    worker.stop().await;
    assert_eq!(calls.load(SeqCst), 2);
}

#[tokio::test]
async fn a_rate_holds_for_all_places_of_a_worker() {
    let home = Home::start().await;
    let mq = home.connect().await;
    home.pause_clock();
    mq.declare(Queue::durable("orders").dead_letter()).await.unwrap();
    let seen: Log<tokio::time::Instant> = Log::default();
    let handler = |State(seen): State<Log<tokio::time::Instant>>| async move {
        seen.lock().push(tokio::time::Instant::now())
    };
    for order in ["1", "2", "3", "4"] {
        send(&mq, "orders", order).await;
    }
    let worker = mq.worker("orders").layer(RateLimit::new(2, home.span(1))).state(seen.clone());
    let worker = start(worker, handler);
    home.expect_empty("orders").await;
    worker.stop().await;
    let times = seen.lock().clone();
    for pair in times.windows(2) {
        // Whoever is told the time after the call that it was for is told a later one.
        let half = home.span(1) / 2;
        let apart = pair[1] - pair[0];
        assert!(home.is_real() || apart >= half && apart < half + half / 5, "{times:?}");
    }
    assert!(home.took(2 * (times[3] - times[0]), 3), "{times:?}");
}

/// Three failures in a row, and the provider is away: the others wait, with their attempts unspent.
#[tokio::test]
async fn an_open_circuit_breaker_saves_the_attempts_of_everything_else() {
    let home = Home::start().await;
    let mq = home.connect().await;
    home.pause_clock();
    mq.declare(Queue::durable("orders").retry(home.spans([1, 1])).dead_letter()).await.unwrap();
    let breaker = CircuitBreaker::new(3, 5).pause(home.span(20));
    let (seen, is_up) = (Log::<u32>::default(), Arc::new(AtomicUsize::new(0)));
    let handler = |Attempt(attempt): Attempt,
                   State(seen): State<Log<u32>>,
                   State(is_up): State<Arc<AtomicUsize>>| async move {
        seen.lock().push(attempt);
        if is_up.load(SeqCst) == 1 { Ok(()) } else { Err(Failure::transient("the provider is away")) }
    };
    for order in 0..10 {
        send(&mq, "orders", &order.to_string()).await;
    }
    let worker = mq
        .worker("orders")
        .concurrency(1)
        .circuit_breaker(breaker.clone())
        .state(seen.clone())
        .state(is_up.clone());
    let worker = start(worker, handler);
    home.eventually("it is open", || breaker.is_open()).await;
    home.sleep(10).await;
    assert_eq!(*seen.lock(), [1, 1, 1]);
    home.sleep(11).await;
    assert_eq!(*seen.lock(), [1, 1, 1, 1], "one probe");
    is_up.store(1, SeqCst);
    home.sleep(20).await;
    home.advance(2).await;
    home.expect_empty("orders").await;
    assert!(!breaker.is_open());
    let report = worker.stop().await;
    assert_eq!((report.retried, report.acked, report.dead_lettered), (4, 10, 0), "{report:?}");
}

//! Layers around handlers: any of `tower`'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use leveret::test::{TestBroker, connect};
use leveret::{Failure, Incoming, Queue};
use tower::{Layer, Service};

use super::support::{header, only, send, start};

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
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    mq.declare(Queue::durable("orders").dead_letter()).await.unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let handler = || async { Err::<(), _>(Failure::permanent("by the handler").reason("mine")) };
    let worker = start(mq.worker("orders").concurrency(1).layer(EveryLayer(calls.clone())), handler);
    for (order, reason, error) in [("1", "mine", "by the handler"), ("2", "failed", "refused by the layer")] {
        send(&mq, "orders", order).await;
        let dead = only(&broker, "orders.dead").await;
        assert_eq!(
            (header(&dead, "x-error-reason").as_str(), header(&dead, "x-error").as_str()),
            (reason, error)
        );
        mq.consuming().channel().await.unwrap().queue_purge("orders.dead").await.unwrap();
    }
    worker.stop().await;
    assert_eq!(calls.load(SeqCst), 2);
}

//! What comes twice is handled once; what failed is no duplicate of itself.

use std::sync::Arc;
use std::time::Duration;

use leveret::idempotency::{Answer, Claim, Committed, IdempotencyStore};
use leveret::{Failure, Idempotency, MemoryStore, Mq, Queue, State, Text};
use tokio::sync::Semaphore;

use super::home::Home;
use super::support::{Log, header, only, send, start};

async fn with_orders() -> (Home, Mq) {
    let home = Home::start().await;
    let mq = home.connect().await;
    mq.declare(Queue::durable("orders").retry(home.spans([5])).dead_letter()).await.unwrap();
    (home, mq)
}

#[tokio::test]
async fn what_was_done_is_acked_and_what_failed_is_tried_again() {
    let (home, mq) = with_orders().await;
    let seen: Log<String> = Log::default();
    let handler = |Text(text): Text, State(seen): State<Log<String>>| async move {
        seen.lock().push(text.clone());
        let first = seen.lock().iter().filter(|seen| **seen == text).count() == 1;
        if text == "flaky" && first { Err(Failure::transient("not yet")) } else { Ok(()) }
    };
    let worker = mq.worker("orders").concurrency(1).idempotent(Idempotency::new(MemoryStore::default()));
    let worker = start(worker.state(seen.clone()), handler);
    for order in ["1", "flaky", "1", "1"] {
        send(&mq, "orders", order).await;
    }
    home.expect_empty("orders").await;
    home.settle().await;
    home.advance(6).await;
    send(&mq, "orders", "flaky").await;
    home.expect_empty("orders").await;
    assert_eq!(*seen.lock(), ["1", "flaky", "flaky"]);
    let report = worker.stop().await;
    assert_eq!(
        (report.acked, report.duplicates, report.retried, report.dead_lettered),
        (5, 3, 1, 0),
        "{report:?}"
    );
}

#[tokio::test]
async fn while_another_is_at_it_a_copy_waits_and_is_then_a_duplicate() {
    let (home, mq) = with_orders().await;
    home.pause_clock();
    let (seen, gate) = (Log::<String>::default(), Arc::new(Semaphore::new(0)));
    let handler = |Text(text): Text, State(seen): State<Log<String>>, State(gate): State<Arc<Semaphore>>| async move {
        seen.lock().push(text);
        gate.acquire().await.unwrap().forget();
    };
    let worker = mq.worker("orders").concurrency(2).idempotent(Idempotency::new(MemoryStore::default()));
    let worker = start(worker.state(seen.clone()).state(gate.clone()), handler);
    send(&mq, "orders", "1").await;
    send(&mq, "orders", "1").await;
    home.eventually("one has begun", || seen.lock().len() == 1).await;
    home.sleep(3).await;
    assert_eq!(seen.lock().len(), 1, "the other waits");
    gate.add_permits(1);
    home.expect_empty("orders").await;
    let report = worker.stop().await;
    assert_eq!((report.acked, report.duplicates), (2, 1), "{report:?}");
}

/// A store that cannot be asked.
struct Away;

impl IdempotencyStore for Away {
    fn claim<'a>(&'a self, _: &'a str, _: Duration) -> Answer<'a, Claim> {
        Box::pin(async { Err("the store is away".into()) })
    }

    fn commit<'a>(&'a self, _: &'a str, _: u64, _: Duration) -> Answer<'a, Committed> {
        Box::pin(async { Err("the store is away".into()) })
    }

    fn release<'a>(&'a self, _: &'a str, _: u64) -> Answer<'a, ()> {
        Box::pin(async { Err("the store is away".into()) })
    }
}

#[tokio::test]
async fn a_store_that_is_away_fails_closed_or_open_as_was_chosen() {
    for open in [false, true] {
        let home = Home::start().await;
        let mq = home.connect().await;
        mq.declare(Queue::durable("orders").dead_letter()).await.unwrap();
        let seen: Log<String> = Log::default();
        let handler =
            |Text(text): Text, State(seen): State<Log<String>>| async move { seen.lock().push(text) };
        let idempotency = if open { Idempotency::new(Away).fail_open() } else { Idempotency::new(Away) };
        let worker = start(mq.worker("orders").idempotent(idempotency).state(seen.clone()), handler);
        send(&mq, "orders", "1").await;
        if open {
            home.eventually("it is handled", || seen.lock().len() == 1).await;
            home.expect_empty("orders").await;
        } else {
            let dead = only(&home, "orders.dead").await;
            assert_eq!(
                (header(&dead, "x-error-reason"), header(&dead, "x-error")),
                ("idempotency-store".into(), "the store is away".into())
            );
            assert!(seen.lock().is_empty());
        }
        worker.stop().await;
    }
}

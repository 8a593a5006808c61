//! Questions that nobody waits for any more: what was begun is asked to stop, what was not is not begun.

use std::sync::Arc;

use leveret::rpc::CallError;
use leveret::{Cancelled, Json, State};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::rpc::with_stock;
use super::support::Log;

/// What a handler notes of how it went: its article, and whether it was asked to stop.
async fn until_cancelled(Json(article): Json<u32>, cancelled: Cancelled, State(seen): State<Log<String>>) {
    seen.lock().push(format!("{article} begun"));
    cancelled.cancelled().await;
    seen.lock().push(format!("{article} stopped"));
}

/// The asker's future is dropped long before its deadline: the handler that works for it is asked to stop, and what waits behind it is
/// never begun.
#[tokio::test]
async fn a_responder_is_told_when_its_asker_gives_up() {
    let (home, mq) = with_stock().await;
    home.pause_clock();
    let (seen, stop) = (Log::<String>::default(), CancellationToken::new());
    let worker = mq.worker("stock").concurrency(1).state(seen.clone()).responder(until_cancelled);
    let worker = tokio::spawn(worker.run(stop.clone()));
    let asker = mq.requester("stock").deadline(home.span(500)).build::<Json<u32>, Json<()>>().await.unwrap();
    let ask = |article: u32, give_up: &CancellationToken| {
        let (asker, give_up) = (asker.clone(), give_up.clone());
        tokio::spawn(async move { give_up.run_until_cancelled(asker.call(&article)).await.is_none() })
    };
    let (first, second, third) =
        (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
    let one = ask(1, &first);
    home.eventually("the first has begun", || seen.lock().len() == 1).await;
    let two = ask(2, &second);
    home.eventually("the second waits", || home.unacked("stock") == 2).await;
    second.cancel();
    assert!(two.await.unwrap(), "given up");
    home.settle().await;
    first.cancel();
    assert!(one.await.unwrap());
    home.eventually("the first was asked to stop", || seen.lock().len() == 2).await;
    let three = ask(3, &third);
    home.eventually("the third has begun", || seen.lock().len() == 3).await;
    third.cancel();
    assert!(three.await.unwrap());
    home.eventually("and was asked to stop", || seen.lock().len() == 4).await;
    stop.cancel();
    let report = worker.await.unwrap().unwrap();
    assert_eq!(*seen.lock(), ["1 begun", "1 stopped", "3 begun", "3 stopped"]);
    assert_eq!((report.acked, report.given_up, report.refused), (2, 1, 0), "{report:?}");
    assert!(home.messages("stock.dead").is_empty());
    let left = || home.queues().iter().any(|queue| queue.contains("given-up"));
    home.eventually("its queue went with it", || !left()).await;
}

/// A handler that does not look is dropped after its grace; its failure is no attempt, and nobody is answered.
#[tokio::test]
async fn a_handler_that_goes_on_for_nobody_is_dropped_after_its_grace() {
    let (home, mq) = with_stock().await;
    home.pause_clock();
    let (begun, stop) = (Log::<tokio::time::Instant>::default(), CancellationToken::new());
    let handler = |State(begun): State<Log<tokio::time::Instant>>| async move {
        begun.lock().push(tokio::time::Instant::now());
        std::future::pending::<()>().await
    };
    let worker = mq.worker("stock").grace(home.span(5)).state(begun.clone()).responder(handler);
    let worker = tokio::spawn(worker.run(stop.clone()));
    let asker = mq.requester("stock").deadline(home.span(500)).build::<Json<u32>, Json<()>>().await.unwrap();
    let asking = tokio::spawn(async move { asker.call(&7).await });
    home.eventually("it has begun", || begun.lock().len() == 1).await;
    asking.abort();
    let _ = asking.await;
    home.sleep(5).await;
    home.expect_empty("stock").await;
    let took = begun.lock()[0].elapsed();
    assert!(home.took(took, 5), "{took:?}");
    stop.cancel();
    let report = worker.await.unwrap().unwrap();
    assert_eq!((report.given_up, report.retried, report.refused), (1, 0, 0), "{report:?}");
}

/// Delivered ahead of time it does not expire in the queue any more: it was begun after its deadline, for nobody.
#[tokio::test]
async fn what_was_prefetched_is_not_begun_after_its_deadline() {
    let (home, mq) = with_stock().await;
    home.pause_clock();
    let (seen, gate, stop) = (Log::<u32>::default(), Arc::new(Semaphore::new(0)), CancellationToken::new());
    let handler = |Json(article): Json<u32>,
                   State(seen): State<Log<u32>>,
                   State(gate): State<Arc<Semaphore>>| async move {
        seen.lock().push(article);
        gate.acquire().await.unwrap().forget();
    };
    let worker = mq.worker("stock").concurrency(1).prefetch(2).state(seen.clone()).state(gate.clone());
    let worker = tokio::spawn(worker.responder(handler).run(stop.clone()));
    let asker = mq.requester("stock").deadline(home.span(500)).build::<Json<u32>, Json<()>>().await.unwrap();
    let first = tokio::spawn({
        let asker = asker.clone();
        async move { asker.call(&1).await }
    });
    home.eventually("the first has begun", || seen.lock().len() == 1).await;
    let late = asker.call_within(&2, home.span(5)).await;
    assert!(matches!(late, Err(CallError::Deadline(_))), "{late:?}");
    home.settle().await;
    gate.add_permits(2);
    first.await.unwrap().unwrap();
    home.expect_empty("stock").await;
    stop.cancel();
    assert_eq!(worker.await.unwrap().unwrap().given_up, 1);
    assert_eq!(*seen.lock(), [1]);
}

/// By an exchange the responder learns with the first request where it has to listen.
#[tokio::test]
async fn what_is_asked_by_an_exchange_can_be_given_up_too() {
    let (home, mq) = with_stock().await;
    home.pause_clock();
    let exchange = leveret::Topology::from(leveret::Exchange::topic("questions"));
    mq.declare(exchange.binding(leveret::Binding::new("stock", "questions", "stock.#"))).await.unwrap();
    let (seen, stop) = (Log::<String>::default(), CancellationToken::new());
    let worker = mq.worker("stock").state(seen.clone()).responder(until_cancelled);
    let worker = tokio::spawn(worker.run(stop.clone()));
    let asker = mq.requester_to("questions", "stock.tea").deadline(home.span(500));
    let asker = asker.build::<Json<u32>, Json<()>>().await.unwrap();
    let asking = tokio::spawn(async move { asker.call(&7).await });
    home.eventually("it has begun", || seen.lock().len() == 1).await;
    home.settle().await;
    asking.abort();
    home.eventually("it was asked to stop", || seen.lock().len() == 2).await;
    stop.cancel();
    worker.await.unwrap().unwrap();
}

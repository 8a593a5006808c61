//! Futures that are dropped half-way, as `select!` and `timeout` do: nothing goes on for nobody, nothing stays claimed or open.

use std::time::Duration;

use leveret::rpc::CallError;
use leveret::{App, Idempotency, Incoming, Json, MemoryStore, Mq, Queue, State, Text, Topology, Worker};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::home::Home;
use super::support::{Log, send};

/// Notes its end, however that comes.
struct Note(Log<&'static str>);

impl Drop for Note {
    fn drop(&mut self) {
        self.0.lock().push("ended");
    }
}

async fn never_ends(seen: Log<&'static str>) {
    seen.lock().push("begun");
    let _note = Note(seen);
    std::future::pending::<()>().await;
}

const WAYS: [&str; 5] = ["handler", "ordered", "batch", "responder", "app"];

fn worker(mq: &Mq, way: &str, once: &Idempotency, seen: &Log<&'static str>) -> Worker {
    let builder = mq.worker("orders").idempotent(once.clone()).state(seen.clone());
    let handler = |State(seen): State<Log<&'static str>>| never_ends(seen);
    let batch = |_: Vec<Text>, State(seen): State<Log<&'static str>>| never_ends(seen);
    match way {
        "ordered" => builder.order_by(|message: &Incoming| message.queue().to_owned()).handler(handler),
        "batch" => builder.batch(1, Duration::from_millis(1), batch),
        "responder" => builder.responder(handler),
        _ => builder.handler(handler),
    }
}

fn run(worker: Worker, in_app: bool) -> JoinHandle<()> {
    tokio::spawn(async move {
        let stop = CancellationToken::new();
        if in_app {
            let _ = App::new().worker(worker).run(stop).await;
        } else {
            let _ = worker.run(stop).await;
        }
    })
}

/// The accidents: handlers went on while others had their messages already; the claim stayed for its five minutes, in which nobody handled
/// them; the queue of a responder stayed until its connection was closed.
#[tokio::test]
async fn a_worker_that_is_dropped_drops_its_handlers_and_gives_back_what_it_has() {
    for way in WAYS {
        let home = Home::start().await;
        let mq = home.connect().await;
        if way == WAYS[0] {
            home.pause_clock();
        }
        mq.declare(Queue::durable("orders").dead_letter()).await.unwrap();
        let (once, seen) = (Idempotency::new(MemoryStore::default()), Log::default());
        let running = run(worker(&mq, way, &once, &seen), way == "app");
        send(&mq, "orders", "1").await;
        home.eventually(format!("{way}: it has begun"), || *seen.lock() == ["begun"]).await;
        let began = tokio::time::Instant::now();
        running.abort();
        let _ = running.await;
        home.eventually(format!("{way}: it has ended"), || *seen.lock() == ["begun", "ended"]).await;
        home.eventually(format!("{way}: it is back"), || home.ready("orders") == Some(1)).await;
        let left = || home.queues().iter().any(|queue| queue.contains("given-up"));
        home.eventually(format!("{way}: nothing is left"), || !left()).await;

        let again = run(worker(&mq, way, &once, &seen), false);
        home.eventually(format!("{way}: it begins again"), || seen.lock().len() == 3).await;
        assert!(home.is_real() || began.elapsed() < Duration::from_secs(5), "{way}: {:?}", began.elapsed());
        again.abort();
    }
}

/// A caller that gives up frees its place, at each step of the call; and a probe that was given up makes room for another.
#[tokio::test]
async fn a_call_that_is_dropped_gives_back_its_places() {
    let home = Home::start().await;
    let mq = home.connect().await;
    mq.declare(Topology::from(Queue::durable("stock").discard_failed())).await.unwrap();
    home.pause_clock();
    let limit = leveret::layers::InFlightLimit::new(1);
    let shed = leveret::layers::LoadShed::new(1);
    let breaker = leveret::CircuitBreaker::new(1, 1).pause(home.span(1));
    let asker = mq.requester("stock").outstanding_max(1).deadline(home.span(60));
    let asker = asker.layer(limit).layer(shed).layer(breaker.clone()).build::<Json<u32>, Json<u32>>();
    let asker = asker.await.unwrap();
    let error = asker.call_within(&1, home.span(1)).await.unwrap_err();
    assert!(matches!(error, CallError::Deadline(_)) && breaker.is_open(), "{error}");
    home.sleep(2).await;
    for turns in 0..40 {
        // So many turns of everybody else, then it is dropped.
        let mut call = std::pin::pin!(asker.call(&2));
        let mut left = turns;
        std::future::poll_fn(|cx| {
            assert!(call.as_mut().poll(cx).is_pending(), "nobody answers");
            if left == 0 {
                return std::task::Poll::Ready(());
            }
            left -= 1;
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }
    let stop = CancellationToken::new();
    let responder = |Json(article): Json<u32>| async move { Json(article * 10) };
    let worker = tokio::spawn(mq.worker("stock").responder(responder).run(stop.clone()));
    assert_eq!(asker.call(&7).await.unwrap(), Json(70));
    assert!(!breaker.is_open());
    stop.cancel();
    worker.await.unwrap().unwrap();
}

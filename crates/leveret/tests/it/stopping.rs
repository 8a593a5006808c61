//! Deadlines, stopping and lost connections: what was begun ends, what was not goes back, nothing is lost.

use std::sync::Arc;

use leveret::{Attempt, Cancelled, Deadline, Failure, Mq, Queue, State, Text};
use tokio::sync::Semaphore;

use super::home::{Home, View};
use super::support::{Log, header, only, send, start};

async fn with_orders() -> (Home, Mq) {
    let home = Home::start().await;
    let mq = home.connect().await;
    mq.declare(Queue::durable("orders").dead_letter()).await.unwrap();
    (home, mq)
}

#[tokio::test]
async fn at_its_deadline_a_handler_is_asked_and_after_the_grace_dropped() {
    let (home, mq) = with_orders().await;
    home.pause_clock();
    let handler = |Text(text): Text, cancelled: Cancelled, Deadline(deadline): Deadline| async move {
        assert!(deadline.is_some());
        cancelled.cancelled().await;
        if text == "stubborn" {
            std::future::pending::<()>().await;
        }
        Err::<(), _>(Failure::permanent("asked to stop").reason("asked"))
    };
    let worker = mq.worker("orders").deadline(home.span(2)).grace(home.span(2));
    let worker = start(worker, handler);
    for (body, reason, after) in [("polite", "asked", 2), ("stubborn", "deadline", 4)] {
        let began = tokio::time::Instant::now();
        send(&mq, "orders", body).await;
        let dead = only(&home, "orders.dead").await;
        assert_eq!(header(&dead, "x-error-reason"), reason);
        assert!(home.took(began.elapsed(), after), "{body}: {:?}", began.elapsed());
        mq.consuming().channel().await.unwrap().queue_purge("orders.dead").await.unwrap();
    }
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_that_stops_lets_finish_what_it_began() {
    let (home, mq) = with_orders().await;
    let (begun, gate) = (Log::<String>::default(), Arc::new(Semaphore::new(0)));
    let handler = |Text(text): Text,
                   cancelled: Cancelled,
                   State(begun): State<Log<String>>,
                   State(gate): State<Arc<Semaphore>>| async move {
        begun.lock().push(text);
        cancelled.cancelled().await;
        gate.acquire().await.unwrap().forget();
    };
    for order in ["1", "2", "3", "4"] {
        send(&mq, "orders", order).await;
    }
    let worker = mq.worker("orders").concurrency(2).prefetch(4).state(begun.clone()).state(gate.clone());
    let worker = start(worker, handler);
    home.eventually("two have begun", || begun.lock().len() == 2).await;
    worker.tell();
    home.eventually("what was not begun is back", || home.ready("orders") == Some(2)).await;
    gate.add_permits(2);
    let report = worker.stop().await;
    assert_eq!(
        (report.acked, report.requeued, report.released, report.abandoned),
        (2, 2, 0, 0),
        "{report:?}"
    );
    let bodies: Vec<_> = home.messages("orders").iter().map(View::text).collect();
    assert_eq!(bodies, ["3", "4"], "at their places");
    assert_eq!(*begun.lock(), ["1", "2"]);
    assert_eq!(mq.consuming().dropped_unsettled(), 0);
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_dropped_and_delivered_again() {
    let (home, mq) = with_orders().await;
    home.pause_clock();
    send(&mq, "orders", "1").await;
    let begun: Log<u32> = Log::default();
    let handler = |Attempt(attempt): Attempt, State(begun): State<Log<u32>>| async move {
        begun.lock().push(attempt);
        std::future::pending::<()>().await;
    };
    let worker = mq.worker("orders").drain_within(home.span(3)).state(begun.clone());
    let worker = start(worker, handler);
    home.eventually("it has begun", || begun.lock().len() == 1).await;
    let told = tokio::time::Instant::now();
    let report = worker.stop().await;
    assert_eq!((report.released, report.acked, report.abandoned), (1, 0, 0), "{report:?}");
    assert!(home.took(told.elapsed(), 3), "{:?}", told.elapsed());
    home.eventually("it is back", || home.ready("orders") == Some(1)).await;

    let again = start(
        mq.worker("orders").state(begun.clone()),
        |Attempt(attempt): Attempt, State(begun): State<Log<u32>>| async move {
            begun.lock().push(attempt);
        },
    );
    home.expect_empty("orders").await;
    assert_eq!(*begun.lock(), [1, 1], "a worker that stops is no failure of the message");
    again.stop().await;
}

#[tokio::test]
async fn a_lost_connection_is_no_end_for_a_worker() {
    let (home, mq) = with_orders().await;
    let (begun, gate) = (Log::<u32>::default(), Arc::new(Semaphore::new(0)));
    let handler = |Attempt(attempt): Attempt,
                   State(begun): State<Log<u32>>,
                   State(gate): State<Arc<Semaphore>>| async move {
        begun.lock().push(attempt);
        gate.acquire().await.unwrap().forget();
    };
    let worker = start(mq.worker("orders").state(begun.clone()).state(gate.clone()), handler);
    send(&mq, "orders", "1").await;
    home.eventually("it has begun", || begun.lock().len() == 1).await;
    home.cut();
    home.eventually("it is delivered again", || begun.lock().len() == 2).await;
    gate.add_permits(2);
    home.expect_empty("orders").await;
    let report = worker.stop().await;
    assert_eq!((report.acked, report.stale), (1, 1), "{report:?}");
    assert_eq!(
        *begun.lock(),
        [1, 1],
        "only brokers that count tell a lost delivery from one that was given back"
    );
}

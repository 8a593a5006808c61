//! The test of `docs/guides/getting-started.md`, as it stands there.

use leveret::test::{TestBroker, connect};
use leveret::{Attempt, Failure, Queue, Text};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn it_gives_up_after_the_last_pause() {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    mq.declare(Queue::durable("orders").retry([5, 15].map(Duration::from_secs)).dead_letter()).await.unwrap();

    let stop = CancellationToken::new();
    let handler = |Attempt(_): Attempt| async { Err::<(), _>(Failure::transient("no milk")) };
    let worker = tokio::spawn(mq.worker("orders").handler(handler).run(stop.clone()));

    mq.publisher("orders").build::<Text>().await.unwrap().send("coffee").await.unwrap();
    broker.settle().await;
    for pause in [5, 15] {
        broker.advance(Duration::from_secs(pause)).await;
    }
    broker.expect_message("orders.dead").body("coffee").header("x-error", "no milk").await;
    stop.cancel();
    worker.await.unwrap().unwrap();
}

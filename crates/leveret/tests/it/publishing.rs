//! Layers around publishers.

use std::time::Duration;

use leveret::layers::{CircuitOpen, InFlightLimit, LoadShed, Overloaded, TimedOut, Timeout};
use leveret::test::{Direction, Ending, TestBroker, connect};
use leveret::{CircuitBreaker, PublishError, Queue, RateLimit, Text};
use tokio::time::Instant;

async fn with_orders() -> (TestBroker, leveret::Mq) {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    mq.declare(Queue::durable("orders").dead_letter()).await.unwrap();
    (broker, mq)
}

fn by_layer<E: std::error::Error + 'static>(error: &PublishError) -> bool {
    matches!(error, PublishError::Layer(error) if error.is::<E>())
}

#[tokio::test(start_paused = true)]
async fn publishers_keep_to_a_rate_in_order_and_errors_come_through_as_they_were() {
    let (broker, mq) = with_orders().await;
    let limit = RateLimit::new(2, Duration::from_secs(1));
    let orders =
        mq.publisher("orders").layer(limit).layer(InFlightLimit::new(8)).build::<Text>().await.unwrap();
    let began = Instant::now();
    let outcomes = orders.send_all(["1", "2", "3"]).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(began.elapsed().as_millis() / 100, 10);
    let bodies: Vec<_> = broker.messages("orders").iter().map(leveret::test::MessageView::text).collect();
    assert_eq!(bodies, ["1", "2", "3"]);
    let error = orders.send_to("nobody's", "4").await.unwrap_err();
    assert!(matches!(error, PublishError::Send(leveret::SendError::Unroutable(_))), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_or_too_late_is_refused() {
    let (broker, mq) = with_orders().await;
    let time = Duration::from_secs(2);
    let builder = mq.publisher("orders").layer(LoadShed::new(2)).layer(Timeout::new(time));
    let orders = builder.build::<Text>().await.unwrap();
    broker.faults().every().stall(Direction::ToClient);
    let both = (orders.clone(), orders.clone());
    let (first, second) =
        (tokio::spawn(async move { both.0.send("1").await }), both.1.enqueue("2").await.unwrap());
    tokio::task::yield_now().await;
    let error = orders.send("3").await.unwrap_err();
    assert!(by_layer::<Overloaded>(&error) && error.is_transient() && !error.maybe_stored(), "{error}");
    for error in [first.await.unwrap().unwrap_err(), second.await.unwrap_err()] {
        assert!(by_layer::<TimedOut>(&error) && error.is_transient() && error.maybe_stored(), "{error}");
    }
}

/// Two failures in a row, and nothing is waited for until a probe succeeds.
#[tokio::test(start_paused = true)]
async fn while_a_circuit_is_open_sends_fail_at_once() {
    let (broker, mq) = with_orders().await;
    let breaker = CircuitBreaker::new(2, 2).pause(Duration::from_secs(30));
    let builder = mq.publisher("orders").deadline(Duration::from_secs(1)).layer(breaker.clone());
    let orders = builder.build::<Text>().await.unwrap();
    let unroutable = orders.send_to("nobody's", "0").await;
    broker.faults().refuse_all();
    broker.faults().open().drop_now(Ending::Reset);
    for order in ["1", "2"] {
        let error = orders.send(order).await.unwrap_err();
        assert!(matches!(error, PublishError::Send(_)), "{error}");
    }
    assert!(unroutable.is_err() && breaker.is_open());
    let began = Instant::now();
    let error = orders.send("3").await.unwrap_err();
    assert!(by_layer::<CircuitOpen>(&error) && error.is_transient(), "{error}");
    assert!(began.elapsed().is_zero());
    broker.faults().accept();
    tokio::time::sleep(Duration::from_secs(31)).await;
    orders.send("4").await.unwrap();
    assert!(!breaker.is_open(), "the probe has closed it");
    orders.send("5").await.unwrap();
}

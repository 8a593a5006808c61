//! Layers around publishers.

use leveret::layers::{CircuitOpen, InFlightLimit, LoadShed, Overloaded, TimedOut, Timeout};
use leveret::{CircuitBreaker, PublishError, Queue, RateLimit, Text};
use tokio::time::Instant;

use super::home::{Home, View};

async fn with_orders() -> (Home, leveret::Mq) {
    let home = Home::start().await;
    let mq = home.connect().await;
    mq.declare(Queue::durable("orders").dead_letter()).await.unwrap();
    (home, mq)
}

fn by_layer<E: std::error::Error + 'static>(error: &PublishError) -> bool {
    matches!(error, PublishError::Layer(error) if error.is::<E>())
}

#[tokio::test]
async fn publishers_keep_to_a_rate_in_order_and_errors_come_through_as_they_were() {
    let (home, mq) = with_orders().await;
    home.pause_clock();
    let limit = RateLimit::new(2, home.span(1));
    let orders =
        mq.publisher("orders").layer(limit).layer(InFlightLimit::new(8)).build::<Text>().await.unwrap();
    let began = Instant::now();
    let outcomes = orders.send_all(["1", "2", "3"]).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert!(home.took(began.elapsed(), 1), "{:?}", began.elapsed());
    let bodies: Vec<_> = home.messages("orders").iter().map(View::text).collect();
    assert_eq!(bodies, ["1", "2", "3"]);
    let error = orders.send_to("nobody's", "4").await.unwrap_err();
    assert!(matches!(error, PublishError::Send(leveret::SendError::Unroutable(_))), "{error}");
}

#[tokio::test]
async fn what_is_too_much_or_too_late_is_refused() {
    let (home, mq) = with_orders().await;
    home.pause_clock();
    let time = home.span(2);
    let builder = mq.publisher("orders").layer(LoadShed::new(2)).layer(Timeout::new(time));
    let orders = builder.build::<Text>().await.unwrap();
    home.stall_answers();
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
#[tokio::test]
async fn while_a_circuit_is_open_sends_fail_at_once() {
    let (home, mq) = with_orders().await;
    home.pause_clock();
    let breaker = CircuitBreaker::new(2, 2).pause(home.span(30));
    let builder = mq.publisher("orders").deadline(home.span(10)).layer(breaker.clone());
    let orders = builder.build::<Text>().await.unwrap();
    let unroutable = orders.send_to("nobody's", "0").await;
    home.refuse();
    home.cut();
    for order in ["1", "2"] {
        let error = orders.send(order).await.unwrap_err();
        assert!(matches!(error, PublishError::Send(_)), "{error}");
    }
    assert!(unroutable.is_err() && breaker.is_open());
    let began = Instant::now();
    let error = orders.send("3").await.unwrap_err();
    assert!(by_layer::<CircuitOpen>(&error) && error.is_transient(), "{error}");
    assert!(began.elapsed() < home.span(1), "at once: {:?}", began.elapsed());
    home.accept();
    home.sleep(31).await;
    orders.send("4").await.unwrap();
    assert!(!breaker.is_open(), "the probe has closed it");
    orders.send("5").await.unwrap();
}

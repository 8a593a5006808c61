//! Every way of sending goes through the publisher's layers, once.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use leveret::client::SendError;
use leveret::layers::{CircuitOpen, LoadShed, Overloaded, TimedOut, Timeout};
use leveret::schedule::ScheduleError;
use leveret::{
    BoxError, CircuitBreaker, Message, Mq, PublishError, Publisher, Queue, RateLimit, Receipt, Text,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::PollSemaphore;
use tower::{Layer, Service};

use super::home::{Home, View};

type Sending = Pin<Box<dyn Future<Output = Result<Receipt, BoxError>> + Send>>;

/// What becomes of a message inside of all other layers.
#[derive(Debug, Clone, Copy)]
enum Inside {
    Sent,
    Fails,
    Hangs,
}

/// Counts messages, and lets them have their fate.
#[derive(Clone)]
struct Fate(Inside, Arc<AtomicUsize>);

#[derive(Clone)]
struct Fated<S>(S, Fate);

impl<S> Layer<S> for Fate {
    type Service = Fated<S>;

    fn layer(&self, inner: S) -> Fated<S> {
        Fated(inner, self.clone())
    }
}

impl<S> Service<Message> for Fated<S>
where
    S: Service<Message, Response = Receipt, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Receipt;
    type Error = BoxError;
    type Future = Sending;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, message: Message) -> Sending {
        self.1.1.fetch_add(1, SeqCst);
        match self.1.0 {
            Inside::Sent => Box::pin(self.0.call(message)),
            Inside::Fails => Box::pin(async { Err(SendError::Rejected.into()) }),
            Inside::Hangs => Box::pin(std::future::pending()),
        }
    }
}

const WAYS: [&str; 7] =
    ["send", "send_to", "enqueue", "send_all", "send_after", "send_at", "cancellable_after"];

async fn with_orders() -> (Home, Mq) {
    let home = Home::start().await;
    let mq = home.connect().await;
    mq.declare(Queue::durable("orders").dead_letter()).await.unwrap();
    (home, mq)
}

fn told(error: PublishError) -> BoxError {
    match error {
        PublishError::Layer(error) => error,
        error => error.into(),
    }
}

fn told_later(error: ScheduleError) -> BoxError {
    match error {
        ScheduleError::Layer(error) => error,
        error => error.into(),
    }
}

/// Sends one message; the error is the layer's own, if it was that.
async fn go(home: &Home, way: &str, orders: &Publisher<Text>) -> Result<(), BoxError> {
    let minute = home.span(60);
    match way {
        "send" => orders.send(way).await.map(drop).map_err(told),
        "send_to" => orders.send_to("orders", way).await.map(drop).map_err(told),
        "enqueue" => match orders.enqueue(way).await {
            Ok(confirm) => confirm.await.map(drop).map_err(told),
            Err(error) => Err(told(error)),
        },
        "send_all" => orders.send_all([way]).await.remove(0).map(drop).map_err(told),
        "send_after" => orders.send_after(way, minute).await.map(drop).map_err(told_later),
        "send_at" => orders.send_at(way, SystemTime::now() + minute).await.map(drop).map_err(told_later),
        _ => orders.cancellable_after(way, minute).await.map(drop).map_err(told_later),
    }
}

#[tokio::test]
async fn each_way_of_sending_goes_through_the_layers_once_and_keeps_to_their_rate() {
    let (home, mq) = with_orders().await;
    home.pause_clock();
    let passed = Arc::new(AtomicUsize::new(0));
    let builder = mq.publisher("orders").layer(Fate(Inside::Sent, passed.clone()));
    let orders = builder.layer(RateLimit::new(1, home.span(1))).build::<Text>().await.unwrap();
    let began = Instant::now();
    for (at, way) in (0..).zip(WAYS) {
        go(&home, way, &orders).await.unwrap();
        assert_eq!(passed.load(SeqCst), at as usize + 1, "{way}");
        assert!(home.took(began.elapsed() + home.span(1) / 10, at), "{way}: one each second");
    }
    assert_eq!(home.messages("orders").len(), 4);
    home.settle().await;
    home.advance(70).await;
    home.eventually("those that waited have come", || home.ready("orders") == Some(WAYS.len())).await;
}

#[tokio::test]
async fn each_way_of_sending_is_given_up_shed_and_broken_by_the_layers() {
    let (home, mq) = with_orders().await;
    home.pause_clock();
    let passed = Arc::new(AtomicUsize::new(0));
    let inside = |fate| mq.publisher("orders").layer(Fate(fate, passed.clone()));

    let late = inside(Inside::Hangs).layer(Timeout::new(home.span(2))).build::<Text>().await.unwrap();
    let full = inside(Inside::Hangs).layer(LoadShed::new(1)).build::<Text>().await.unwrap();
    let under_way = full.enqueue("the one").await.unwrap();
    let breaker = CircuitBreaker::new(1, 1);
    let broken = inside(Inside::Fails).layer(breaker.clone()).build::<Text>().await.unwrap();
    assert!(broken.send("fails").await.is_err() && breaker.is_open());
    passed.store(0, SeqCst);
    for way in WAYS {
        let error = go(&home, way, &late).await.unwrap_err();
        assert!(error.is::<TimedOut>(), "{way}: {error}");
        let error = go(&home, way, &full).await.unwrap_err();
        assert!(error.is::<Overloaded>(), "{way}: {error}");
        let error = go(&home, way, &broken).await.unwrap_err();
        assert!(error.is::<CircuitOpen>(), "{way}: {error}");
    }
    assert_eq!(passed.load(SeqCst), WAYS.len(), "what was shed and broken got no further");
    drop(under_way);
    home.settle().await;
    // Of what was to wait alone, the one that timed out may have been sent; the others have no queue.
    let waiting = home.queues().into_iter().filter(|queue| queue.starts_with("leveret.scheduled")).count();
    assert_eq!(waiting, if mq.broker().is_leveret() { 1 } else { 3 });
}

/// Lets so many through at the same time, and is not ready for more: as `tower`'s own limits.
#[derive(Clone)]
struct Narrow(usize);

#[derive(Clone)]
struct Narrowed<S>(S, PollSemaphore, Option<Arc<OwnedSemaphorePermit>>);

impl<S> Layer<S> for Narrow {
    type Service = Narrowed<S>;

    fn layer(&self, inner: S) -> Narrowed<S> {
        Narrowed(inner, PollSemaphore::new(Arc::new(Semaphore::new(self.0))), None)
    }
}

impl<S> Service<Message> for Narrowed<S>
where
    S: Service<Message, Response = Receipt, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Receipt;
    type Error = BoxError;
    type Future = Sending;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.2.is_none() {
            let Poll::Ready(place) = self.1.poll_acquire(cx) else { return Poll::Pending };
            self.2 = place.map(Arc::new);
        }
        self.0.poll_ready(cx)
    }

    fn call(&mut self, message: Message) -> Sending {
        let (place, sent) = (self.2.take(), self.0.call(message));
        Box::pin(async move {
            let _place = place;
            sent.await
        })
    }
}

/// The third waited for a place that the first gave back only when somebody looked at it, which was after the third: for ever.
#[tokio::test]
async fn more_are_sent_at_once_than_a_layer_is_ready_for() {
    let (home, mq) = with_orders().await;
    home.pause_clock();
    let orders = mq.publisher("orders").layer(Narrow(2)).build::<Text>().await.unwrap();
    let sent = orders.send_all(["1", "2", "3", "4", "5"]);
    let outcomes = tokio::time::timeout(Duration::from_secs(60), sent).await.expect("they have an end");
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(home.messages("orders").len(), 5);
}

/// What is enqueued goes on whether it is awaited or not; what layers hold up is bounded, and flushed.
#[tokio::test]
async fn what_layers_hold_up_is_bounded_and_needs_nobody_to_look_at_it() {
    let (home, mq) = with_orders().await;
    home.pause_clock();
    let second = home.span(1);
    let builder = mq.publisher("orders").options(|options| options.in_flight(3, 1 << 20));
    let builder = builder.deadline(second * 10).layer(RateLimit::new(1, second));
    let orders = builder.build::<Text>().await.unwrap();
    let began = Instant::now();
    for order in ["1", "2", "3", "4", "5", "6"] {
        drop(orders.enqueue(order).await.unwrap());
    }
    assert!(home.took(began.elapsed(), 2), "three at most are held up: {:?}", began.elapsed());
    orders.flush().await.unwrap();
    assert!(home.took(began.elapsed(), 5), "{:?}", began.elapsed());
    let bodies: Vec<_> = home.messages("orders").iter().map(View::text).collect();
    assert_eq!(bodies, ["1", "2", "3", "4", "5", "6"]);

    let builder = mq.publisher("orders").options(|options| options.in_flight(1, 1 << 20));
    let hangs =
        builder.deadline(second * 10).layer(Fate(Inside::Hangs, Arc::default())).build::<Text>().await;
    let hangs = hangs.unwrap();
    let _held = hangs.enqueue("held up").await.unwrap();
    let error = hangs.enqueue("no room").await.unwrap_err();
    assert!(matches!(error, PublishError::Send(SendError::Deadline)), "{error}");
}

/// A layer that panics while nobody looks: whether the message was stored is not known, and that is said.
#[tokio::test]
async fn what_ends_in_a_layer_may_have_been_stored() {
    let (_broker, mq) = with_orders().await;
    let panics = tower::util::AndThenLayer::new(|_: Receipt| async {
        if true {
            panic!("in the layer");
        }
        Err::<Receipt, BoxError>("never".into())
    });
    let orders = mq.publisher("orders").layer(panics).build::<Text>().await.unwrap();
    let error = orders.enqueue("7").await.unwrap().await.unwrap_err();
    assert!(matches!(error, PublishError::Layer(_)) && error.maybe_stored(), "{error}");
}

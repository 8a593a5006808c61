//! Messages that are sent later, and those that are not sent after all.

use std::time::{Duration, SystemTime};

use leveret::schedule::ScheduleError;
use leveret::{Binding, Exchange, Mq, Queue, Text, Topology};

use super::home::{Home, View};

async fn with_orders() -> (Home, Mq) {
    let home = Home::start().await;
    let mq = home.connect().await;
    let topology = Topology::from(Queue::durable("orders").dead_letter())
        .exchange(Exchange::topic("events"))
        .binding(Binding::new("orders", "events", "order.*"));
    mq.declare(topology).await.unwrap();
    (home, mq)
}

fn bodies(home: &Home) -> Vec<String> {
    home.messages("orders").iter().map(View::text).collect()
}

#[tokio::test]
async fn what_is_scheduled_comes_when_it_is_due_and_not_before() {
    let (home, mq) = with_orders().await;
    let orders = mq.publisher("orders").build::<Text>().await.unwrap();
    let later = orders.send_after("in two", 2 * home.span(10)).await.unwrap();
    assert!(later.due > SystemTime::now() + home.span(10) && !later.message_id.is_empty(), "{later:?}");
    orders.send_at("in one", SystemTime::now() + home.span(10)).await.unwrap();
    orders.send_at("at once", SystemTime::now() - home.span(10)).await.unwrap();
    home.eventually("what is past is now", || bodies(&home).starts_with(&["at once".into()])).await;
    home.advance(10).await;
    home.eventually("one is due", || bodies(&home).starts_with(&["at once".into(), "in one".into()])).await;
    home.advance(10).await;
    home.eventually("all are due", || bodies(&home).len() == 3).await;
    assert_eq!(home.messages("orders")[2].properties.message_id, Some(later.message_id));
}

#[tokio::test]
async fn an_exchange_gets_it_with_its_routing_key() {
    let (home, mq) = with_orders().await;
    let events = mq.publisher_to("events", "nobody's").build::<Text>().await.unwrap();
    let message = events.message("new").unwrap().routing_key("order.new");
    events.schedule(message.clone(), home.span(10)).await.unwrap();
    events.schedule_cancellable(message, home.span(10)).await.unwrap();
    home.advance(10).await;
    home.eventually("both are due", || bodies(&home) == ["new", "new"]).await;
    assert!(home.messages("orders").iter().all(|message| message.routing_key == "order.new"));
}

#[tokio::test]
async fn what_is_cancelled_in_time_is_never_sent() {
    let (home, mq) = with_orders().await;
    let orders = mq.publisher("orders").build::<Text>().await.unwrap();
    let [first, second] = ["1", "2"].map(|body| orders.cancellable_after(body, home.span(10)));
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert!(first.cancel().await.unwrap());
    assert!(!first.cancel().await.unwrap(), "once is all");
    home.advance(10).await;
    home.eventually("the other is due", || bodies(&home) == ["2"]).await;
    assert!(!mq.cancel_scheduled(second.id()).await.unwrap(), "it was sent");
    home.advance(20).await;
    home.eventually("nothing is left of it", || home.ready(second.id()).is_none()).await;
}

#[tokio::test]
async fn what_cannot_be_is_told() {
    let (_home, mq) = with_orders().await;
    let orders = mq.publisher("orders").build::<Text>().await.unwrap();
    let centuries = Duration::from_secs(1 << 35);
    for error in [
        orders.send_after("x", centuries).await.unwrap_err(),
        orders.cancellable_after("x", centuries).await.unwrap_err(),
    ] {
        assert!(matches!(error, ScheduleError::TooFar { .. }) && !error.is_transient(), "{error}");
    }
    let nobody = mq.publisher("nobody").build::<Text>().await.unwrap();
    let error = nobody.send_after("x", Duration::from_secs(60)).await.unwrap_err();
    assert!(matches!(error, ScheduleError::Declare(_)), "{error}");
    // Where such messages wait in queues of their own this was confirmed, and the message was dropped when it was due.
    let error = nobody.cancellable_after("x", Duration::from_secs(60)).await.unwrap_err();
    assert!(matches!(error, ScheduleError::Declare(_)) && error.to_string().contains("no queue"), "{error}");
    let events = mq.publisher_to("nothing", "order.new").build::<Text>().await.unwrap();
    let error = events.cancellable_after("x", Duration::from_secs(60)).await.unwrap_err();
    assert!(matches!(error, ScheduleError::Declare(_)), "{error}");
}

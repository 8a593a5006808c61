//! Messages that are sent later, and those that are not sent after all.

use std::time::{Duration, SystemTime};

use leveret::schedule::ScheduleError;
use leveret::test::{TestBroker, connect};
use leveret::{Binding, Exchange, Mq, Queue, Text, Topology};

const MINUTE: Duration = Duration::from_secs(60);

async fn with_orders() -> (TestBroker, Mq) {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    let topology = Topology::from(Queue::durable("orders").dead_letter())
        .exchange(Exchange::topic("events"))
        .binding(Binding::new("orders", "events", "order.*"));
    mq.declare(topology).await.unwrap();
    (broker, mq)
}

fn bodies(broker: &TestBroker) -> Vec<String> {
    broker.messages("orders").iter().map(leveret::test::MessageView::text).collect()
}

#[tokio::test]
async fn what_is_scheduled_comes_when_it_is_due_and_not_before() {
    let (broker, mq) = with_orders().await;
    let orders = mq.publisher("orders").build::<Text>().await.unwrap();
    let later = orders.send_after("in two minutes", 2 * MINUTE).await.unwrap();
    assert!(later.due > SystemTime::now() + MINUTE && !later.message_id.is_empty(), "{later:?}");
    orders.send_at("in one", SystemTime::now() + MINUTE).await.unwrap();
    orders.send_at("at once", SystemTime::now() - MINUTE).await.unwrap();
    broker.eventually("what is past is now", || bodies(&broker) == ["at once"]).await;
    broker.advance(MINUTE).await;
    broker.eventually("one is due", || bodies(&broker) == ["at once", "in one"]).await;
    broker.advance(MINUTE).await;
    broker.eventually("all are due", || bodies(&broker).len() == 3).await;
    assert_eq!(broker.messages("orders")[2].properties.message_id, Some(later.message_id));
}

#[tokio::test]
async fn an_exchange_gets_it_with_its_routing_key() {
    let (broker, mq) = with_orders().await;
    let events = mq.publisher_to("events", "nobody's").build::<Text>().await.unwrap();
    let message = events.message("new").unwrap().routing_key("order.new");
    events.schedule(message.clone(), MINUTE).await.unwrap();
    events.schedule_cancellable(message, MINUTE).await.unwrap();
    broker.advance(MINUTE).await;
    broker.eventually("both are due", || bodies(&broker) == ["new", "new"]).await;
    assert!(broker.messages("orders").iter().all(|message| message.routing_key == "order.new"));
}

#[tokio::test]
async fn what_is_cancelled_in_time_is_never_sent() {
    let (broker, mq) = with_orders().await;
    let orders = mq.publisher("orders").build::<Text>().await.unwrap();
    let [first, second] = ["1", "2"].map(|body| orders.cancellable_after(body, MINUTE));
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert!(first.cancel().await.unwrap());
    assert!(!first.cancel().await.unwrap(), "once is all");
    broker.advance(MINUTE).await;
    broker.eventually("the other is due", || bodies(&broker) == ["2"]).await;
    assert!(!mq.cancel_scheduled(second.id()).await.unwrap(), "it was sent");
    broker.advance(2 * MINUTE).await;
    assert!(broker.queue(second.id()).is_none(), "nothing is left of it");
}

#[tokio::test]
async fn what_cannot_be_is_told() {
    let (_broker, mq) = with_orders().await;
    let orders = mq.publisher("orders").build::<Text>().await.unwrap();
    let centuries = Duration::from_secs(1 << 35);
    for error in [
        orders.send_after("x", centuries).await.unwrap_err(),
        orders.cancellable_after("x", centuries).await.unwrap_err(),
    ] {
        assert!(matches!(error, ScheduleError::TooFar { .. }) && !error.is_transient(), "{error}");
    }
    let nobody = mq.publisher("nobody").build::<Text>().await.unwrap();
    let error = nobody.send_after("x", MINUTE).await.unwrap_err();
    assert!(matches!(error, ScheduleError::Declare(_)), "{error}");
}

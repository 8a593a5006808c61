//! What is declared, and what is told when something is there already.

use std::time::Duration;

use leveret::test::{TestBroker, connect, connect_with};
use leveret::{Binding, Exchange, Json, PublishError, Queue, SendError, Text, Topology, TopologyError};

fn orders() -> Queue {
    Queue::durable("orders").retry([5, 15].map(Duration::from_secs)).dead_letter()
}

#[tokio::test]
async fn a_queue_comes_with_its_dead_letters_and_its_ladder() {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    assert!(mq.broker().is_leveret(), "{:?}", mq.broker());
    mq.declare(orders()).await.unwrap();
    mq.declare(orders()).await.unwrap();
    let mut names: Vec<_> = broker.queues().into_iter().map(|queue| queue.name).collect();
    names.sort();
    assert_eq!(names, ["orders", "orders.dead"]);

    let other = connect_with(&broker, |options| options.rungs_everywhere(true)).await;
    let error = other.declare(orders()).await.unwrap_err().to_string();
    assert!(error.contains("x-retry-delays"), "the queue has a ladder already: {error}");
    other.declare(Queue::durable("others").retry([Duration::from_secs(5)]).dead_letter()).await.unwrap();
    assert!(broker.queue("others.retry.5s").is_some());
}

#[tokio::test]
async fn what_is_there_otherwise_is_left_alone_and_told() {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    mq.declare(Queue::durable("orders").argument("x-max-length", 10)).await.unwrap();
    let topology = Topology::new()
        .queue(Queue::durable("orders").argument("x-max-length", 20))
        .queue(Queue::durable("invoices"))
        .exchange(Exchange::topic("events"))
        .binding(Binding::new("orders", "events", "#"));
    let Err(TopologyError::Drift(drifts)) = mq.declare(topology).await else { panic!("no drift was told") };
    let [drift] = &drifts[..] else { panic!("{drifts:?}") };
    assert_eq!(
        (drift.entity.as_str(), drift.argument.as_deref(), &*drift.wanted, &*drift.found),
        ("queue 'orders'", Some("x-max-length"), "20", "10")
    );
    let text = drift.to_string();
    assert!(text.contains("x-max-length is 10, wanted is 20. Nothing was changed."), "{text}");
    assert!(broker.queue("invoices").is_some(), "what does not differ is declared");
}

#[tokio::test]
async fn verifying_creates_nothing() {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    let topology =
        || Topology::from(orders()).exchange(Exchange::topic("events")).queue(Queue::temporary("mine"));
    let Err(TopologyError::Drift(drifts)) = mq.verify(topology()).await else { panic!("all was missing") };
    let missing: Vec<_> = drifts.iter().map(|drift| drift.entity.as_str()).collect();
    assert_eq!(missing, ["exchange 'events'", "queue 'orders.dead'", "queue 'orders'"]);
    assert!(drifts[0].to_string().contains("no exchange 'events'"), "{}", drifts[0]);
    assert!(broker.queues().is_empty());

    mq.declare(Topology::from(orders()).exchange(Exchange::topic("events"))).await.unwrap();
    mq.verify(topology()).await.unwrap();
    let other = Topology::from(Queue::durable("orders")).exchange(Exchange::fanout("events"));
    let Err(TopologyError::Drift(drifts)) = mq.verify(other).await else { panic!("both differ") };
    assert_eq!(drifts.len(), 2, "{drifts:?}");
}

#[tokio::test]
async fn what_cannot_be_declared_is_refused_before_anything_is() {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    let long = Queue::durable("q").retry(vec![Duration::from_secs(1); 101]);
    let error = mq.declare(long).await.unwrap_err().to_string();
    assert_eq!(error, "queue 'q' has 101 retries; 100 are the most");
    let own = mq.declare(Queue::durable("q").dead_letter_to("q")).await.unwrap_err();
    assert!(!own.is_transient() && own.to_string().contains("its own dead-letter queue"), "{own}");
    assert!(broker.queues().is_empty());
}

/// What a broker in memory had is gone with it; the declarations come again with the connection.
#[tokio::test]
async fn what_was_declared_is_declared_again_after_a_restart() {
    let broker = TestBroker::start().await;
    let mq = connect_with(&broker, |options| options.rungs_everywhere(true)).await;
    let bound = Binding::new("orders", "events", "order.*");
    mq.declare(Topology::from(orders()).exchange(Exchange::topic("events")).binding(bound)).await.unwrap();
    let events = mq.publisher_to("events", "order.new").build::<Text>().await.unwrap();
    broker.restart().await.unwrap();
    broker.eventually("everything is there again", || broker.queues().len() == 4).await;
    events.send("one coffee").await.unwrap();
    broker.expect_message("orders").body("one coffee").await;
}

#[tokio::test]
async fn a_publisher_says_what_it_sends_and_what_became_of_it() {
    let broker = TestBroker::start().await;
    let mq = connect(&broker).await;
    mq.declare(orders()).await.unwrap();
    let orders = mq.publisher("orders").message_type("order.new").build::<Json<Vec<u8>>>().await.unwrap();
    orders.send(&vec![1, 2]).await.unwrap();
    let is_json = |message: &leveret::test::MessageView| {
        let properties = &message.properties;
        properties.content_type.as_deref() == Some("application/json")
            && properties.kind.as_deref() == Some("order.new")
            && properties.delivery_mode == Some(2)
            && properties.message_id.is_some()
    };
    broker.expect_message("orders").body("[1,2]").matching("typed", is_json).await;
    let outcomes = orders.send_all([&vec![3], &vec![4]]).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let lost = orders.send_to("nowhere", &vec![5]).await.unwrap_err();
    assert!(matches!(lost, PublishError::Send(SendError::Unroutable(_))) && !lost.is_transient(), "{lost}");
}

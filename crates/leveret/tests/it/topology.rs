//! What is declared, and what is told when something is there already.

use std::time::Duration;

use leveret::{Binding, Exchange, Json, PublishError, Queue, SendError, Text, Topology, TopologyError};

use super::home::Home;
use super::support::only;

fn orders() -> Queue {
    Queue::durable("orders").retry([5, 15].map(Duration::from_secs)).dead_letter()
}

#[tokio::test]
async fn a_queue_comes_with_its_dead_letters_and_its_ladder() {
    let home = Home::start().await;
    let mq = home.connect().await;
    mq.declare(orders()).await.unwrap();
    mq.declare(orders()).await.unwrap();
    if !mq.broker().is_leveret() {
        assert_eq!(home.queues(), ["orders", "orders.dead", "orders.retry.15s", "orders.retry.5s"]);
        return;
    }
    assert_eq!(home.queues(), ["orders", "orders.dead"]);

    let other = home.connect_with(|options| options.rungs_everywhere(true)).await;
    let error = other.declare(orders()).await.unwrap_err().to_string();
    assert!(error.contains("x-retry-delays"), "the queue has a ladder already: {error}");
    other.declare(Queue::durable("others").retry([Duration::from_secs(5)]).dead_letter()).await.unwrap();
    assert!(home.ready("others.retry.5s").is_some());
}

#[tokio::test]
async fn what_is_there_otherwise_is_left_alone_and_told() {
    let home = Home::start().await;
    let mq = home.connect().await;
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
    assert!(home.ready("invoices").is_some(), "what does not differ is declared");
}

#[tokio::test]
async fn verifying_creates_nothing() {
    let home = Home::start().await;
    let mq = home.connect().await;
    let topology =
        || Topology::from(orders()).exchange(Exchange::topic("events")).queue(Queue::temporary("mine"));
    let Err(TopologyError::Drift(drifts)) = mq.verify(topology()).await else { panic!("all was missing") };
    let missing: Vec<_> = drifts.iter().map(|drift| drift.entity.as_str()).collect();
    let rungs: &[_] =
        if mq.broker().is_leveret() { &[] } else { &["queue 'orders.retry.5s'", "queue 'orders.retry.15s'"] };
    assert_eq!(missing, [&["exchange 'events'", "queue 'orders.dead'"], rungs, &["queue 'orders'"]].concat());
    assert!(drifts[0].to_string().contains("no exchange 'events'"), "{}", drifts[0]);
    assert!(home.queues().is_empty());

    mq.declare(Topology::from(orders()).exchange(Exchange::topic("events"))).await.unwrap();
    mq.verify(topology()).await.unwrap();
    let other = Topology::from(Queue::durable("orders")).exchange(Exchange::fanout("events"));
    let Err(TopologyError::Drift(drifts)) = mq.verify(other).await else { panic!("both differ") };
    assert_eq!(drifts.len(), 2, "{drifts:?}");
}

#[tokio::test]
async fn what_cannot_be_declared_is_refused_before_anything_is() {
    let home = Home::start().await;
    let mq = home.connect().await;
    let long = Queue::durable("q").retry(vec![Duration::from_secs(1); 101]);
    let error = mq.declare(long).await.unwrap_err().to_string();
    assert_eq!(error, "queue 'q' has 101 retries; 100 are the most");
    let own = mq.declare(Queue::durable("q").dead_letter_to("q")).await.unwrap_err();
    assert!(!own.is_transient() && own.to_string().contains("its own dead-letter queue"), "{own}");
    assert!(home.queues().is_empty());
}

/// What a broker in memory had is gone with it; the declarations come again with the connection.
#[tokio::test]
async fn what_was_declared_is_declared_again_after_a_restart() {
    let home = Home::start().await;
    let mq = home.connect_with(|options| options.rungs_everywhere(true)).await;
    let bound = Binding::new("orders", "events", "order.*");
    mq.declare(Topology::from(orders()).exchange(Exchange::topic("events")).binding(bound)).await.unwrap();
    let events = mq.publisher_to("events", "order.new").build::<Text>().await.unwrap();
    home.forget_everything().await;
    home.eventually("everything is there again", || home.queues().len() == 4).await;
    // The queue is bound last, and the connection that publishes does not wait for the one that declares.
    let mut tries = 0;
    while let Err(error) = events.send("one coffee").await {
        tries += 1;
        assert!(tries < 100, "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(only(&home, "orders").await.text(), "one coffee");
}

#[tokio::test]
async fn a_publisher_says_what_it_sends_and_what_became_of_it() {
    let home = Home::start().await;
    let mq = home.connect().await;
    mq.declare(orders()).await.unwrap();
    let orders = mq.publisher("orders").message_type("order.new").build::<Json<Vec<u8>>>().await.unwrap();
    orders.send(&vec![1, 2]).await.unwrap();
    let message = only(&home, "orders").await;
    let properties = &message.properties;
    assert_eq!(
        (message.text().as_str(), properties.content_type.as_deref()),
        ("[1,2]", Some("application/json"))
    );
    assert_eq!((properties.kind.as_deref(), properties.delivery_mode), (Some("order.new"), Some(2)));
    assert!(properties.message_id.is_some(), "{properties:?}");
    let outcomes = orders.send_all([&vec![3], &vec![4]]).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let lost = orders.send_to("nowhere", &vec![5]).await.unwrap_err();
    assert!(matches!(lost, PublishError::Send(SendError::Unroutable(_))) && !lost.is_transient(), "{lost}");
}

//! Exchange types of RabbitMQ's plugins, where more than routes is seen. (Routes: `exchange/`, and the dialogues.)

use crate::support::*;
use leveret_broker::DataLocation;
use leveret_protocol::FieldTable;
use leveret_protocol::methods::{confirm, exchange, queue, tx};

async fn declare(client: &mut Client, name: &str, kind: &str, arguments: FieldTable) {
    let declare =
        exchange::Declare { exchange: short(name), kind: short(kind), arguments, ..Default::default() };
    assert_eq!(client.call(1, declare).await, Got::Reply("exchange.declare-ok"));
}

async fn bind(client: &mut Client, queue: &str, exchange: &str) {
    let bind = queue::Bind { queue: short(queue), exchange: short(exchange), ..Default::default() };
    assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
}

async fn publish(client: &mut Client, exchange: &str, body: &str) {
    client.publish(Publishing { exchange, ..Publishing::to("key", body) }).await;
}

#[tokio::test]
async fn a_history_is_charged_while_its_exchange_is_there() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    declare(&mut client, "x", "x-recent-history", arguments([("x-recent-history-length", 2.into())])).await;
    for body in ["1", "2", "3"] {
        publish(&mut client, "x", body).await;
    }
    client.settle().await;
    assert!(broker.memory().bytes() > 0);
    client.declare(queue_with("q", FieldTable::new())).await;
    bind(&mut client, "q", "x").await;
    assert_eq!(client.drain("q").await, ["2", "3"]);
    let delete = exchange::Delete { exchange: short("x"), ..Default::default() };
    assert_eq!(client.call(1, delete).await, Got::Reply("exchange.delete-ok"));
    assert_eq!(broker.memory().bytes(), 0);
}

/// RabbitMQ hands it over the other way round in this one case; here the order is always that of publishing.
#[tokio::test]
async fn a_history_goes_through_an_exchange_that_is_bound_in_order() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    declare(&mut client, "x", "x-recent-history", FieldTable::new()).await;
    declare(&mut client, "next", "x-recent-history", FieldTable::new()).await;
    for queue in ["q", "late"] {
        client.declare(queue_with(queue, FieldTable::new())).await;
    }
    bind(&mut client, "q", "next").await;
    for body in ["1", "2", "3"] {
        publish(&mut client, "x", body).await;
    }
    let link = exchange::Bind { destination: short("next"), source: short("x"), ..Default::default() };
    assert_eq!(client.call(1, link).await, Got::Reply("exchange.bind-ok"));
    assert_eq!(client.drain("q").await, ["1", "2", "3"]);
    bind(&mut client, "late", "next").await;
    assert_eq!(client.drain("late").await, ["1", "2", "3"]);
}

#[tokio::test]
async fn confirms_transactions_and_dead_letters_pass_a_history() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    declare(&mut client, "x", "x-recent-history", FieldTable::new()).await;
    client.declare(queue_with("q", arguments([("x-dead-letter-exchange", "x".into())]))).await;
    client.fill("q", &["refused"]).await;
    let (tag, ..) = client.get("q", false).await.unwrap();
    client.tell(1, reject(tag, false)).await;
    client.settle().await;
    client.open(2).await;
    assert_eq!(client.call(2, tx::Select).await, Got::Reply("tx.select-ok"));
    let frame_max = client.tuning.frame_max;
    let publishing = Publishing { exchange: "x", ..Publishing::to("", "in a transaction") };
    client.send(|out| publishing.write(2, frame_max, out)).await;
    assert_eq!(client.call(2, tx::Commit).await, Got::Reply("tx.commit-ok"));
    assert_eq!(client.call(1, confirm::Select::default()).await, Got::Reply("confirm.select-ok"));
    publish(&mut client, "x", "confirmed").await;
    assert!(matches!(client.next().await, Got::Ack { .. }));
    client.declare(queue_with("late", FieldTable::new())).await;
    bind(&mut client, "late", "x").await;
    assert_eq!(client.drain("late").await, ["refused", "in a transaction", "confirmed"]);
}

#[tokio::test]
async fn persistent_messages_of_a_history_are_stored_where_they_are_bound() {
    let folder = tempfile::tempdir().unwrap();
    let start = || broker_with(|config| config.data = DataLocation::Directory(folder.path().to_owned()));
    let broker = start();
    let mut client = Client::to(&broker).await;
    let durable = exchange::Declare {
        exchange: short("x"),
        kind: short("x-recent-history"),
        durable: true,
        ..Default::default()
    };
    assert_eq!(client.call(1, durable).await, Got::Reply("exchange.declare-ok"));
    let mut publishing = Publishing { exchange: "x", ..Publishing::to("", "kept") };
    publishing.properties.delivery_mode = Some(2);
    client.publish(publishing).await;
    client.declare(queue::Declare { durable: true, ..queue_with("q", FieldTable::new()) }).await;
    bind(&mut client, "q", "x").await;
    client.close().await;
    broker.shutdown(secs(0)).await;
    drop(broker);
    let broker = start();
    let mut client = Client::to(&broker).await;
    assert_eq!(client.drain("q").await, ["kept"]);
    client.declare(queue_with("late", FieldTable::new())).await;
    bind(&mut client, "late", "x").await;
    assert!(client.drain("late").await.is_empty(), "the history itself ends with the broker");
}

#[tokio::test]
async fn chance_and_modulus_give_each_message_to_one_queue() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    for kind in ["x-random", "x-local-random", "x-modulus-hash"] {
        declare(&mut client, kind, kind, FieldTable::new()).await;
        let queues = ["a", "b", "c"].map(|name| format!("{kind}.{name}"));
        for queue in &queues {
            client.declare(queue_with(queue, FieldTable::new())).await;
            bind(&mut client, queue, kind).await;
        }
        for n in 0..300 {
            client.publish(Publishing { exchange: kind, ..Publishing::to(&n.to_string(), "x") }).await;
        }
        client.settle().await;
        let mut total = 0;
        for queue in &queues {
            let count = client.count(queue).await.0;
            assert!((40..180).contains(&count), "{queue}: {count}");
            total += count;
        }
        assert_eq!(total, 300, "{kind}");
    }
}

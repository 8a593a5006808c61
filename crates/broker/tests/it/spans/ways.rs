//! The less usual ways of a message: held by an exchange, passed by a gate, read from a stream, replayed.

use super::recorder::*;
use super::{bind, with_dead_letters};
use crate::support::*;
use leveret_broker::auth::PeerInfo;
use leveret_broker::queue::sweep::{Selection, To};
use leveret_broker::vhost::Actor;
use leveret_protocol::methods::{exchange, queue};
use leveret_protocol::{FieldTable, FieldValue};

#[tokio::test]
async fn held_by_a_delayed_exchange() {
    let recorder = Recorder::default();
    let broker = recorder.broker();
    let mut client = Client::to(&broker).await;
    let later = exchange::Declare {
        exchange: short("later"),
        kind: short("x-delayed-message"),
        arguments: arguments([("x-delayed-type", "fanout".into())]),
        ..Default::default()
    };
    assert_eq!(client.call(1, later).await, Got::Reply("exchange.declare-ok"));
    client.declare(queue_with("q", FieldTable::new())).await;
    bind(&mut client, "q", "later", "").await;
    let mut order = Publishing { exchange: "later", ..sampled("", "order") };
    order.properties.headers.get_or_insert_default().insert("x-delay", FieldValue::I32(1500));
    client.publish(order).await;
    client.settle().await;
    pass(&broker, &mut client, ms(1500)).await;
    client.get("q", true).await.expect("the order");
    assert_eq!(
        recorder.tree(),
        "+0 0 publish later\n\
         \x20 +0 0 route later\n\
         \x20 +0 1500 schedule later\n\
         \x20   +1500 0 get q\n"
    );
}

#[tokio::test]
async fn through_an_exchange_that_drops_duplicates() {
    let recorder = Recorder::default();
    let broker = recorder.broker();
    let mut client = Client::to(&broker).await;
    let once = exchange::Declare {
        exchange: short("once"),
        kind: short("fanout"),
        arguments: arguments([
            ("x-message-deduplication", FieldValue::Bool(true)),
            ("x-cache-size", 10.into()),
        ]),
        ..Default::default()
    };
    assert_eq!(client.call(1, once).await, Got::Reply("exchange.declare-ok"));
    for queue in ["a", "b"] {
        client.declare(queue_with(queue, FieldTable::new())).await;
        bind(&mut client, queue, "once", "").await;
    }
    let mut order = Publishing { exchange: "once", ..sampled("", "order") };
    order.properties.headers.get_or_insert_default().insert("x-deduplication-header", "1");
    client.publish(order).await;
    client.settle().await;
    for queue in ["a", "b"] {
        client.get(queue, true).await.expect("the order");
    }
    assert_eq!(
        recorder.tree(),
        "+0 0 publish once\n\
         \x20 +0 0 route once\n\
         \x20 +0 0 get a\n\
         \x20 +0 0 get b\n"
    );
}

#[tokio::test]
async fn read_from_a_stream() {
    let recorder = Recorder::default();
    let broker = recorder.broker();
    let mut client = Client::to(&broker).await;
    let stream = arguments([("x-queue-type", "stream".into())]);
    client.declare(queue::Declare { durable: true, ..queue_with("s", stream) }).await;
    assert_eq!(client.call(1, prefetch(10)).await, Got::Reply("basic.qos-ok"));
    client.publish(sampled("s", "event")).await;
    client.settle().await;
    for consumer in ["one", "two"] {
        let from = arguments([("x-stream-offset", "first".into())]);
        let consume = leveret_protocol::methods::basic::Consume { arguments: from, ..consume("s", consumer) };
        client.consume(consume).await;
        pass(&broker, &mut client, ms(3)).await;
    }
    assert_eq!(
        recorder.tree(),
        "+0 0 publish s\n\
         \x20 +0 0 route s\n\
         \x20 +0 0 deliver s\n\
         \x20 +3 0 deliver s\n"
    );
}

#[tokio::test]
async fn replayed_by_an_operator() {
    let recorder = Recorder::default();
    let broker = recorder.broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("dead", FieldTable::new())).await;
    client.declare(queue_with("q", with_dead_letters([]))).await;
    client.publish(sampled("q", "order")).await;
    let (tag, _, _) = client.get("q", false).await.unwrap();
    client.tell(1, reject(tag, false)).await;
    client.settle().await;
    let user = broker.auth().check_password("guest", b"guest", &PeerInfo::in_process()).unwrap();
    let vhost = broker.vhost("/").unwrap();
    let sweep =
        vhost.replay(&Actor { user, connection: 0 }, "dead", To::Origin, Selection::default()).unwrap();
    assert_eq!(sweep.finished().await.moved, 1);
    pass(&broker, &mut client, ms(9)).await;
    client.get("q", true).await.expect("the order, again");
    assert_eq!(
        recorder.tree(),
        "+0 0 publish q\n\
         \x20 +0 0 route q\n\
         \x20 +0 0 get q !rejected\n\
         \x20   +0 0 reject q\n\
         \x20   +0 0 dead_letter q\n\
         \x20     +9 0 get q\n"
    );
}

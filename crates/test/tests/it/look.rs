use crate::support::*;
use leveret_protocol::methods::basic;
use leveret_test::TestBroker;

#[tokio::test]
async fn queues_messages_consumers_and_connections_are_seen_as_they_are() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::named(&broker, "worker").await;
    for name in ["a", "b"] {
        raw.call(declare(name)).await;
    }
    for body in ["one", "two", "three"] {
        raw.publish("a", body).await;
    }
    raw.call(basic::Qos { prefetch_count: 1, ..Default::default() }).await;
    let consume = basic::Consume { queue: short("a"), consumer_tag: short("tag"), ..Default::default() };
    raw.call(consume).await;
    assert_eq!(raw.next().await, "deliver one");

    let queues: Vec<_> =
        broker.queues().into_iter().map(|q| (q.name, q.ready, q.unacked, q.consumers)).collect();
    assert_eq!(queues, [("a".into(), 2, 1, 1), ("b".into(), 0, 0, 0)]);
    let messages = broker.messages("a");
    assert_eq!(messages.iter().map(|m| m.text()).collect::<Vec<_>>(), ["two", "three"]);
    assert_eq!(messages[0].header("n").unwrap().as_str(), Some("two"));
    assert_eq!((messages[0].properties.delivery_mode, &*messages[0].routing_key), (Some(2), "a"));
    assert_eq!(broker.queue("a").unwrap().ready, 2, "looking takes nothing");

    let consumers = broker.consumers();
    assert_eq!(consumers.len(), 1);
    let consumer = &consumers[0];
    assert_eq!((&*consumer.queue, &*consumer.consumer_tag), ("a", "tag"));
    assert_eq!((consumer.connection, consumer.channel), (Some(0), 1));
    assert_eq!((consumer.prefetch_count, consumer.unacked, consumer.no_ack), (1, 1, false));

    let connection = &broker.connections()[0];
    assert_eq!(connection.name.as_deref(), Some("worker"));
    assert_eq!((connection.user.as_deref(), connection.vhost.as_deref()), (Some("guest"), Some("/")));
    assert_eq!((connection.open, &connection.channels[..]), (true, &[1][..]));
    drop(raw);
    broker.settle().await;
    assert!(!broker.connections()[0].open && broker.connections()[0].channels.is_empty());
    let messages = broker.messages("a");
    assert_eq!((messages.len(), messages[0].redelivered, messages[1].redelivered), (3, true, false));
}

#[tokio::test]
async fn what_was_published_is_remembered_within_a_bound() {
    let broker = TestBroker::builder().record_bytes_max(1_000).start().await.unwrap();
    let mut raw = Raw::to(&broker).await;
    for n in 0..10 {
        raw.publish("nowhere", &n.to_string()).await;
    }
    broker.settle().await;
    let published = broker.published();
    assert_eq!(published.iter().map(|p| p.text()).collect::<Vec<_>>(), ["7", "8", "9"]);
    assert_eq!(broker.published_forgotten(), 7);
    let last = &published[2];
    assert_eq!((last.connection, last.channel, last.confirm_number), (0, 1, None));
    assert_eq!((&*last.exchange, &*last.routing_key, last.nacked), ("", "nowhere", false));
    assert_eq!(last.properties.delivery_mode, Some(2));
}

#[tokio::test]
async fn a_body_of_many_frames_is_remembered_whole() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::to(&broker).await;
    raw.call(declare("q")).await;
    let body = "0123456789".repeat(5_000);
    raw.publish("q", &body).await;
    broker.settle().await;
    assert_eq!(broker.published()[0].text(), body);
    assert_eq!(broker.messages("q")[0].text(), body);
}

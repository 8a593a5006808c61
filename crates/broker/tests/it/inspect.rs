//! Looking into a broker shows what is there and changes nothing.

use crate::support::*;
use leveret_broker::definitions::Definitions;
use leveret_broker::{Broker, Clock, Config, DataLocation};
use leveret_protocol::FieldTable;
use leveret_protocol::methods::queue;

fn texts(broker: &Broker, name: &str, messages_max: usize) -> Vec<String> {
    let vhost = broker.vhost("/").unwrap();
    let queue = vhost.topology().queue(name).unwrap().clone();
    let found = queue.browse(messages_max);
    found.iter().map(|found| String::from_utf8_lossy(found.message.body()).into_owned()).collect()
}

#[tokio::test]
async fn messages_are_browsed_in_the_order_they_would_leave() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", arguments([("x-max-priority", 5.into())]))).await;
    for (text, priority) in [("a", 0), ("b", 3), ("c", 0), ("d", 3)] {
        client.publish(Publishing::to("q", text).priority(priority)).await;
    }
    client.settle().await;
    assert_eq!(texts(&broker, "q", 10), ["b", "d", "a", "c"]);
    assert_eq!(texts(&broker, "q", 3), ["b", "d", "a"]);
    let (tag, _, message) = client.get("q", false).await.unwrap();
    assert_eq!(message.text(), "b");
    assert_eq!(texts(&broker, "q", 10), ["d", "a", "c"]);
    client.tell(1, reject(tag, true)).await;
    client.settle().await;
    let queue = broker.vhost("/").unwrap().topology().queue("q").unwrap().clone();
    let found = queue.browse(10);
    assert_eq!((found[0].message.body(), found[0].redelivered), (&b"b"[..], true));
    assert_eq!((found[1].message.body(), found[1].redelivered), (&b"d"[..], false));
    assert_eq!(client.drain("q").await, ["b", "d", "a", "c"], "and they left in that order");
}

#[tokio::test]
async fn messages_on_disk_only_are_browsed_behind_those_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.heartbeat = std::time::Duration::ZERO;
    config.data = DataLocation::Directory(folder.path().to_owned());
    // Everything that nobody waits for goes to the disk alone, but for what was there before memory was short.
    config.limits.backlog_bytes_max = 1;
    let broker = Broker::start_with_clock(config, Clock::virtual_at(START_UNIX_MS)).unwrap();
    let mut client = Client::to(&broker).await;
    let declare =
        queue::Declare { durable: true, ..queue_with("q", FieldTable::from([("x-max-priority", 1)])) };
    client.declare(declare).await;
    client.confirm().await;
    for (text, priority) in [("low", 0), ("high", 1), ("low too", 0)] {
        let mut publishing = Publishing::to("q", text).priority(priority);
        publishing.properties.delivery_mode = Some(2);
        client.publish(publishing).await;
        assert!(matches!(client.next().await, Got::Ack { .. }));
    }
    assert_eq!(texts(&broker, "q", 10), ["high", "low", "low too"]);
    assert_eq!(client.drain("q").await, ["high", "low", "low too"]);
    assert_eq!(texts(&broker, "q", 10), [] as [&str; 0]);
}

#[tokio::test]
async fn consumers_and_connections_are_listed_with_what_they_hold() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.fill("q", &["a", "b"]).await;
    client.call(1, prefetch(7)).await;
    client.consume(consume("q", "tag")).await;
    client.settle().await;
    let queue = broker.vhost("/").unwrap().topology().queue("q").unwrap().clone();
    let connection = broker.connections().remove(0);
    assert_eq!((connection.user.as_deref(), connection.channels), (Some("guest"), 1));
    let consumer = queue.consumers().remove(0);
    assert_eq!((&*consumer.consumer_tag, consumer.connection, consumer.channel), ("tag", connection.id, 1));
    assert_eq!((consumer.prefetch_count, consumer.unacked, consumer.no_ack), (7, 2, false));
    client.close().await;
    connections_are(&broker, 0).await;
    assert!(broker.connections().is_empty() && queue.consumers().is_empty());
}

#[tokio::test]
async fn definitions_are_imported_into_a_running_broker() {
    let broker = broker();
    let json = r#"{"queues": [{"name": "q", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}}]}"#;
    broker.import(&Definitions::parse(json.as_bytes()).unwrap()).unwrap();
    assert_eq!(broker.vhosts().len(), 1);
    assert!(broker.vhosts()[0].topology().queue("q").is_some());
}

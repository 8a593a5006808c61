//! The firehose. Source: RabbitMQ, "Firehose Tracer", and what 3.10.8 sends.

use crate::support::*;
use leveret_broker::Broker;
use leveret_protocol::methods::queue;
use leveret_protocol::{FieldTable, FieldValue, Properties};

async fn traced(broker: &Broker) -> Client {
    broker.vhost("/").unwrap().trace_on();
    let mut client = Client::to(broker).await;
    client.declare(queue_with("trace", FieldTable::new())).await;
    let (exchange, routing_key) = (short("amq.rabbitmq.trace"), short("#"));
    let bind = queue::Bind { queue: short("trace"), exchange, routing_key, ..Default::default() };
    assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
    client.declare(queue_with("q", FieldTable::new())).await;
    client
}

/// Keys and headers of what was traced, in order.
async fn copies(client: &mut Client) -> Vec<(String, FieldTable, String)> {
    client.settle().await;
    let mut all = Vec::new();
    while let Some((_, _, message)) = client.get("trace", true).await {
        let headers = message.properties.headers.clone().unwrap();
        all.push((message.routing_key.clone(), headers, message.text().to_owned()));
    }
    all
}

fn text<'a>(headers: &'a FieldTable, name: &str) -> &'a str {
    headers.get(name).and_then(FieldValue::as_str).unwrap()
}

fn texts(values: &[&str]) -> FieldValue {
    FieldValue::Array(values.iter().map(|value| FieldValue::from(*value)).collect())
}

#[tokio::test]
async fn publishings_and_deliveries_are_copied_with_what_there_is_to_know() {
    let broker = broker();
    let mut client = traced(&broker).await;
    let headers = FieldTable::from([("CC", texts(&["x"])), ("a", FieldValue::I32(1))]);
    let properties = Properties {
        content_type: Some("t/p".into()),
        delivery_mode: Some(2),
        priority: Some(3),
        headers: Some(headers.clone()),
        timestamp: Some(77),
        ..Properties::default()
    };
    client.publish(Publishing { properties, ..Publishing::to("q", "body") }).await;
    client.publish(Publishing { exchange: "amq.direct", ..Publishing::to("nowhere", "lost") }).await;
    client.get("q", true).await.unwrap();
    let all = copies(&mut client).await;
    let keys: Vec<_> = all.iter().map(|(key, _, body)| (key.as_str(), body.as_str())).collect();
    assert_eq!(keys, [("publish.", "body"), ("publish.amq.direct", "lost"), ("deliver.q", "body")]);
    let (_, published, _) = &all[0];
    for (name, value) in
        [("exchange_name", ""), ("vhost", "/"), ("connection", "in-process"), ("user", "guest")]
    {
        assert_eq!(text(published, name), value, "{name}");
    }
    assert_eq!(text(published, "node"), broker.config().node_name);
    assert_eq!(published.get("channel"), Some(&FieldValue::I32(1)));
    assert_eq!(published.get("routing_keys"), Some(&texts(&["q", "x"])));
    assert_eq!(published.get("routed_queues"), Some(&texts(&["q"])));
    let expected = FieldTable::from([
        ("content_type", FieldValue::from("t/p")),
        ("headers", FieldValue::Table(headers)),
        ("delivery_mode", FieldValue::I32(2)),
        ("priority", FieldValue::I32(3)),
        ("timestamp", FieldValue::I64(77)),
    ]);
    assert_eq!(published.get("properties"), Some(&FieldValue::Table(expected)));
    assert_eq!(all[1].1.get("routed_queues"), Some(&texts(&[])));
    let (_, delivered, _) = &all[2];
    assert_eq!(delivered.get("redelivered"), Some(&FieldValue::I32(0)));
    assert_eq!(delivered.get("routing_keys"), Some(&texts(&["q", "x"])));
    assert!(delivered.get("routed_queues").is_none());
}

#[tokio::test]
async fn consumers_are_tapped_and_copies_are_not_copied() {
    let broker = broker();
    let mut client = traced(&broker).await;
    client.consume(consume("q", "c")).await;
    client.fill("q", &["1"]).await;
    let Got::Deliver { tag, .. } = client.next().await else { panic!() };
    client.tell(1, reject(tag, true)).await;
    client.settle().await;
    let all = copies(&mut client).await;
    let keys: Vec<_> =
        all.iter().map(|(key, headers, _)| (key.as_str(), headers.get("redelivered").cloned())).collect();
    let (first, again) = (Some(FieldValue::I32(0)), Some(FieldValue::I32(1)));
    assert_eq!(keys, [("publish.", None), ("deliver.q", first), ("deliver.q", again)]);
    assert!(copies(&mut client).await.is_empty(), "what was taken from the trace's queue is not traced");
}

#[tokio::test]
async fn it_is_off_unless_switched_on_also_for_routes_in_use() {
    let broker = broker();
    let mut client = traced(&broker).await;
    let vhost = broker.vhost("/").unwrap();
    for (on, count) in [(true, 2), (false, 0), (true, 2), (false, 0)] {
        if on {
            vhost.trace_on()
        } else {
            vhost.trace_off()
        }
        assert_eq!(vhost.is_traced(), on);
        client.fill("q", &["x", "x"]).await;
        assert_eq!(copies(&mut client).await.len(), count, "{on}");
    }
    let other = broker.declare_vhost("other");
    assert!(!other.is_traced());
}

//! The firehose. It is for a whole virtual host, so this is one dialogue, in a process of its own.

use leveret_dialogues::*;

/// Switches it off whatever happens.
struct Tracing;

impl Drop for Tracing {
    fn drop(&mut self) {
        set_tracing(false);
    }
}

fn texts(values: &[&str]) -> FieldValue {
    FieldValue::Array(values.iter().map(|value| FieldValue::from(*value)).collect())
}

#[track_caller]
fn expect_copy(channel: &Channel, trace: &str, key: &str, body: &str) -> FieldTable {
    let copy = eventually(key, || channel.get(trace, true));
    assert_eq!(
        (copy.exchange.as_str(), copy.routing_key.as_str(), copy.text().as_str()),
        ("amq.rabbitmq.trace", key, body)
    );
    let Some(headers) = copy.properties.headers else { panic!("a copy has headers") };
    assert!(headers.get("node").is_some_and(|node| node.as_str().is_some()), "{headers:?}");
    assert!(headers.get("connection").is_some_and(|name| name.as_str().is_some()), "{headers:?}");
    for (name, value) in [("vhost", FieldValue::from("/")), ("user", "guest".into()), ("channel", 1.into())] {
        assert_eq!(headers.get(name), Some(&value), "{name}");
    }
    headers
}

#[test]
fn publishings_and_deliveries_are_copied() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let trace = channel.named_queue();
    channel.queue(&q);
    let _off = Tracing;
    set_tracing(true);
    channel.bind(&trace, "amq.rabbitmq.trace", &format!("*.{}.#", q.split('.').next().unwrap()));
    channel.bind(&trace, "amq.rabbitmq.trace", "publish.#");
    let copy = channel.named_queue();
    let own = table([("CC", texts(&[&copy])), ("a", 1.into())]);
    let properties = Properties {
        content_type: Some("t/p".into()),
        delivery_mode: Some(2),
        priority: Some(3),
        message_id: Some("m".into()),
        headers: Some(own.clone()),
        ..Properties::default()
    };
    channel.publish_with("", &q, &properties, "body");
    let headers = expect_copy(&channel, &trace, "publish.", "body");
    assert_eq!(headers.get("exchange_name"), Some(&"".into()));
    assert_eq!(headers.get("routing_keys"), Some(&texts(&[&q, &copy])));
    // In any order.
    let Some(FieldValue::Array(routed)) = headers.get("routed_queues") else { panic!("{headers:?}") };
    let is_routed = |name: &str| routed.contains(&name.into());
    assert!(routed.len() == 2 && is_routed(&q) && is_routed(&copy), "{routed:?}");
    let Some(FieldValue::Table(copied)) = headers.get("properties") else { panic!("{headers:?}") };
    let expected = [
        ("content_type", FieldValue::from("t/p")),
        ("delivery_mode", 2.into()),
        ("priority", 3.into()),
        ("message_id", "m".into()),
        ("headers", FieldValue::Table(own)),
    ];
    assert_eq!(copied.iter().count(), expected.len());
    for (name, value) in expected {
        assert_eq!(copied.get(name), Some(&value), "{name}");
    }
    channel.publish("amq.direct", &q, "lost");
    let headers = expect_copy(&channel, &trace, "publish.amq.direct", "lost");
    assert_eq!(headers.get("routed_queues"), Some(&texts(&[])));
    let delivery = channel.expect_get(&q, "body");
    let headers = expect_copy(&channel, &trace, &format!("deliver.{q}"), "body");
    assert_eq!(headers.get("redelivered"), Some(&0.into()));
    assert!(headers.get("routed_queues").is_none());
    channel.send(basic::Reject { delivery_tag: delivery.delivery_tag, requeue: true });
    channel.expect_get(&q, "body");
    let headers = expect_copy(&channel, &trace, &format!("deliver.{q}"), "body");
    assert_eq!(headers.get("redelivered"), Some(&1.into()));
    set_tracing(false);
    eventually("silence", || {
        channel.drain(&trace);
        channel.publish("amq.direct", &q, "off");
        channel.expect_silence();
        channel.get(&trace, true).is_none().then_some(())
    });
}

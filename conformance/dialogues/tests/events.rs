//! The event exchange (of RabbitMQ's plugin). It hears of everything, so this is one dialogue, in a process of its own.

use leveret_dialogues::*;

#[track_caller]
fn expect_event<const LEN: usize>(inbox: &Channel, key: &str, fields: [(&str, FieldValue); LEN]) {
    // Others of the same kind may come from elsewhere.
    loop {
        let event = inbox.deliver();
        let Some(headers) = &event.properties.headers else { panic!("an event has headers") };
        let differing = fields.iter().find(|(name, value)| headers.get(name) != Some(value));
        if event.routing_key == key && differing.is_none() {
            assert_eq!((event.exchange.as_str(), event.text().as_str()), ("amq.rabbitmq.event", ""));
            assert!(matches!(headers.get("timestamp_in_ms"), Some(FieldValue::I64(1_500_000_000_000..))));
            assert_eq!(event.properties.delivery_mode, Some(2));
            return;
        }
    }
}

#[test]
fn what_happens_to_entities_is_told() {
    let scratch = Scratch::new();
    let (q, x) = (scratch.queue("q"), scratch.exchange("x"));
    let connection = Connection::open();
    let inbox = connection.channel();
    let events = inbox.named_queue();
    for key in ["queue.*", "exchange.*", "binding.*", "consumer.*", "channel.*", "connection.*", "policy.*"] {
        inbox.bind(&events, "amq.rabbitmq.event", key);
    }
    inbox.consume_no_ack(&events, "inbox");
    let other = Connection::open();
    let user = || ("user", FieldValue::from("guest"));
    let name = |name: &str| ("name", FieldValue::from(name));
    let by = || ("user_who_performed_action", FieldValue::from("guest"));
    let vhost = || ("vhost", FieldValue::from("/"));
    expect_event(&inbox, "connection.created", [user(), vhost(), by()]);
    let channel = other.channel();
    expect_event(&inbox, "channel.created", [("number", FieldValue::I64(1)), user(), vhost(), by()]);
    channel.declare(queue::Declare { queue: s(&q), durable: true, ..Default::default() });
    let flags = [("durable", true.into()), ("exclusive", false.into()), ("auto_delete", false.into())];
    let [durable, exclusive, auto_delete] = flags;
    expect_event(&inbox, "queue.created", [name(&q), durable, exclusive, auto_delete, vhost(), by()]);
    channel.exchange(&x, "direct");
    let flags = [("durable", false.into()), ("internal", false.into()), ("type", FieldValue::from("direct"))];
    let [durable, internal, kind] = flags;
    expect_event(&inbox, "exchange.created", [name(&x), durable, internal, kind, vhost(), by()]);
    channel.bind(&q, &x, "k");
    let binding = || {
        [
            ("source_name", FieldValue::from(x.as_str())),
            ("source_kind", "exchange".into()),
            ("destination_name", q.as_str().into()),
            ("destination_kind", "queue".into()),
            ("routing_key", "k".into()),
            vhost(),
        ]
    };
    expect_event(&inbox, "binding.created", binding());
    channel.consume(&q, "tag");
    let consumer = [("queue", FieldValue::from(q.as_str())), ("consumer_tag", "tag".into())];
    let [queue, tag] = consumer.clone();
    expect_event(
        &inbox,
        "consumer.created",
        [queue, tag, ("ack_required", true.into()), ("exclusive", false.into())],
    );
    channel.cancel("tag");
    expect_event(&inbox, "consumer.deleted", consumer);
    scratch.policy(&q, r#"{"max-length":5}"#);
    let policy = [("apply-to", FieldValue::from("all")), ("priority", FieldValue::I64(0)), vhost()];
    let [apply_to, priority, of] = policy;
    let definition = FieldValue::Table(table([("max-length", FieldValue::I64(5))]));
    expect_event(&inbox, "policy.set", [name(&q), apply_to, priority, of, ("definition", definition)]);
    scratch.clear_policy(&q);
    expect_event(&inbox, "policy.cleared", [name(&q), vhost()]);
    channel.call(exchange::Delete { exchange: s(&x), ..Default::default() }, exchange::DeleteOk);
    expect_event(&inbox, "exchange.deleted", [name(&x), vhost()]);
    expect_event(&inbox, "binding.deleted", binding());
    channel.call(queue::Delete { queue: s(&q), ..Default::default() }, queue::DeleteOk { message_count: 0 });
    expect_event(&inbox, "queue.deleted", [name(&q), vhost()]);
    channel.close();
    expect_event(&inbox, "channel.closed", []);
    other.close();
    // RabbitMQ waits for the client to end the socket.
    drop((channel, other));
    expect_event(&inbox, "connection.closed", []);
}

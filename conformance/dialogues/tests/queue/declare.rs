//! Declaring, names, and passive declares.

use super::*;

#[test]
fn declare_is_idempotent_and_counts() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.call(declare(&q), declare_ok(&q, 0, 0));
    channel.publish("", &q, "1");
    channel.publish("", &q, "2");
    channel.expect_ready(&q, 2);
    channel.call(declare(&q), declare_ok(&q, 2, 0));
    channel.qos(1, false);
    channel.consume(&q, "c");
    channel.expect_deliver("1");
    // What is delivered and not settled is not counted.
    channel.call(declare(&q), declare_ok(&q, 1, 1));
    channel.call(passive(&q), declare_ok(&q, 1, 1));
}

#[test]
fn passive_declare_compares_nothing() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    expect_missing(&channel, &q);
    channel.shared_queue(&q);
    let other = queue::Declare {
        durable: true,
        auto_delete: true,
        arguments: table([("x-max-length", 1.into())]),
        ..passive(&q)
    };
    channel.call(other, declare_ok(&q, 0, 0));
}

#[test]
fn the_broker_invents_names() {
    let connection = Connection::open();
    let channel = connection.channel();
    let (a, b) = (channel.named_queue(), channel.named_queue());
    for name in [&a, &b] {
        let random = name.strip_prefix("amq.gen-").unwrap();
        assert_eq!(random.len(), 22, "{name}");
        assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{name}");
    }
    assert_ne!(a, b);
}

#[test]
fn an_empty_name_is_the_last_queue_of_the_channel() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let named = channel.named_queue();
    channel.publish("", &named, "1");
    channel.call(
        basic::Get { queue: s(""), no_ack: true },
        basic::GetOk { delivery_tag: 1, routing_key: s(&named), ..Default::default() },
    );
    channel.queue(&q);
    channel.publish("", &q, "2");
    channel.publish("", &q, "3");
    channel.call(queue::Purge::default(), queue::PurgeOk { message_count: 2 });
    // An empty key in a bind is then the queue's name.
    channel.bind("", "amq.direct", "");
    channel.publish("amq.direct", &q, "4");
    channel.consume("", "c");
    let delivery = channel.expect_deliver("4");
    channel.cancel("c");
    channel.send(basic::Reject { delivery_tag: delivery.delivery_tag, requeue: true });
    channel.call(delete(""), queue::DeleteOk { message_count: 1 });
    expect_missing(&channel, &q);
}

#[test]
fn a_passive_declare_does_not_take_the_last_queue() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.named_queue();
    channel.send(passive(""));
    channel.expect_close(404, "NOT_FOUND - no queue '' in vhost '/'", queue::Declare::ID);
}

#[test]
fn the_last_queue_belongs_to_the_channel_not_the_connection() {
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    channel.named_queue();
    let attempts: [Method<'_>; 5] = [
        queue::Purge::default().into(),
        queue::Bind { exchange: s("amq.fanout"), ..Default::default() }.into(),
        queue::Delete::default().into(),
        basic::Get::default().into(),
        basic::Consume::default().into(),
    ];
    for method in attempts {
        let id = method.id();
        other.send(method);
        other.expect_close(404, "NOT_FOUND - no previously declared queue", id);
        other.open();
    }
}

#[test]
fn reserved_names_are_403() {
    let connection = Connection::open();
    let channel = connection.channel();
    let named = channel.named_queue();
    for name in ["amq.mine", &named] {
        channel.send(exclusive(name));
        let text = format!("ACCESS_REFUSED - queue name '{name}' contains reserved prefix 'amq.*'");
        channel.expect_close(403, &text, queue::Declare::ID);
        channel.open();
    }
    expect_missing(&channel, "amq.mine");
    channel.call(passive(&named), declare_ok(&named, 0, 0));
}

#[test]
fn line_ends_are_stripped_from_names() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let name = format!("{q}\r\n");
    channel.call(declare(&name), declare_ok(&q, 0, 0));
}

#[test]
fn a_name_of_255_bytes_is_a_name() {
    let scratch = Scratch::new();
    let name = format!("{:é<254}", scratch.name("q"));
    let name = &name[..name.floor_char_boundary(255)];
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue(name);
    channel.publish("", name, "1");
    assert_eq!(channel.drain(name), ["1"]);
}

#[test]
fn no_wait_is_not_answered() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(queue::Declare { no_wait: true, ..declare(&q) });
    channel.send(queue::Bind {
        queue: s(&q),
        exchange: s("amq.direct"),
        routing_key: s(&q),
        no_wait: true,
        ..Default::default()
    });
    channel.publish("amq.direct", &q, "1");
    channel.expect_ready(&q, 1);
    channel.send(queue::Purge { queue: s(&q), no_wait: true });
    channel.expect_ready(&q, 0);
    channel.send(queue::Delete { no_wait: true, ..delete(&q) });
    expect_missing(&channel, &q);
}

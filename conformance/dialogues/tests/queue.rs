//! Class queue: declare, bind, purge, delete.

use leveret_dialogues::*;

fn declare(name: &str) -> queue::Declare<'_> {
    queue::Declare { queue: s(name), ..Default::default() }
}

fn exclusive(name: &str) -> queue::Declare<'_> {
    queue::Declare { exclusive: true, ..declare(name) }
}

fn passive(name: &str) -> queue::Declare<'_> {
    queue::Declare { passive: true, ..declare(name) }
}

fn delete(name: &str) -> queue::Delete<'_> {
    queue::Delete { queue: s(name), ..Default::default() }
}

fn declare_ok(name: &str, message_count: u32, consumer_count: u32) -> queue::DeclareOk<'_> {
    queue::DeclareOk { queue: s(name), message_count, consumer_count }
}

#[track_caller]
fn expect_missing(channel: &Channel, queue: &str) {
    channel.send(passive(queue));
    let text = format!("NOT_FOUND - no queue '{queue}' in vhost '/'");
    channel.expect_close(404, &text, queue::Declare::ID);
    channel.open();
}

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
fn another_durability_is_406() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.shared_queue(&q);
    channel.send(queue::Declare { durable: true, ..declare(&q) });
    let text = format!(
        "PRECONDITION_FAILED - inequivalent arg 'durable' for queue '{q}' in vhost '/': received \
                        'true' but current is 'false'"
    );
    channel.expect_close(406, &text, queue::Declare::ID);
}

#[test]
fn another_auto_delete_is_406() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.shared_queue(&q);
    channel.send(queue::Declare { auto_delete: true, ..declare(&q) });
    let text = format!(
        "PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue '{q}' in vhost '/': \
                        received 'true' but current is 'false'"
    );
    channel.expect_close(406, &text, queue::Declare::ID);
}

#[test]
fn another_exclusive_is_405() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.shared_queue(&q);
    channel.send(exclusive(&q));
    let text = format!(
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{q}' in vhost '/'. It \
                        could be originally declared on another connection or the exclusive property value does \
                        not match that of the original declaration."
    );
    channel.expect_close(405, &text, queue::Declare::ID);
}

#[test]
fn exclusive_declared_again_without_the_flag() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue(&q);
    channel.send(declare(&q));
    let text = format!(
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{q}' in vhost '/'. It \
                        could be originally declared on another connection or the exclusive property value does \
                        not match that of the original declaration."
    );
    channel.expect_close(405, &text, queue::Declare::ID);
}

#[test]
fn other_arguments_are_406_for_each_known_one() {
    let arguments: [(&str, FieldValue, FieldValue); 9] = [
        ("x-message-ttl", 1000.into(), 2000.into()),
        ("x-expires", 60_000.into(), 70_000.into()),
        ("x-max-length", 10.into(), 11.into()),
        ("x-max-length-bytes", 10.into(), 11.into()),
        ("x-dead-letter-exchange", "a".into(), "b".into()),
        ("x-max-priority", 3.into(), 4.into()),
        ("x-overflow", "drop-head".into(), "reject-publish".into()),
        ("x-single-active-consumer", true.into(), false.into()),
        ("x-queue-mode", "lazy".into(), "default".into()),
    ];
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    for (argument, first, second) in arguments {
        let q = scratch.queue(argument);
        let with = |value: &FieldValue| queue::Declare {
            arguments: table([(argument, value.clone())]),
            ..exclusive(&q)
        };
        channel.call(with(&first), declare_ok(&q, 0, 0));
        channel.call(with(&first), declare_ok(&q, 0, 0));
        let shown = |value: &FieldValue| match (value.as_str(), value.as_bool(), value.as_i64()) {
            (Some(text), ..) => format!("'{text}'"),
            (_, Some(flag), _) => format!("'{flag}'"),
            (.., number) => format!("'{}'", number.unwrap()),
        };
        let (old, new, kind) = (shown(&first), shown(&second), first.type_name());
        let text =
            format!("PRECONDITION_FAILED - inequivalent arg '{argument}' for queue '{q}' in vhost '/': ");
        channel.send(with(&second));
        let changed = format!("{text}received {new} but current is {old}");
        channel.expect_close(406, &changed, queue::Declare::ID);
        channel.open();
        channel.send(exclusive(&q));
        let missing = format!("{text}received none but current is the value {old} of type '{kind}'");
        channel.expect_close(406, &missing, queue::Declare::ID);
        channel.open();
    }
}

#[test]
fn an_argument_too_many_is_406() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue(&q);
    channel.send(queue::Declare { arguments: table([("x-max-length", 5.into())]), ..exclusive(&q) });
    let text = format!(
        "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue '{q}' in vhost '/': \
                        received the value '5' of type 'signedint' but current is none"
    );
    channel.expect_close(406, &text, queue::Declare::ID);
}

#[test]
fn integers_of_every_width_are_the_same_argument() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue_with(&q, table([("x-max-length", 5.into())]));
    for value in
        [FieldValue::I64(5), FieldValue::I16(5), FieldValue::U8(5), FieldValue::U32(5), FieldValue::I8(5)]
    {
        let again = queue::Declare { arguments: table([("x-max-length", value)]), ..exclusive(&q) };
        channel.call(again, declare_ok(&q, 0, 0));
    }
}

#[test]
fn unknown_arguments_are_not_compared() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue_with(&q, table([("x-my-own", 1.into())]));
    channel.call(exclusive(&q), declare_ok(&q, 0, 0));
    let other = queue::Declare { arguments: table([("x-my-own", "two".into())]), ..exclusive(&q) };
    channel.call(other, declare_ok(&q, 0, 0));
}

#[test]
fn queue_type_classic_is_the_default() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue(&q);
    let typed = queue::Declare { arguments: table([("x-queue-type", "classic".into())]), ..exclusive(&q) };
    channel.call(typed, declare_ok(&q, 0, 0));
}

#[test]
fn invalid_arguments_are_406_and_say_why() {
    let integer = r#""expected integer, got longstr""#;
    let cases: [(&str, FieldValue, &str); 19] = [
        ("x-message-ttl", "soon".into(), integer),
        ("x-message-ttl", (-1).into(), "{value_negative,-1}"),
        ("x-expires", 0.into(), "{value_zero,0}"),
        ("x-expires", "later".into(), integer),
        ("x-expires", (-5).into(), "{value_negative,-5}"),
        ("x-max-length", (-1).into(), "{value_negative,-1}"),
        ("x-max-length", "many".into(), integer),
        ("x-max-length-bytes", (-1).into(), "{value_negative,-1}"),
        ("x-max-priority", (-1).into(), "{value_negative,-1}"),
        ("x-max-priority", 256.into(), "{max_value_exceeded,256}"),
        ("x-max-priority", "high".into(), integer),
        ("x-overflow", "explode".into(), "invalid_overflow"),
        ("x-overflow", 1.into(), "{unacceptable_type,signedint}"),
        ("x-dead-letter-routing-key", "k".into(), "routing_key_but_no_dlx_defined"),
        ("x-single-active-consumer", "yes".into(), "{unacceptable_type,longstr}"),
        ("x-queue-mode", "busy".into(), r#""unsupported queue mode 'busy'""#),
        ("x-queue-type", "square".into(), r#""unsupported queue type 'square'""#),
        ("x-queue-type", 1.into(), "{unacceptable_type,signedint}"),
        ("x-queue-version", 7.into(), r#""unsupported queue version '7'""#),
    ];
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    for (number, (argument, value, reason)) in cases.into_iter().enumerate() {
        let q = scratch.queue(&format!("q{number}"));
        channel.send(queue::Declare { arguments: table([(argument, value)]), ..exclusive(&q) });
        let text =
            format!("PRECONDITION_FAILED - invalid arg '{argument}' for queue '{q}' in vhost '/': {reason}");
        channel.expect_close(406, &text, queue::Declare::ID);
        channel.open();
    }
}

#[test]
fn dead_letter_exchange_has_to_be_a_text() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel
        .send(queue::Declare { arguments: table([("x-dead-letter-exchange", 1.into())]), ..exclusive(&q) });
    let text = format!(
        "PRECONDITION_FAILED - invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue '{q}' in vhost '/'"
    );
    channel.expect_close(406, &text, queue::Declare::ID);
}

#[test]
fn arguments_that_mean_nothing_here_are_taken() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let arguments = table([
        ("x-message-ttl", FieldValue::I64(5_000_000_000)),
        ("x-queue-master-locator", "nowhere".into()),
        ("x-queue-mode", "lazy".into()),
        ("x-queue-version", 2.into()),
        ("x-cancel-on-ha-failover", true.into()),
        ("x-nobody-knows", FieldValue::Void),
    ]);
    channel.queue_with(&q, arguments.clone());
    channel.call(queue::Declare { arguments, ..exclusive(&q) }, declare_ok(&q, 0, 0));
}

#[test]
fn arguments_of_other_queue_types_are_406() {
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    for (argument, value) in [
        ("x-max-in-memory-length", FieldValue::from(5)),
        ("x-max-in-memory-bytes", 5.into()),
        ("x-quorum-initial-group-size", 3.into()),
        ("x-delivery-limit", 5.into()),
        ("x-dead-letter-strategy", "at-least-once".into()),
        ("x-max-age", "1D".into()),
        ("x-stream-max-segment-size-bytes", 5000.into()),
        ("x-initial-cluster-size", 1.into()),
    ] {
        let q = scratch.queue(argument);
        channel.send(queue::Declare { arguments: table([(argument, value)]), ..exclusive(&q) });
        let text = format!(
            "PRECONDITION_FAILED - invalid arg '{argument}' for queue '{q}' in vhost '/' of queue type \
             rabbit_classic_queue"
        );
        channel.expect_close(406, &text, queue::Declare::ID);
        channel.open();
    }
}

#[test]
fn exclusive_queue_is_locked_for_other_connections() {
    let scratch = Scratch::new();
    let q = scratch.name("q");
    let owner = Connection::open();
    let channel = owner.channel();
    channel.queue(&q);
    channel.bind(&q, "amq.direct", "k");
    let stranger = Connection::open();
    let channel = stranger.channel();
    let text = format!(
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{q}' in vhost '/'. It could be \
         originally declared on another connection or the exclusive property value does not match that of the \
         original declaration."
    );
    let attempts: [Method<'_>; 11] = [
        exclusive(&q).into(),
        declare(&q).into(),
        passive(&q).into(),
        queue::Bind { queue: s(&q), exchange: s("amq.fanout"), ..Default::default() }.into(),
        queue::Unbind { queue: s(&q), exchange: s("amq.direct"), routing_key: s("k"), ..Default::default() }
            .into(),
        queue::Purge { queue: s(&q), no_wait: false }.into(),
        delete(&q).into(),
        queue::Delete { if_unused: true, ..delete(&q) }.into(),
        basic::Consume { queue: s(&q), ..Default::default() }.into(),
        basic::Get { queue: s(&q), no_ack: false }.into(),
        basic::Get { queue: s(&q), no_ack: true }.into(),
    ];
    for method in attempts {
        let id = method.id();
        channel.send(method);
        channel.expect_close(405, &text[..text.floor_char_boundary(255)], id);
        channel.open();
    }
    // Publishing to it is everybody's right.
    channel.confirm_select();
    channel.publish("", &q, "letter");
    channel.expect_confirm(1);
    assert_eq!(owner.channel().drain(&q), ["letter"]);
}

#[test]
fn exclusive_queue_goes_with_its_connection_not_its_channel() {
    let scratch = Scratch::new();
    let q = scratch.name("q");
    let owner = Connection::open();
    let channel = owner.channel();
    channel.queue(&q);
    channel.close();
    owner.channel().call(passive(&q), declare_ok(&q, 0, 0));
    owner.close();
    // It is gone before close-ok was sent.
    let other = Connection::open();
    expect_missing(&other.channel(), &q);
}

#[test]
fn auto_delete_queue_goes_with_its_last_consumer() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.declare(queue::Declare { auto_delete: true, ..declare(&q) });
    channel.publish("", &q, "kept without consumers");
    channel.expect_ready(&q, 1);
    channel.consume(&q, "a");
    channel.expect_deliver("kept without consumers");
    channel.consume(&q, "b");
    channel.cancel("a");
    assert_eq!(channel.counts(&q), (0, 1));
    channel.cancel("b");
    expect_missing(&channel, &q);
}

#[test]
fn auto_delete_queue_goes_with_its_consumers_channel() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    channel.declare(queue::Declare { auto_delete: true, ..declare(&q) });
    channel.consume(&q, "a");
    channel.close();
    eventually("queue gone", || {
        other.send(passive(&q));
        match other.next().method() {
            Some(Method::ChannelClose(_)) => {
                other.send(methods::channel::CloseOk);
                Some(())
            }
            _ => None,
        }
    });
}

#[test]
fn delete_counts_the_messages() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.shared_queue(&q);
    for body in ["1", "2", "3"] {
        channel.publish("", &q, body);
    }
    channel.expect_get(&q, "1");
    channel.call(delete(&q), queue::DeleteOk { message_count: 2 });
    expect_missing(&channel, &q);
}

#[test]
fn deleting_what_is_not_there_succeeds() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.call(delete(&q), queue::DeleteOk { message_count: 0 });
    let delete = queue::Delete { if_unused: true, if_empty: true, ..delete(&q) };
    channel.call(delete, queue::DeleteOk { message_count: 0 });
}

#[test]
fn delete_if_empty_refuses_while_there_are_messages() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.shared_queue(&q);
    channel.publish("", &q, "1");
    channel.send(queue::Delete { if_empty: true, ..delete(&q) });
    channel.expect_close(
        406,
        &format!("PRECONDITION_FAILED - queue '{q}' in vhost '/' not empty"),
        queue::Delete::ID,
    );
    channel.open();
    channel.drain(&q);
    channel.call(queue::Delete { if_empty: true, ..delete(&q) }, queue::DeleteOk { message_count: 0 });
}

#[test]
fn delete_if_unused_refuses_while_there_are_consumers() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.shared_queue(&q);
    channel.consume(&q, "c");
    channel.send(queue::Delete { if_unused: true, ..delete(&q) });
    channel.expect_close(
        406,
        &format!("PRECONDITION_FAILED - queue '{q}' in vhost '/' in use"),
        queue::Delete::ID,
    );
    channel.open();
    eventually("consumer gone", || (channel.counts(&q) == (0, 0)).then_some(()));
    channel.call(queue::Delete { if_unused: true, ..delete(&q) }, queue::DeleteOk { message_count: 0 });
}

#[test]
fn purge_counts_what_is_ready() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    for body in ["1", "2", "3", "4"] {
        channel.publish("", &queue, body);
    }
    let first = channel.expect_get(&queue, "1");
    let purge = || queue::Purge { queue: s(&queue), no_wait: false };
    channel.call(purge(), queue::PurgeOk { message_count: 3 });
    channel.call(purge(), queue::PurgeOk { message_count: 0 });
    // What was delivered was not purged.
    channel.send(basic::Reject { delivery_tag: first.delivery_tag, requeue: true });
    assert_eq!(channel.drain(&queue), ["1"]);
}

#[test]
fn purging_what_is_not_there_is_404() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(queue::Purge { queue: s("no.such.queue"), no_wait: false });
    channel.expect_close(404, "NOT_FOUND - no queue 'no.such.queue' in vhost '/'", queue::Purge::ID);
}

#[test]
fn binding_what_is_not_there_is_404() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.send(queue::Bind {
        queue: s(&queue),
        exchange: s("no.such.exchange"),
        routing_key: s("k"),
        ..Default::default()
    });
    channel.expect_close(404, "NOT_FOUND - no exchange 'no.such.exchange' in vhost '/'", queue::Bind::ID);
    channel.open();
    channel.send(queue::Bind {
        queue: s("no.such.queue"),
        exchange: s("amq.direct"),
        routing_key: s("k"),
        ..Default::default()
    });
    channel.expect_close(404, "NOT_FOUND - no queue 'no.such.queue' in vhost '/'", queue::Bind::ID);
}

#[test]
fn unbinding_what_is_not_bound_succeeds() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    let unbind = |queue, exchange| queue::Unbind {
        queue: s(queue),
        exchange: s(exchange),
        routing_key: s("k"),
        arguments: FieldTable::new(),
    };
    channel.call(unbind(&queue, "amq.direct"), queue::UnbindOk);
    channel.call(unbind(&queue, "no.such.exchange"), queue::UnbindOk);
    channel.call(unbind("no.such.queue", "amq.direct"), queue::UnbindOk);
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

#[test]
fn durable_exclusive_auto_delete_go_together() {
    let scratch = Scratch::new();
    let q = scratch.name("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let declare = || queue::Declare { durable: true, auto_delete: true, ..exclusive(&q) };
    channel.declare(declare());
    channel.call(declare(), declare_ok(&q, 0, 0));
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
fn a_deleted_queue_takes_its_bindings_along() {
    let scratch = Scratch::new();
    let (q, x) = (scratch.queue("q"), scratch.exchange("x"));
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "fanout");
    channel.shared_queue(&q);
    channel.bind(&q, &x, "");
    channel.call(delete(&q), queue::DeleteOk { message_count: 0 });
    channel.shared_queue(&q);
    channel.publish_mandatory(&x, "", "back");
    channel.expect_return("back");
    channel.call(exchange::Delete { exchange: s(&x), if_unused: true, no_wait: false }, exchange::DeleteOk);
}

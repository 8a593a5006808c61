//! Declaring again what is there.

use super::*;

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
fn durable_exclusive_auto_delete_go_together() {
    let scratch = Scratch::new();
    let q = scratch.name("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let declare = || queue::Declare { durable: true, auto_delete: true, ..exclusive(&q) };
    channel.declare(declare());
    channel.call(declare(), declare_ok(&q, 0, 0));
}

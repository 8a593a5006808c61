//! Queues of type stream: a log that consuming does not shorten.

use leveret_dialogues::*;

fn stream<'a>(name: &'a str, more: &[(&str, FieldValue)]) -> queue::Declare<'a> {
    let mut arguments = table([("x-queue-type", "stream".into())]);
    for (argument, value) in more {
        arguments.insert(*argument, value.clone());
    }
    queue::Declare { queue: s(name), durable: true, arguments, ..Default::default() }
}

/// A consumer from an offset.
fn from<'a>(queue: &'a str, offset: impl Into<FieldValue>) -> basic::Consume<'a> {
    let arguments = table([("x-stream-offset", offset.into())]);
    basic::Consume { queue: s(queue), consumer_tag: s("c"), arguments, ..Default::default() }
}

fn offset(delivery: &Delivery) -> Option<i64> {
    delivery.properties.headers.as_ref()?.get("x-stream-offset")?.as_i64()
}

/// A stream with the messages `m0` to `m4`, each confirmed before the next is published, so that each is a chunk of its own.
fn filled(channel: &Channel, q: &str) {
    channel.declare(stream(q, &[]));
    channel.confirm_select();
    for number in 0..5 {
        channel.publish("", q, &format!("m{number}"));
        channel.expect_confirms(number + 1, number + 1);
    }
    channel.qos(10, false);
}

fn expect_from(channel: &Channel, first: i64) {
    for number in first..5 {
        let delivery = channel.expect_deliver(&format!("m{number}"));
        assert_eq!((offset(&delivery), delivery.redelivered), (Some(number), false));
    }
}

#[test]
fn it_is_durable_shared_and_named() {
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    let q = scratch.queue("q");
    let plain = stream(&q, &[]);
    for (declare, property) in [
        (queue::Declare { durable: false, ..plain.clone() }, "non-durable"),
        (queue::Declare { exclusive: true, ..plain.clone() }, "exclusive-owner"),
        (queue::Declare { auto_delete: true, ..plain.clone() }, "auto-delete"),
    ] {
        channel.send(declare);
        let text =
            format!("PRECONDITION_FAILED - invalid property '{property}' for queue '{q}' in vhost '/'");
        channel.expect_close(406, &text, queue::Declare::ID);
        channel.open();
    }
    channel.send(stream("", &[]));
    let text = "PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_stream_queue";
    channel.expect_close(406, text, queue::Declare::ID);
}

#[test]
fn its_arguments_have_bounds() {
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    let q = scratch.queue("q");
    for (argument, value, reason) in [
        ("x-max-age", FieldValue::from("10"), "invalid_max_age"),
        ("x-max-age", "0s".into(), "invalid_max_age"),
        ("x-max-age", "1d".into(), "invalid_max_age"),
        ("x-max-age", 10.into(), "{unacceptable_type,signedint}"),
        ("x-max-length-bytes", (-1).into(), "{value_negative,-1}"),
        ("x-stream-max-segment-size-bytes", (-1).into(), "{value_negative,-1}"),
        ("x-stream-max-segment-size-bytes", "1".into(), r#""expected integer, got longstr""#),
        ("x-initial-cluster-size", 0.into(), "{value_zero,0}"),
        ("x-queue-leader-locator", 5.into(), "{unacceptable_type,signedint}"),
    ] {
        channel.send(stream(&q, &[(argument, value)]));
        let text =
            format!("PRECONDITION_FAILED - invalid arg '{argument}' for queue '{q}' in vhost '/': {reason}");
        channel.expect_close(406, &text, queue::Declare::ID);
        channel.open();
    }
    channel.send(stream(&q, &[("x-stream-max-segment-size-bytes", 3_000_000_001_i64.into())]));
    let text = "PRECONDITION_FAILED - Exceeded max value for x-stream-max-segment-size-bytes";
    channel.expect_close(406, text, queue::Declare::ID);
    channel.open();
    for (number, (argument, value)) in [
        ("x-max-age", FieldValue::from("7D")),
        ("x-max-length-bytes", 0.into()),
        ("x-stream-max-segment-size-bytes", 3_000_000_000_i64.into()),
        ("x-initial-cluster-size", 3.into()),
        ("x-queue-leader-locator", "random".into()),
        ("x-queue-leader-locator", "least-leaders".into()),
        ("x-queue-leader-locator", "client-local".into()),
        ("x-stream-filter-size-bytes", 32.into()),
    ]
    .into_iter()
    .enumerate()
    {
        channel.declare(stream(&scratch.queue(&format!("good-{number}")), &[(argument, value)]));
    }
}

#[test]
fn arguments_of_other_queues_are_406() {
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    let q = scratch.queue("q");
    for (argument, value) in [
        ("x-max-length", FieldValue::from(5)),
        ("x-message-ttl", 5.into()),
        ("x-expires", 5.into()),
        ("x-dead-letter-exchange", "".into()),
        ("x-overflow", "drop-head".into()),
        ("x-max-priority", 5.into()),
        ("x-single-active-consumer", true.into()),
        ("x-delivery-limit", 5.into()),
        ("x-queue-mode", "lazy".into()),
    ] {
        channel.send(stream(&q, &[(argument, value)]));
        let text = format!(
            "PRECONDITION_FAILED - invalid arg '{argument}' for queue '{q}' in vhost '/' of queue type \
             rabbit_stream_queue"
        );
        channel.expect_close(406, &text, queue::Declare::ID);
        channel.open();
    }
}

#[test]
fn another_declaration_is_another_stream() {
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    let q = scratch.queue("q");
    channel.declare(stream(&q, &[("x-max-age", "1D".into())]));
    channel.declare(stream(&q, &[("x-max-age", "1D".into())]));
    for (declare, argument, received, current) in [
        (stream(&q, &[("x-max-age", "24h".into())]), "x-max-age", "'24h'", "'1D'"),
        (stream(&q, &[]), "x-max-age", "none", "the value '1D' of type 'longstr'"),
        (
            queue::Declare { queue: s(&q), durable: true, ..Default::default() },
            "x-queue-type",
            "none",
            "the value 'stream' of type 'longstr'",
        ),
    ] {
        channel.send(declare);
        let text = format!(
            "PRECONDITION_FAILED - inequivalent arg '{argument}' for queue '{q}' in vhost '/': received \
             {received} but current is {current}"
        );
        channel.expect_close(406, &text, queue::Declare::ID);
        channel.open();
    }
}

#[test]
fn a_consumer_begins_where_it_says() {
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    let q = scratch.queue("q");
    filled(&channel, &q);
    for (offset, first) in [
        (FieldValue::from("first"), 0),
        ("last".into(), 4),
        (0.into(), 0),
        (3_i64.into(), 3),
        ((-1).into(), 0),
        ("1h".into(), 0),
        (FieldValue::Timestamp(1), 0),
    ] {
        channel.consume_as(from(&q, offset));
        expect_from(&channel, first);
        channel.cancel("c");
    }
    // Next, which is what is meant when nothing is said, and times and offsets to come, bring what is published from now on.
    channel.consume_as(from(&q, FieldValue::Timestamp(u64::from(u32::MAX))));
    channel.cancel("c");
    channel.consume(&q, "c");
    channel.consume_as(basic::Consume { consumer_tag: s("later"), ..from(&q, 6) });
    connection.channel().publish("", &q, "m5");
    let delivery = channel.expect_deliver("m5");
    assert_eq!((delivery.consumer_tag.as_str(), offset(&delivery)), ("c", Some(5)));
}

#[test]
fn consumers_take_nothing_away_and_acknowledging_gives_credit() {
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    let q = scratch.queue("q");
    filled(&channel, &q);
    for _ in 0..2 {
        let reader = connection.channel();
        reader.qos(2, false);
        reader.consume_as(from(&q, "first"));
        reader.expect_deliver("m0");
        reader.expect_deliver("m1");
        reader.ack(2);
        reader.expect_deliver("m2");
        reader.send(basic::Ack { delivery_tag: 3, multiple: true });
        reader.expect_deliver("m3");
        reader.expect_deliver("m4");
        reader.close();
    }
}

#[test]
fn what_a_consumer_may_not_ask() {
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    let q = scratch.queue("q");
    channel.declare(stream(&q, &[]));
    channel.send(from(&q, "first"));
    let text =
        format!("PRECONDITION_FAILED - consumer prefetch count is not set for 'queue '{q}' in vhost '/''");
    channel.expect_close(406, &text, basic::Consume::ID);
    channel.open();
    channel.qos(5, false);
    channel.send(basic::Consume { arguments: table([("x-priority", 5.into())]), ..from(&q, "first") });
    let text = format!(
        "PRECONDITION_FAILED - invalid arg 'x-priority' for queue '{q}' in vhost '/' of queue type \
         rabbit_stream_queue"
    );
    channel.expect_close(406, &text, basic::Consume::ID);
    channel.open();
    channel.qos(5, false);
    channel.send(from(&q, "5"));
    let text = format!(
        "PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue '{q}' in vhost '/': \
         {{invalid_stream_offset_arg,{{longstr,<<\"5\">>}}}}"
    );
    channel.expect_close(406, &text, basic::Consume::ID);
    channel.open();
    channel.qos(5, false);
    channel.send(basic::Consume { no_ack: true, ..from(&q, "first") });
    let text = format!(
        "NOT_IMPLEMENTED - automatic acknowledgement not supported by stream queues queue '{q}' in vhost '/'"
    );
    connection.expect_close(540, &text, basic::Consume::ID);
}

#[test]
fn get_purge_and_refusals_are_540() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let channel_of = |connection: &Connection| {
        let channel = connection.channel();
        channel.send(stream(&q, &[]));
        channel.next();
        channel
    };
    let connection = Connection::open();
    channel_of(&connection).send(basic::Get { queue: s(&q), no_ack: false });
    let text = |what: &str| {
        format!("NOT_IMPLEMENTED - {what} not supported by stream queues queue '{q}' in vhost '/'")
    };
    connection.expect_close(540, &text("basic.get"), basic::Get::ID);
    let connection = Connection::open();
    channel_of(&connection).send(queue::Purge { queue: s(&q), no_wait: false });
    connection.expect_close(540, &text("queue.purge"), queue::Purge::ID);
    for requeue in [false, true] {
        let connection = Connection::open();
        let channel = channel_of(&connection);
        channel.qos(5, false);
        channel.consume_as(from(&q, "next"));
        channel.publish("", &q, "x");
        channel.expect_deliver("x");
        channel.send(basic::Reject { delivery_tag: 1, requeue });
        connection.expect_close(540, &text("basic.nack and basic.reject"), basic::Reject::ID);
    }
}

#[test]
fn exclusive_consumers_are_not_alone() {
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    let q = scratch.queue("q");
    channel.declare(stream(&q, &[]));
    channel.qos(5, false);
    for tag in ["a", "b"] {
        channel.consume_as(basic::Consume { exclusive: true, consumer_tag: s(tag), ..from(&q, "next") });
    }
}

#[test]
fn it_is_deleted_whatever_was_asked_and_its_consumers_hear() {
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    let q = scratch.queue("q");
    filled(&channel, &q);
    let reader = connection.channel();
    reader.qos(5, false);
    reader.consume_as(from(&q, "next"));
    channel.send(queue::Delete { queue: s(&q), if_unused: true, if_empty: true, no_wait: false });
    channel.expect(queue::DeleteOk { message_count: 0 });
    reader.expect(basic::Cancel { consumer_tag: s("c"), no_wait: true });
}

#[test]
fn a_filter_is_kept_to() {
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    let q = scratch.queue("q");
    channel.declare(stream(&q, &[]));
    channel.confirm_select();
    for (number, value) in ["a", "b", "a"].into_iter().enumerate() {
        let headers = Some(table([("x-stream-filter-value", value.into())]));
        channel.publish_with("", &q, &Properties { headers, ..Default::default() }, value);
        channel.expect_confirms(number as u64 + 1, number as u64 + 1);
    }
    channel.qos(5, false);
    let arguments = table([("x-stream-offset", "first".into()), ("x-stream-filter", "b".into())]);
    channel.consume_as(basic::Consume { arguments, ..from(&q, "first") });
    if differs("filters of streams came with RabbitMQ 3.13", true, false) {
        channel.expect_deliver("a");
    }
    let delivery = channel.expect_deliver("b");
    assert_eq!(offset(&delivery), Some(1));
}

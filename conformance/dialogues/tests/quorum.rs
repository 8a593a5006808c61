//! Queues of type quorum: durable, shared, with a limit on redeliveries.

use leveret_dialogues::*;

fn quorum<'a>(name: &'a str, more: &[(&str, FieldValue)]) -> queue::Declare<'a> {
    let mut arguments = table([("x-queue-type", "quorum".into())]);
    for (argument, value) in more {
        arguments.insert(*argument, value.clone());
    }
    queue::Declare { queue: s(name), durable: true, arguments, ..Default::default() }
}

fn delivery_count(delivery: &Delivery) -> Option<i64> {
    delivery.properties.headers.as_ref()?.get("x-delivery-count")?.as_i64()
}

#[test]
fn it_is_declared_and_carries_messages() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.declare(quorum(&q, &[]));
    channel.confirm_select();
    for number in 1..=3 {
        channel.publish("", &q, &number.to_string());
    }
    assert_eq!(channel.expect_confirms(1, 3), [0; 0]);
    assert_eq!(channel.drain(&q), ["1", "2", "3"]);
    channel.send(quorum(&q, &[]));
    channel.expect(queue::DeclareOk { queue: s(&q), message_count: 0, consumer_count: 0 });
}

#[test]
fn it_is_durable_and_shared() {
    let scratch = Scratch::new();
    let connection = Connection::open();
    let channel = connection.channel();
    let q = scratch.queue("q");
    channel.send(queue::Declare { durable: false, ..quorum(&q, &[]) });
    let text = format!("PRECONDITION_FAILED - invalid property 'non-durable' for queue '{q}' in vhost '/'");
    channel.expect_close(406, &text, queue::Declare::ID);
    channel.open();
    channel.send(queue::Declare { exclusive: true, ..quorum(&q, &[]) });
    let text =
        format!("PRECONDITION_FAILED - invalid property 'exclusive-owner' for queue '{q}' in vhost '/'");
    channel.expect_close(406, &text, queue::Declare::ID);
    channel.open();
    channel.send(queue::Declare { auto_delete: true, ..quorum(&q, &[]) });
    let text = format!("PRECONDITION_FAILED - invalid property 'auto-delete' for queue '{q}' in vhost '/'");
    channel.expect_close(406, &text, queue::Declare::ID);
}

#[test]
fn it_has_a_name() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(quorum("", &[]));
    let text = "PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_quorum_queue";
    channel.expect_close(406, text, queue::Declare::ID);
}

#[test]
fn a_classic_queue_is_another() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.declare(quorum(&q, &[]));
    channel.send(queue::Declare { queue: s(&q), durable: true, ..Default::default() });
    let text = format!(
        "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue '{q}' in vhost '/': \
                        received none but current is the value 'quorum' of type 'longstr'"
    );
    channel.expect_close(406, &text, queue::Declare::ID);
}

#[test]
fn arguments_of_classic_queues_are_406() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(quorum(&q, &[("x-max-priority", 5.into())]));
    let text = format!(
        "PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue '{q}' in vhost '/' of queue \
                        type rabbit_quorum_queue"
    );
    channel.expect_close(406, &text, queue::Declare::ID);
    channel.open();
    channel.send(quorum(&q, &[("x-queue-mode", "lazy".into())]));
    let text = format!(
        "PRECONDITION_FAILED - invalid arg 'x-queue-mode' for queue '{q}' in vhost '/' of queue \
                        type rabbit_quorum_queue"
    );
    channel.expect_close(406, &text, queue::Declare::ID);
}

#[test]
fn redeliveries_are_counted_in_a_header() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.declare(quorum(&q, &[]));
    channel.publish("", &q, "x");
    channel.consume(&q, "c");
    let first = channel.expect_deliver("x");
    assert_eq!((delivery_count(&first), first.redelivered), (None, false));
    for count in 1..=3 {
        channel.send(basic::Reject { delivery_tag: count as u64, requeue: true });
        let again = channel.expect_deliver("x");
        assert_eq!((delivery_count(&again), again.redelivered), (Some(count), true));
    }
}

#[test]
fn above_the_delivery_limit_a_message_is_dead() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = channel.named_queue();
    let more = [
        ("x-delivery-limit", FieldValue::from(2)),
        ("x-dead-letter-exchange", "".into()),
        ("x-dead-letter-routing-key", dead.as_str().into()),
    ];
    channel.declare(quorum(&q, &more));
    channel.publish("", &q, "x");
    channel.consume(&q, "c");
    for tag in 1..=3 {
        channel.expect_deliver("x");
        channel.send(basic::Reject { delivery_tag: tag, requeue: true });
    }
    let letter = eventually("dead letter", || channel.get(&dead, true));
    let headers = letter.properties.headers.unwrap_or_default();
    let deaths = headers.get("x-death").and_then(FieldValue::as_array).unwrap_or_default();
    let death = deaths[0].as_table().unwrap();
    assert_eq!(death.get("reason"), Some(&"delivery_limit".into()));
    assert_eq!(death.get("count"), Some(&1_i64.into()));
}

#[test]
fn without_a_limit_of_its_own_there_is_one_of_20() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.declare(quorum(&q, &[]));
    channel.publish("", &q, "x");
    channel.consume(&q, "c");
    let deliveries = 21;
    for tag in 1..=deliveries {
        channel.expect_deliver("x");
        channel.send(basic::Reject { delivery_tag: tag, requeue: true });
    }
    if differs("20 redeliveries unless set, as RabbitMQ 4; 3.10 has no limit", true, false) {
        channel.expect_deliver("x");
    } else {
        channel.expect_ready(&q, 0);
    }
}

#[test]
fn a_global_prefetch_and_a_quorum_queue() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.declare(quorum(&q, &[]));
    channel.publish("", &q, "1");
    channel.publish("", &q, "2");
    channel.expect_ready(&q, 2);
    channel.qos(1, true);
    channel.send(basic::Consume { queue: s(&q), consumer_tag: s("c"), ..Default::default() });
    if differs("the channel's limit holds for every type of queue", false, true) {
        channel.expect(basic::ConsumeOk { consumer_tag: s("c") });
        channel.expect_deliver("1");
        channel.expect_ready(&q, 1);
    } else {
        let text = format!("NOT_IMPLEMENTED - queue '{q}' in vhost '/' does not support global qos");
        connection.expect_close(540, &text, basic::Consume::ID);
    }
}

/// `x-delivery-count` was missing on what is got for the first time, where RabbitMQ says 0 (to consumers it says nothing then).
#[test]
fn what_is_got_tells_its_delivery_count_from_the_first_time_on() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.declare(quorum(&q, &[]));
    channel.confirm_select();
    channel.publish("", &q, "x");
    assert_eq!(channel.expect_confirms(1, 1), [0; 0]);
    for count in 0..2 {
        let got = channel.expect_get(&q, "x");
        assert_eq!(delivery_count(&got), Some(count));
        channel.send(basic::Reject { delivery_tag: got.delivery_tag, requeue: true });
        channel.expect_ready(&q, 1);
    }
}

/// `basic.get` took from a queue with a single active consumer, past that consumer.
#[test]
fn nothing_is_got_where_one_consumer_is_active() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.declare(quorum(&q, &[("x-single-active-consumer", true.into())]));
    channel.send(basic::Get { queue: s(&q), no_ack: true });
    let text = format!(
        "RESOURCE_LOCKED - cannot obtain access to locked queue '{q}' in vhost '/'. basic.get operations are not supported by \
         quorum queues with single active consumer"
    );
    channel.expect_close(405, &text, basic::Get::ID);
}

//! Who gets the next message: turns, priorities, the single active consumer.

use super::*;

#[test]
fn consumers_take_turns() {
    let connection = Connection::open();
    let (a, b) = (connection.channel(), connection.channel());
    let queue = a.named_queue();
    a.consume(&queue, "a");
    b.consume(&queue, "b");
    for body in ["1", "2", "3", "4"] {
        a.publish("", &queue, body);
    }
    for (channel, body) in [(&a, "1"), (&a, "3"), (&b, "2"), (&b, "4")] {
        channel.expect_deliver(body);
    }
}

#[test]
fn higher_priority_consumers_come_first() {
    let connection = Connection::open();
    let (low, high) = (connection.channel(), connection.channel());
    let queue = low.named_queue();
    low.qos(1, false);
    high.qos(1, false);
    low.consume(&queue, "low");
    high.consume_as(basic::Consume {
        arguments: table([("x-priority", 10.into())]),
        ..consume(&queue, "high")
    });
    for body in ["1", "2", "3"] {
        low.publish("", &queue, body);
    }
    let first = high.expect_deliver("1");
    low.expect_deliver("2");
    low.expect_ready(&queue, 1);
    high.ack(first.delivery_tag);
    high.expect_deliver("3");
}

#[test]
fn a_negative_priority_is_below_the_default() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.consume_as(basic::Consume {
        no_ack: true,
        arguments: table([("x-priority", (-5).into())]),
        ..consume(&queue, "below")
    });
    channel.consume_no_ack(&queue, "default");
    for body in ["1", "2", "3"] {
        channel.publish("", &queue, body);
        assert_eq!(channel.expect_deliver(body).consumer_tag, "default");
    }
}

#[test]
fn priority_has_to_be_an_integer() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue(&q);
    channel.send(basic::Consume { arguments: table([("x-priority", "high".into())]), ..consume(&q, "c") });
    let text = format!(
        "PRECONDITION_FAILED - invalid arg 'x-priority' for queue '{q}' in vhost '/': \"expected \
                        integer, got longstr\""
    );
    channel.expect_close(406, &text, basic::Consume::ID);
}

#[test]
fn single_active_consumer_gets_everything_until_it_goes() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let (first, second) = (connection.channel(), connection.channel());
    first.queue_with(&q, table([("x-single-active-consumer", true.into())]));
    first.consume(&q, "first");
    second.consume(&q, "second");
    for body in ["1", "2", "3"] {
        first.publish("", &q, body);
    }
    for body in ["1", "2", "3"] {
        first.expect_deliver(body);
    }
    second.expect_silence();
    assert_eq!(first.counts(&q), (0, 2));
    first.send(basic::Nack { delivery_tag: 0, multiple: true, requeue: true });
    for body in ["1", "2", "3"] {
        assert!(first.expect_deliver(body).redelivered);
    }
    first.close();
    for body in ["1", "2", "3"] {
        assert!(second.expect_deliver(body).redelivered);
    }
}

#[test]
fn single_active_consumer_passes_on_after_cancel() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue_with(&q, table([("x-single-active-consumer", true.into())]));
    channel.consume_no_ack(&q, "first");
    channel.consume_no_ack(&q, "second");
    channel.publish("", &q, "1");
    assert_eq!(channel.expect_deliver("1").consumer_tag, "first");
    channel.cancel("first");
    channel.publish("", &q, "2");
    assert_eq!(channel.expect_deliver("2").consumer_tag, "second");
}

#[test]
fn single_active_consumer_and_exclusive_exclude_each_other() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue_with(&q, table([("x-single-active-consumer", true.into())]));
    channel.send(basic::Consume { exclusive: true, ..consume(&q, "c") });
    channel.expect_close(
        403,
        &format!("ACCESS_REFUSED - queue '{q}' in vhost '/' in exclusive use"),
        basic::Consume::ID,
    );
}

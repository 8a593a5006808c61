//! basic.consume, deliver and cancel.

use leveret_dialogues::*;

fn consume<'a>(queue: &'a str, tag: &'a str) -> basic::Consume<'a> {
    basic::Consume { queue: s(queue), consumer_tag: s(tag), ..Default::default() }
}

#[test]
fn the_broker_invents_tags() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    let tags: Vec<_> = (0..2)
        .map(|_| {
            channel.send(consume(&queue, ""));
            match channel.next().method() {
                Some(Method::BasicConsumeOk(ok)) => ok.consumer_tag.to_string(),
                other => panic!("{other:?}"),
            }
        })
        .collect();
    assert_ne!(tags[0], tags[1]);
    for tag in tags {
        assert_eq!(tag.strip_prefix("amq.ctag-").map(str::len), Some(22), "{tag}");
    }
}

#[test]
fn a_tag_used_twice_is_530() {
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    let queue = channel.named_queue();
    channel.consume(&queue, "c");
    // A tag belongs to its channel.
    other.consume(&queue, "c");
    channel.send(consume(&queue, "c"));
    connection.expect_close(530, "NOT_ALLOWED - attempt to reuse consumer tag 'c'", basic::Consume::ID);
}

#[test]
fn consume_ok_comes_before_the_first_message() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    for body in ["1", "2", "3"] {
        channel.publish("", &queue, body);
    }
    channel.expect_ready(&queue, 3);
    channel.consume(&queue, "c");
    for (number, body) in (1..).zip(["1", "2", "3"]) {
        let delivery = channel.expect_deliver(body);
        assert_eq!((delivery.consumer_tag.as_str(), delivery.delivery_tag), ("c", number));
        assert_eq!((delivery.redelivered, delivery.exchange.as_str()), (false, ""));
        assert_eq!(delivery.routing_key, queue);
    }
}

#[test]
fn consuming_from_what_is_not_there_is_404() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(consume("no.such.queue", "c"));
    channel.expect_close(404, "NOT_FOUND - no queue 'no.such.queue' in vhost '/'", basic::Consume::ID);
}

#[test]
fn an_exclusive_consumer_wants_to_be_alone() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    channel.queue(&q);
    channel.consume_as(basic::Consume { exclusive: true, ..consume(&q, "alone") });
    other.send(consume(&q, "second"));
    other.expect_close(
        403,
        &format!("ACCESS_REFUSED - queue '{q}' in vhost '/' in exclusive use"),
        basic::Consume::ID,
    );
    other.open();
    other.send(basic::Consume { exclusive: true, ..consume(&q, "second") });
    other.expect_close(
        403,
        &format!("ACCESS_REFUSED - queue '{q}' in vhost '/' in exclusive use"),
        basic::Consume::ID,
    );
    other.open();
    channel.cancel("alone");
    other.consume(&q, "second");
    channel.send(basic::Consume { exclusive: true, ..consume(&q, "alone") });
    channel.expect_close(
        403,
        &format!("ACCESS_REFUSED - queue '{q}' in vhost '/' in exclusive use"),
        basic::Consume::ID,
    );
}

#[test]
fn a_cancelled_consumer_gets_nothing_more_and_may_still_acknowledge() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.consume(&queue, "c");
    channel.publish("", &queue, "1");
    let first = channel.expect_deliver("1");
    channel.cancel("c");
    channel.publish("", &queue, "2");
    channel.expect_ready(&queue, 1);
    channel.ack(first.delivery_tag);
    channel.expect_silence();
    assert_eq!(channel.drain(&queue), ["2"]);
}

#[test]
fn cancelling_an_unknown_tag_succeeds() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.cancel("nobody");
}

#[test]
fn no_wait_is_not_answered() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.send(basic::Consume { no_wait: true, no_ack: true, ..consume(&queue, "c") });
    channel.publish("", &queue, "1");
    channel.expect_deliver("1");
    channel.send(basic::Cancel { consumer_tag: s("c"), no_wait: true });
    channel.publish("", &queue, "2");
    channel.expect_ready(&queue, 1);
}

#[test]
fn deleting_the_queue_cancels_consumers_that_understand() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    channel.shared_queue(&q);
    channel.consume(&q, "c");
    channel.publish("", &q, "1");
    let delivery = channel.expect_deliver("1");
    other.call(queue::Delete { queue: s(&q), ..Default::default() }, queue::DeleteOk { message_count: 0 });
    channel.expect(basic::Cancel { consumer_tag: s("c"), no_wait: true });
    // The message is gone with its queue; to acknowledge it is no error.
    channel.ack(delivery.delivery_tag);
    channel.expect_silence();
    // The tag is free again.
    channel.shared_queue(&q);
    channel.consume(&q, "c");
}

#[test]
fn deleting_the_queue_is_silent_for_consumers_that_do_not_understand() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let plain = Connection::open_with(&Options { capabilities: vec![], ..Options::default() });
    let channel = plain.channel();
    let connection = Connection::open();
    let other = connection.channel();
    channel.shared_queue(&q);
    channel.consume(&q, "c");
    other.call(queue::Delete { queue: s(&q), ..Default::default() }, queue::DeleteOk { message_count: 0 });
    channel.expect_silence();
    channel.shared_queue(&q);
    channel.expect_silence();
}

#[test]
fn a_consumer_of_another_connection_gets_the_messages() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let (publisher, consumer) = (Connection::open(), Connection::open());
    let (out, inbox) = (publisher.channel(), consumer.channel());
    out.shared_queue(&q);
    inbox.consume_no_ack(&q, "c");
    for number in 0..20 {
        out.publish("", &q, &number.to_string());
    }
    for number in 0..20 {
        inbox.expect_deliver(&number.to_string());
    }
}

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

#[test]
fn no_ack_deliveries_are_settled_when_sent() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.consume_no_ack(&queue, "c");
    channel.publish("", &queue, "1");
    let delivery = channel.expect_deliver("1");
    channel.ack(delivery.delivery_tag);
    channel.expect_close(406, "PRECONDITION_FAILED - unknown delivery tag 1", basic::Ack::ID);
    channel.open();
    assert_eq!(channel.drain(&queue), [""; 0]);
}

#[test]
fn no_local_is_taken_and_means_nothing() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.consume_as(basic::Consume { no_local: true, ..consume(&queue, "c") });
    channel.publish("", &queue, "own");
    channel.expect_deliver("own");
}

#[test]
fn a_cancel_of_the_broker_wants_no_answer() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.shared_queue(&q);
    channel.consume(&q, "c");
    connection
        .channel()
        .call(queue::Delete { queue: s(&q), ..Default::default() }, queue::DeleteOk { message_count: 0 });
    channel.expect(basic::Cancel { consumer_tag: s("c"), no_wait: true });
    channel.send(basic::CancelOk { consumer_tag: s("c") });
    connection.expect_close(503, "COMMAND_INVALID - unimplemented method", basic::CancelOk::ID);
}

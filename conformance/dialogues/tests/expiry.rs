//! Messages and queues that end by themselves: expiration, x-message-ttl, x-expires, x-max-length.

use leveret_dialogues::*;

fn expiration(text: &str) -> Properties {
    Properties { expiration: Some(text.into()), ..Properties::default() }
}

/// A queue whose dead letters go to the second queue by way of the default exchange.
#[track_caller]
fn with_dead_letters<const LEN: usize>(
    channel: &Channel,
    queue: &str,
    arguments: [(&str, FieldValue); LEN],
) -> String {
    let dead = channel.named_queue();
    let mut all = table(arguments);
    all.insert("x-dead-letter-exchange", "");
    all.insert("x-dead-letter-routing-key", dead.as_str());
    channel.queue_with(queue, all);
    dead
}

#[test]
fn expiration_has_to_be_a_number() {
    let connection = Connection::open();
    let channel = connection.channel();
    let refused = [
        ("soon", "no_integer"),
        ("", "no_integer"),
        (" 5", "no_integer"),
        ("-1", "{value_negative,-1}"),
        ("1.5", "{leftover_string,\".5\"}"),
        ("10s", "{leftover_string,\"s\"}"),
        ("315360000001", "{value_too_large,315360000001}"),
    ];
    for (text, reason) in refused {
        channel.publish_with("", "no.such.queue", &expiration(text), "x");
        let text = format!("PRECONDITION_FAILED - invalid expiration '{text}': {reason}");
        channel.expect_close(406, &text, basic::Publish::ID);
        channel.open();
    }
    for text in ["0", "+5", "007", "5000000000", "315360000000"] {
        channel.publish_with("", "no.such.queue", &expiration(text), "x");
        channel.expect_silence();
    }
}

#[test]
fn an_expired_message_is_dead_lettered() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = with_dead_letters(&channel, &q, []);
    channel.consume_no_ack(&dead, "dead");
    channel.publish_with("", &q, &expiration("20"), "short");
    channel.expect_deliver("short");
    assert_eq!(channel.counts(&q), (0, 0));
}

#[test]
fn the_queues_ttl_is_for_all_its_messages() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = with_dead_letters(&channel, &q, [("x-message-ttl", 20.into())]);
    channel.consume_no_ack(&dead, "dead");
    for body in ["1", "2", "3"] {
        channel.publish("", &q, body);
    }
    for body in ["1", "2", "3"] {
        channel.expect_deliver(body);
    }
}

#[test]
fn the_shorter_of_both_ttls_counts() {
    let scratch = Scratch::new();
    let (slow, fast) = (scratch.queue("slow"), scratch.queue("fast"));
    let connection = Connection::open();
    let channel = connection.channel();
    let slow_dead = with_dead_letters(&channel, &slow, [("x-message-ttl", 600_000.into())]);
    let fast_dead = with_dead_letters(&channel, &fast, [("x-message-ttl", 20.into())]);
    channel.consume_no_ack(&slow_dead, "slow");
    channel.consume_no_ack(&fast_dead, "fast");
    channel.publish_with("", &slow, &expiration("20"), "of the message");
    channel.expect_deliver("of the message");
    channel.publish_with("", &fast, &expiration("600000"), "of the queue");
    channel.expect_deliver("of the queue");
}

#[test]
fn a_message_with_ttl_0_is_for_a_waiting_consumer_or_nobody() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let (channel, consumer) = (connection.channel(), connection.channel());
    channel.queue(&q);
    channel.publish_with("", &q, &expiration("0"), "nobody");
    channel.publish("", &q, "kept");
    assert_eq!(channel.drain(&q), ["kept"]);
    consumer.consume_no_ack(&q, "c");
    channel.publish_with("", &q, &expiration("0"), "somebody");
    consumer.expect_deliver("somebody");
}

#[test]
fn messages_expire_at_the_head_alone() {
    let scratch = Scratch::new();
    let (q, clock) = (scratch.queue("q"), scratch.queue("clock"));
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = with_dead_letters(&channel, &q, []);
    let later = with_dead_letters(&channel, &clock, []);
    channel.consume_no_ack(&later, "later");
    channel.publish("", &q, "head");
    channel.publish_with("", &q, &expiration("20"), "behind");
    // When this one, published later with more time, has expired, the other's time is over too.
    channel.publish_with("", &clock, &expiration("60"), "tick");
    channel.expect_deliver("tick");
    assert_eq!(channel.counts(&q).0, 2);
    channel.expect_get(&q, "head");
    channel.consume_no_ack(&dead, "dead");
    channel.expect_deliver("behind");
}

#[test]
fn the_expiration_of_a_delivered_message_is_left_alone() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.publish_with("", &queue, &expiration("600000"), "x");
    assert_eq!(channel.get(&queue, true).unwrap().properties, expiration("600000"));
}

#[test]
fn an_unused_queue_expires() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.declare(queue::Declare {
        queue: s(&q),
        arguments: table([("x-expires", 50.into())]),
        ..Default::default()
    });
    // Publishing is no use of a queue.
    eventually("the queue expired", || {
        channel.publish_mandatory("", &q, "x");
        channel.send(exchange::Declare { exchange: s("amq.direct"), passive: true, ..Default::default() });
        let gone = matches!(channel.next().method(), Some(Method::BasicReturn(_)));
        if gone {
            channel.expect(exchange::DeclareOk);
        }
        gone.then_some(())
    });
}

#[test]
fn a_queue_with_a_consumer_does_not_expire() {
    let scratch = Scratch::new();
    let (q, clock) = (scratch.queue("q"), scratch.queue("clock"));
    let connection = Connection::open();
    let channel = connection.channel();
    let expires = |milliseconds: i32| table([("x-expires", milliseconds.into())]);
    channel.queue_with(&q, expires(100));
    channel.consume_no_ack(&q, "c");
    let dead = with_dead_letters(&channel, &clock, []);
    channel.consume_no_ack(&dead, "dead");
    channel.publish_with("", &clock, &expiration("300"), "tick");
    channel.expect_deliver("tick");
    channel.publish("", &q, "alive");
    channel.expect_deliver("alive");
}

#[test]
fn the_oldest_goes_when_a_queue_is_too_long() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = with_dead_letters(&channel, &q, [("x-max-length", 2.into())]);
    for body in ["1", "2", "3", "4"] {
        channel.publish("", &q, body);
    }
    assert_eq!(channel.drain(&q), ["3", "4"]);
    channel.expect_ready(&dead, 2);
    assert_eq!(channel.drain(&dead), ["1", "2"]);
}

#[test]
fn bytes_are_counted_too() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue_with(&q, table([("x-max-length-bytes", 10.into())]));
    for body in ["12345", "67890", "abc"] {
        channel.publish("", &q, body);
    }
    assert_eq!(channel.drain(&q), ["67890", "abc"]);
}

#[test]
fn delivered_messages_do_not_count_for_the_length() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue_with(&q, table([("x-max-length", 1.into())]));
    channel.publish("", &q, "1");
    channel.expect_get(&q, "1");
    channel.publish("", &q, "2");
    channel.expect_get(&q, "2");
    channel.publish("", &q, "3");
    channel.publish("", &q, "4");
    assert_eq!(channel.drain(&q), ["4"]);
}

#[test]
fn a_queue_of_length_0_is_for_waiting_consumers() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue_with(&q, table([("x-max-length", 0.into())]));
    channel.publish("", &q, "nobody");
    assert!(channel.get(&q, true).is_none());
    channel.consume_no_ack(&q, "c");
    channel.publish("", &q, "somebody");
    channel.expect_deliver("somebody");
}

#[test]
fn reject_publish_keeps_the_old() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = with_dead_letters(
        &channel,
        &q,
        [("x-max-length", 2.into()), ("x-overflow", "reject-publish".into())],
    );
    for body in ["1", "2", "3", "4"] {
        channel.publish("", &q, body);
    }
    assert_eq!(channel.drain(&q), ["1", "2"]);
    channel.expect_ready(&dead, 0);
}

#[test]
fn reject_publish_dlx_keeps_the_old_and_dead_letters_the_new() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = with_dead_letters(
        &channel,
        &q,
        [("x-max-length", 2.into()), ("x-overflow", "reject-publish-dlx".into())],
    );
    channel.confirm_select();
    for body in ["1", "2", "3", "4"] {
        channel.publish("", &q, body);
    }
    assert_eq!(channel.expect_confirms(1, 4), [3, 4]);
    assert_eq!(channel.drain(&q), ["1", "2"]);
    channel.expect_ready(&dead, 2);
    assert_eq!(channel.drain(&dead), ["3", "4"]);
}

#[test]
fn a_requeued_message_that_has_expired_goes() {
    let scratch = Scratch::new();
    let (q, clock) = (scratch.queue("q"), scratch.queue("clock"));
    let connection = Connection::open();
    let channel = connection.channel();
    let dead = with_dead_letters(&channel, &q, []);
    let later = with_dead_letters(&channel, &clock, []);
    channel.consume_no_ack(&later, "later");
    channel.publish_with("", &q, &expiration("30"), "short");
    let delivery = channel.expect_get(&q, "short");
    channel.publish_with("", &clock, &expiration("90"), "tick");
    channel.expect_deliver("tick");
    channel.consume_no_ack(&dead, "dead");
    channel.send(basic::Reject { delivery_tag: delivery.delivery_tag, requeue: true });
    channel.expect_deliver("short");
}

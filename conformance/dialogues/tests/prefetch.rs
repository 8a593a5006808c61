//! basic.qos.

use leveret_dialogues::*;

/// A queue with so many messages, bodies `1`, `2`, ...
#[track_caller]
fn filled(channel: &Channel, count: u32) -> String {
    let queue = channel.named_queue();
    for number in 1..=count {
        channel.publish("", &queue, &number.to_string());
    }
    channel.expect_ready(&queue, count);
    queue
}

#[test]
fn a_consumer_gets_as_many_as_its_prefetch() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = filled(&channel, 5);
    channel.qos(2, false);
    channel.consume(&queue, "c");
    channel.expect_deliver("1");
    channel.expect_deliver("2");
    channel.expect_ready(&queue, 3);
    channel.ack(1);
    channel.expect_deliver("3");
    channel.expect_ready(&queue, 2);
    channel.send(basic::Ack { delivery_tag: 3, multiple: true });
    channel.expect_deliver("4");
    channel.expect_deliver("5");
}

#[test]
fn each_consumer_has_its_own_prefetch() {
    let connection = Connection::open();
    let channel = connection.channel();
    let (a, b) = (filled(&channel, 3), filled(&channel, 3));
    channel.qos(1, false);
    channel.consume(&a, "a");
    channel.expect_deliver("1");
    channel.consume(&b, "b");
    channel.expect_deliver("1");
    channel.expect_ready(&a, 2);
    channel.expect_ready(&b, 2);
}

#[test]
fn prefetch_is_for_consumers_made_afterwards() {
    let connection = Connection::open();
    let channel = connection.channel();
    let (before, after) = (channel.named_queue(), filled(&channel, 3));
    channel.consume(&before, "before");
    channel.qos(1, false);
    for body in ["a", "b", "c"] {
        channel.publish("", &before, body);
        channel.expect_deliver(body);
    }
    channel.consume(&after, "after");
    channel.expect_deliver("1");
    channel.expect_ready(&after, 2);
    // A new value changes nothing for it either.
    channel.qos(10, false);
    channel.expect_ready(&after, 2);
}

#[test]
fn prefetch_0_is_no_limit() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = filled(&channel, 50);
    channel.qos(1, false);
    channel.qos(0, false);
    channel.consume(&queue, "c");
    for number in 1..=50 {
        channel.expect_deliver(&number.to_string());
    }
}

#[test]
fn global_prefetch_is_shared_by_the_channel() {
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    let (a, b) = (filled(&channel, 3), filled(&channel, 3));
    channel.qos(2, true);
    channel.consume(&a, "a");
    channel.expect_deliver("1");
    channel.expect_deliver("2");
    channel.consume(&b, "b");
    channel.expect_ready(&b, 3);
    // Other channels have their own.
    other.consume(&b, "other");
    for body in ["1", "2", "3"] {
        other.expect_deliver(body);
    }
    channel.ack(1);
    channel.expect_deliver("3");
}

#[test]
fn global_prefetch_is_for_consumers_there_already_too() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.consume(&queue, "c");
    channel.qos(1, true);
    channel.publish("", &queue, "1");
    channel.publish("", &queue, "2");
    channel.expect_deliver("1");
    channel.expect_ready(&queue, 1);
    channel.qos(0, true);
    channel.expect_deliver("2");
}

#[test]
fn both_limits_hold() {
    let connection = Connection::open();
    let channel = connection.channel();
    let (a, b) = (filled(&channel, 5), filled(&channel, 5));
    channel.qos(2, false);
    channel.qos(3, true);
    channel.consume(&a, "a");
    channel.expect_deliver("1");
    channel.expect_deliver("2");
    channel.expect_ready(&a, 3);
    channel.consume(&b, "b");
    assert_eq!(channel.expect_deliver("1").consumer_tag, "b");
    channel.expect_ready(&b, 4);
    channel.ack(1);
    let next = channel.deliver();
    assert!(next.consumer_tag == "a" || next.consumer_tag == "b");
    channel.expect_silence();
}

#[test]
fn get_is_not_limited() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = filled(&channel, 4);
    channel.qos(1, false);
    channel.expect_get(&queue, "1");
    channel.expect_get(&queue, "2");
    channel.consume(&queue, "c");
    channel.expect_deliver("3");
    channel.expect_get(&queue, "4");
}

#[test]
fn no_ack_consumers_are_not_limited() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = filled(&channel, 5);
    channel.qos(1, false);
    channel.consume_no_ack(&queue, "c");
    for number in 1..=5 {
        channel.expect_deliver(&number.to_string());
    }
}

#[test]
fn rejecting_frees_a_place() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = filled(&channel, 3);
    channel.qos(1, false);
    channel.consume(&queue, "c");
    channel.expect_deliver("1");
    channel.send(basic::Reject { delivery_tag: 1, requeue: false });
    channel.expect_deliver("2");
    channel.send(basic::Nack { delivery_tag: 2, multiple: false, requeue: true });
    let again = channel.expect_deliver("2");
    assert!(again.redelivered);
}

#[test]
fn prefetch_size_is_540() {
    let connection = Connection::open();
    connection.channel().send(basic::Qos { prefetch_size: 100, prefetch_count: 1, global: false });
    connection.expect_close(540, "NOT_IMPLEMENTED - prefetch_size!=0 (100)", basic::Qos::ID);
}

#[test]
fn a_cancelled_consumers_unsettled_messages_do_not_count_for_the_next() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = filled(&channel, 3);
    channel.qos(1, false);
    channel.consume(&queue, "first");
    channel.expect_deliver("1");
    channel.cancel("first");
    channel.consume(&queue, "second");
    channel.expect_deliver("2");
    channel.expect_ready(&queue, 1);
}

/// A limit of the channel went on when one for each consumer was set behind it; RabbitMQ lifts it.
#[test]
fn a_prefetch_for_each_consumer_lifts_the_channels() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.qos(1, true);
    channel.consume(&queue, "c");
    ["1", "2", "3"].iter().for_each(|body| channel.publish("", &queue, body));
    channel.expect_deliver("1");
    channel.expect_ready(&queue, 2);
    // It is for consumers to come, and so this one has no limit now.
    channel.qos(1, false);
    channel.expect_deliver("2");
    channel.expect_deliver("3");
    // The other way round both hold.
    let other = channel.named_queue();
    channel.qos(1, true);
    channel.consume(&other, "d");
    channel.publish("", &other, "4");
    channel.expect_ready(&other, 1);
}

//! basic.get.

use leveret_dialogues::*;

#[test]
fn get_from_an_empty_queue() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.call(basic::Get { queue: s(&queue), no_ack: false }, basic::GetEmpty);
}

#[test]
fn get_counts_what_is_left() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    for body in ["1", "2", "3"] {
        channel.publish("", &queue, body);
    }
    for (left, body) in [(2, "1"), (1, "2"), (0, "3")] {
        let delivery = channel.expect_get(&queue, body);
        assert_eq!(delivery.message_count, Some(left));
        assert_eq!(delivery.delivery_tag, 3 - u64::from(left));
        assert!(!delivery.redelivered);
    }
    assert!(channel.get(&queue, false).is_none());
}

#[test]
fn get_without_acknowledgement_takes_the_message() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.publish("", &queue, "1");
    assert_eq!(channel.get(&queue, true).unwrap().delivery_tag, 1);
    channel.ack(1);
    channel.expect_close(406, "PRECONDITION_FAILED - unknown delivery tag 1", basic::Ack::ID);
    channel.open();
    assert!(channel.get(&queue, true).is_none());
}

#[test]
fn get_and_deliver_share_the_tags() {
    let connection = Connection::open();
    let channel = connection.channel();
    let (gotten, consumed) = (channel.named_queue(), channel.named_queue());
    channel.consume(&consumed, "c");
    channel.publish("", &gotten, "1");
    assert_eq!(channel.expect_get(&gotten, "1").delivery_tag, 1);
    channel.publish("", &consumed, "2");
    assert_eq!(channel.expect_deliver("2").delivery_tag, 2);
    channel.publish("", &gotten, "3");
    assert_eq!(channel.expect_get(&gotten, "3").delivery_tag, 3);
}

#[test]
fn get_from_what_is_not_there_is_404() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(basic::Get { queue: s("no.such.queue"), no_ack: true });
    channel.expect_close(404, "NOT_FOUND - no queue 'no.such.queue' in vhost '/'", basic::Get::ID);
}

#[test]
fn a_message_gotten_and_rejected_is_marked() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.publish("", &queue, "1");
    let delivery = channel.expect_get(&queue, "1");
    channel.send(basic::Reject { delivery_tag: delivery.delivery_tag, requeue: true });
    assert!(channel.expect_get(&queue, "1").redelivered);
}

#[test]
fn an_exclusive_consumer_does_not_keep_get_away() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    channel.queue(&q);
    channel.qos(1, false);
    channel.consume_as(basic::Consume {
        queue: s(&q),
        consumer_tag: s("c"),
        exclusive: true,
        ..Default::default()
    });
    other.publish("", &q, "1");
    other.publish("", &q, "2");
    channel.expect_deliver("1");
    other.expect_get(&q, "2");
}

//! basic.ack, nack, reject and recover.

use leveret_dialogues::*;

/// A queue with these messages, all delivered to consumer `c` of the channel.
#[track_caller]
fn delivered(channel: &Channel, bodies: &[&str]) -> String {
    let queue = channel.named_queue();
    channel.consume(&queue, "c");
    for body in bodies {
        channel.publish("", &queue, body);
    }
    for body in bodies {
        assert!(!channel.expect_deliver(body).redelivered);
    }
    queue
}

/// What a queue still holds once the channel that took from it is closed.
#[track_caller]
fn left_after_close(connection: &Connection, channel: &Channel, queue: &str, count: u32) -> Vec<String> {
    channel.close();
    let other = connection.channel();
    other.expect_ready(queue, count);
    other.drain(queue)
}

#[test]
fn ack_settles_one() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = delivered(&channel, &["1", "2", "3"]);
    channel.ack(2);
    assert_eq!(left_after_close(&connection, &channel, &queue, 2), ["1", "3"]);
}

#[test]
fn ack_multiple_settles_up_to_the_tag() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = delivered(&channel, &["1", "2", "3"]);
    channel.send(basic::Ack { delivery_tag: 2, multiple: true });
    assert_eq!(left_after_close(&connection, &channel, &queue, 1), ["3"]);
}

#[test]
fn ack_multiple_of_tag_0_settles_all() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = delivered(&channel, &["1", "2", "3"]);
    channel.send(basic::Ack { delivery_tag: 0, multiple: true });
    // Of nothing, too.
    channel.send(basic::Ack { delivery_tag: 0, multiple: true });
    channel.expect_silence();
    assert_eq!(left_after_close(&connection, &channel, &queue, 0), [""; 0]);
}

#[test]
fn ack_of_tag_0_alone_is_406() {
    let connection = Connection::open();
    let channel = connection.channel();
    delivered(&channel, &["1"]);
    channel.ack(0);
    channel.expect_close(406, "PRECONDITION_FAILED - unknown delivery tag 0", basic::Ack::ID);
}

#[test]
fn ack_twice_is_406_and_requeues_the_rest() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = delivered(&channel, &["1", "2", "3"]);
    channel.ack(1);
    channel.ack(1);
    channel.expect_close(406, "PRECONDITION_FAILED - unknown delivery tag 1", basic::Ack::ID);
    let other = connection.channel();
    other.expect_ready(&queue, 2);
    assert_eq!(other.drain(&queue), ["2", "3"]);
}

#[test]
fn ack_multiple_of_an_unknown_tag_is_406() {
    let connection = Connection::open();
    let channel = connection.channel();
    delivered(&channel, &["1", "2"]);
    channel.send(basic::Ack { delivery_tag: 5, multiple: true });
    channel.expect_close(406, "PRECONDITION_FAILED - unknown delivery tag 5", basic::Ack::ID);
}

#[test]
fn ack_multiple_of_a_settled_tag_settles_those_before() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = delivered(&channel, &["1", "2", "3"]);
    channel.ack(2);
    channel.send(basic::Ack { delivery_tag: 2, multiple: true });
    channel.expect_close(406, "PRECONDITION_FAILED - unknown delivery tag 2", basic::Ack::ID);
    let other = connection.channel();
    other.expect_ready(&queue, 2);
}

#[test]
fn tags_belong_to_their_channel() {
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    delivered(&channel, &["1"]);
    other.ack(1);
    other.expect_close(406, "PRECONDITION_FAILED - unknown delivery tag 1", basic::Ack::ID);
    channel.ack(1);
    channel.expect_silence();
}

#[test]
fn reject_of_an_unknown_tag_is_406() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(basic::Reject { delivery_tag: 3, requeue: true });
    channel.expect_close(406, "PRECONDITION_FAILED - unknown delivery tag 3", basic::Reject::ID);
    channel.open();
    channel.send(basic::Nack { delivery_tag: 4, multiple: false, requeue: true });
    channel.expect_close(406, "PRECONDITION_FAILED - unknown delivery tag 4", basic::Nack::ID);
}

#[test]
fn reject_without_requeue_drops() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = delivered(&channel, &["1", "2"]);
    channel.send(basic::Reject { delivery_tag: 1, requeue: false });
    assert_eq!(left_after_close(&connection, &channel, &queue, 1), ["2"]);
}

#[test]
fn nack_multiple_without_requeue_drops_up_to_the_tag() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = delivered(&channel, &["1", "2", "3"]);
    channel.send(basic::Nack { delivery_tag: 2, multiple: true, requeue: false });
    assert_eq!(left_after_close(&connection, &channel, &queue, 1), ["3"]);
}

#[test]
fn requeue_goes_to_the_original_position() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    for body in ["1", "2", "3", "4", "5"] {
        channel.publish("", &queue, body);
    }
    for body in ["1", "2", "3"] {
        channel.expect_get(&queue, body);
    }
    // In an order of their own: each finds its place.
    channel.send(basic::Reject { delivery_tag: 2, requeue: true });
    channel.send(basic::Nack { delivery_tag: 1, multiple: false, requeue: true });
    channel.expect_ready(&queue, 4);
    let rest: Vec<_> = std::iter::from_fn(|| channel.get(&queue, true)).collect();
    let rest: Vec<_> = rest.iter().map(|delivery| (delivery.text(), delivery.redelivered)).collect();
    let expected = [("1", true), ("2", true), ("4", false), ("5", false)];
    assert_eq!(rest, expected.map(|(body, redelivered)| (body.to_owned(), redelivered)));
}

#[test]
fn nack_multiple_with_requeue_keeps_the_order() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    for body in ["1", "2", "3", "4"] {
        channel.publish("", &queue, body);
    }
    for body in ["1", "2", "3"] {
        channel.expect_get(&queue, body);
    }
    channel.send(basic::Nack { delivery_tag: 0, multiple: true, requeue: true });
    channel.expect_ready(&queue, 4);
    assert_eq!(channel.drain(&queue), ["1", "2", "3", "4"]);
}

#[test]
fn a_requeued_message_goes_to_another_consumer() {
    let connection = Connection::open();
    let (first, second) = (connection.channel(), connection.channel());
    let queue = first.named_queue();
    first.qos(1, false);
    second.qos(1, false);
    first.consume(&queue, "first");
    first.publish("", &queue, "1");
    let delivery = first.expect_deliver("1");
    second.consume(&queue, "second");
    first.cancel("first");
    first.send(basic::Reject { delivery_tag: delivery.delivery_tag, requeue: true });
    assert!(second.expect_deliver("1").redelivered);
    first.expect_silence();
}

#[test]
fn a_single_consumer_gets_its_requeued_message_again() {
    let connection = Connection::open();
    let channel = connection.channel();
    delivered(&channel, &["1"]);
    for tag in 1..4 {
        channel.send(basic::Nack { delivery_tag: tag, multiple: false, requeue: true });
        let delivery = channel.expect_deliver("1");
        assert_eq!((delivery.delivery_tag, delivery.redelivered), (tag + 1, true));
    }
}

#[test]
fn closing_the_connection_requeues() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let watcher = Connection::open();
    let channel = watcher.channel();
    channel.shared_queue(&q);
    let connection = Connection::open();
    let taker = connection.channel();
    for body in ["1", "2", "3"] {
        taker.publish("", &q, body);
    }
    taker.expect_get(&q, "1");
    taker.expect_get(&q, "2");
    connection.close();
    channel.expect_ready(&q, 3);
    let all: Vec<_> = std::iter::from_fn(|| channel.get(&q, true)).collect();
    let all: Vec<_> = all.iter().map(|delivery| (delivery.text(), delivery.redelivered)).collect();
    assert_eq!(all, [("1".into(), true), ("2".into(), true), ("3".into(), false)]);
}

#[test]
fn a_lost_connection_requeues() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let watcher = Connection::open();
    let channel = watcher.channel();
    channel.shared_queue(&q);
    let connection = Connection::open();
    let taker = connection.channel();
    taker.publish("", &q, "1");
    taker.expect_get(&q, "1");
    connection.cut();
    assert!(eventually("requeued", || channel.get(&q, true)).redelivered);
}

#[test]
fn recover_delivers_again() {
    let connection = Connection::open();
    let channel = connection.channel();
    delivered(&channel, &["1", "2"]);
    channel.ack(1);
    channel.send(basic::Recover { requeue: true });
    channel.expect(basic::RecoverOk);
    let again = channel.expect_deliver("2");
    assert_eq!((again.delivery_tag, again.redelivered), (3, true));
    channel.ack(2);
    channel.expect_close(406, "PRECONDITION_FAILED - unknown delivery tag 2", basic::Ack::ID);
}

#[test]
fn recover_async_is_not_answered() {
    let connection = Connection::open();
    let channel = connection.channel();
    delivered(&channel, &["1"]);
    channel.send(basic::RecoverAsync { requeue: true });
    assert!(channel.expect_deliver("1").redelivered);
    channel.expect_silence();
}

#[test]
fn recover_without_requeue_is_540() {
    let connection = Connection::open();
    connection.channel().send(basic::Recover { requeue: false });
    connection.expect_close(540, "NOT_IMPLEMENTED - requeue=false", basic::Recover::ID);
}

#[test]
fn recover_async_without_requeue_is_540() {
    let connection = Connection::open();
    connection.channel().send(basic::RecoverAsync { requeue: false });
    connection.expect_close(540, "NOT_IMPLEMENTED - requeue=false", basic::RecoverAsync::ID);
}

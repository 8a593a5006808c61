//! Cancelled by the client, and by the broker.

use super::*;

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

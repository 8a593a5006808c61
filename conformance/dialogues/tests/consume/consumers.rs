//! Tags, answers, exclusive consumers.

use super::*;

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
    // What the channel does not have comes before what it has twice.
    other.send(consume("", "c"));
    other.expect_close(404, "NOT_FOUND - no previously declared queue", basic::Consume::ID);
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

//! Class confirm: the broker says what it has taken.

use leveret_dialogues::*;

#[test]
fn numbers_count_from_confirm_select() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.publish("", &queue, "before");
    channel.confirm_select();
    for number in 1..=3 {
        channel.publish("", &queue, "after");
        channel.expect_confirm(number);
    }
    // A second time is no new beginning.
    channel.confirm_select();
    channel.publish("", &queue, "after");
    channel.expect_confirm(4);
}

#[test]
fn a_channel_opened_again_counts_from_one() {
    let connection = Connection::open();
    let channel = connection.channel();
    for _ in 0..2 {
        channel.confirm_select();
        channel.publish("amq.direct", "nobody", "x");
        channel.expect_confirm(1);
        channel.close();
        channel.open();
    }
    channel.publish("amq.direct", "nobody", "x");
    channel.expect_silence();
}

#[test]
fn many_are_answered_each_once() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.confirm_select();
    for number in 0..500 {
        // Some reach no queue: answered at once, others when the queue has them.
        let key = if number % 7 == 0 { "no.such.queue" } else { &queue };
        channel.publish("", key, "x");
    }
    assert_eq!(channel.expect_confirms(1, 500), [0; 0]);
    channel.expect_silence();
}

#[test]
fn persistent_messages_in_durable_queues_are_confirmed() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.declare(queue::Declare { queue: s(&q), durable: true, ..Default::default() });
    channel.confirm_select();
    let persistent = Properties { delivery_mode: Some(2), ..Properties::default() };
    for _ in 0..50 {
        channel.publish_with("", &q, &persistent, "x");
    }
    assert_eq!(channel.expect_confirms(1, 50), [0; 0]);
    assert_eq!(channel.drain(&q).len(), 50);
}

#[test]
fn unroutable_is_confirmed_too() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.confirm_select();
    channel.publish("", "no.such.queue", "x");
    channel.expect_confirm(1);
}

#[test]
fn a_returned_message_is_returned_before_its_confirm() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.confirm_select();
    for number in 1..=3 {
        channel.publish_mandatory("", "no.such.queue", "back");
        channel.expect_return("back");
        channel.expect_confirm(number);
    }
}

#[test]
fn a_full_queue_that_rejects_is_a_nack() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue_with(&q, table([("x-max-length", 2.into()), ("x-overflow", "reject-publish".into())]));
    channel.confirm_select();
    for number in 1..=2 {
        channel.publish("", &q, &number.to_string());
        channel.expect_confirm(number);
    }
    channel.publish("", &q, "3");
    assert_eq!(channel.expect_confirms(3, 3), [3]);
    channel.get(&q, true);
    channel.publish("", &q, "4");
    channel.expect_confirm(4);
    assert_eq!(channel.drain(&q), ["2", "4"]);
}

#[test]
fn one_queue_that_rejects_is_enough_for_a_nack() {
    let scratch = Scratch::new();
    let (full, x) = (scratch.queue("full"), scratch.exchange("x"));
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue_with(&full, table([("x-max-length", 1.into()), ("x-overflow", "reject-publish".into())]));
    let roomy = channel.named_queue();
    channel.exchange(&x, "fanout");
    channel.bind(&full, &x, "");
    channel.bind(&roomy, &x, "");
    channel.confirm_select();
    channel.publish(&x, "", "1");
    channel.publish(&x, "", "2");
    assert_eq!(channel.expect_confirms(1, 2), [2]);
    assert_eq!(channel.drain(&full), ["1"]);
    assert_eq!(channel.drain(&roomy), ["1", "2"]);
}

#[test]
fn select_without_wait() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(confirm::Select { no_wait: true });
    channel.publish("amq.direct", "nobody", "x");
    channel.expect_confirm(1);
}

#[test]
fn a_transactional_channel_cannot_confirm() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.tx_select();
    channel.send(confirm::Select { no_wait: false });
    channel.expect_close(
        406,
        "PRECONDITION_FAILED - cannot switch from tx to confirm mode",
        confirm::Select::ID,
    );
}

#[test]
fn a_confirming_channel_cannot_be_transactional() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.confirm_select();
    channel.send(tx::Select);
    channel.expect_close(406, "PRECONDITION_FAILED - cannot switch from confirm to tx mode", tx::Select::ID);
}

#[test]
fn messages_under_way_when_the_queue_goes_are_confirmed() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    channel.shared_queue(&q);
    channel.confirm_select();
    for _ in 0..100 {
        channel.publish("", &q, "x");
    }
    other.send(queue::Delete { queue: s(&q), ..Default::default() });
    assert_eq!(channel.expect_confirms(1, 100), [0; 0]);
    assert!(matches!(other.next().method(), Some(Method::QueueDeleteOk(_))));
}

#[test]
fn an_acknowledgement_of_the_client_is_something_else() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.confirm_select();
    channel.consume(&queue, "c");
    channel.publish("", &queue, "1");
    // Confirm and delivery come in either order.
    let (mut confirmed, mut delivered) = (false, false);
    while !(confirmed && delivered) {
        match channel.next().method() {
            Some(Method::BasicAck(ack)) => confirmed = ack == basic::Ack { delivery_tag: 1, multiple: false },
            Some(Method::BasicDeliver(deliver)) => delivered = deliver.delivery_tag == 1,
            other => panic!("{other:?}"),
        }
    }
    channel.ack(1);
    channel.expect_silence();
}

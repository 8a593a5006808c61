//! Priority queues: x-max-priority.

use leveret_dialogues::*;

fn priority(priority: u8) -> Properties {
    Properties { priority: Some(priority), ..Properties::default() }
}

#[track_caller]
fn priority_queue(channel: &Channel, name: &str, max: i32) {
    channel.queue_with(name, table([("x-max-priority", max.into())]));
}

#[test]
fn the_highest_comes_first_and_equals_keep_their_order() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    priority_queue(&channel, &q, 5);
    for (body, number) in [("a1", 1), ("b5", 5), ("c3", 3), ("d5", 5), ("e1", 1), ("f0", 0)] {
        channel.publish_with("", &q, &priority(number), body);
    }
    channel.publish("", &q, "g none");
    assert_eq!(channel.drain(&q), ["b5", "d5", "c3", "a1", "e1", "f0", "g none"]);
}

#[test]
fn above_the_maximum_is_the_maximum() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    priority_queue(&channel, &q, 3);
    for (body, number) in [("low", 1), ("three", 3), ("nine", 9)] {
        channel.publish_with("", &q, &priority(number), body);
    }
    channel.expect_ready(&q, 3);
    let got: Vec<_> = std::iter::from_fn(|| channel.get(&q, true)).collect();
    let got: Vec<_> = got.iter().map(|delivery| (delivery.text(), delivery.properties.priority)).collect();
    assert_eq!(got, [("three".into(), Some(3)), ("nine".into(), Some(9)), ("low".into(), Some(1))]);
}

#[test]
fn an_ordinary_queue_ignores_priorities() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    for (body, number) in [("a", 1), ("b", 200), ("c", 3)] {
        channel.publish_with("", &queue, &priority(number), body);
    }
    assert_eq!(channel.drain(&queue), ["a", "b", "c"]);
}

#[test]
fn consumers_get_the_highest_that_is_ready() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    priority_queue(&channel, &q, 10);
    channel.qos(1, false);
    channel.consume(&q, "c");
    channel.publish_with("", &q, &priority(1), "first");
    channel.expect_deliver("first");
    for (body, number) in [("low", 1), ("high", 9), ("middle", 5)] {
        channel.publish_with("", &q, &priority(number), body);
    }
    channel.expect_ready(&q, 3);
    for (tag, body) in (1..).zip(["high", "middle", "low"]) {
        channel.ack(tag);
        channel.expect_deliver(body);
    }
}

#[test]
fn a_requeued_message_keeps_its_priority() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    priority_queue(&channel, &q, 10);
    for (body, number) in [("low", 1), ("high", 9), ("high too", 9)] {
        channel.publish_with("", &q, &priority(number), body);
    }
    let high = channel.expect_get(&q, "high");
    channel.send(basic::Reject { delivery_tag: high.delivery_tag, requeue: true });
    channel.expect_ready(&q, 3);
    assert_eq!(channel.drain(&q), ["high", "high too", "low"]);
}

#[test]
fn a_long_queue_drops_its_head_which_is_the_highest() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.queue_with(&q, table([("x-max-priority", 5.into()), ("x-max-length", 2.into())]));
    for (body, number) in [("high", 5), ("low", 1), ("middle", 3)] {
        channel.publish_with("", &q, &priority(number), body);
    }
    assert_eq!(channel.drain(&q), ["middle", "low"]);
}

//! Random exchanges (of RabbitMQ's plugin).

use super::*;

#[test]
fn random_gives_each_message_to_one_binding_by_chance() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "x-random");
    let queues = [channel.named_queue(), channel.named_queue()];
    for (queue, key) in [(&queues[0], "a"), (&queues[1], "a"), (&queues[1], "b")] {
        channel.bind(queue, &x, key);
    }
    (0..900).for_each(|_| channel.publish(&x, "whatever", "x"));
    let counts = queues.each_ref().map(|queue| channel.drain(queue).len());
    assert_eq!(counts[0] + counts[1], 900);
    // A third with a deviation of 14: what lies further out than seven of those is not chance.
    assert!((200..400).contains(&counts[0]), "{counts:?}: one of three bindings");
}

#[test]
fn random_without_bindings_returns() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "x-random");
    channel.publish_mandatory(&x, "k", "x");
    channel.expect_return("x");
}

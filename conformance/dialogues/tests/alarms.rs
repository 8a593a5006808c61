//! connection.blocked and unblocked. An alarm is for the whole broker, so this is one dialogue, in a process of its own.

use leveret_dialogues::*;

#[test]
fn publishers_are_told_and_wait_and_consumers_go_on() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let publisher = Connection::open();
    let out = publisher.channel();
    let plain = Connection::open_with(&Options { capabilities: vec![], ..Options::default() });
    let silent = plain.channel();
    let consumer = Connection::open();
    let inbox = consumer.channel();
    out.shared_queue(&q);
    inbox.consume_no_ack(&q, "c");
    for channel in [&out, &silent] {
        channel.publish("", &q, "before");
        inbox.expect_deliver("before");
    }
    // A broker that runs elsewhere is left in peace.
    if !set_memory_alarm(true) {
        return;
    }
    publisher.expect(conn::Blocked { reason: s("low on memory") });
    // What is published now stays in the socket.
    out.publish("", &q, "waiting");
    silent.publish("", &q, "waiting too");
    inbox.expect_silence();
    assert_eq!(inbox.counts(&q), (0, 1));
    inbox.cancel("c");
    inbox.consume_no_ack(&q, "d");
    // A publisher that comes during the alarm is told with its first message.
    let late = Connection::open();
    let channel = late.channel();
    channel.publish("", &q, "late");
    late.expect(conn::Blocked { reason: s("low on memory") });
    assert!(set_memory_alarm(false));
    publisher.expect(conn::Unblocked);
    late.expect(conn::Unblocked);
    let mut bodies: Vec<_> = (0..3).map(|_| inbox.deliver().text()).collect();
    bodies.sort();
    assert_eq!(bodies, ["late", "waiting", "waiting too"]);
    silent.expect_silence();
}

//! Exclusive and auto-delete queues, delete and purge.

use super::*;

#[test]
fn exclusive_queue_is_locked_for_other_connections() {
    let scratch = Scratch::new();
    let q = scratch.name("q");
    let owner = Connection::open();
    let channel = owner.channel();
    channel.queue(&q);
    channel.bind(&q, "amq.direct", "k");
    let stranger = Connection::open();
    let channel = stranger.channel();
    let text = format!(
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{q}' in vhost '/'. It could be \
         originally declared on another connection or the exclusive property value does not match that of the \
         original declaration."
    );
    let attempts: [Method<'_>; 11] = [
        exclusive(&q).into(),
        declare(&q).into(),
        passive(&q).into(),
        queue::Bind { queue: s(&q), exchange: s("amq.fanout"), ..Default::default() }.into(),
        queue::Unbind { queue: s(&q), exchange: s("amq.direct"), routing_key: s("k"), ..Default::default() }
            .into(),
        queue::Purge { queue: s(&q), no_wait: false }.into(),
        delete(&q).into(),
        queue::Delete { if_unused: true, ..delete(&q) }.into(),
        basic::Consume { queue: s(&q), ..Default::default() }.into(),
        basic::Get { queue: s(&q), no_ack: false }.into(),
        basic::Get { queue: s(&q), no_ack: true }.into(),
    ];
    for method in attempts {
        let id = method.id();
        channel.send(method);
        channel.expect_close(405, &text[..text.floor_char_boundary(255)], id);
        channel.open();
    }
    // Publishing to it is everybody's right.
    channel.confirm_select();
    channel.publish("", &q, "letter");
    channel.expect_confirm(1);
    assert_eq!(owner.channel().drain(&q), ["letter"]);
}

#[test]
fn exclusive_queue_goes_with_its_connection_not_its_channel() {
    let scratch = Scratch::new();
    let q = scratch.name("q");
    let owner = Connection::open();
    let channel = owner.channel();
    channel.queue(&q);
    channel.close();
    owner.channel().call(passive(&q), declare_ok(&q, 0, 0));
    owner.close();
    // It is gone before close-ok was sent.
    let other = Connection::open();
    expect_missing(&other.channel(), &q);
}

#[test]
fn auto_delete_queue_goes_with_its_last_consumer() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.declare(queue::Declare { auto_delete: true, ..declare(&q) });
    channel.publish("", &q, "kept without consumers");
    channel.expect_ready(&q, 1);
    channel.consume(&q, "a");
    channel.expect_deliver("kept without consumers");
    channel.consume(&q, "b");
    channel.cancel("a");
    assert_eq!(channel.counts(&q), (0, 1));
    channel.cancel("b");
    expect_missing(&channel, &q);
}

#[test]
fn auto_delete_queue_goes_with_its_consumers_channel() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let (channel, other) = (connection.channel(), connection.channel());
    channel.declare(queue::Declare { auto_delete: true, ..declare(&q) });
    channel.consume(&q, "a");
    channel.close();
    eventually("queue gone", || {
        other.send(passive(&q));
        match other.next().method() {
            Some(Method::ChannelClose(_)) => {
                other.send(methods::channel::CloseOk);
                Some(())
            }
            _ => None,
        }
    });
}

#[test]
fn delete_counts_the_messages() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.shared_queue(&q);
    for body in ["1", "2", "3"] {
        channel.publish("", &q, body);
    }
    channel.expect_get(&q, "1");
    channel.call(delete(&q), queue::DeleteOk { message_count: 2 });
    expect_missing(&channel, &q);
}

#[test]
fn deleting_what_is_not_there_succeeds() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.call(delete(&q), queue::DeleteOk { message_count: 0 });
    let delete = queue::Delete { if_unused: true, if_empty: true, ..delete(&q) };
    channel.call(delete, queue::DeleteOk { message_count: 0 });
}

#[test]
fn delete_if_empty_refuses_while_there_are_messages() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.shared_queue(&q);
    channel.publish("", &q, "1");
    channel.send(queue::Delete { if_empty: true, ..delete(&q) });
    channel.expect_close(
        406,
        &format!("PRECONDITION_FAILED - queue '{q}' in vhost '/' not empty"),
        queue::Delete::ID,
    );
    channel.open();
    channel.drain(&q);
    channel.call(queue::Delete { if_empty: true, ..delete(&q) }, queue::DeleteOk { message_count: 0 });
}

#[test]
fn delete_if_unused_refuses_while_there_are_consumers() {
    let scratch = Scratch::new();
    let q = scratch.queue("q");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.shared_queue(&q);
    channel.consume(&q, "c");
    channel.send(queue::Delete { if_unused: true, ..delete(&q) });
    channel.expect_close(
        406,
        &format!("PRECONDITION_FAILED - queue '{q}' in vhost '/' in use"),
        queue::Delete::ID,
    );
    channel.open();
    eventually("consumer gone", || (channel.counts(&q) == (0, 0)).then_some(()));
    channel.call(queue::Delete { if_unused: true, ..delete(&q) }, queue::DeleteOk { message_count: 0 });
}

#[test]
fn purge_counts_what_is_ready() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    for body in ["1", "2", "3", "4"] {
        channel.publish("", &queue, body);
    }
    let first = channel.expect_get(&queue, "1");
    let purge = || queue::Purge { queue: s(&queue), no_wait: false };
    channel.call(purge(), queue::PurgeOk { message_count: 3 });
    channel.call(purge(), queue::PurgeOk { message_count: 0 });
    // What was delivered was not purged.
    channel.send(basic::Reject { delivery_tag: first.delivery_tag, requeue: true });
    assert_eq!(channel.drain(&queue), ["1"]);
}

#[test]
fn purging_what_is_not_there_is_404() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(queue::Purge { queue: s("no.such.queue"), no_wait: false });
    channel.expect_close(404, "NOT_FOUND - no queue 'no.such.queue' in vhost '/'", queue::Purge::ID);
}

#[test]
fn a_deleted_queue_takes_its_bindings_along() {
    let scratch = Scratch::new();
    let (q, x) = (scratch.queue("q"), scratch.exchange("x"));
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "fanout");
    channel.shared_queue(&q);
    channel.bind(&q, &x, "");
    channel.call(delete(&q), queue::DeleteOk { message_count: 0 });
    channel.shared_queue(&q);
    channel.publish_mandatory(&x, "", "back");
    channel.expect_return("back");
    channel.call(exchange::Delete { exchange: s(&x), if_unused: true, no_wait: false }, exchange::DeleteOk);
}

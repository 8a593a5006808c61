//! Delete and auto-delete.

use super::*;

#[test]
fn deleting_what_is_not_there_succeeds() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.call(delete(&x), exchange::DeleteOk);
    channel.call(exchange::Delete { if_unused: true, ..delete(&x) }, exchange::DeleteOk);
}

#[test]
fn delete_if_unused_refuses_while_there_are_bindings() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "direct");
    let queue = channel.named_queue();
    channel.bind(&queue, &x, "k");
    channel.send(exchange::Delete { if_unused: true, ..delete(&x) });
    channel.expect_close(
        406,
        &format!("PRECONDITION_FAILED - exchange '{x}' in vhost '/' in use"),
        exchange::Delete::ID,
    );
    channel.open();
    let unbind = queue::Unbind {
        queue: s(&queue),
        exchange: s(&x),
        routing_key: s("k"),
        arguments: FieldTable::new(),
    };
    channel.call(unbind, queue::UnbindOk);
    channel.call(exchange::Delete { if_unused: true, ..delete(&x) }, exchange::DeleteOk);
    expect_missing(&channel, &x);
}

#[test]
fn delete_takes_the_bindings_along() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "fanout");
    let queue = channel.named_queue();
    channel.bind(&queue, &x, "");
    channel.call(delete(&x), exchange::DeleteOk);
    channel.exchange(&x, "fanout");
    channel.publish(&x, "", "nobody listens");
    assert_eq!(channel.drain(&queue), [""; 0]);
}

#[test]
fn auto_delete_exchange_goes_with_its_last_binding() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.call(exchange::Declare { auto_delete: true, ..declare(&x, "direct") }, exchange::DeclareOk);
    channel.call(passive(&x), exchange::DeclareOk);
    let queue = channel.named_queue();
    channel.bind(&queue, &x, "a");
    channel.bind(&queue, &x, "b");
    let unbind = |key| queue::Unbind {
        queue: s(&queue),
        exchange: s(&x),
        routing_key: s(key),
        arguments: FieldTable::new(),
    };
    channel.call(unbind("a"), queue::UnbindOk);
    channel.call(passive(&x), exchange::DeclareOk);
    channel.call(unbind("b"), queue::UnbindOk);
    expect_missing(&channel, &x);
}

#[test]
fn auto_delete_exchange_goes_when_its_last_queue_goes() {
    let scratch = Scratch::new();
    let (x, y) = (scratch.exchange("x"), scratch.exchange("y"));
    let connection = Connection::open();
    let channel = connection.channel();
    for name in [&x, &y] {
        channel.call(exchange::Declare { auto_delete: true, ..declare(name, "fanout") }, exchange::DeclareOk);
    }
    // The second goes because the first did.
    channel.bind_exchange(&y, &x, "");
    channel.bind_exchange(&x, &y, "");
    let queue = channel.named_queue();
    channel.bind(&queue, &y, "");
    channel.call(
        exchange::Unbind { destination: s(&x), source: s(&y), ..Default::default() },
        exchange::UnbindOk,
    );
    channel
        .call(queue::Delete { queue: s(&queue), ..Default::default() }, queue::DeleteOk { message_count: 0 });
    expect_missing(&channel, &y);
    expect_missing(&channel, &x);
}

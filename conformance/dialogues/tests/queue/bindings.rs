//! Binding queues.

use super::*;

#[test]
fn binding_what_is_not_there_is_404() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.send(queue::Bind {
        queue: s(&queue),
        exchange: s("no.such.exchange"),
        routing_key: s("k"),
        ..Default::default()
    });
    channel.expect_close(404, "NOT_FOUND - no exchange 'no.such.exchange' in vhost '/'", queue::Bind::ID);
    channel.open();
    channel.send(queue::Bind {
        queue: s("no.such.queue"),
        exchange: s("amq.direct"),
        routing_key: s("k"),
        ..Default::default()
    });
    channel.expect_close(404, "NOT_FOUND - no queue 'no.such.queue' in vhost '/'", queue::Bind::ID);
}

#[test]
fn unbinding_what_is_not_bound_succeeds() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    let unbind = |queue, exchange| queue::Unbind {
        queue: s(queue),
        exchange: s(exchange),
        routing_key: s("k"),
        arguments: FieldTable::new(),
    };
    channel.call(unbind(&queue, "amq.direct"), queue::UnbindOk);
    channel.call(unbind(&queue, "no.such.exchange"), queue::UnbindOk);
    channel.call(unbind("no.such.queue", "amq.direct"), queue::UnbindOk);
}

/// Another connection's exclusive queue was said to be locked before anything else was looked at.
#[test]
fn an_exclusive_queue_is_locked_for_what_could_be_bound_otherwise() {
    let (owner, connection) = (Connection::open(), Connection::open());
    let queue = owner.channel().named_queue();
    let channel = connection.channel();
    let bind = |exchange, arguments| queue::Bind {
        queue: s(&queue),
        exchange: s(exchange),
        routing_key: s("k"),
        no_wait: false,
        arguments,
    };
    channel.send(bind("no.such.exchange", FieldTable::new()));
    channel.expect_close(404, "NOT_FOUND - no exchange 'no.such.exchange' in vhost '/'", queue::Bind::ID);
    channel.open();
    channel.send(bind("amq.headers", table([("x-match", "some".into())])));
    let text = "PRECONDITION_FAILED - Invalid x-match field value <<\"some\">>; expected all, any, all-with-x, or any-with-x";
    channel.expect_close(406, text, queue::Bind::ID);
    channel.open();
    // What is not bound is unbound already, whoever asks.
    let unbind = |exchange| queue::Unbind {
        queue: s(&queue),
        exchange: s(exchange),
        routing_key: s("k"),
        arguments: FieldTable::new(),
    };
    channel.call(unbind("amq.direct"), queue::UnbindOk);
    channel.send(bind("amq.direct", FieldTable::new()));
    let text = format!(
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{queue}' in vhost '/'. It could be originally declared on \
         another connection or the exclusive property value does not match that of the original declaration."
    );
    channel.expect_close(405, &text, queue::Bind::ID);
}

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

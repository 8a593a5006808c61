//! The default exchange and the predeclared ones are not to be touched.

use super::*;

#[test]
fn the_default_exchange_cannot_be_declared() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(declare("", "direct"));
    channel.expect_close(
        403,
        "ACCESS_REFUSED - operation not permitted on the default exchange",
        exchange::Declare::ID,
    );
}

#[test]
fn the_default_exchange_cannot_be_asked_for() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(passive(""));
    channel.expect_close(
        403,
        "ACCESS_REFUSED - operation not permitted on the default exchange",
        exchange::Declare::ID,
    );
}

#[test]
fn the_default_exchange_cannot_be_deleted() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(delete(""));
    channel.expect_close(
        403,
        "ACCESS_REFUSED - operation not permitted on the default exchange",
        exchange::Delete::ID,
    );
}

#[test]
fn the_default_exchange_cannot_be_bound_or_unbound() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.send(queue::Bind {
        queue: s(&queue),
        exchange: s(""),
        routing_key: s("k"),
        ..Default::default()
    });
    channel.expect_close(
        403,
        "ACCESS_REFUSED - operation not permitted on the default exchange",
        queue::Bind::ID,
    );
    channel.open();
    channel.send(queue::Unbind {
        queue: s(&queue),
        exchange: s(""),
        routing_key: s("k"),
        ..Default::default()
    });
    channel.expect_close(
        403,
        "ACCESS_REFUSED - operation not permitted on the default exchange",
        queue::Unbind::ID,
    );
    channel.open();
    channel.send(exchange::Bind { destination: s("amq.fanout"), source: s(""), ..Default::default() });
    channel.expect_close(
        403,
        "ACCESS_REFUSED - operation not permitted on the default exchange",
        exchange::Bind::ID,
    );
    channel.open();
    channel.send(exchange::Bind { destination: s(""), source: s("amq.fanout"), ..Default::default() });
    channel.expect_close(
        403,
        "ACCESS_REFUSED - operation not permitted on the default exchange",
        exchange::Bind::ID,
    );
}

#[test]
fn predeclared_exchanges_cannot_be_deleted() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(delete("amq.topic"));
    let text = "ACCESS_REFUSED - deletion of system exchange 'amq.topic' in vhost '/' not allowed";
    channel.expect_close(403, text, exchange::Delete::ID);
}

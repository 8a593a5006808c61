//! After the error.

use super::*;

#[test]
fn after_a_connection_error_everything_but_close_ok_is_discarded() {
    let scratch = Scratch::new();
    let queue = scratch.queue("discarded");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(methods::channel::Open);
    channel.send(queue::Declare { queue: s(&queue), ..Default::default() });
    connection.expect_close_only(
        504,
        "CHANNEL_ERROR - second 'channel.open' seen",
        methods::channel::Open::ID,
    );
    channel.send(queue::Declare { queue: s(&queue), ..Default::default() });
    connection.send(conn::CloseOk);
    connection.expect_eof();

    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(queue::Declare { queue: s(&queue), passive: true, ..Default::default() });
    let text = format!("NOT_FOUND - no queue '{queue}' in vhost '/'");
    channel.expect_close(404, &text, queue::Declare::ID);
}

#[test]
fn other_connections_go_on() {
    let other = Connection::open();
    let channel = other.channel();
    let connection = Connection::open();
    connection.at(7).send(basic::Qos::default());
    connection.expect_close(504, "CHANNEL_ERROR - expected 'channel.open'", basic::Qos::ID);
    channel.expect_silence();
}

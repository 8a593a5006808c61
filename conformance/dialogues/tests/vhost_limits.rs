//! Limits of virtual hosts.

use leveret_dialogues::*;

fn into(vhost: &str) -> Options {
    Options { vhost: vhost.to_owned(), ..Options::default() }
}

/// Asks to be let in, and is not.
#[track_caller]
fn expect_refused(vhost: &str, limit: i64) {
    let connection = Connection::tuned(&into(vhost));
    connection.send(conn::Open { virtual_host: s(vhost) });
    let text = format!(
        "NOT_ALLOWED - access to vhost '{vhost}' refused for user 'guest': connection limit ({limit}) is reached"
    );
    connection.expect_close(530, &text, conn::Open::ID);
}

#[test]
fn no_more_connections_than_the_virtual_host_may_have() {
    let scratch = Scratch::new();
    let vhost = scratch.vhost("v");
    set_vhost_limit(&vhost, "max-connections", 0);
    expect_refused(&vhost, 0);
    set_vhost_limit(&vhost, "max-connections", 1);
    let first = Connection::open_with(&into(&vhost));
    expect_refused(&vhost, 1);
    set_vhost_limit(&vhost, "max-connections", -1);
    let second = Connection::open_with(&into(&vhost));
    first.close();
    second.close();
}

#[test]
fn no_more_queues_than_the_virtual_host_may_have() {
    let scratch = Scratch::new();
    let vhost = scratch.vhost("v");
    set_vhost_limit(&vhost, "max-queues", 1);
    let connection = Connection::open_with(&into(&vhost));
    let channel = connection.channel();
    channel.queue("a");
    channel.queue("a");
    channel.send(queue::Declare { queue: s("b"), ..Default::default() });
    let text = format!(
        "PRECONDITION_FAILED - cannot declare queue 'b': queue limit in vhost '{vhost}' (1) is reached"
    );
    channel.expect_close(406, &text, queue::Declare::ID);
    set_vhost_limit(&vhost, "max-queues", -1);
    let other = connection.channel();
    other.queue("b");
}

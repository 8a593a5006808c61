//! Permissions, the user-id property, update-secret.

use leveret_dialogues::*;

/// A connection of a user with these permissions.
#[track_caller]
fn login(user: &str) -> Connection {
    Connection::open_with(&Options { user: user.into(), password: user.into(), ..Options::default() })
}

/// The text of a refusal.
fn refused(permission: &str, kind: &str, name: &str, user: &str) -> String {
    let access = differs("RabbitMQ 4 names the permission", "access".into(), format!("{permission} access"));
    format!("ACCESS_REFUSED - {access} to {kind} '{name}' in vhost '/' refused for user '{user}'")
}

#[test]
fn configure_is_asked_for_declare_and_delete() {
    let scratch = Scratch::new();
    let user = scratch.user_with_permissions("user", "^mine-", ".*", ".*");
    let connection = login(&user);
    let channel = connection.channel();
    channel.send(queue::Declare { queue: s("yours-q"), ..Default::default() });
    let text = refused("configure", "queue", "yours-q", &user);
    channel.expect_close(403, &text, queue::Declare::ID);
    channel.open();
    channel.send(queue::Delete { queue: s("yours-q"), ..Default::default() });
    channel.expect_close(403, &text, queue::Delete::ID);
    channel.open();
    channel.send(exchange::Declare { exchange: s("yours-x"), kind: s("fanout"), ..Default::default() });
    let text = refused("configure", "exchange", "yours-x", &user);
    channel.expect_close(403, &text, exchange::Declare::ID);
    channel.open();
    channel.send(exchange::Delete { exchange: s("yours-x"), ..Default::default() });
    channel.expect_close(403, &text, exchange::Delete::ID);
}

#[test]
fn write_is_asked_for_publish() {
    let scratch = Scratch::new();
    let user = scratch.user_with_permissions("user", ".*", "^mine-", ".*");
    let connection = login(&user);
    let channel = connection.channel();
    channel.publish("amq.fanout", "k", "x");
    let text = refused("write", "exchange", "amq.fanout", &user);
    channel.expect_close(403, &text, basic::Publish::ID);
    channel.open();
    // The default exchange has a name for permissions.
    channel.publish("", "k", "x");
    let text = refused("write", "exchange", "amq.default", &user);
    channel.expect_close(403, &text, basic::Publish::ID);
}

#[test]
fn read_is_asked_for_consume_get_and_purge() {
    let scratch = Scratch::new();
    let user = scratch.user_with_permissions("user", ".*", ".*", "^mine-");
    let q = scratch.queue("q");
    Connection::open().channel().shared_queue(&q);
    let connection = login(&user);
    let channel = connection.channel();
    let text = refused("read", "queue", &q, &user);
    let attempts: [Method<'_>; 3] = [
        basic::Consume { queue: s(&q), ..Default::default() }.into(),
        basic::Get { queue: s(&q), no_ack: true }.into(),
        queue::Purge { queue: s(&q), no_wait: false }.into(),
    ];
    for method in attempts {
        let id = method.id();
        channel.send(method);
        channel.expect_close(403, &text, id);
        channel.open();
    }
}

#[test]
fn bind_writes_the_destination_and_reads_the_source() {
    let scratch = Scratch::new();
    let user = scratch.user_with_permissions("user", ".*", "^writable", "^readable");
    let (q, x) = (scratch.queue("q"), scratch.exchange("x"));
    let owner = Connection::open();
    let channel = owner.channel();
    channel.shared_queue(&q);
    channel.exchange(&x, "fanout");
    let connection = login(&user);
    let channel = connection.channel();
    channel.send(queue::Bind { queue: s(&q), exchange: s(&x), ..Default::default() });
    let text = refused("write", "queue", &q, &user);
    channel.expect_close(403, &text, queue::Bind::ID);
    let scratch2 = Scratch::new();
    let writer = scratch2.user_with_permissions("writer", ".*", ".*", "^readable");
    let connection = login(&writer);
    let channel = connection.channel();
    channel.send(queue::Bind { queue: s(&q), exchange: s(&x), ..Default::default() });
    let text = refused("read", "exchange", &x, &writer);
    channel.expect_close(403, &text, queue::Bind::ID);
    channel.open();
    channel.send(exchange::Bind { destination: s("amq.fanout"), source: s(&x), ..Default::default() });
    let text = refused("read", "exchange", &x, &writer);
    channel.expect_close(403, &text, exchange::Bind::ID);
}

#[test]
fn passive_declare_needs_no_configure() {
    let scratch = Scratch::new();
    let user = scratch.user_with_permissions("user", "^$", ".*", "^$");
    let q = scratch.queue("q");
    Connection::open().channel().shared_queue(&q);
    let connection = login(&user);
    let channel = connection.channel();
    channel.send(queue::Declare { queue: s(&q), passive: true, ..Default::default() });
    channel.expect(queue::DeclareOk { queue: s(&q), message_count: 0, consumer_count: 0 });
    channel.send(exchange::Declare { exchange: s("amq.direct"), passive: true, ..Default::default() });
    channel.expect(exchange::DeclareOk);
}

#[test]
fn passive_declare_without_any_permission() {
    let scratch = Scratch::new();
    let user = scratch.user_with_permissions("user", "^$", "^$", "^$");
    let q = scratch.queue("q");
    Connection::open().channel().shared_queue(&q);
    let connection = login(&user);
    let channel = connection.channel();
    channel.send(queue::Declare { queue: s(&q), passive: true, ..Default::default() });
    channel.expect(queue::DeclareOk { queue: s(&q), message_count: 0, consumer_count: 0 });
    channel.send(exchange::Declare { exchange: s("amq.direct"), passive: true, ..Default::default() });
    channel.expect(exchange::DeclareOk);
}

#[test]
fn dead_letters_want_permissions_of_the_declarer() {
    let scratch = Scratch::new();
    let user = scratch.user_with_permissions("user", ".*", "^nothing$", "^nothing$");
    let q = scratch.queue("q");
    let connection = login(&user);
    let channel = connection.channel();
    channel.send(queue::Declare {
        queue: s(&q),
        arguments: table([("x-dead-letter-exchange", "amq.fanout".into())]),
        ..Default::default()
    });
    let text = refused("read", "queue", &q, &user);
    channel.expect_close(403, &text, queue::Declare::ID);
}

#[test]
fn an_alternate_exchange_wants_permissions_of_the_declarer() {
    let scratch = Scratch::new();
    let user = scratch.user_with_permissions("user", ".*", "^nothing$", "^nothing$");
    let x = scratch.exchange("x");
    let connection = login(&user);
    let channel = connection.channel();
    channel.send(exchange::Declare {
        exchange: s(&x),
        kind: s("fanout"),
        arguments: table([("alternate-exchange", "amq.fanout".into())]),
        ..Default::default()
    });
    let text = refused("read", "exchange", &x, &user);
    channel.expect_close(403, &text, exchange::Declare::ID);
}

#[test]
fn dead_letters_and_alternates_want_write_on_their_exchange() {
    let scratch = Scratch::new();
    let user = scratch.user_with_permissions("user", ".*", "^nothing$", ".*");
    let (q, x) = (scratch.queue("q"), scratch.exchange("x"));
    let connection = login(&user);
    let channel = connection.channel();
    let text = refused("write", "exchange", "amq.fanout", &user);
    let arguments = table([("x-dead-letter-exchange", "amq.fanout".into())]);
    channel.send(queue::Declare { queue: s(&q), arguments, ..Default::default() });
    channel.expect_close(403, &text, queue::Declare::ID);
    channel.open();
    let arguments = table([("alternate-exchange", "amq.fanout".into())]);
    channel.send(exchange::Declare { exchange: s(&x), kind: s("fanout"), arguments, ..Default::default() });
    channel.expect_close(403, &text, exchange::Declare::ID);
}

#[test]
fn a_user_id_has_to_be_ones_own() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    let from = |user: &str| Properties { user_id: Some(user.into()), ..Properties::default() };
    let user = &target().user;
    channel.publish_with("", &queue, &from(user), "mine");
    assert_eq!(channel.get(&queue, true).unwrap().properties, from(user));
    channel.publish_with("", &queue, &from("somebody"), "forged");
    let text = format!(
        "PRECONDITION_FAILED - user_id property set to 'somebody' but authenticated user was '{user}'"
    );
    channel.expect_close(406, &text, basic::Publish::ID);
}

#[test]
fn a_secret_may_be_renewed() {
    let connection = Connection::open();
    let new_secret = target().password.as_bytes();
    connection.send(conn::UpdateSecret { new_secret, reason: s("renewal") });
    connection.expect(conn::UpdateSecretOk);
    connection.expect_alive();
}

#[test]
fn reading_from_a_server_named_queue_asks_for_permission_by_its_name() {
    let scratch = Scratch::new();
    let user = scratch.user_with_permissions("user", "^(mine|amq\\.gen).*", ".*", "^amq\\.gen.*");
    let connection = login(&user);
    let channel = connection.channel();
    let queue = channel.named_queue();
    channel.publish("", &queue, "x");
    assert_eq!(channel.drain(&queue), ["x"]);
}

#[test]
fn a_user_without_configure_gets_no_server_named_queue() {
    let scratch = Scratch::new();
    let user = scratch.user_with_permissions("user", "^$", ".*", ".*");
    let connection = login(&user);
    let channel = connection.channel();
    channel.send(queue::Declare { exclusive: true, ..Default::default() });
    let event = channel.next();
    let Some(Method::ChannelClose(close)) = event.method() else { panic!("{event:?}") };
    let text = close.reply_text.to_string();
    let name: String = text.split('\'').nth(1).unwrap_or_default().into();
    assert!(name.starts_with("amq.gen-"), "{text}");
    assert_eq!(text, refused("configure", "queue", &name, &user));
}

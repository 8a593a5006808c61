//! Class exchange: declare, delete, bind, unbind.

use leveret_dialogues::*;

fn declare<'a>(name: &'a str, kind: &'a str) -> exchange::Declare<'a> {
    exchange::Declare { exchange: s(name), kind: s(kind), ..Default::default() }
}

fn passive(name: &str) -> exchange::Declare<'_> {
    exchange::Declare { exchange: s(name), passive: true, ..Default::default() }
}

fn delete(name: &str) -> exchange::Delete<'_> {
    exchange::Delete { exchange: s(name), ..Default::default() }
}

#[track_caller]
fn expect_missing(channel: &Channel, name: &str) {
    channel.send(passive(name));
    let text = format!("NOT_FOUND - no exchange '{name}' in vhost '/'");
    channel.expect_close(404, &text, exchange::Declare::ID);
    channel.open();
}

#[test]
fn declare_is_idempotent() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    for kind in ["direct", "fanout", "topic", "headers"] {
        channel.call(declare(&x, kind), exchange::DeclareOk);
        channel.call(declare(&x, kind), exchange::DeclareOk);
        channel.call(delete(&x), exchange::DeleteOk);
    }
}

#[test]
fn passive_declare_asks_only() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    expect_missing(&channel, &x);
    channel.exchange(&x, "direct");
    // Neither the type nor anything else is compared.
    channel.call(exchange::Declare { kind: s("topic"), durable: true, ..passive(&x) }, exchange::DeclareOk);
}

#[test]
fn predeclared_exchanges_are_there() {
    let connection = Connection::open();
    let channel = connection.channel();
    for name in ["amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match", "amq.rabbitmq.trace"] {
        channel.call(passive(name), exchange::DeclareOk);
    }
    channel.call(exchange::Declare { durable: true, ..declare("amq.direct", "direct") }, exchange::DeclareOk);
}

#[test]
fn another_type_is_406() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "direct");
    channel.send(declare(&x, "topic"));
    let text = format!(
        "PRECONDITION_FAILED - inequivalent arg 'type' for exchange '{x}' in vhost '/': received \
                        'topic' but current is 'direct'"
    );
    channel.expect_close(406, &text, exchange::Declare::ID);
}

#[test]
fn another_durability_is_406() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "direct");
    channel.send(exchange::Declare { durable: true, ..declare(&x, "direct") });
    let text = format!(
        "PRECONDITION_FAILED - inequivalent arg 'durable' for exchange '{x}' in vhost '/': \
                        received 'true' but current is 'false'"
    );
    channel.expect_close(406, &text, exchange::Declare::ID);
}

#[test]
fn another_auto_delete_is_406() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "direct");
    channel.send(exchange::Declare { auto_delete: true, ..declare(&x, "direct") });
    let text = format!(
        "PRECONDITION_FAILED - inequivalent arg 'auto_delete' for exchange '{x}' in vhost '/': \
                        received 'true' but current is 'false'"
    );
    channel.expect_close(406, &text, exchange::Declare::ID);
}

#[test]
fn another_internal_is_406() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "direct");
    channel.send(exchange::Declare { internal: true, ..declare(&x, "direct") });
    let text = format!(
        "PRECONDITION_FAILED - inequivalent arg 'internal' for exchange '{x}' in vhost '/': \
                        received 'true' but current is 'false'"
    );
    channel.expect_close(406, &text, exchange::Declare::ID);
}

#[test]
fn another_alternate_exchange_is_406() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange_with(&x, "direct", table([("alternate-exchange", "amq.fanout".into())]));
    channel.send(declare(&x, "direct"));
    let text = format!(
        "PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for exchange '{x}' in vhost \
                        '/': received none but current is the value 'amq.fanout' of type 'longstr'"
    );
    channel.expect_close(406, &text, exchange::Declare::ID);
    channel.open();
    channel.send(exchange::Declare {
        arguments: table([("alternate-exchange", "amq.direct".into())]),
        ..declare(&x, "direct")
    });
    let text = format!(
        "PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for exchange '{x}' in vhost \
                        '/': received 'amq.direct' but current is 'amq.fanout'"
    );
    channel.expect_close(406, &text, exchange::Declare::ID);
}

#[test]
fn other_arguments_are_not_compared() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange_with(&x, "direct", table([("x-anything", 1.into())]));
    channel.call(declare(&x, "direct"), exchange::DeclareOk);
}

#[test]
fn alternate_exchange_has_to_be_a_text() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(exchange::Declare {
        arguments: table([("alternate-exchange", 5.into())]),
        ..declare(&x, "direct")
    });
    let text = format!(
        "PRECONDITION_FAILED - invalid type 'signedint' for arg 'alternate-exchange' in exchange \
                        '{x}' in vhost '/'"
    );
    channel.expect_close(406, &text, exchange::Declare::ID);
}

#[test]
fn unknown_type_is_503() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    connection.channel().send(declare(&x, "telepathy"));
    connection.expect_close(
        503,
        "COMMAND_INVALID - unknown exchange type 'telepathy'",
        exchange::Declare::ID,
    );
}

#[test]
fn reserved_names_are_403() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(declare("amq.mine", "direct"));
    let text = "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'";
    channel.expect_close(403, text, exchange::Declare::ID);
}

#[test]
fn predeclared_exchange_with_another_type_is_406() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(exchange::Declare { durable: true, ..declare("amq.direct", "fanout") });
    let text = "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'amq.direct' in vhost '/': \
                received 'fanout' but current is 'direct'";
    channel.expect_close(406, text, exchange::Declare::ID);
}

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
fn no_wait_is_not_answered() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(exchange::Declare { no_wait: true, ..declare(&x, "fanout") });
    channel.send(exchange::Bind {
        destination: s(&x),
        source: s("amq.fanout"),
        no_wait: true,
        ..Default::default()
    });
    channel.send(exchange::Unbind {
        destination: s(&x),
        source: s("amq.fanout"),
        no_wait: true,
        ..Default::default()
    });
    channel.call(passive(&x), exchange::DeclareOk);
    channel.send(exchange::Delete { no_wait: true, ..delete(&x) });
    expect_missing(&channel, &x);
}

#[test]
fn internal_exchange_takes_messages_from_exchanges_alone() {
    let scratch = Scratch::new();
    let (x, inner) = (scratch.exchange("x"), scratch.exchange("inner"));
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "fanout");
    channel.call(exchange::Declare { internal: true, ..declare(&inner, "fanout") }, exchange::DeclareOk);
    channel.bind_exchange(&inner, &x, "");
    let queue = channel.named_queue();
    channel.bind(&queue, &inner, "");
    channel.publish(&x, "", "through");
    assert_eq!(channel.drain(&queue), ["through"]);
    channel.publish(&inner, "", "refused");
    let text = format!("ACCESS_REFUSED - cannot publish to internal exchange '{inner}' in vhost '/'");
    channel.expect_close(403, &text, basic::Publish::ID);
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

#[test]
fn exchanges_are_bound_to_exchanges() {
    let scratch = Scratch::new();
    let (a, b) = (scratch.exchange("a"), scratch.exchange("b"));
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&a, "topic");
    channel.exchange(&b, "fanout");
    let queue = channel.named_queue();
    channel.bind(&queue, &b, "");
    channel.bind_exchange(&b, &a, "news.#");
    // A second time changes nothing.
    channel.bind_exchange(&b, &a, "news.#");
    channel.publish(&a, "news.today", "1");
    channel.publish(&a, "old", "2");
    assert_eq!(channel.drain(&queue), ["1"]);
    let unbind = exchange::Unbind {
        destination: s(&b),
        source: s(&a),
        routing_key: s("news.#"),
        ..Default::default()
    };
    channel.call(unbind.clone(), exchange::UnbindOk);
    channel.call(unbind, exchange::UnbindOk);
    channel.publish(&a, "news.today", "3");
    assert_eq!(channel.drain(&queue), [""; 0]);
}

#[test]
fn binding_what_is_not_there_is_404() {
    let scratch = Scratch::new();
    let missing = scratch.exchange("missing");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(exchange::Bind { destination: s(&missing), source: s("amq.fanout"), ..Default::default() });
    channel.expect_close(
        404,
        &format!("NOT_FOUND - no exchange '{missing}' in vhost '/'"),
        exchange::Bind::ID,
    );
    channel.open();
    channel.send(exchange::Bind { destination: s("amq.fanout"), source: s(&missing), ..Default::default() });
    channel.expect_close(
        404,
        &format!("NOT_FOUND - no exchange '{missing}' in vhost '/'"),
        exchange::Bind::ID,
    );
    channel.open();
    channel.send(exchange::Unbind {
        destination: s("amq.fanout"),
        source: s(&missing),
        ..Default::default()
    });
    channel.call(passive("amq.fanout"), exchange::UnbindOk);
}

#[test]
fn alternate_exchange_takes_what_matches_nothing() {
    let scratch = Scratch::new();
    let (x, alternate) = (scratch.exchange("x"), scratch.exchange("alternate"));
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&alternate, "fanout");
    channel.exchange_with(&x, "direct", table([("alternate-exchange", alternate.as_str().into())]));
    let (matched, rest) = (channel.named_queue(), channel.named_queue());
    channel.bind(&matched, &x, "known");
    channel.bind(&rest, &alternate, "");
    channel.publish(&x, "known", "1");
    channel.publish_mandatory(&x, "unknown", "2");
    assert_eq!(channel.drain(&matched), ["1"]);
    let delivery = channel.get(&rest, true).unwrap();
    assert_eq!(delivery.text(), "2");
    assert_eq!((delivery.exchange.as_str(), delivery.routing_key.as_str()), (x.as_str(), "unknown"));
    channel.expect_silence();
}

#[test]
fn alternate_exchange_that_is_missing_loses_the_message() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange_with(&x, "direct", table([("alternate-exchange", "no.such.exchange".into())]));
    channel.publish_mandatory(&x, "unknown", "back");
    assert_eq!(channel.expect_return("back").reply_code, 312);
}

#[test]
fn line_ends_are_stripped_from_names() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&format!("{x}\r\n"), "direct");
    channel.call(passive(&x), exchange::DeclareOk);
}

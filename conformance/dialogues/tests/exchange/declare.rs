//! Declaring, declaring again, names.

use super::*;

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
fn line_ends_are_stripped_from_names() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&format!("{x}\r\n"), "direct");
    channel.call(passive(&x), exchange::DeclareOk);
}

/// An alternate exchange of a wrong type was told where RabbitMQ tells what differs from the exchange that is there.
#[test]
fn an_exchange_that_is_there_is_compared_before_its_arguments_are_looked_at() {
    let connection = Connection::open();
    let channel = connection.channel();
    let arguments = table([("alternate-exchange", 1.into())]);
    let declare =
        exchange::Declare { exchange: s("amq.topic"), kind: s("topic"), arguments, ..Default::default() };
    channel.send(declare);
    let text = "PRECONDITION_FAILED - inequivalent arg 'durable' for exchange 'amq.topic' in vhost '/': received 'false' but \
                current is 'true'";
    channel.expect_close(406, text, exchange::Declare::ID);
}

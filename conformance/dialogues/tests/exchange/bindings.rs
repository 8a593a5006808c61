//! Exchanges bound to exchanges, internal and alternate ones.

use super::*;

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

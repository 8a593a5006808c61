//! Default, direct and fanout exchanges; what holds for all.

use super::*;

#[test]
fn default_exchange_knows_every_queue_by_name() {
    let connection = Connection::open();
    let channel = connection.channel();
    let (a, b) = (channel.named_queue(), channel.named_queue());
    channel.publish("", &a, "1");
    let delivery = channel.get(&a, true).unwrap();
    assert_eq!((delivery.exchange.as_str(), delivery.routing_key.as_str()), ("", a.as_str()));
    assert_eq!(channel.drain(&b), [""; 0]);
}

#[test]
fn direct_exchange_compares_the_whole_key() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "direct");
    let (a, b, empty) = (channel.named_queue(), channel.named_queue(), channel.named_queue());
    channel.bind(&a, &x, "k");
    channel.bind(&b, &x, "k");
    channel.bind(&b, &x, "k.more");
    channel.bind(&empty, &x, "");
    // An empty key in a bind is the empty key, unless the queue's name was empty too.
    for key in ["k", "k.more", "K", "", "*"] {
        channel.publish(&x, key, key);
    }
    assert_eq!(channel.drain(&a), ["k"]);
    assert_eq!(channel.drain(&b), ["k", "k.more"]);
    assert_eq!(channel.drain(&empty), [""]);
}

#[test]
fn fanout_exchange_ignores_keys() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "fanout");
    let (a, b) = (channel.named_queue(), channel.named_queue());
    channel.bind(&a, &x, "one");
    channel.bind(&b, &x, "two");
    channel.publish(&x, "three", "1");
    assert_eq!((channel.drain(&a), channel.drain(&b)), (vec!["1".into()], vec!["1".into()]));
}

#[test]
fn each_queue_gets_a_message_once() {
    let scratch = Scratch::new();
    let (x, y) = (scratch.exchange("x"), scratch.exchange("y"));
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "topic");
    channel.exchange(&y, "fanout");
    let queue = channel.named_queue();
    for pattern in ["#", "a.*", "*.b", "a.b"] {
        channel.bind(&queue, &x, pattern);
    }
    channel.bind_exchange(&y, &x, "#");
    channel.bind(&queue, &y, "");
    channel.publish(&x, "a.b", "once");
    assert_eq!(channel.drain(&queue), ["once"]);
}

#[test]
fn exchange_cycles_end() {
    let scratch = Scratch::new();
    let (x, y) = (scratch.exchange("x"), scratch.exchange("y"));
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "fanout");
    channel.exchange(&y, "fanout");
    channel.bind_exchange(&y, &x, "");
    channel.bind_exchange(&x, &y, "");
    channel.bind_exchange(&x, &x, "");
    let (a, b) = (channel.named_queue(), channel.named_queue());
    channel.bind(&a, &x, "");
    channel.bind(&b, &y, "");
    channel.publish(&y, "", "round");
    assert_eq!((channel.drain(&a), channel.drain(&b)), (vec!["round".into()], vec!["round".into()]));
}

#[test]
fn bindings_differ_by_key_and_arguments() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    let arguments = || table([("a", 1.into())]);
    channel.bind_with(&queue, "amq.headers", "k", arguments());
    channel.bind_with(&queue, "amq.headers", "k", table([("b", 1.into())]));
    channel.call(
        queue::Unbind {
            queue: s(&queue),
            exchange: s("amq.headers"),
            routing_key: s("k"),
            arguments: arguments(),
        },
        queue::UnbindOk,
    );
    channel.publish_with("amq.headers", "", &headers([("a", 1.into())]), "a");
    channel.publish_with("amq.headers", "", &headers([("b", 1.into())]), "b");
    assert_eq!(channel.drain(&queue), ["b"]);
}

#[test]
fn a_message_may_be_published_with_any_bytes_as_key() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let bytes = leveret_dialogues::protocol::ShortStr::from_bytes(&[0xff, 0x00, 0x80]).unwrap();
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "fanout");
    let queue = channel.named_queue();
    channel.bind(&queue, &x, "");
    let publish = basic::Publish { exchange: s(&x), routing_key: bytes, ..Default::default() };
    channel.publish_as(&publish, &Properties::default(), b"bytes", 4096);
    channel.send(basic::Get { queue: s(&queue), no_ack: true });
    let event = channel.next();
    let Some(Method::BasicGetOk(got)) = event.method() else { panic!("{event:?}") };
    assert_eq!(got.routing_key, bytes);
}

#[test]
fn a_binding_key_of_bytes_that_are_no_text() {
    let bytes = leveret_dialogues::protocol::ShortStr::from_bytes(&[0xff, 0x00, 0x80]).unwrap();
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    let (name, exchange) = (s(&queue), s("amq.direct"));
    channel.send(queue::Bind { queue: name, exchange, routing_key: bytes, ..Default::default() });
    if differs("a routing key is bytes, in bindings too", false, true) {
        channel.expect(queue::BindOk);
        let publish = basic::Publish { exchange, routing_key: bytes, ..Default::default() };
        channel.publish_as(&publish, &Properties::default(), b"bytes", 4096);
        assert_eq!(channel.drain(&queue), ["bytes"]);
    } else {
        connection.expect_close(501, "FRAME_ERROR - Malformed UTF-8 in shortstr", MethodId::new(0, 0));
    }
}

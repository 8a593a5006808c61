//! Which queues a message reaches.

use leveret_dialogues::*;

fn headers<const LEN: usize>(fields: [(&str, FieldValue); LEN]) -> Properties {
    Properties { headers: Some(table(fields)), ..Properties::default() }
}

fn texts(values: &[&str]) -> FieldValue {
    FieldValue::Array(values.iter().map(|value| FieldValue::from(*value)).collect())
}

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
fn topic_exchange_matches_words() {
    const KEYS: [&str; 14] =
        ["", "a", "a.b", "a.b.c", "b", "b.a", "a.", ".a", ".", "..", "a..b", "a.b.c.d", "A.b", "a.*"];
    let expected: [(&str, &[&str]); 14] = [
        ("", &[""]),
        ("a", &["a"]),
        ("*", &["a", "b"]),
        ("#", &KEYS),
        ("a.*", &["a.b", "a.", "a.*"]),
        ("*.*", &["a.b", "b.a", "a.", ".a", ".", "A.b", "a.*"]),
        ("a.#", &["a", "a.b", "a.b.c", "a.", "a..b", "a.b.c.d", "a.*"]),
        ("#.b", &["a.b", "b", "a..b", "A.b"]),
        ("a.#.b", &["a.b", "a..b"]),
        ("#.c.#", &["a.b.c", "a.b.c.d"]),
        ("*.#.*", &["a.b", "a.b.c", "b.a", "a.", ".a", ".", "..", "a..b", "a.b.c.d", "A.b", "a.*"]),
        ("#.#", &KEYS),
        ("*.b.*", &["a.b.c"]),
        ("a..b", &["a..b"]),
    ];
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "topic");
    let queues: Vec<_> = expected.iter().map(|_| channel.named_queue()).collect();
    for (queue, (pattern, _)) in queues.iter().zip(&expected) {
        channel.bind(queue, &x, pattern);
    }
    for key in KEYS {
        channel.publish(&x, key, key);
    }
    for (queue, (pattern, keys)) in queues.iter().zip(&expected) {
        assert_eq!(channel.drain(queue), *keys, "pattern {pattern:?}");
    }
}

#[test]
fn topic_bindings_can_be_taken_back() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "topic");
    let queue = channel.named_queue();
    for pattern in ["a.*", "a.#", "#.z"] {
        channel.bind(&queue, &x, pattern);
    }
    let unbind = |key| queue::Unbind {
        queue: s(&queue),
        exchange: s(&x),
        routing_key: s(key),
        arguments: FieldTable::new(),
    };
    channel.publish(&x, "a.b", "1");
    channel.call(unbind("a.#"), queue::UnbindOk);
    channel.publish(&x, "a.b", "2");
    channel.publish(&x, "a.b.c", "not");
    channel.call(unbind("a.*"), queue::UnbindOk);
    channel.publish(&x, "a.b", "not");
    channel.publish(&x, "a.z", "3");
    assert_eq!(channel.drain(&queue), ["1", "2", "3"]);
}

#[test]
fn headers_exchange_matches_all_any_and_with_x() {
    type Arguments<'a> = Vec<(&'a str, FieldValue)>;
    let bindings: [(&str, Arguments<'_>, &[&str]); 9] = [
        ("nothing said is all", vec![("a", 1.into()), ("b", "two".into())], &["a+b", "a+b+x"]),
        ("all", vec![("x-match", "all".into()), ("a", 1.into()), ("b", "two".into())], &["a+b", "a+b+x"]),
        (
            "any",
            vec![("x-match", "any".into()), ("a", 1.into()), ("b", "two".into())],
            &["a", "b", "a+b", "a+b+x", "a as long"],
        ),
        (
            "all ignores x-",
            vec![("x-match", "all".into()), ("a", 1.into()), ("x-k", 1.into())],
            &["a", "a+b", "a+b+x", "a as long"],
        ),
        (
            "all-with-x",
            vec![("x-match", "all-with-x".into()), ("a", 1.into()), ("x-k", 1.into())],
            &["a+b+x"],
        ),
        (
            "any-with-x",
            vec![("x-match", "any-with-x".into()), ("c", 1.into()), ("x-k", 1.into())],
            &["a+b+x", "x"],
        ),
        ("any ignores x-", vec![("x-match", "any".into()), ("c", 1.into()), ("x-k", 1.into())], &[]),
        ("void is presence", vec![("a", FieldValue::Void)], &["a", "a+b", "a+b+x", "a as text", "a as long"]),
        ("no headers is all", vec![], &["a", "b", "a+b", "a+b+x", "x", "a as text", "a as long", "none"]),
    ];
    let messages = [
        ("a", headers([("a", 1.into())])),
        ("b", headers([("b", "two".into())])),
        ("a+b", headers([("b", "two".into()), ("a", 1.into())])),
        ("a+b+x", headers([("b", "two".into()), ("a", 1.into()), ("x-k", 1.into())])),
        ("x", headers([("x-k", 1.into())])),
        ("a as text", headers([("a", "1".into())])),
        ("a as long", headers([("a", 1_i64.into())])),
        ("none", Properties::default()),
    ];
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "headers");
    let queues: Vec<_> = bindings.iter().map(|_| channel.named_queue()).collect();
    for (queue, (_, arguments, _)) in queues.iter().zip(&bindings) {
        channel.bind_with(queue, &x, "", arguments.iter().cloned().collect());
    }
    for (body, properties) in &messages {
        channel.publish_with(&x, "", properties, body);
    }
    for (queue, (what, _, bodies)) in queues.iter().zip(&bindings) {
        assert_eq!(channel.drain(queue), *bodies, "{what}");
    }
}

#[test]
fn headers_binding_with_an_unknown_x_match_is_406() {
    let connection = Connection::open();
    let channel = connection.channel();
    let queue = channel.named_queue();
    let bind = |value: FieldValue| queue::Bind {
        queue: s(&queue),
        exchange: s("amq.headers"),
        arguments: table([("x-match", value)]),
        ..Default::default()
    };
    channel.send(bind("most".into()));
    let text = "PRECONDITION_FAILED - Invalid x-match field value <<\"most\">>; expected all, any, \
                all-with-x, or any-with-x";
    channel.expect_close(406, text, queue::Bind::ID);
    channel.open();
    channel.send(bind(1.into()));
    let text = "PRECONDITION_FAILED - Invalid x-match field type signedint (value 1); expected longstr";
    channel.expect_close(406, text, queue::Bind::ID);
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
fn cc_and_bcc_add_routing_keys() {
    let connection = Connection::open();
    let channel = connection.channel();
    let [to, copy, blind] = [channel.named_queue(), channel.named_queue(), channel.named_queue()];
    let properties = headers([("CC", texts(&[&copy, &to])), ("BCC", texts(&[&blind])), ("kept", 1.into())]);
    channel.publish_with("", &to, &properties, "x");
    let expected = headers([("CC", texts(&[&copy, &to])), ("kept", 1.into())]);
    for queue in [&to, &copy, &blind] {
        let delivery = channel.get(queue, true).unwrap();
        assert_eq!(delivery.properties, expected);
        assert_eq!(delivery.routing_key, to);
        assert_eq!(channel.drain(queue), [""; 0]);
    }
}

#[test]
fn cc_of_another_type_is_406() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.publish_with("", "q", &headers([("CC", "text".into())]), "x");
    let text = "PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,\"CC\",longstr}";
    channel.expect_close(406, text, basic::Publish::ID);
    channel.open();
    channel.publish_with("", "q", &headers([("BCC", 5.into())]), "x");
    let text = "PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,\"BCC\",signedint}";
    channel.expect_close(406, text, basic::Publish::ID);
    channel.open();
    // In an array, what is no text is no key.
    channel.publish_with("", "q", &headers([("BCC", FieldValue::Array(vec![5.into()]))]), "x");
    channel.expect_silence();
}

#[test]
fn consistent_hash_gives_each_message_to_one_queue() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "x-consistent-hash");
    let queues: Vec<_> = (0..3).map(|_| channel.named_queue()).collect();
    for (queue, weight) in queues.iter().zip(["10", "10", "20"]) {
        channel.bind(queue, &x, weight);
    }
    let keys: Vec<_> = (0..2000).map(|number| format!("key-{number}")).collect();
    let round = || {
        keys.iter().for_each(|key| channel.publish(&x, key, key));
        queues.iter().map(|queue| channel.drain(queue)).collect::<Vec<_>>()
    };
    let first = round();
    assert_eq!(first.iter().map(Vec::len).sum::<usize>(), keys.len());
    for (bodies, share) in first.iter().zip([0.25, 0.25, 0.5]) {
        let got = bodies.len() as f64 / keys.len() as f64;
        assert!((share - 0.15..=share + 0.15).contains(&got), "{got} instead of {share}");
    }
    assert_eq!(round(), first, "the same keys go to the same queues");
}

#[test]
fn consistent_hash_moves_little_when_a_queue_goes() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "x-consistent-hash");
    let queues: Vec<_> = (0..3).map(|_| channel.named_queue()).collect();
    for queue in &queues {
        channel.bind(queue, &x, "10");
    }
    let keys: Vec<_> = (0..300).map(|number| format!("key-{number}")).collect();
    keys.iter().for_each(|key| channel.publish(&x, key, key));
    let before: Vec<_> = queues.iter().map(|queue| channel.drain(queue)).collect();
    channel.call(
        queue::Delete { queue: s(&queues[2]), ..Default::default() },
        queue::DeleteOk { message_count: 0 },
    );
    keys.iter().for_each(|key| channel.publish(&x, key, key));
    for (queue, before) in queues.iter().zip(&before).take(2) {
        let after = channel.drain(queue);
        assert!(before.iter().all(|key| after.contains(key)), "a key of a queue that stayed has moved");
    }
}

#[test]
fn consistent_hash_of_a_header_or_a_property() {
    let scratch = Scratch::new();
    let (x, y) = (scratch.exchange("x"), scratch.exchange("y"));
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange_with(&x, "x-consistent-hash", table([("hash-header", "hash-on".into())]));
    channel.exchange_with(&y, "x-consistent-hash", table([("hash-property", "correlation_id".into())]));
    let queues: Vec<_> = (0..2).map(|_| channel.named_queue()).collect();
    for queue in &queues {
        channel.bind(queue, &x, "5");
        channel.bind(queue, &y, "5");
    }
    for number in 0..20 {
        let key = number.to_string();
        channel.publish_with(&x, &key, &headers([("hash-on", "same".into())]), "header");
    }
    let counts: Vec<_> = queues.iter().map(|queue| channel.drain(queue).len()).collect();
    assert!(counts == [20, 0] || counts == [0, 20], "one header, one queue: {counts:?}");
    for number in 0..20 {
        let key = number.to_string();
        let properties = Properties { correlation_id: Some("same".into()), ..Properties::default() };
        channel.publish_with(&y, &key, &properties, "property");
    }
    let counts: Vec<_> = queues.iter().map(|queue| channel.drain(queue).len()).collect();
    assert!(counts == [20, 0] || counts == [0, 20], "one property, one queue: {counts:?}");
}

#[test]
fn consistent_hash_needs_a_number_as_binding_key() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.exchange(&x, "x-consistent-hash");
    let queue = channel.named_queue();
    channel.send(queue::Bind {
        queue: s(&queue),
        exchange: s(&x),
        routing_key: s("heavy"),
        ..Default::default()
    });
    let text = "PRECONDITION_FAILED - The binding key must be an integer: <<\"heavy\">>";
    channel.expect_close(406, text, queue::Bind::ID);
}

#[test]
fn consistent_hash_takes_one_argument_of_the_two() {
    let scratch = Scratch::new();
    let x = scratch.exchange("x");
    let connection = Connection::open();
    let channel = connection.channel();
    let declare = |arguments| exchange::Declare {
        exchange: s(&x),
        kind: s("x-consistent-hash"),
        arguments,
        ..Default::default()
    };
    channel.send(declare(table([("hash-header", "h".into()), ("hash-property", "message_id".into())])));
    let text = "PRECONDITION_FAILED - hash-header and hash-property are mutually exclusive";
    channel.expect_close(406, text, exchange::Declare::ID);
    channel.open();
    channel.send(declare(table([("hash-property", "colour".into())])));
    channel.expect_close(406, "PRECONDITION_FAILED - Unsupported property: colour", exchange::Declare::ID);
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

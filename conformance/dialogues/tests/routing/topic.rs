//! Topic exchanges.

use super::*;

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

//! Headers exchanges.

use super::*;

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

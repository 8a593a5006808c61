//! What is refused, and RabbitMQ 3.10.8's words for it.

use leveret_protocol::ReplyCode;

use super::*;

fn check<T: std::fmt::Debug>(answer: Result<T, Refusal>, code: ReplyCode, text: &str) {
    let refusal = answer.unwrap_err();
    assert_eq!((refusal.code(), refusal.to_string().as_str()), (code, text));
}

#[test]
fn the_default_exchange_is_left_alone() {
    let mut t = topology(&["q"], &[("x", ExchangeKind::Direct)]);
    let text = "operation not permitted on the default exchange";
    let mut refused = |operation: &dyn Fn(&mut Names) -> Result<(), Refusal>| {
        check(operation(&mut t), ReplyCode::AccessRefused, text);
    };
    refused(&|t| t.declare_exchange(ExchangeSpec::new("", ExchangeKind::Direct)).map(drop));
    refused(&|t| t.check_exchange("").map(drop));
    refused(&|t| t.delete_exchange("", false).map(drop));
    refused(&|t| t.bind("", queue("q"), b"k", FieldTable::new()).map(drop));
    refused(&|t| t.bind("", queue("missing"), b"k", FieldTable::new()).map(drop));
    refused(&|t| t.bind("", exchange("x"), b"k", FieldTable::new()).map(drop));
    refused(&|t| t.bind("x", exchange(""), b"k", FieldTable::new()).map(drop));
    refused(&|t| t.unbind("", &queue("q"), b"q", &FieldTable::new()).map(drop));
    refused(&|t| t.unbind("x", &exchange(""), b"k", &FieldTable::new()).map(drop));
    assert!(t.exchange("").is_some());
    assert!(t.check_publishable("").is_ok());
}

#[test]
fn the_source_is_looked_for_first() {
    let mut t = topology(&["q"], &[("x", ExchangeKind::Direct)]);
    let mut bind = |source, destination| t.bind(source, destination, b"k", FieldTable::new());
    for (answer, text) in [
        (bind("nox", queue("q")), "no exchange 'nox' in vhost '/'"),
        (bind("x", queue("noq")), "no queue 'noq' in vhost '/'"),
        (bind("nox", queue("noq")), "no exchange 'nox' in vhost '/'"),
        (bind("nox", exchange("x")), "no exchange 'nox' in vhost '/'"),
        (bind("x", exchange("nox")), "no exchange 'nox' in vhost '/'"),
        (bind("noy", exchange("nox")), "no exchange 'noy' in vhost '/'"),
    ] {
        check(answer, ReplyCode::NotFound, text);
    }
    check(t.check_exchange("nox"), ReplyCode::NotFound, "no exchange 'nox' in vhost '/'");
    check(t.check_publishable("nox"), ReplyCode::NotFound, "no exchange 'nox' in vhost '/'");
    check(route_with(&t, "nox", "k", &[]), ReplyCode::NotFound, "no exchange 'nox' in vhost '/'");
}

#[test]
fn removing_what_is_not_there_is_no_error() {
    let mut t = topology(&["q"], &[("x", ExchangeKind::Direct)]);
    for (source, destination) in [
        ("nox", queue("q")),
        ("x", queue("noq")),
        ("nox", queue("noq")),
        ("x", queue("q")),
        ("x", exchange("x")),
    ] {
        assert!(unbind(&mut t, source, destination, "k").is_none());
    }
    let removed = t.delete_exchange("nox", true).unwrap();
    assert!(removed.exchanges.is_empty() && removed.bindings.is_empty());
    assert!(t.remove_queue("noq").is_none());
}

#[test]
fn reserved_names_are_the_brokers() {
    let mut t = topology(&[], &[]);
    let text = "exchange name 'amq.foo' contains reserved prefix 'amq.*'";
    let mut spec = ExchangeSpec::new("amq.foo", ExchangeKind::Direct);
    check(t.declare_exchange(spec.clone()), ReplyCode::AccessRefused, text);
    spec.arguments.insert(crate::exchange::ALTERNATE_EXCHANGE, 5);
    check(t.declare_exchange(spec), ReplyCode::AccessRefused, text);
    for name in ["amq.direct", "amq.foo", "amq.rabbitmq.trace"] {
        let text = format!("deletion of system exchange '{name}' in vhost '/' not allowed");
        check(t.delete_exchange(name, true), ReplyCode::AccessRefused, &text);
    }
    // Declaring what is there is fine.
    let spec = ExchangeSpec { durable: true, ..ExchangeSpec::new("amq.direct", ExchangeKind::Direct) };
    assert_eq!(t.declare_exchange(spec), Ok(false));
}

#[test]
fn every_virtual_host_has_the_same_exchanges() {
    let t = topology(&[], &[]);
    let mut found: Vec<_> = t.exchanges().map(|x| (&*x.name, x.kind.as_str(), x.internal)).collect();
    found.sort();
    assert_eq!(
        found,
        [
            ("", "direct", false),
            ("amq.direct", "direct", false),
            ("amq.fanout", "fanout", false),
            ("amq.headers", "headers", false),
            ("amq.match", "headers", false),
            ("amq.rabbitmq.trace", "topic", true),
            ("amq.topic", "topic", false),
        ]
    );
    assert!(t.exchanges().all(|x| x.durable && !x.auto_delete && x.arguments.is_empty()));
    assert_eq!(t.exchange_count(), 7);
}

#[test]
fn a_declaration_must_mean_what_exists() {
    let plain = ExchangeSpec::new("x", ExchangeKind::Direct);
    let with = |change: &dyn Fn(&mut ExchangeSpec)| {
        let mut spec = plain.clone();
        change(&mut spec);
        spec
    };
    let alternate = |name: &str| with(&|spec| drop(spec.arguments.insert("alternate-exchange", name)));
    for (existing, declared, told) in [
        (
            &plain,
            with(&|spec| spec.kind = ExchangeKind::Fanout),
            "'type'{}: received 'fanout' but current is 'direct'",
        ),
        (&plain, with(&|spec| spec.durable = true), "'durable'{}: received 'true' but current is 'false'"),
        (
            &with(&|spec| spec.durable = true),
            plain.clone(),
            "'durable'{}: received 'false' but current is 'true'",
        ),
        (
            &plain,
            with(&|spec| spec.auto_delete = true),
            "'auto_delete'{}: received 'true' but current is 'false'",
        ),
        (
            &with(&|spec| spec.internal = true),
            plain.clone(),
            "'internal'{}: received 'false' but current is 'true'",
        ),
        (
            &plain,
            with(&|spec| {
                (spec.kind, spec.durable, spec.internal) = (ExchangeKind::Topic, true, true);
            }),
            "'type'{}: received 'topic' but current is 'direct'",
        ),
        (
            &alternate("a"),
            plain.clone(),
            "'alternate-exchange'{}: received none but current is the value 'a' of type 'longstr'",
        ),
        (
            &plain,
            alternate("b"),
            "'alternate-exchange'{}: received the value 'b' of type 'longstr' but current is none",
        ),
        (&alternate("a"), alternate("b"), "'alternate-exchange'{}: received 'b' but current is 'a'"),
    ] {
        let mut t = topology(&[], &[]);
        assert_eq!(t.declare_exchange(existing.clone()), Ok(true));
        assert_eq!(t.declare_exchange(existing.clone()), Ok(false));
        let text = format!("inequivalent arg {}", told.replace("{}", " for exchange 'x' in vhost '/'"));
        check(t.declare_exchange(declared), ReplyCode::PreconditionFailed, &text);
    }
    // Other arguments are not compared.
    let mut t = topology(&[], &[("x", ExchangeKind::Direct)]);
    assert_eq!(t.declare_exchange(with(&|spec| drop(spec.arguments.insert("foo", "b")))), Ok(false));
}

#[test]
fn an_alternate_exchange_is_named_by_a_long_string() {
    let mut t = topology(&[], &[]);
    for (value, told) in [
        (FieldValue::I32(5), "signedint"),
        (FieldValue::Void, "void"),
        (FieldValue::ByteArray(b"xx".to_vec()), "binary"),
    ] {
        let mut spec = ExchangeSpec::new("x", ExchangeKind::Direct);
        spec.arguments.insert("alternate-exchange", value);
        let text = format!("invalid type '{told}' for arg 'alternate-exchange' in exchange 'x' in vhost '/'");
        check(t.declare_exchange(spec), ReplyCode::PreconditionFailed, &text);
    }
    assert!(t.exchange("x").is_none());
}

#[test]
fn internal_exchanges_take_nothing_from_clients() {
    let mut t = topology(&[], &[]);
    let spec = ExchangeSpec { internal: true, ..ExchangeSpec::new("x", ExchangeKind::Fanout) };
    assert_eq!(t.declare_exchange(spec), Ok(true));
    let text = "cannot publish to internal exchange 'x' in vhost '/'";
    check(t.check_publishable("x"), ReplyCode::AccessRefused, text);
    assert!(t.check_publishable("amq.rabbitmq.trace").is_err());
    assert!(t.check_publishable("amq.topic").is_ok());
}

#[test]
fn an_exchange_in_use_is_the_source_of_a_binding() {
    let mut t = topology(&["q"], &[("x", ExchangeKind::Direct), ("y", ExchangeKind::Direct)]);
    bind(&mut t, "x", exchange("y"), "k");
    let text = "exchange 'x' in vhost '/' in use";
    check(t.delete_exchange("x", true), ReplyCode::PreconditionFailed, text);
    assert_eq!(t.delete_exchange("y", true).unwrap().exchanges, ["y".into()]);
    assert_eq!(t.delete_exchange("x", true).unwrap().exchanges, ["x".into()]);
}

#[test]
fn bindings_are_checked_by_the_exchange_type() {
    let mut t =
        topology(&["q"], &[("hash", ExchangeKind::ConsistentHash), ("headers", ExchangeKind::Headers)]);
    let arguments = FieldTable::from([("x-match", "foo")]);
    for (source, text) in [
        ("hash", "The binding key must be an integer: <<\"k\">>"),
        ("headers", "Invalid x-match field value <<\"foo\">>; expected all, any, all-with-x, or any-with-x"),
    ] {
        let answer = t.bind(source, queue("q"), b"k", arguments.clone());
        check(answer, ReplyCode::PreconditionFailed, text);
        // Unbinding it is unbinding what is not there.
        assert!(t.unbind(source, &queue("q"), b"k", &arguments).unwrap().is_none());
        assert_eq!(t.bindings_from(source).count(), 0);
    }
    assert_eq!(t.bind("amq.topic", queue("q"), b"k", arguments), Ok(true));
}

#[test]
fn copies_are_named_by_arrays() {
    let t = topology(&["q"], &[]);
    let array = FieldValue::Array(vec!["q".into()]);
    for (headers, told) in [
        (vec![("CC", FieldValue::from("q"))], "\"CC\",longstr"),
        (vec![("BCC", 5_i32.into())], "\"BCC\",signedint"),
        (vec![("CC", FieldValue::Void)], "\"CC\",void"),
        (vec![("CC", FieldValue::ByteArray(vec![]))], "\"CC\",binary"),
        (vec![("BCC", FieldTable::new().into())], "\"BCC\",table"),
        (vec![("BCC", 5_i32.into()), ("CC", true.into())], "\"CC\",bool"),
        (vec![("BCC", 5_i32.into()), ("CC", array)], "\"BCC\",signedint"),
    ] {
        let text = format!("invalid message: {{unacceptable_type_in_header,{told}}}");
        for exchange in ["", "amq.direct"] {
            check(route_with(&t, exchange, "k", &headers), ReplyCode::PreconditionFailed, &text);
        }
    }
    // The exchange is looked for first.
    check(
        route_with(&t, "nox", "k", &[("CC", 5_i32.into())]),
        ReplyCode::NotFound,
        "no exchange 'nox' in vhost '/'",
    );
}

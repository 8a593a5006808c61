use leveret_protocol::ReplyCode;
use leveret_protocol::field_table::Decimal;

use super::*;

fn spec(arguments: FieldTable) -> QueueSpec {
    QueueSpec { name: "q".into(), durable: true, exclusive_owner: None, auto_delete: false, arguments }
}

fn parse(arguments: FieldTable) -> Result<QueueArguments, String> {
    let answer = QueueArguments::parse(&"q".into(), &"/".into(), &spec(arguments));
    answer.map_err(|refusal| {
        assert_eq!(refusal.code(), ReplyCode::PreconditionFailed);
        refusal.to_string()
    })
}

fn one(kind: &str, arg: &str, value: FieldValue) -> Result<QueueArguments, String> {
    parse(FieldTable::from([("x-queue-type", kind.into()), (arg, value)]))
}

fn invalid(arg: &str, reason: &str) -> Result<(), String> {
    Err(format!("invalid arg '{arg}' for queue 'q' in vhost '/': {reason}"))
}

fn of_another_kind(arg: &str, kind: &str) -> Result<(), String> {
    Err(format!("invalid arg '{arg}' for queue 'q' in vhost '/' of queue type rabbit_{kind}_queue"))
}

/// One value of every type that is no integer, and RabbitMQ's name of the type.
fn not_integers() -> Vec<(FieldValue, &'static str)> {
    vec![
        ("5".into(), "longstr"),
        (true.into(), "bool"),
        (1.5_f64.into(), "double"),
        (1.5_f32.into(), "float"),
        (FieldValue::Void, "void"),
        (FieldValue::Array(vec![]), "array"),
        (FieldTable::new().into(), "table"),
        (FieldValue::ByteArray(b"x".to_vec()), "binary"),
        (Decimal { scale: 1, value: 15 }.into(), "decimal"),
        (FieldValue::Timestamp(5), "timestamp"),
    ]
}

const NUMBERS: [(&str, &str); 14] = [
    ("classic", "x-expires"),
    ("classic", "x-message-ttl"),
    ("classic", "x-max-length"),
    ("classic", "x-max-length-bytes"),
    ("classic", "x-max-priority"),
    ("classic", "x-consumer-timeout"),
    ("quorum", "x-max-in-memory-length"),
    ("quorum", "x-max-in-memory-bytes"),
    ("quorum", "x-quorum-initial-group-size"),
    ("quorum", "x-quorum-target-group-size"),
    ("quorum", "x-delivery-limit"),
    ("stream", "x-max-length-bytes"),
    ("stream", "x-stream-max-segment-size-bytes"),
    ("stream", "x-initial-cluster-size"),
];

#[test]
fn numbers_are_of_any_integer_type() {
    for (kind, arg) in NUMBERS {
        let five: [FieldValue; 7] =
            [5_i8.into(), 5_u8.into(), 5_i16.into(), 5_u16.into(), 5_i32.into(), 5_u32.into(), 5_i64.into()];
        for value in five {
            assert!(one(kind, arg, value.clone()).is_ok(), "{arg}={value:?}");
        }
        for (value, type_name) in not_integers() {
            let told = invalid(arg, &format!("\"expected integer, got {type_name}\""));
            assert_eq!(one(kind, arg, value).map(drop), told);
        }
    }
}

#[test]
fn numbers_have_bounds() {
    let (max, ttl, length, zero) = (EXPIRY_MS_MAX, "x-message-ttl", "x-max-length", "{value_zero,0}");
    for (kind, arg, value, reason) in [
        ("classic", "x-expires", 1, None),
        ("classic", "x-expires", 0, Some(zero)),
        ("classic", "x-expires", -1, Some("{value_negative,-1}")),
        ("classic", "x-expires", max, None),
        ("classic", "x-expires", max + 1, Some("{value_too_large,315360000001}")),
        ("quorum", "x-expires", 0, Some(zero)),
        ("classic", ttl, 0, None),
        ("classic", ttl, -1, Some("{value_negative,-1}")),
        ("classic", ttl, i64::MAX, Some("{value_too_large,9223372036854775807}")),
        ("quorum", ttl, -1, Some("{value_negative,-1}")),
        ("classic", length, 0, None),
        ("classic", length, i64::MAX, None),
        ("classic", length, -1, Some("{value_negative,-1}")),
        ("classic", "x-max-length-bytes", -7, Some("{value_negative,-7}")),
        ("classic", "x-max-priority", 255, None),
        ("classic", "x-max-priority", 256, Some("{max_value_exceeded,256}")),
        ("classic", "x-max-priority", -1, Some("{value_negative,-1}")),
        ("classic", "x-queue-version", 1, None),
        ("classic", "x-queue-version", 2, None),
        ("classic", "x-queue-version", 0, Some("\"unsupported queue version '0'\"")),
        ("classic", "x-queue-version", -1, Some("{value_negative,-1}")),
        ("classic", "x-consumer-timeout", -1, Some("{value_negative,-1}")),
        ("quorum", "x-quorum-initial-group-size", 0, Some(zero)),
        ("quorum", "x-quorum-initial-group-size", -1, Some("{value_negative,-1}")),
        ("quorum", "x-max-in-memory-length", -1, Some("{value_negative,-1}")),
        ("quorum", "x-delivery-limit", -1, None),
    ] {
        let expected = reason.map_or(Ok(()), |reason| invalid(arg, reason));
        assert_eq!(one(kind, arg, value.into()).map(drop), expected, "{kind} {arg}={value}");
    }
}

#[test]
fn words_are_known_ones() {
    for (kind, arg, known, unknown, reason) in [
        (
            "classic",
            "x-overflow",
            &["drop-head", "reject-publish", "reject-publish-dlx"][..],
            "abc",
            "invalid_overflow",
        ),
        ("quorum", "x-overflow", &["drop-head", "reject-publish"], "", "invalid_overflow"),
        ("classic", "x-queue-mode", &["default", "lazy"], "abc", "\"unsupported queue mode 'abc'\""),
        (
            "quorum",
            "x-dead-letter-strategy",
            &["at-most-once", "at-least-once"],
            "strict",
            "invalid_dlx_strategy",
        ),
        (
            "quorum",
            "x-queue-leader-locator",
            &["client-local", "balanced", "random", "least-leaders"],
            "anywhere",
            "invalid_queue_locator_arg",
        ),
    ] {
        for known in known {
            assert!(one(kind, arg, (*known).into()).is_ok(), "{arg}={known}");
        }
        assert_eq!(one(kind, arg, unknown.into()).map(drop), invalid(arg, reason));
        for (value, type_name) in not_integers().into_iter().filter(|(_, name)| *name != "longstr") {
            assert_eq!(
                one(kind, arg, value).map(drop),
                invalid(arg, &format!("{{unacceptable_type,{type_name}}}"))
            );
        }
        assert_eq!(one(kind, arg, 5_i32.into()).map(drop), invalid(arg, "{unacceptable_type,signedint}"));
    }
    let arg = "x-single-active-consumer";
    assert_eq!(one("classic", arg, "true".into()).map(drop), invalid(arg, "{unacceptable_type,longstr}"));
}

#[test]
fn queue_types_are_classic_quorum_and_stream() {
    let arg = "x-queue-type";
    let parse_kind = |value: FieldValue| parse(FieldTable::from([(arg, value)])).map(|found| found.kind());
    assert_eq!(parse(FieldTable::new()).map(|found| found.kind()), Ok(QueueKind::Classic));
    for kind in QueueKind::ALL {
        assert_eq!(parse_kind(kind.as_str().into()), Ok(kind));
    }
    for unknown in ["streams", "", "Classic"] {
        let told = invalid(arg, &format!("\"unsupported queue type '{unknown}'\""));
        assert_eq!(parse_kind(unknown.into()).map(drop), told);
    }
    assert_eq!(parse_kind(5_i32.into()).map(drop), invalid(arg, "{unacceptable_type,signedint}"));
}

#[test]
fn arguments_of_other_queue_types_are_refused() {
    for arg in [
        "x-dead-letter-strategy",
        "x-max-in-memory-length",
        "x-quorum-initial-group-size",
        "x-delivery-limit",
    ] {
        assert_eq!(one("classic", arg, 5_i32.into()).map(drop), of_another_kind(arg, "classic"));
    }
    for arg in ["x-max-priority", "x-queue-mode", "x-queue-version", "x-queue-master-locator"] {
        assert_eq!(one("quorum", arg, 5_i32.into()).map(drop), of_another_kind(arg, "quorum"));
    }
    for arg in ["x-max-length", "x-durability", "x-single-active-consumer", "x-delivery-limit"] {
        assert_eq!(one("stream", arg, 5_i32.into()).map(drop), of_another_kind(arg, "stream"));
    }
    for arg in ["x-max-age", "x-stream-max-segment-size-bytes", "x-initial-cluster-size"] {
        assert_eq!(one("classic", arg, 5_i32.into()).map(drop), of_another_kind(arg, "classic"));
        assert_eq!(one("quorum", arg, 5_i32.into()).map(drop), of_another_kind(arg, "quorum"));
    }
    // Nobody knows these.
    for (value, _) in not_integers() {
        assert!(one("classic", "x-unknown", value.clone()).is_ok());
        assert!(one("quorum", "unknown", value).is_ok());
    }
}

#[test]
fn dead_letter_arguments_name_an_exchange_and_a_key() {
    let (exchange, key) = ("x-dead-letter-exchange", "x-dead-letter-routing-key");
    for (value, type_name) in [(FieldValue::I32(5), "signedint"), (FieldValue::ByteArray(vec![]), "binary")] {
        let told = format!("invalid type '{type_name}' for arg '{exchange}' in queue 'q' in vhost '/'");
        assert_eq!(one("classic", exchange, value.clone()).map(drop), Err(told));
        let told = invalid(key, &format!("{{unacceptable_type,{type_name}}}"));
        assert_eq!(one("classic", key, value).map(drop), told);
    }
    assert_eq!(one("classic", key, "k".into()).map(drop), invalid(key, "routing_key_but_no_dlx_defined"));
    let both = |key_value: &str| parse(FieldTable::from([(exchange, ""), (key, key_value)]));
    let found = both("k").unwrap();
    assert_eq!((found.dead_letter_exchange(), found.dead_letter_routing_key()), (Some(""), Some(&b"k"[..])));
    assert_eq!(both(&"k".repeat(256)).map(drop), invalid(key, "{value_too_large,256}"));
}

/// RabbitMQ tells these in this order.
#[test]
fn of_several_mistakes_the_first_is_told() {
    let bad = |fields: &[(&str, FieldValue)]| parse(fields.iter().cloned().collect()).unwrap_err();
    let (dlx, kind, expires) = ("x-dead-letter-exchange", "x-queue-type", "x-expires");
    assert!(
        bad(&[(expires, 0.into()), (kind, "n".into()), (dlx, 5.into())]).contains("invalid type 'signedint'")
    );
    assert!(bad(&[(expires, 0.into()), (kind, "n".into())]).contains("unsupported queue type 'n'"));
    assert!(bad(&[("x-max-age", 0.into()), (expires, 0.into())]).contains("value_zero"));
    assert!(bad(&[("x-max-length", (-1).into()), ("x-message-ttl", (-2).into())]).contains("x-message-ttl"));
    let mut transient = spec(FieldTable::from([(kind, "quorum".into()), (expires, FieldValue::from(0))]));
    transient.durable = false;
    let told = QueueArguments::parse(&"q".into(), &"/".into(), &transient).unwrap_err();
    assert!(told.to_string().contains("value_zero"));
}

#[test]
fn quorum_queues_are_durable_shared_and_stay() {
    let arguments = FieldTable::from([("x-queue-type", "quorum")]);
    for (durable, owner, auto_delete, told) in [
        (true, None, false, None),
        (false, None, false, Some("non-durable")),
        (true, Some(1), false, Some("exclusive-owner")),
        (false, Some(1), true, Some("auto-delete")),
    ] {
        let spec = QueueSpec { durable, exclusive_owner: owner, auto_delete, ..spec(arguments.clone()) };
        let answer = QueueArguments::parse(&"q".into(), &"/".into(), &spec);
        let told = told.map(|property| format!("invalid property '{property}' for queue 'q' in vhost '/'"));
        assert_eq!(answer.err().map(|refusal| refusal.to_string()), told);
    }
}

#[test]
fn what_was_asked_for_is_found() {
    assert_eq!(parse(FieldTable::new()), Ok(QueueArguments::default()));
    let found = parse(FieldTable::from([
        ("x-message-ttl", FieldValue::from(1000)),
        ("x-expires", 5_u8.into()),
        ("x-max-length", 7_i64.into()),
        ("x-max-length-bytes", 8_i16.into()),
        ("x-overflow", "reject-publish-dlx".into()),
        ("x-dead-letter-exchange", "dlx".into()),
        ("x-max-priority", 9.into()),
        ("x-single-active-consumer", true.into()),
        ("x-consumer-timeout", 10.into()),
    ]))
    .unwrap();
    assert_eq!(found.message_ttl_ms(), Some(1000));
    assert_eq!(found.expires_ms(), Some(5));
    assert_eq!((found.max_length(), found.max_length_bytes()), (Some(7), Some(8)));
    assert_eq!(found.overflow(), Some(Overflow::RejectPublishDlx));
    assert_eq!((found.dead_letter_exchange(), found.dead_letter_routing_key()), (Some("dlx"), None));
    assert_eq!(found.max_priority(), Some(9));
    assert!(found.single_active_consumer());
    assert_eq!((found.consumer_timeout_ms(), found.delivery_limit()), (Some(10), None));
    assert!(!found.dead_letter_at_least_once());
}

#[test]
fn quorum_queues_limit_deliveries() {
    let limit = |value: Option<i64>| {
        let mut arguments = FieldTable::from([("x-queue-type", "quorum")]);
        value.map(|value| arguments.insert("x-delivery-limit", value));
        parse(arguments).unwrap().delivery_limit()
    };
    assert_eq!(limit(None), Some(DELIVERY_LIMIT_DEFAULT));
    assert_eq!(limit(Some(0)), Some(0));
    assert_eq!(limit(Some(5)), Some(5));
    assert_eq!(limit(Some(-1)), None);
    assert_eq!(limit(Some(i64::MAX)), Some(u32::MAX));
    let strategy = one("quorum", "x-dead-letter-strategy", "at-least-once".into());
    assert!(strategy.unwrap().dead_letter_at_least_once());
}

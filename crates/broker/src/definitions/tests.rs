use leveret_protocol::field_table::{Decimal, FieldTable, FieldValue};
use serde_json::json;

use super::*;
use crate::auth::Auth;

/// Exported by RabbitMQ 3.10.8 over HTTP.
const EXPORT: &[u8] = include_bytes!("../../tests/fixtures/rabbitmq-3.10.8-definitions.json");

fn parse(value: Value) -> Result<Definitions, DefinitionsError> {
    Definitions::parse(value.to_string().as_bytes())
}

#[test]
fn a_real_export_survives_the_round_trip() {
    let definitions = Definitions::parse(EXPORT).unwrap();
    let before: Value = serde_json::from_slice(EXPORT).unwrap();
    let after: Value = serde_json::from_str(&definitions.to_json()).unwrap();
    assert_eq!(after, before);
    assert_eq!(definitions, Definitions::parse(definitions.to_json().as_bytes()).unwrap());
}

#[test]
fn a_real_export_means_what_it_says() {
    let definitions = Definitions::parse(EXPORT).unwrap();
    let queue = |name: &str| definitions.queues.iter().find(|queue| queue.name == name).unwrap();
    let orders = queue("orders");
    assert!(orders.durable && !orders.auto_delete && orders.vhost.as_deref() == Some("fixture-a"));
    assert_eq!(orders.arguments.0.get("x-max-priority"), Some(&FieldValue::I64(10)));
    assert_eq!(orders.arguments.0.get("x-single-active-consumer"), Some(&FieldValue::Bool(true)));
    let every = &queue("every-type").arguments.0;
    assert_eq!(every.get("binary"), Some(&FieldValue::LongString(vec![0xff, 0xfe, 0])));
    assert_eq!(every.get("whole"), Some(&FieldValue::F64(3.0)));
    assert_eq!(every.get("long"), Some(&FieldValue::I64(i64::MIN)));
    let inner = FieldTable::from([("deep", 1_i64)]);
    assert_eq!(every.get("table").unwrap().as_table().unwrap().get("inner"), Some(&FieldValue::Table(inner)));
    let binding = definitions.bindings.iter().find(|binding| binding.source == "with-ae").unwrap();
    assert_eq!(
        (binding.destination_type, binding.routing_key.as_str()),
        (DestinationType::Exchange, "k\u{e9}y")
    );
    let policy = &definitions.policies[0];
    assert_eq!((policy.apply_to.as_str(), policy.priority), ("queues", -1));
}

#[test]
fn users_of_a_real_export_log_in_with_their_passwords() {
    let auth = Auth::default();
    let definitions = Definitions::parse(EXPORT).unwrap();
    definitions.apply_access(&auth).unwrap();
    let here = crate::auth::PeerInfo::in_process();
    let passwords = [
        ("guest", "guest"),
        ("fixture-admin", "s\u{e9}cret"),
        ("fixture-md5", "simon"),
        ("fixture-sha512", "simon"),
    ];
    for (user, password) in passwords {
        auth.check_password(user, password.as_bytes(), &here).unwrap();
        auth.check_password(user, b"wrong", &here).unwrap_err();
    }
    auth.check_password("fixture-cert", b"", &here).unwrap_err();
    let app = auth.user("fixture-app").unwrap();
    assert_eq!((app.limits.connections_max, app.limits.channels_max), (Some(50), None));
    let md5 = auth.check_password("fixture-md5", b"simon", &here).unwrap();
    assert!(md5.has_tag("impersonator"));
}

#[test]
fn access_comes_out_as_it_went_in() {
    let auth = Auth::default();
    let definitions = Definitions::parse(EXPORT).unwrap();
    definitions.apply_access(&auth).unwrap();
    let mut written = Definitions::default();
    written.take_access(&auth);
    let sorted = |mut users: Vec<UserDefinition>| {
        users.sort_by(|one, other| one.name.cmp(&other.name));
        // A limit of -1 is no limit, and is not written.
        users.into_iter().map(|user| UserDefinition { limits: None, ..user }).collect::<Vec<_>>()
    };
    assert_eq!(sorted(written.users), sorted(definitions.users));
    assert_eq!(written.topic_permissions, definitions.topic_permissions);
    let mut expected = definitions.permissions.clone();
    expected.sort_by(|one, other| (&one.user, &one.vhost).cmp(&(&other.user, &other.vhost)));
    assert_eq!(written.permissions, expected);
}

#[test]
fn errors_name_the_bad_element() {
    let queue =
        |durable: Value, arguments: Value| json!({"name": "q", "durable": durable, "arguments": arguments});
    let good = queue(json!(true), json!({}));
    let table = [
        (json!([]), "", "invalid type: sequence"),
        (json!({"queues": 7}), "queues", "invalid type: integer `7`"),
        (
            json!({"queues": [good, queue(json!("yes"), json!({}))]}),
            "queues[1].durable",
            "expected a boolean",
        ),
        (json!({"queues": [{}]}), "queues[0]", "missing field `name`"),
        (json!({"queues": [queue(json!(true), json!("x"))]}), "queues[0].arguments", "expected an object"),
        (
            json!({"queues": [queue(json!(true), json!({"x-a": [1, u64::MAX]}))]}),
            "queues[0].arguments.x-a[1]",
            "does not fit",
        ),
        (json!({"users": [{"name": "u", "tags": [1]}]}), "users[0].tags[0]", "expected a string"),
        (json!({"users": [{"name": "u", "tags": 1}]}), "users[0].tags", "expected a list of tags"),
        (
            json!({"bindings": [{"source": "x", "destination": "q", "destination_type": "topic"}]}),
            "bindings[0].destination_type",
            "unknown variant `topic`",
        ),
        (json!({"policies": [{"name": "p", "pattern": ".*"}]}), "policies[0]", "missing field `definition`"),
    ];
    for (document, path, reason) in table {
        let error = parse(document.clone()).unwrap_err();
        assert_eq!(error.path, path, "{document}: {error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    for text in ["", "{", "{} {}", "\u{feff}{}"] {
        Definitions::parse(text.as_bytes()).unwrap_err();
    }
}

#[test]
fn bad_users_and_permissions_change_nothing() {
    let user = json!({"name": "u", "password_hash": "", "tags": ""});
    let permission = |user: &str, read: &str| json!([{"user": user, "vhost": "/", "configure": "", "write": "", "read": read}]);
    let topic = |user: &str, read: &str| json!([{"user": user, "vhost": "/", "exchange": "x", "write": "", "read": read}]);
    let table = [
        (json!({"users": [user, {"name": "v", "password_hash": "!"}]}), "users[1].password_hash"),
        (json!({"users": [user, {"name": "v", "password_hash": "", "password": "x"}]}), "users[1].password"),
        (json!({"users": [user, {"name": "v", "hashing_algorithm": "rot13"}]}), "users[1].hashing_algorithm"),
        (json!({"users": [user], "permissions": permission("u", "[")}), "permissions[0]"),
        (json!({"users": [user], "permissions": permission("x", "")}), "permissions[0].user"),
        (json!({"users": [user], "topic_permissions": topic("u", "*")}), "topic_permissions[0]"),
        (json!({"users": [user], "topic_permissions": topic("x", "")}), "topic_permissions[0].user"),
    ];
    for (document, path) in table {
        let auth = Auth::default();
        let error = parse(document).unwrap().apply_access(&auth).unwrap_err();
        assert_eq!(error.path, path, "{error}");
        assert!(auth.users().is_empty(), "{error}");
    }
}

#[test]
fn older_and_newer_forms_are_read_and_kept() {
    let document = json!({
        "rabbit_version": "3.5.7", "future": {"a": [1]},
        "users": [{"name": "old", "password_hash": "ytUIm8s3AnKsXQjptplKFytfVxI=", "tags": "administrator, monitoring", "x": 1}],
        "vhosts": [{"name": "/", "description": "d", "tags": ["t"], "metadata": {"description": "d"}, "limits": []}],
        "queues": [{"name": "q", "vhost": "/", "type": "classic", "durable": false, "auto_delete": true, "arguments": {"a": null}}],
    });
    let definitions = parse(document).unwrap();
    let auth = Auth::default();
    definitions.apply_access(&auth).unwrap();
    let user = auth.check_password("old", b"simon", &crate::auth::PeerInfo::in_process()).unwrap();
    assert!(user.has_tag("administrator") && user.has_tag("monitoring"));
    assert_eq!(definitions.queues[0].arguments.0.get("a"), Some(&FieldValue::Void));

    let written: Value = serde_json::from_str(&definitions.to_json()).unwrap();
    assert_eq!(written["future"], json!({"a": [1]}));
    assert_eq!(written["users"][0]["x"], json!(1));
    assert_eq!(written["users"][0]["tags"], json!("administrator, monitoring"));
    assert_eq!(written["vhosts"][0]["limits"], json!([]));
    assert_eq!(written["queues"][0]["type"], json!("classic"));

    let bare = parse(json!({"queues": [{"name": "q", "arguments": []}], "users": [{"name": "u"}]})).unwrap();
    assert!(bare.queues[0].durable && bare.queues[0].arguments.0.is_empty());
    bare.apply_access(&auth).unwrap();
    assert!(auth.user("u").unwrap().password.is_none());
}

#[test]
fn every_type_is_written_as_rabbitmq_writes_it() {
    let long = vec![0xff; 60];
    let table = [
        (FieldValue::Bool(true), json!(true)),
        (FieldValue::I8(-5), json!(-5)),
        (FieldValue::U8(200), json!(200)),
        (FieldValue::I16(-300), json!(-300)),
        (FieldValue::U16(60_000), json!(60_000)),
        (FieldValue::I32(-70_000), json!(-70_000)),
        (FieldValue::U32(4_000_000_000), json!(4_000_000_000_u64)),
        (FieldValue::I64(i64::MIN), json!(i64::MIN)),
        (FieldValue::F32(1.5), json!(1.5)),
        (FieldValue::F64(1e300), json!(1e300)),
        (FieldValue::F64(f64::INFINITY), json!("inf")),
        (FieldValue::Decimal(Decimal { scale: 2, value: 250 }), json!(2.5)),
        (FieldValue::from("t\u{e9}xt"), json!("t\u{e9}xt")),
        (FieldValue::LongString(vec![0xff, 0xfe, 0]), json!("Not UTF-8, base64 is: //4A")),
        (
            FieldValue::ByteArray(long.clone()),
            json!(format!("Not UTF-8, base64 is: {}\n{}", "/".repeat(76), "/".repeat(4))),
        ),
        (FieldValue::ByteArray(b"abc".to_vec()), json!("abc")),
        (FieldValue::Void, json!("undefined")),
        (FieldValue::Timestamp(1_700_000_000), json!(1_700_000_000)),
        (FieldValue::Array(vec![FieldValue::I64(1), FieldValue::Void]), json!([1, "undefined"])),
        (FieldValue::Table(FieldTable::new()), json!({})),
    ];
    for (value, expected) in table {
        let arguments = Arguments(FieldTable::from([("k", value)]));
        assert_eq!(serde_json::to_value(&arguments).unwrap(), json!({"k": expected}));
    }
    let back: Arguments = serde_json::from_value(
        json!({"k": format!("Not UTF-8, base64 is: {}\n{}", "/".repeat(76), "/".repeat(4))}),
    )
    .unwrap();
    assert_eq!(back.0.get("k"), Some(&FieldValue::LongString(long)));
}

#[test]
fn arguments_have_bounds() {
    let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    assert!(serde_json::from_str::<Arguments>(&nested(60)).is_ok());
    assert!(serde_json::from_str::<Arguments>(&nested(200)).is_err());
    assert!(serde_json::from_str::<Arguments>(&nested(10_000)).is_err());
    let name = |length: usize| format!("{{\"{}\":1}}", "n".repeat(length));
    assert!(serde_json::from_str::<Arguments>(&name(255)).is_ok());
    assert!(serde_json::from_str::<Arguments>(&name(256)).is_err());
    let twice = serde_json::from_str::<Arguments>("{\"a\":1,\"a\":2}").unwrap();
    assert_eq!(twice.0, FieldTable::from([("a", 2_i64)]));
}

#[test]
fn debug_output_shows_no_secret() {
    let document = json!({"users": [{"name": "u", "password_hash": "SECRETHASH", "password": "SECRETWORD"}]});
    let shown = format!("{:?}", parse(document).unwrap());
    assert!(!shown.contains("SECRET"), "{shown}");
}

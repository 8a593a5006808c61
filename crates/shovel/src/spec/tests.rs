use super::*;
use serde_json::json;

fn with(more: Value) -> Value {
    let mut value = json!({"src-uri": "amqp://", "dest-uri": "amqp://", "src-queue": "a"});
    let all = value.as_object_mut().unwrap();
    all.extend(more.as_object().unwrap().clone());
    all.retain(|_, value| !value.is_null());
    value
}

/// What RabbitMQ 3.10.8 answered to each, between `Validation failed\n\n` and the last line's end.
#[test]
fn reasons_are_rabbitmqs() {
    let no_source = "Must specify 'src-exchange' or 'src-queue'";
    let missing = "\nKey \"dest-uri\" not found in t\nKey \"src-uri\" not found in t";
    let delete = "src-delete-after should be a number greater than or equal to 0, \"never\" or \"queue-length\", actually was";
    for (value, reason) in [
        (json!({}), format!("{no_source}{missing}")),
        (json!([]), format!("{no_source}{missing}")),
        (with(json!({"src-queue": null})), no_source.into()),
        (with(json!({"src-exchange": "b"})), "Cannot specify 'src-exchange' and 'src-queue'".into()),
        (
            with(json!({"dest-queue": "b", "dest-exchange": "c"})),
            "Cannot specify 'dest-exchange' and 'dest-queue'".into(),
        ),
        (
            with(json!({"bogus": "b", "bogus2": 1})),
            "Unrecognised terms [{<<\"bogus\">>,<<\"b\">>},{<<\"bogus2\">>,1}] in t".into(),
        ),
        (
            with(json!({"src-prefetch-count": "x"})),
            "src-prefetch-count should be a number, actually was <<\"x\">>".into(),
        ),
        (
            with(json!({"ack-mode": "x"})),
            "ack-mode should be one of [<<\"no-ack\">>,<<\"on-publish\">>,<<\"on-confirm\">>], actually was <<\"x\">>".into(),
        ),
        (with(json!({"ack-mode": 1})), "ack-mode should be binary, actually was 1".into()),
        (with(json!({"src-delete-after": "x"})), format!("{delete} <<\"x\">>")),
        (with(json!({"src-delete-after": -1})), format!("{delete} -1")),
        (
            with(json!({"dest-add-forward-headers": "x"})),
            "dest-add-forward-headers should be boolean, actually was <<\"x\">>".into(),
        ),
        (
            with(json!({"dest-publish-properties": "x"})),
            "dest-publish-properties not a list <<\"x\">>".into(),
        ),
        (
            with(json!({"dest-publish-properties": {"headers": {"a": 1}, "user_id": "guest"}})),
            "Unrecognised terms [{<<\"headers\">>,#{<<\"a\">> => 1}}] in dest-publish-properties".into(),
        ),
        (
            with(json!({"dest-publish-properties": {"delivery_mode": "x"}})),
            "delivery_mode should be a number, actually was <<\"x\">>".into(),
        ),
        (with(json!({"src-queue": 1})), "src-queue should be binary, actually was 1".into()),
        (
            with(json!({"src-uri": "http://"})),
            "\"http://\" not a valid URI: {{unexpected_uri_scheme,\"http\"},\"http://\"}".into(),
        ),
        (with(json!({"src-uri": ""})), "\"\" not a valid URI: {{unable_to_parse_uri,no_scheme},[]}".into()),
        (with(json!({"src-uri": 1})), "src-uri should be list, actually was 1".into()),
        (with(json!({"src-uri": ["amqp://", 1]})), "src-uri should be list, actually was 1".into()),
        (
            with(json!({"src-uri": "amqp:///nosuch"})),
            "user \"guest\" may not connect to vhost \"nosuch\"".into(),
        ),
    ] {
        let may_enter = |vhost: &str| {
            (vhost == "nosuch").then(|| format!("user \"guest\" may not connect to vhost \"{vhost}\""))
        };
        assert_eq!(problems("t", &value, &may_enter).join("\n"), reason, "{value}");
    }
}

/// What RabbitMQ answers with 500, or takes and never runs.
#[test]
fn values_nothing_could_work_with_are_refused() {
    for (value, part) in [
        (json!("text"), "is an object"),
        (with(json!({"dest-queue-args": "x"})), "dest-queue-args should be an object"),
        (with(json!({"src-protocol": "bogus"})), "one of [<<\"amqp091\">>]"),
        (with(json!({"src-protocol": "amqp10"})), "not supported"),
        (with(json!({"src-prefetch-count": -1})), "from 0 to 65535"),
        (with(json!({"reconnect-delay": -1})), "from 0 to 86400"),
        (with(json!({"src-uri": []})), "names no broker"),
    ] {
        let found = problems("t", &value, &|_| None);
        assert!(found.len() == 1 && found[0].contains(part), "{value}: {found:?}");
    }
}

#[test]
fn a_parameter_becomes_a_value() {
    let spec = Spec::parse("t", &with(json!({}))).unwrap();
    assert_eq!((spec.prefetch, spec.reconnect_delay), (1000, Some(Duration::from_secs(5))));
    assert_eq!((spec.ack_mode, spec.delete_after), (AckMode::OnConfirm, DeleteAfter::Never));
    assert_eq!((spec.dest_queue, spec.dest_exchange, spec.dest_key), (None, None, None));
    // Names from before RabbitMQ 3.7 mean the same.
    let old = json!({"prefetch-count": 7, "delete-after": "queue-length", "add-forward-headers": true,
        "publish-properties": {"delivery_mode": 2, "type": "t"}, "reconnect-delay": 0, "ack-mode": "no-ack"});
    let spec = Spec::parse("t", &with(old)).unwrap();
    assert_eq!((spec.prefetch, spec.reconnect_delay, spec.ack_mode), (7, None, AckMode::NoAck));
    assert_eq!((spec.delete_after, spec.forward_headers), (DeleteAfter::QueueLength, true));
    assert_eq!((spec.properties.delivery_mode, spec.properties.kind.as_deref()), (Some(2), Some("t")));
    let spec =
        Spec::parse("t", &with(json!({"dest-queue": "q", "dest-queue-args": {"x-queue-type": "quorum"}})));
    let (queue, arguments) = spec.unwrap().dest_queue.unwrap();
    assert_eq!((&*queue, arguments.get("x-queue-type").and_then(|v| v.as_str())), ("q", Some("quorum")));
}

#[test]
fn this_broker_is_the_one_without_a_host() {
    for (uri, here, vhost) in [
        ("amqp://", true, "/"),
        ("amqp:///", true, "/"),
        ("amqp:///%2f", true, "/"),
        ("amqp:///orders", true, "orders"),
        ("amqp://user@/orders", true, "orders"),
        ("amqp://localhost", false, "/"),
        ("amqps://u:p@mq:5671/orders?heartbeat=10", false, "orders"),
    ] {
        let (is_here, options) = match Place::parse(uri).unwrap() {
            Place::Here(options) => (true, options),
            Place::There(options) => (false, options),
        };
        assert_eq!((is_here, &*options.vhost), (here, vhost), "{uri}");
    }
}

#[test]
fn no_secret_is_shown() {
    for (uri, text) in [
        ("amqp://", "amqp://"),
        ("amqp:///%2f", "amqp:///%2f"),
        ("amqp://guest:secret@127.0.0.1:5760/%2f?heartbeat=10", "amqp://127.0.0.1:5760/%2f?heartbeat=10"),
        ("amqps://u:p@ss/w@h/v", "amqps://h/v"),
        ("amqp://u@h", "amqp://h"),
    ] {
        assert_eq!(shown(uri), text);
    }
}

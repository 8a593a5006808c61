use super::*;
use crate::message::{Message, Parts};
use leveret_protocol::{FieldTable, FieldValue, Properties, RawProperties};

fn message(change: impl FnOnce(&mut Properties)) -> Message {
    let mut properties = Properties::default();
    change(&mut properties);
    let mut raw = Vec::new();
    properties.encode(&mut raw);
    let properties = RawProperties::parse(&raw).unwrap();
    let parts = Parts { exchange: b"logs", routing_key: b"order.eu.new", properties };
    Message::new(parts, b"the quick brown fox".as_slice().into(), None, 1)
}

fn with_header(name: &str, value: impl Into<FieldValue>) -> Message {
    let headers: FieldTable = [(name, value.into())].into_iter().collect();
    message(|p| p.headers = Some(headers))
}

fn key(pattern: &str) -> Condition {
    Condition::RoutingKey(KeyPattern::new(pattern.as_bytes()))
}

#[test]
fn places_are_texts_and_come_back() {
    for place in [Place::ready(0, 1), Place::ready(126, u64::MAX), Place::waiting(3, 77)] {
        assert_eq!(place.to_string().parse(), Ok(place));
    }
    for text in ["", "r", "r1", "x1.2", "r1.2.3", "r-1.2", "r1.", "r01.2", "r1.+2", "r300.1", "é1.2"] {
        assert!(text.parse::<Place>().is_err(), "{text}");
    }
    assert!(format!("{}", "no".repeat(1000).parse::<Place>().unwrap_err()).len() < 200);
}

#[test]
fn patterns_match_as_topic_exchanges_do() {
    for (pattern, key, wanted) in [
        ("a.b", "a.b", true),
        ("a.b", "a.b.c", false),
        ("a.*", "a.b", true),
        ("a.*", "a", false),
        ("*", "", false),
        ("#", "", true),
        ("#", "a.b.c", true),
        ("a.#", "a", true),
        ("#.c", "a.b.c", true),
        ("#.c", "c.d", false),
        ("#.b.#", "a.b.c", true),
        ("#.b.#.b", "a.b.c.b", true),
        ("#.b.*.b.#", "b.b.b", true),
        ("a.#.*.z", "a.z", false),
        ("a.#.*.z", "a.b.c.z", true),
        ("a..b", "a..b", true),
        ("", "", true),
        ("", "a", false),
        ("a*", "ab", false),
    ] {
        assert_eq!(KeyPattern::new(pattern.as_bytes()).matches(key.as_bytes()), wanted, "{pattern} {key}");
    }
}

#[test]
fn each_condition_looks_at_its_part() {
    let plain = message(|_| ());
    for (condition, wanted) in [
        (key("order.#"), true),
        (key("order.*"), false),
        (Condition::Exchange("logs".into()), true),
        (Condition::Exchange(String::new()), false),
        (Condition::BodyContains(b"brown".into()), true),
        (Condition::BodyContains(b"the quick brown fox".into()), true),
        (Condition::BodyContains(b"browner".into()), false),
        (Condition::BodyContains(Vec::new()), true),
        (Condition::Priority(0), true),
        (Condition::Priority(1), false),
        (Condition::Timestamp(0..=u64::MAX), false),
        (Condition::HeaderExists("a".into()), false),
    ] {
        assert_eq!(condition.matches(&plain), wanted, "{condition:?}");
    }
    let stamped = message(|p| (p.timestamp, p.priority) = (Some(100), Some(4)));
    assert!(Condition::Timestamp(100..=100).matches(&stamped));
    assert!(!Condition::Timestamp(101..=200).matches(&stamped));
    assert!(Condition::Priority(4).matches(&stamped));
}

#[test]
fn headers_are_compared_by_value_not_by_type_on_the_wire() {
    let equals = |value: FieldValue| Condition::HeaderEquals("h".into(), value);
    let number = with_header("h", FieldValue::I8(7));
    assert!(equals(FieldValue::I64(7)).matches(&number) && equals(FieldValue::U32(7)).matches(&number));
    assert!(!equals(FieldValue::I64(8)).matches(&number) && !equals("7".into()).matches(&number));
    let text = with_header("h", "seven");
    assert!(equals(FieldValue::ByteArray(b"seven".to_vec())).matches(&text));
    assert!(!equals("eight".into()).matches(&text));
    assert!(equals(true.into()).matches(&with_header("h", true)));
    assert!(Condition::HeaderExists("h".into()).matches(&with_header("h", FieldValue::Void)));
}

#[test]
fn properties_and_reasons_of_death() {
    let named = message(|p| {
        p.message_id = Some("m".into());
        p.correlation_id = Some("c".into());
        p.kind = Some("k".into());
        p.app_id = Some("a".into());
        p.content_type = Some("t".into());
        p.user_id = Some("u".into());
    });
    for (property, text) in [
        (TextProperty::MessageId, "m"),
        (TextProperty::CorrelationId, "c"),
        (TextProperty::Type, "k"),
        (TextProperty::AppId, "a"),
        (TextProperty::ContentType, "t"),
        (TextProperty::UserId, "u"),
    ] {
        assert!(Condition::Property(property, text.into()).matches(&named), "{property:?}");
        assert!(!Condition::Property(property, "x".into()).matches(&named), "{property:?}");
        assert!(!Condition::Property(property, String::new()).matches(&message(|_| ())), "{property:?}");
    }
    let death: FieldTable = [("reason", FieldValue::from("expired"))].into_iter().collect();
    let dead = with_header("x-death", FieldValue::Array(vec![FieldValue::Void, FieldValue::Table(death)]));
    assert!(Condition::DeathReason("expired".into()).matches(&dead));
    assert!(!Condition::DeathReason("rejected".into()).matches(&dead));
    assert!(!Condition::DeathReason("expired".into()).matches(&with_header("x-death", "expired")));
}

#[test]
fn all_conditions_have_to_hold_and_none_is_every_message() {
    let message = message(|_| ());
    assert!(Filter::all().is_all() && Filter::all().matches(&message));
    let both = Filter::all().and(key("order.#")).and(Condition::Exchange("logs".into()));
    assert!(both.matches(&message));
    assert!(!both.and(Condition::Priority(9)).matches(&message));
}

#[test]
fn a_body_is_searched_to_its_bound_and_no_text_makes_that_slow() {
    let body = [vec![b'a'; BODY_LOOKED_BYTES_MAX - 2], b"xyz".to_vec()].concat();
    let parts = Parts { exchange: b"", routing_key: b"", properties: RawProperties::EMPTY };
    let message = Message::new(parts, body.into(), None, 1);
    assert!(Condition::BodyContains(b"aaxy".to_vec()).matches(&message));
    assert!(!Condition::BodyContains(b"xyz".to_vec()).matches(&message), "it lies across the bound");
    let hard = [vec![b'a'; BODY_LOOKED_BYTES_MAX / 2], b"b".to_vec()].concat();
    assert!(!Condition::BodyContains(hard).matches(&message));
}

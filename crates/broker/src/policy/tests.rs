//! What policies are refused, which apply, and what they make of declarations.

use super::*;
use crate::queue::arguments::QueueKind;
use leveret_protocol::{FieldTable, FieldValue};
use serde_json::json;

fn policy(name: &str, pattern: &str, priority: i64, definition: Value) -> Policy {
    let Value::Object(definition) = definition else { panic!("a definition is an object") };
    Policy { name: name.into(), pattern: pattern.into(), apply_to: ApplyTo::All, priority, definition }
}

fn refused(scope: PolicyScope, definition: Value) -> String {
    match policy("p", "^x", 0, definition).check(scope) {
        Ok(()) => "taken".into(),
        Err(Refusal::Validation { reason }) => reason,
        Err(other) => panic!("{other}"),
    }
}

/// The words are those of RabbitMQ 3.10.8, asked through its management API.
#[test]
fn definitions_are_refused_in_rabbitmqs_words() {
    for (definition, reason) in [
        (json!({}), "no policy provided"),
        (json!({"foo": 1}), r#"[{<<"foo">>,1}] are not recognised policy settings"#),
        (json!({"foo": 1, "bar": 2}), r#"[{<<"bar">>,2},{<<"foo">>,1}] are not recognised policy settings"#),
        (json!({"max-length": -1, "expires": -1}), "-1 is not a valid queue expiry"),
        (json!({"max-length": 1, "foo": 3, "expires": -1}), "-1 is not a valid queue expiry"),
        (json!({"max-length": "a"}), r#"<<"a">> is not a valid maximum length"#),
        (json!({"overflow": "a"}), r#"<<"a">> is not a valid overflow value"#),
        (json!({"expires": 0}), "0 is not a valid queue expiry"),
        (json!({"dead-letter-exchange": 3}), "3 is not a valid dead letter exchange name"),
        (json!({"alternate-exchange": true}), "true is not a valid alternate exchange name"),
        (json!({"max-age": "1"}), r#"<<"1">> is not a valid max age"#),
        (json!({"queue-version": 3}), "3 is not a valid queue-version value"),
        (json!({"queue-mode": "x"}), r#"<<"x">> is not a valid queue-mode value"#),
        (json!({"queue-leader-locator": "x"}), r#"<<"x">> is not a valid queue leader locator value"#),
        (json!({"ha-mode": "foo"}), r#"<<"foo">> is not a valid ha-mode value"#),
        (json!({"durability": {"a": [1.5, null]}}), r#"#{<<"a">> => [1.5,null]} is not a valid durability"#),
        (json!({"max-priority": 5}), r#"[{<<"max-priority">>,5}] are not recognised policy settings"#),
        (json!({"max-age": "7D", "ha-mode": "all", "queue-mode": "lazy", "shards-per-node": 2}), "taken"),
        (json!({"delivery-limit": -1, "durability": "written", "message-ttl": 0}), "taken"),
    ] {
        assert_eq!(refused(PolicyScope::User, definition.clone()), reason, "{definition}");
    }
    let reason = r#"[{<<"dead-letter-exchange">>,<<"x">>}] are not recognised policy settings"#;
    let definition = json!({"max-length": 1, "dead-letter-exchange": "x"});
    assert_eq!(refused(PolicyScope::Operator, definition), reason);
    assert_eq!(refused(PolicyScope::Operator, json!({"max-length": 1})), "taken");
}

#[test]
fn patterns_and_words_are_checked() {
    let error = policy("p", "(", 0, json!({"max-length": 1})).check(PolicyScope::User).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("Validation failed\n\npattern should be regular expression but is invalid: "),
        "{text}"
    );
    assert!(ApplyTo::parse("foo").unwrap_err().to_string().contains("apply-to 'foo' unrecognised"));
    for apply_to in ApplyTo::ALL {
        assert_eq!(ApplyTo::parse(apply_to.as_str()), Ok(apply_to));
    }
    let long = policy(&"n".repeat(256), "", 0, json!({"max-length": 1}));
    assert!(long.check(PolicyScope::User).is_err());
    assert!(Policy::keys(PolicyScope::Operator).count() < Policy::keys(PolicyScope::User).count());
    assert!(
        keys::KEYS.is_sorted_by_key(|key| key.name),
        "the table is in the order in which keys are looked at"
    );
}

fn set(policies: &[(PolicyScope, Policy)]) -> PolicySet {
    let mut set = PolicySet::default();
    for (scope, policy) in policies {
        set.put(*scope, policy.compile(*scope).unwrap());
    }
    set
}

fn applied(set: &PolicySet, kind: Kinds, name: &str) -> Option<String> {
    set.applied(kind, &name.into()).policy().map(|name| name.to_string())
}

#[test]
fn the_highest_priority_applies_and_of_equals_the_first_name() {
    use PolicyScope::User;
    let (one, two) = (json!({"max-length": 1}), json!({"max-length": 2}));
    let classic = Kinds::of_queue(QueueKind::Classic);
    for names in [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]] {
        let mut all: Vec<_> = names.map(|name| (User, policy(name, "^q", 1, one.clone()))).into();
        let of_equals = set(&all);
        assert_eq!(applied(&of_equals, classic, "q1").as_deref(), Some("a"));
        assert_eq!(applied(&of_equals, classic, "xq"), None);
        all.push((User, policy("z", "1$", 2, two.clone())));
        let mut all = set(&all);
        assert_eq!(applied(&all, classic, "q1").as_deref(), Some("z"));
        assert_eq!(applied(&all, classic, "q2").as_deref(), Some("a"));
        assert!(all.remove(User, "z") && !all.remove(User, "z"));
        assert_eq!(applied(&all, classic, "q1").as_deref(), Some("a"));
    }
}

/// RabbitMQ 3.10.8 says the same of each of these keys: a policy with a key that means nothing for an entity does not apply to it.
#[test]
fn a_policy_is_for_entities_for_which_all_its_keys_mean_something() {
    let (classic, quorum) = (Kinds::of_queue(QueueKind::Classic), Kinds::of_queue(QueueKind::Quorum));
    for (definition, kinds) in [
        (json!({"delivery-limit": 3, "max-length": 5}), [false, true, false]),
        (json!({"queue-mode": "lazy"}), [true, false, false]),
        (json!({"ha-mode": "all", "max-length": 4}), [true, false, false]),
        (json!({"alternate-exchange": "x"}), [true, true, true]),
        (json!({"max-age": "1D"}), [false, false, true]),
        (json!({"dead-letter-strategy": "at-least-once"}), [false, true, false]),
        (json!({"message-ttl": 5000}), [true, true, false]),
        (json!({"queue-leader-locator": "balanced"}), [false, true, true]),
        (json!({"max-length-bytes": 33}), [true, true, true]),
        (json!({"queue-master-locator": "min-masters"}), [true, false, false]),
    ] {
        let all = set(&[(PolicyScope::User, policy("p", "", 0, definition.clone()))]);
        let matches = |kind| applied(&all, kind, "any").is_some();
        assert_eq!([classic, quorum, Kinds::STREAM].map(matches), kinds, "{definition}");
        assert!(matches(Kinds::EXCHANGE), "{definition}");
    }
    for (apply_to, kinds) in [
        (ApplyTo::All, [true, true, true]),
        (ApplyTo::Exchanges, [false, false, true]),
        (ApplyTo::Queues, [true, true, false]),
        (ApplyTo::ClassicQueues, [true, false, false]),
        (ApplyTo::QuorumQueues, [false, true, false]),
        (ApplyTo::Streams, [false, false, false]),
    ] {
        let policy = Policy { apply_to, ..policy("p", "", 0, json!({"max-length": 1})) };
        let all = set(&[(PolicyScope::User, policy)]);
        let matches = |kind| applied(&all, kind, "any").is_some();
        assert_eq!([classic, quorum, Kinds::EXCHANGE].map(matches), kinds, "{apply_to}");
    }
}

/// Columns: operator policy, user policy, declaration; what is in force.
#[test]
fn numbers_are_the_smallest_and_words_the_declarations() {
    let declared = |value: &Value| match value {
        Value::String(text) => FieldValue::from(text.as_str()),
        value => FieldValue::I64(value.as_i64().unwrap()),
    };
    for (key, operator, user, argument, in_force) in [
        ("max-length", json!(null), json!(10), json!(20), json!(10)),
        ("max-length", json!(null), json!(30), json!(20), json!(20)),
        ("max-length", json!(5), json!(30), json!(20), json!(5)),
        ("max-length", json!(50), json!(30), json!(null), json!(30)),
        ("message-ttl", json!(0), json!(null), json!(7), json!(0)),
        ("expires", json!(null), json!(null), json!(7), json!(7)),
        ("delivery-limit", json!(null), json!(-1), json!(7), json!(7)),
        ("delivery-limit", json!(9), json!(-1), json!(null), json!(9)),
        ("overflow", json!(null), json!("reject-publish"), json!("drop-head"), json!("drop-head")),
        ("overflow", json!("drop-head"), json!("reject-publish"), json!(null), json!("drop-head")),
        ("dead-letter-exchange", json!(null), json!("policy"), json!("argument"), json!("argument")),
        ("dead-letter-exchange", json!(null), json!("policy"), json!(null), json!("policy")),
        ("durability", json!(null), json!("memory"), json!(null), json!("memory")),
        ("max-age", json!(null), json!("1D"), json!("25h"), json!("1D")),
        ("max-age", json!(null), json!("1M"), json!("25D"), json!("25D")),
    ] {
        let mut policies = Vec::new();
        for (scope, value) in [(PolicyScope::Operator, &operator), (PolicyScope::User, &user)] {
            if !value.is_null() {
                policies.push((scope, policy("p", "", 0, json!({key: value}))));
            }
        }
        let name = format!("x-{key}");
        let mut arguments = FieldTable::from([("x-other", 1)]);
        if !argument.is_null() {
            arguments.insert(name.as_str(), declared(&argument));
        }
        let policies = set(&policies);
        let kind = if key == "max-age" { Kinds::STREAM } else { Kinds::of_queue(QueueKind::Quorum) };
        let all = policies.applied(kind, &"q".into()).arguments(&arguments);
        assert_eq!(all.get(&name), Some(&declared(&in_force)), "{key} {operator} {user} {argument}");
        assert_eq!(all.get("x-other"), Some(&FieldValue::I32(1)));
    }
}

#[test]
fn the_effective_definition_is_of_both_policies() {
    let set = set(&[
        (PolicyScope::User, policy("u", "", 0, json!({"max-length": 10, "dead-letter-exchange": "x"}))),
        (
            PolicyScope::Operator,
            policy("o", "", 0, json!({"max-length": 20, "expires": 7, "max-in-memory-length": 3})),
        ),
    ]);
    let applied = set.applied(Kinds::of_queue(QueueKind::Classic), &"q".into());
    assert_eq!(applied.operator_policy().map(|name| &**name), Some("o"));
    let expected =
        json!({"max-length": 10, "expires": 7, "dead-letter-exchange": "x", "max-in-memory-length": 3});
    assert_eq!(Value::Object(applied.effective_definition()), expected);
    assert!(Applied::default().effective_definition().is_empty());
}

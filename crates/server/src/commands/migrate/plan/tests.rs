use super::*;
use serde_json::json;

fn document() -> Value {
    json!({
        "vhosts": [{"name": "/"}, {"name": "v"}],
        "users": [{"name": "app", "password_hash": "x", "hashing_algorithm": "h", "tags": ["a", "b"]}],
        "permissions": [{"user": "app", "vhost": "/", "configure": "", "write": ".*", "read": ".*"}],
        "global_parameters": [{"name": "internal_cluster_id", "value": "i"}, {"name": "owner", "value": "me"}],
        "parameters": [
            {"component": "shovel", "name": "s", "vhost": "/", "value": {}},
            {"component": "operator_policy", "name": "o", "vhost": "/", "value": {"pattern": "^a"}}
        ],
        "exchanges": [{"name": "e", "vhost": "/", "type": "topic", "durable": true, "auto_delete": false, "internal": false, "arguments": {}}],
        "queues": [
            {"name": "a", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {"x-queue-type": "classic"}},
            {"name": "b c", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}},
            {"name": "x", "vhost": "v", "durable": true, "auto_delete": false, "arguments": {}}
        ],
        "bindings": [{"source": "e", "vhost": "/", "destination": "a", "destination_type": "queue", "routing_key": "k", "arguments": {}}]
    })
}

fn places(plan: &Plan) -> Vec<&str> {
    plan.items.iter().map(|item| item.path.as_str()).collect()
}

#[test]
fn everything_is_made_in_an_order_that_works() {
    let plan = Plan::new(&document(), &json!({"vhosts": [{"name": "/"}]}), &Scope::default());
    let expected = [
        "vhosts/v",
        "users/app",
        "permissions/%2F/app",
        "global-parameters/owner",
        "operator-policies/%2F/o",
        "exchanges/%2F/e",
        "queues/%2F/a",
        "queues/%2F/b%20c",
        "queues/v/x",
        "bindings/%2F/e/e/q/a",
    ];
    assert_eq!(places(&plan), expected);
    assert_eq!((plan.same, plan.conflicts.len(), plan.notes.len()), (1, 0, 1));
    assert!(plan.notes[0].0.contains("shovel s"), "{:?}", plan.notes);
    let user = &plan.items[1].body;
    assert_eq!((&user["tags"], &user["password_hash"]), (&json!("a,b"), &json!("x")));
    assert_eq!(plan.items[4].body, json!({"pattern": "^a"}));
    assert_eq!(plan.items[9].body, json!({"routing_key": "k", "arguments": {}}));
}

#[test]
fn what_is_there_and_differs_is_a_conflict_and_what_is_the_same_is_not() {
    let mut there = document();
    there["queues"][0]["arguments"] = json!({});
    there["queues"][1]["arguments"] = json!({"x-max-length": 5});
    let plan = Plan::new(&document(), &there, &Scope::default());
    assert!(plan.items.is_empty());
    assert_eq!(plan.conflicts, [r#"queue b c in /: arguments is {"x-max-length":5} and not {}"#]);
}

#[test]
fn a_scope_takes_what_belongs_to_its_queues() {
    let scope = Scope { vhost: None, queues: Some(Regex::new("^a$").unwrap()) };
    let mut plan = Plan::new(&document(), &json!({"vhosts": [{"name": "/"}, {"name": "v"}]}), &scope);
    assert_eq!(places(&plan), ["exchanges/%2F/e", "queues/%2F/a", "bindings/%2F/e/e/q/a"]);
    let queues = [
        json!({"name": "a", "vhost": "/", "messages": 3, "arguments": {"x-retry-delays": [1]}}),
        json!({"name": "b c", "vhost": "/", "messages": 3, "arguments": {}}),
    ];
    plan.look(&queues, &scope, false);
    assert_eq!((plan.queues.len(), plan.queues[0].messages), (1, 3));
    assert!(plan.notes[0].1.contains("x-retry-delays mean nothing"));
    let scope = Scope { vhost: Some("v".into()), queues: None };
    let plan = Plan::new(&document(), &json!({}), &scope);
    assert_eq!(places(&plan), ["vhosts/v", "queues/v/x"]);
}

#[test]
fn what_a_scope_names_must_be_there() {
    let queues = [json!({"name": "a", "vhost": "/"}), json!({"name": "x", "vhost": "v"})];
    for (vhost, pattern, missing) in [
        (None, None, None),
        (Some("v"), None, None),
        (Some("w"), None, Some("FROM has no vhost 'w'")),
        (None, Some("^a$"), None),
        (None, Some("^b$"), Some("FROM has no queue whose name matches '^b$'")),
        (Some("v"), Some("^a$"), Some("FROM has no queue whose name matches '^a$'")),
    ] {
        let scope = Scope {
            vhost: vhost.map(str::to_owned),
            queues: pattern.map(|pattern| Regex::new(pattern).unwrap()),
        };
        assert_eq!(scope.missing(&document(), &queues).as_deref(), missing);
    }
}

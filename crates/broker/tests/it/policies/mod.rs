//! Policies that come, change and go while queues and exchanges are there. Source: RabbitMQ, "Policies", and what 3.10.8 answers.

mod exchanges;
mod queues;

use crate::support::*;
use leveret_broker::Broker;
use leveret_broker::policy::{ApplyTo, Policy, PolicyScope};
use leveret_broker::vhost::VirtualHost;
use leveret_protocol::FieldTable;
use serde_json::{Value, json};
use std::sync::Arc;

fn vhost(broker: &Broker) -> Arc<VirtualHost> {
    broker.vhost("/").unwrap()
}

fn policy(name: &str, pattern: &str, definition: Value) -> Policy {
    let Value::Object(definition) = definition else { panic!("a definition is an object") };
    Policy { name: name.into(), pattern: pattern.into(), apply_to: ApplyTo::All, priority: 0, definition }
}

/// Sets the policy `p` for names that begin with `q`.
fn set(broker: &Broker, definition: Value) {
    vhost(broker).set_policy(PolicyScope::User, policy("p", "^q", definition)).unwrap();
}

fn set_operators(broker: &Broker, definition: Value) {
    vhost(broker).set_policy(PolicyScope::Operator, policy("o", "^q", definition)).unwrap();
}

fn clear(broker: &Broker) {
    assert!(vhost(broker).clear_policy(PolicyScope::User, "p").unwrap());
}

#[tokio::test]
async fn policies_are_listed_replaced_and_cleared() {
    let broker = broker();
    let vhost = vhost(&broker);
    for (name, priority) in [("low", 1), ("high", 3), ("middle", 2), ("also middle", 2)] {
        let policy = Policy { priority, ..policy(name, "^q", json!({"max-length": priority})) };
        vhost.set_policy(PolicyScope::User, policy).unwrap();
    }
    set_operators(&broker, json!({"max-length": 9}));
    let names =
        || vhost.policies(PolicyScope::User).into_iter().map(|p| p.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(), ["high", "also middle", "middle", "low"]);
    assert_eq!(vhost.policies(PolicyScope::Operator).len(), 1);
    vhost.set_policy(PolicyScope::User, policy("high", "", json!({"expires": 5}))).unwrap();
    assert_eq!(names(), ["also middle", "middle", "low", "high"]);
    let refused = policy("low", "^q", json!({"max-length": -1}));
    let refusal = vhost.set_policy(PolicyScope::User, refused).unwrap_err();
    assert_eq!(refusal.to_string(), "Validation failed\n\n-1 is not a valid maximum length\n");
    assert_eq!(
        vhost.policy(PolicyScope::User, "low").unwrap().definition,
        policy("", "", json!({"max-length": 1})).definition
    );
    assert!(vhost.clear_policy(PolicyScope::User, "low").unwrap());
    assert!(!vhost.clear_policy(PolicyScope::User, "low").unwrap());
    assert!(vhost.policy(PolicyScope::User, "low").is_none());
    assert_eq!(names(), ["also middle", "middle", "high"]);
}

#[tokio::test]
async fn what_applies_can_be_seen() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    let queue = vhost(&broker).topology().queue("q").unwrap().clone();
    assert_eq!((queue.policies().policy(), queue.policies().operator_policy()), (None, None));
    set(&broker, json!({"max-length": 5, "overflow": "drop-head"}));
    set_operators(&broker, json!({"max-length": 4, "expires": 1000}));
    let applied = queue.policies();
    assert_eq!(applied.policy().map(|name| &**name), Some("p"));
    assert_eq!(applied.operator_policy().map(|name| &**name), Some("o"));
    let effective = json!({"max-length": 4, "overflow": "drop-head", "expires": 1000});
    assert_eq!(Value::Object(applied.effective_definition()), effective);
    clear(&broker);
    assert_eq!(queue.policies().policy(), None);
    assert_eq!(
        Value::Object(queue.policies().effective_definition()),
        json!({"max-length": 4, "expires": 1000})
    );
}

/// The accident this is for: a queue that is declared while policies change is seen by neither the declaration nor the change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_declared_while_policies_change_end_up_with_the_last() {
    let broker = broker();
    let changes = tokio::task::spawn_blocking({
        let broker = broker.clone();
        move || {
            for length in 1..=80 {
                set(&broker, json!({"max-length": length}));
                if length % 3 == 0 {
                    clear(&broker);
                }
            }
        }
    });
    let mut client = Client::to(&broker).await;
    let mut count = 0;
    while count < 300 {
        client.declare(queue_with(&format!("q{count}"), FieldTable::new())).await;
        count += 1;
    }
    changes.await.unwrap();
    let vhost = vhost(&broker);
    let topology = vhost.topology();
    assert_eq!(topology.queue_count(), count);
    for (name, queue) in topology.queues() {
        let effective = Value::Object(queue.policies().effective_definition());
        assert_eq!(effective, json!({"max-length": 80}), "{name}");
    }
}

#[tokio::test]
async fn definitions_bring_policies_and_take_them_along() {
    let source = broker();
    set(&source, json!({"max-length": 2, "dead-letter-exchange": "x"}));
    set_operators(&source, json!({"expires": 7000}));
    let document = source.definitions();
    assert_eq!(document.policies[0].vhost.as_deref(), Some("/"));
    let parameter = serde_json::to_value(&document.parameters[0]).unwrap();
    let expected = json!({
        "vhost": "/", "component": "operator_policy", "name": "o",
        "value": {"pattern": "^q", "definition": {"expires": 7000}, "priority": 0, "apply-to": "all"},
    });
    assert_eq!(parameter, expected);

    let target = broker();
    let mut client = Client::to(&target).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.fill("q", &["1", "2", "3"]).await;
    target.import(&document).unwrap();
    assert_eq!(client.count("q").await.0, 2, "they apply to what is there");
    assert_eq!(target.definitions().policies, document.policies);
    assert_eq!(target.definitions().parameters, document.parameters);

    let mut broken = document;
    broken.policies[0].definition.insert("foo".into(), json!(1));
    let error = target.import(&broken).unwrap_err().to_string();
    assert_eq!(error, r#"definitions: policies[0]: [{<<"foo">>,1}] are not recognised policy settings"#);
}

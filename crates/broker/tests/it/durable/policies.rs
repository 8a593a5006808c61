//! Policies outlive a crash, and what they say of durability holds.

use super::*;
use leveret_broker::policy::{ApplyTo, Policy, PolicyScope};
use serde_json::{Value, json};

fn policy(name: &str, definition: Value) -> Policy {
    let Value::Object(definition) = definition else { panic!("a definition is an object") };
    let (pattern, apply_to) = ("^q".to_owned(), ApplyTo::Queues);
    Policy { name: name.into(), pattern, apply_to, priority: -3, definition }
}

/// The store has what was said so far: a queue's declaration is answered when it is on the disk.
async fn stored(client: &mut Client) {
    client.declare(durable("marker", FieldTable::new())).await;
    client.call(1, queue::Delete { queue: short("marker"), ..Default::default() }).await;
}

#[tokio::test]
async fn policies_are_there_after_a_crash_and_cleared_ones_are_not() {
    let before = Durable::start();
    let mut client = before.client().await;
    client.declare(durable("q", FieldTable::new())).await;
    let vhost = before.broker.vhost("/").unwrap();
    vhost.set_policy(PolicyScope::User, policy("kept", json!({"max-length": 2}))).unwrap();
    vhost.set_policy(PolicyScope::User, policy("gone", json!({"max-length": 1}))).unwrap();
    vhost.set_policy(PolicyScope::Operator, policy("o", json!({"expires": 100_000_000}))).unwrap();
    vhost.clear_policy(PolicyScope::User, "gone").unwrap();
    stored(&mut client).await;
    let after = before.crash(Duration::ZERO).restart().await;
    let vhost = after.broker.vhost("/").unwrap();
    assert_eq!(vhost.policies(PolicyScope::User), [policy("kept", json!({"max-length": 2}))]);
    assert_eq!(vhost.policies(PolicyScope::Operator), [policy("o", json!({"expires": 100_000_000}))]);
    let queue = vhost.topology().queue("q").unwrap().clone();
    assert_eq!(
        Value::Object(queue.policies().effective_definition()),
        json!({"max-length": 2, "expires": 100_000_000})
    );
    let mut client = after.client().await;
    client.fill("q", &["1", "2", "3"]).await;
    assert_eq!(client.drain("q").await, ["2", "3"]);
}

#[tokio::test]
async fn messages_that_a_policy_keeps_in_memory_do_not_outlive_a_crash() {
    let before = Durable::start();
    let mut client = before.client().await;
    client.declare(durable("q", FieldTable::new())).await;
    client.declare(durable("other", FieldTable::new())).await;
    client.confirm().await;
    let vhost = before.broker.vhost("/").unwrap();
    let publish = async |client: &mut Client, queue: &str, text: &str| {
        client.publish(persistent(queue, text)).await;
        assert!(matches!(client.next().await, Got::Ack { .. }));
    };
    publish(&mut client, "q", "stored").await;
    vhost.set_policy(PolicyScope::User, policy("p", json!({"durability": "memory"}))).unwrap();
    publish(&mut client, "q", "in memory").await;
    vhost.clear_policy(PolicyScope::User, "p").unwrap();
    publish(&mut client, "q", "stored again").await;
    let after = before.crash(Duration::ZERO);
    assert_eq!(after.client().await.drain("q").await, ["stored", "stored again"]);
}

/// The document that versions before policies kept: policies in it are taken over, and one that cannot be does not stop the start.
#[tokio::test]
async fn policies_that_were_only_kept_begin_to_act() {
    let folder = tempfile::tempdir().unwrap();
    let document = br#"{"vhosts": [{"name": "/"}], "parameters": [], "policies": [
        {"vhost": "/", "name": "good", "pattern": "^q", "apply-to": "all", "definition": {"max-length": 1}, "priority": 0},
        {"vhost": "/", "name": "bad", "pattern": "(", "apply-to": "all", "definition": {"max-length": 1}, "priority": 0}]}"#;
    let disk = std::sync::Arc::new(leveret_store::disk::RealDisk::open(folder.path()).unwrap());
    let (store, _) =
        leveret_store::Store::open(disk, leveret_store::Options::default(), &mut |_| ()).unwrap();
    let mut batch = leveret_store::Batch::new();
    batch.put(b"g", document);
    store.append(&mut batch, leveret_store::Urgency::Synced, None).unwrap();
    store.close();
    drop(store);
    let broker = start_on(folder.path(), START_UNIX_MS, |_| ());
    let policies = broker.vhost("/").unwrap().policies(PolicyScope::User);
    assert_eq!(policies.iter().map(|policy| &*policy.name).collect::<Vec<_>>(), ["good"]);
    let after = Durable::of(broker, folder, START_UNIX_MS).restart().await;
    assert_eq!(after.broker.vhost("/").unwrap().policies(PolicyScope::User), policies);
}

/// Off and on again, it must not know what it knew before, nor lose what it learns then: positions in the store go on.
#[tokio::test]
async fn deduplication_by_policy_is_stored_and_forgotten_with_it() {
    async fn enters(client: &mut Client, id: &str) -> bool {
        let mut publishing = persistent("q", id);
        let mut headers = FieldTable::new();
        headers.insert("x-deduplication-header", id);
        publishing.properties.headers = Some(headers);
        client.confirm().await;
        client.publish(publishing).await;
        while !matches!(client.next().await, Got::Ack { .. }) {}
        !client.drain("q").await.is_empty()
    }
    let mut now = Durable::start();
    now.client().await.declare(durable("q", FieldTable::new())).await;
    for round in 0..4 {
        let vhost = now.broker.vhost("/").unwrap();
        vhost.set_policy(PolicyScope::User, policy("p", json!({"message-deduplication": true}))).unwrap();
        for (id, is_new) in [("a", true), ("b", true), ("a", false)] {
            assert_eq!(enters(&mut now.client().await, id).await, is_new, "{id}, round {round}");
        }
        store(&mut now.client().await, "q", &["done".into()]).await;
        now = if round % 2 == 0 { now.crash(secs(0)) } else { now.restart().await };
        now.client().await.drain("q").await;
        assert!(!enters(&mut now.client().await, "b").await, "round {round}");
        now.broker.vhost("/").unwrap().clear_policy(PolicyScope::User, "p").unwrap();
        assert!(enters(&mut now.client().await, "b").await, "round {round}");
        if round > 1 {
            now = now.restart().await;
        }
    }
}

//! Virtual hosts and users that go, and whoever is connected because of them.

use crate::support::*;
use leveret_broker::Broker;
use leveret_broker::auth::{HashingAlgorithm, PasswordHash, Permissions, UserLimits, UserRecord};
use leveret_broker::policy::{ApplyTo, Policy, PolicyScope};
use leveret_broker::refusal::Refusal;
use leveret_broker::vhost::{VhostLimits, VirtualHost};
use leveret_protocol::FieldTable;
use leveret_protocol::methods::{exchange, queue};
use serde_json::json;
use std::sync::Arc;

/// A virtual host with something of everything in it, and a client there.
pub(crate) async fn furnished(broker: &Broker, name: &'static str) -> (Arc<VirtualHost>, Client) {
    let vhost = broker.declare_vhost(name);
    broker.auth().set_permissions("guest", name, Permissions::all()).unwrap();
    vhost.set_parameter("vhost-limits", "limits", json!({"max-queues": 100})).unwrap();
    let definition = json!({"max-length": 10}).as_object().unwrap().clone();
    for scope in [PolicyScope::User, PolicyScope::Operator] {
        let (apply_to, definition) = (ApplyTo::Queues, definition.clone());
        let policy = Policy { name: "p".into(), pattern: ".*".into(), apply_to, priority: 0, definition };
        vhost.set_policy(scope, policy).unwrap();
    }
    let mut client = Connect { vhost: name, ..Connect::default() }.to(broker).await;
    let delayed = exchange::Declare {
        exchange: short("later"),
        kind: short("x-delayed-message"),
        durable: true,
        arguments: arguments([("x-delayed-type", "fanout".into())]),
        ..Default::default()
    };
    assert_eq!(client.call(1, delayed).await, Got::Reply("exchange.declare-ok"));
    for (name, durable) in [("lasting", true), ("passing", false)] {
        client.declare(queue::Declare { durable, ..queue_with(name, FieldTable::new()) }).await;
        let bind = queue::Bind { queue: short(name), exchange: short("later"), ..queue::Bind::default() };
        assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
        for _ in 0..3 {
            let mut publishing = Publishing::to(name, "a message");
            publishing.properties.delivery_mode = Some(2);
            client.publish(publishing).await;
        }
    }
    let mut waiting = Publishing { exchange: "later", body: b"later", ..Publishing::default() };
    waiting.properties.headers = Some(arguments([("x-delay", 60_000.into())]));
    waiting.properties.delivery_mode = Some(2);
    client.publish(waiting).await;
    client.settle().await;
    (vhost, client)
}

/// The words are those of RabbitMQ 3.10.8.
#[tokio::test]
async fn a_virtual_host_goes_with_everything_in_it() {
    let broker = broker();
    let before = broker.memory().bytes();
    let mut bystander = Client::to(&broker).await;
    let (vhost, mut client) = furnished(&broker, "v").await;
    client.consume(consume("lasting", "c")).await;
    client.settle().await;
    assert!(broker.memory().bytes() > before);
    broker.delete_vhost("v").unwrap();
    let closed = loop {
        match client.next().await {
            Got::Deliver { .. } | Got::Cancel { .. } => {}
            other => break other,
        }
    };
    let Got::Close { channel: 0, code: 320, text, .. } = closed else { panic!("{closed:?}") };
    assert_eq!(text, "CONNECTION_FORCED - vhost 'v' is deleted");
    drop(client);
    connections_are(&broker, 1).await;
    bystander.settle().await;
    assert!(broker.vhost("v").is_none());
    assert_eq!(broker.memory().bytes(), before, "what it held is given back");
    assert_eq!(broker.auth().permissions().len(), 1, "permissions there are forgotten");
    let refused = Connect { vhost: "v", ..Connect::default() }.try_over(broker.connect()).await.err();
    assert_eq!(refused.as_deref(), Some("530 NOT_ALLOWED - vhost v not found"));
    assert!(matches!(broker.delete_vhost("v"), Err(Refusal::NoVhost { .. })));
    // Whoever still holds it can make nothing in it.
    assert!(vhost.set_limits(VhostLimits::default()).is_err());
    assert!(vhost.clear_policy(PolicyScope::User, "p").is_err());
    // Its timers are gone, and one of the same name begins empty.
    broker.clock().advance(secs(3600));
    assert_eq!(broker.declare_vhost("v").topology().queue_count(), 0);
}

#[tokio::test]
async fn the_exchange_of_events_comes_back_with_its_virtual_host() {
    let broker = broker();
    broker.delete_vhost("/").unwrap();
    assert!(broker.vhost("/").is_none());
    let _ = broker.declare_vhost("/");
    broker.auth().set_permissions("guest", "/", Permissions::all()).unwrap();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("events", FieldTable::new())).await;
    let bind = queue::Bind {
        queue: short("events"),
        exchange: short("amq.rabbitmq.event"),
        routing_key: short("vhost.*"),
        ..Default::default()
    };
    assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
    let _ = broker.declare_vhost("v");
    broker.delete_vhost("v").unwrap();
    client.settle().await;
    for key in ["vhost.created", "vhost.deleted"] {
        let (_, _, event) = client.get("events", true).await.unwrap();
        assert_eq!(event.routing_key, key);
    }
}

/// The words are those of RabbitMQ 3.10.8.
#[tokio::test]
async fn a_user_goes_and_its_connections_with_it() {
    let broker = broker();
    let record = UserRecord {
        name: "other".into(),
        password: PasswordHash::new(HashingAlgorithm::Sha256, b"other"),
        tags: Vec::new(),
        limits: UserLimits::default(),
    };
    broker.auth().add_user(record).unwrap();
    broker.auth().set_permissions("other", "/", Permissions::all()).unwrap();
    let mut guest = Client::to(&broker).await;
    let mut other = Connect { user: "other", password: "other", ..Connect::default() }.to(&broker).await;
    broker.delete_user("other").unwrap();
    let closed = other.next().await;
    let Got::Close { channel: 0, code: 320, text, .. } = closed else { panic!("{closed:?}") };
    assert_eq!(text, "CONNECTION_FORCED - user 'other' is deleted");
    guest.settle().await;
    connections_are(&broker, 1).await;
    assert!(broker.delete_user("other").is_err());
}

/// Connections were counted before the ones under way were among them: of two that opened at once both were the last that might.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_connect_at_once_no_more_get_in_than_may() {
    let broker = broker();
    let limits = VhostLimits { connections_max: Some(3), queues_max: None };
    broker.vhost("/").unwrap().set_limits(limits).unwrap();
    let all = (0..20).map(|_| {
        let stream = broker.connect();
        tokio::spawn(Connect::default().try_over(stream))
    });
    let mut clients = Vec::new();
    for one in all.collect::<Vec<_>>() {
        clients.extend(one.await.unwrap().ok());
    }
    assert_eq!(clients.len(), 3);
}

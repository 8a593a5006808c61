//! The event exchange: RabbitMQ's plugin `rabbitmq_event_exchange`. (What each event says, a dialogue compares.)

use crate::support::*;
use leveret_broker::Resource;
use leveret_broker::auth::UserLimits;
use leveret_broker::definitions::Definitions;
use leveret_protocol::methods::queue;
use leveret_protocol::{FieldTable, FieldValue};
use serde_json::json;

const EXCHANGE: &str = "amq.rabbitmq.event";

async fn bind(client: &mut Client, queue: &str, key: &str) {
    let (exchange, routing_key) = (short(EXCHANGE), short(key));
    let bind = queue::Bind { queue: short(queue), exchange, routing_key, ..Default::default() };
    assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
}

async fn keys(client: &mut Client) -> Vec<String> {
    client.settle().await;
    let mut keys = Vec::new();
    while let Some((_, _, message)) = client.get("events", true).await {
        keys.push(message.routing_key.clone());
    }
    keys
}

#[tokio::test]
async fn events_are_heard_while_something_is_bound() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("events", FieldTable::new())).await;
    client.declare(queue_with("before", FieldTable::new())).await;
    bind(&mut client, "events", "queue.#").await;
    client.declare(queue_with("q", arguments([("x-max-length", 5.into())]))).await;
    client.declare(queue_with("q", arguments([("x-max-length", 5.into())]))).await;
    client.settle().await;
    let (_, _, event) = client.get("events", true).await.unwrap();
    let headers = event.properties.headers.clone().unwrap();
    assert_eq!(event.routing_key, "queue.created");
    assert_eq!(headers.get("name"), Some(&"q".into()));
    assert_eq!(headers.get("arguments"), Some(&FieldValue::Table(arguments([("x-max-length", 5.into())]))));
    assert_eq!(headers.get("timestamp_in_ms"), Some(&FieldValue::I64(START_UNIX_MS as i64)));
    assert!(client.get("events", true).await.is_none(), "declared once, told once");
    let (exchange, routing_key) = (short(EXCHANGE), short("queue.#"));
    let unbind = queue::Unbind { queue: short("events"), exchange, routing_key, ..Default::default() };
    assert_eq!(client.call(1, unbind).await, Got::Reply("queue.unbind-ok"));
    client.declare(queue_with("after", FieldTable::new())).await;
    assert!(keys(&mut client).await.is_empty());
}

#[tokio::test]
async fn administration_is_told_too() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("events", FieldTable::new())).await;
    bind(&mut client, "events", "#").await;
    assert_eq!(keys(&mut client).await, ["binding.created"]);
    let vhost = broker.declare_vhost("v");
    vhost.set_parameter("vhost-limits", "limits", json!({"max-queues": 3})).unwrap();
    vhost.clear_parameter("vhost-limits", "limits").unwrap();
    broker.set_global_parameter("cluster_name", json!("hares")).unwrap();
    let auth = broker.auth();
    auth.add_administrator("joe", b"x", "/").unwrap();
    auth.set_topic_permissions("joe", "/", "amq.topic", ".*", "").unwrap();
    auth.clear_topic_permissions("joe", "/", None).unwrap();
    auth.set_tags("joe", vec![]).unwrap();
    broker.set_user_limits("joe", UserLimits::default()).unwrap();
    auth.clear_permissions("joe", "/").unwrap();
    auth.delete_user("joe").unwrap();
    assert!(auth.delete_user("joe").is_err());
    broker.memory().set_alarm(Resource::Memory, true);
    client.settle().await;
    broker.memory().set_alarm(Resource::Memory, false);
    let all = keys(&mut client).await;
    let expected = [
        "vhost.created",
        "parameter.set",
        "parameter.cleared",
        "parameter.set",
        "user.created",
        "permission.created",
        "topic.permission.created",
        "topic.permission.deleted",
        "user.tags.set",
        "user.limits.set",
        "permission.deleted",
        "user.deleted",
        "alarm.set",
        "alarm.cleared",
    ];
    assert_eq!(all, expected);
}

#[tokio::test]
async fn what_an_import_makes_is_told_once_it_is_there() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("events", FieldTable::new())).await;
    bind(&mut client, "events", "#").await;
    assert_eq!(keys(&mut client).await, ["binding.created"]);
    let document = json!({
        "rabbit_version": "3.10.8",
        "queues": [{ "name": "q", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {} }],
        "exchanges": [{ "name": "e", "vhost": "/", "type": "topic", "durable": true, "auto_delete": false, "internal": false,
            "arguments": {} }],
        "bindings": [{ "source": "e", "vhost": "/", "destination": "q", "destination_type": "queue", "routing_key": "k",
            "arguments": {} }],
        "policies": [{ "vhost": "/", "name": "p", "pattern": "^q", "apply-to": "queues", "priority": 0,
            "definition": { "max-length": 7 } }],
        "parameters": [{ "vhost": "/", "component": "vhost-limits", "name": "limits", "value": { "max-queues": 9 } }],
        "global_parameters": [{ "name": "cluster_name", "value": "hares" }],
    });
    let document = Definitions::parse(document.to_string().as_bytes()).unwrap();
    broker.import(&document).unwrap();
    let set = ["parameter.set", "parameter.set", "policy.set"];
    let made = ["exchange.created", "queue.created", "binding.created"];
    assert_eq!(keys(&mut client).await, [set, made].concat());
    broker.import(&document).unwrap();
    assert_eq!(keys(&mut client).await, set, "what is there is not made again");
}

#[tokio::test]
async fn what_goes_along_is_told() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("events", FieldTable::new())).await;
    let mut other = Client::to(&broker).await;
    let exclusive = queue::Declare { exclusive: true, ..queue_with("mine", FieldTable::new()) };
    other.declare(exclusive).await;
    other.consume(consume("mine", "c")).await;
    let direct = queue::Bind { queue: short("mine"), exchange: short("amq.direct"), ..Default::default() };
    assert_eq!(other.call(1, direct).await, Got::Reply("queue.bind-ok"));
    bind(&mut client, "events", "#").await;
    assert_eq!(keys(&mut client).await, ["binding.created"]);
    drop(other);
    connections_are(&broker, 1).await;
    let expected =
        ["consumer.deleted", "channel.closed", "binding.deleted", "queue.deleted", "connection.closed"];
    assert_eq!(keys(&mut client).await, expected);
}

/// The accident this is for: bindings from the exchange are restored at a start before it is made.
#[tokio::test]
async fn logins_are_told_whether_they_succeed_or_not() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("events", FieldTable::new())).await;
    bind(&mut client, "events", "user.authentication.*").await;
    let wrong = Connect { password: "secret", ..Connect::default() };
    assert!(wrong.try_over(broker.connect()).await.is_err());
    let _second = Client::to(&broker).await;
    client.settle().await;
    for (key, error) in
        [("failure", Some("PLAIN login refused: user 'guest' - invalid credentials")), ("success", None)]
    {
        let (_, _, event) = client.get("events", true).await.expect(key);
        assert_eq!(event.routing_key, format!("user.authentication.{key}"));
        assert_eq!(event.header("name").as_deref(), Some("guest"));
        assert_eq!(event.header("auth_mechanism").as_deref(), Some("PLAIN"));
        assert_eq!(event.header("error").as_deref(), error);
        assert_eq!(event.headers().get("ssl"), Some(&FieldValue::Bool(false)));
    }
    assert!(client.get("events", true).await.is_none());
}

#[tokio::test]
async fn a_durable_queue_hears_events_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        broker_with(|config| config.data = leveret_broker::DataLocation::Directory(folder.path().to_owned()))
    };
    let broker = start();
    let mut client = Client::to(&broker).await;
    client.declare(queue::Declare { durable: true, ..queue_with("events", FieldTable::new()) }).await;
    bind(&mut client, "events", "queue.*").await;
    client.close().await;
    broker.shutdown(secs(0)).await;
    drop(broker);
    let broker = start();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    assert_eq!(keys(&mut client).await, ["queue.created"]);
    let exported = Definitions::parse(broker.definitions().to_json().as_bytes()).unwrap();
    assert!(exported.exchanges.is_empty(), "it is there without being said");
}

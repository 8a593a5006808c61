//! What is set for a virtual host or the broker as a whole: limits, parameters, a description, a default type of queues.

use crate::support::*;
use leveret_broker::Broker;
use leveret_broker::auth::UserLimits;
use leveret_broker::definitions::Definitions;
use leveret_broker::queue::arguments::QueueKind;
use leveret_broker::vhost::{VhostLimits, VhostMetadata, VirtualHost};
use leveret_protocol::FieldTable;
use leveret_protocol::methods::{channel, queue};
use serde_json::json;
use std::sync::Arc;

fn vhost(broker: &Broker) -> Arc<VirtualHost> {
    broker.vhost("/").unwrap()
}

async fn refused(broker: &Broker) -> Option<String> {
    Connect::default().try_over(broker.connect()).await.err()
}

/// The words are those of RabbitMQ 3.10.8.
#[tokio::test]
async fn connections_are_limited_by_virtual_host() {
    let broker = broker();
    let limits = |connections_max| VhostLimits { connections_max, queues_max: None };
    vhost(&broker).set_limits(limits(Some(0))).unwrap();
    let text =
        "530 NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit (0) is reached";
    assert_eq!(refused(&broker).await.as_deref(), Some(text));
    vhost(&broker).set_limits(limits(Some(1))).unwrap();
    let first = Client::to(&broker).await;
    assert!(refused(&broker).await.unwrap().contains("connection limit (1) is reached"));
    assert_eq!(broker.connections()[0].vhost.as_deref(), Some("/"));
    first.close().await;
    connections_are(&broker, 0).await;
    let _second = Client::to(&broker).await;
    vhost(&broker).set_limits(limits(None)).unwrap();
    let _third = Client::to(&broker).await;
}

#[tokio::test]
async fn queues_are_limited_by_virtual_host() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("a", FieldTable::new())).await;
    vhost(&broker).set_limits(VhostLimits { queues_max: Some(1), connections_max: None }).unwrap();
    client.declare(queue_with("a", FieldTable::new())).await;
    let Got::Close { text, .. } = client.call(1, queue_with("b", FieldTable::new())).await else { panic!() };
    assert_eq!(
        text,
        "PRECONDITION_FAILED - cannot declare queue 'b': queue limit in vhost '/' (1) is reached"
    );
    assert!(vhost(&broker).clear_parameter("vhost-limits", "limits").unwrap());
    client.open(1).await;
    client.declare(queue_with("b", FieldTable::new())).await;
}

#[tokio::test]
async fn users_are_limited() {
    let broker = broker();
    let limits = UserLimits { connections_max: Some(1), channels_max: Some(1) };
    broker.set_user_limits("guest", limits).unwrap();
    let mut client = Client::to(&broker).await;
    let text = "530 NOT_ALLOWED - connection refused for user 'guest': user connection limit (1) is reached";
    assert_eq!(refused(&broker).await.as_deref(), Some(text));
    let Got::Close { channel: 0, text, .. } = client.call(2, channel::Open).await else { panic!() };
    let expected = "NOT_ALLOWED - number of channels opened for user 'guest' has reached the maximum allowed user limit of (1)";
    assert_eq!(text, expected);
    assert!(broker.set_user_limits("nobody", limits).is_err());
}

#[tokio::test]
async fn parameters_are_of_known_components() {
    let broker = broker();
    let vhost = vhost(&broker);
    let refused = |component: &str, name: &str, value| {
        vhost
            .set_parameter(component, name, value)
            .unwrap_err()
            .to_string()
            .lines()
            .nth(2)
            .unwrap()
            .to_owned()
    };
    assert_eq!(refused("foo", "x", json!({})), "component foo not found");
    assert_eq!(refused("policy", "x", json!({})), "policies may not be set using this method");
    assert_eq!(
        refused("vhost-limits", "limits", json!({"foo": 1})),
        r#"Unrecognised terms [{<<"foo">>,1}] in limits"#
    );
    vhost.set_parameter("vhost-limits", "limits", json!({"max-queues": 7})).unwrap();
    assert_eq!(vhost.limits(), VhostLimits { queues_max: Some(7), connections_max: None });
    vhost.set_parameter("shovel", "s", json!({"src-uri": "amqp://"})).unwrap();
    let listed: Vec<_> = vhost.parameters().into_iter().map(|p| (p.component, p.name)).collect();
    assert_eq!(listed, [("shovel".into(), "s".into()), ("vhost-limits".into(), "limits".into())]);
    assert!(vhost.clear_parameter("shovel", "s").unwrap() && !vhost.clear_parameter("shovel", "s").unwrap());
}

#[tokio::test]
async fn queues_that_leave_their_type_open_get_the_default() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue::Declare { durable: true, ..queue_with("before", FieldTable::new()) }).await;
    let metadata = VhostMetadata { default_queue_type: Some(QueueKind::Quorum), ..VhostMetadata::default() };
    vhost(&broker).set_metadata(metadata).unwrap();
    for _ in 0..2 {
        client.declare(queue::Declare { durable: true, ..queue_with("q", FieldTable::new()) }).await;
        client.declare(queue::Declare { durable: true, ..queue_with("before", FieldTable::new()) }).await;
    }
    // These cannot be quorum queues.
    client.declare(queue_with("transient", FieldTable::new())).await;
    client
        .declare(queue::Declare { durable: true, exclusive: true, ..queue_with("mine", FieldTable::new()) })
        .await;
    let classic = arguments([("x-queue-type", "classic".into())]);
    client.declare(queue::Declare { durable: true, ..queue_with("named", classic) }).await;
    let kind = |name: &str| {
        let queue = vhost(&broker).topology().queue(name).unwrap().clone();
        queue.spec().arguments.get("x-queue-type").and_then(|kind| kind.as_str().map(str::to_owned))
    };
    assert_eq!(kind("q").as_deref(), Some("quorum"));
    for name in ["before", "transient", "mine"] {
        assert_eq!(kind(name), None, "{name}");
    }
    assert_eq!(kind("named").as_deref(), Some("classic"));
}

#[tokio::test]
async fn definitions_bring_all_of_it_and_take_it_along() {
    let json = r#"{
        "vhosts": [{"name": "/", "description": "the default one", "tags": "a, b", "default_queue_type": "undefined"},
                   {"name": "v", "metadata": {"description": "other", "tags": ["t"], "default_queue_type": "quorum"}}],
        "parameters": [{"vhost": "v", "component": "vhost-limits", "name": "limits", "value": {"max-queues": 3}},
                       {"vhost": "/", "component": "shovel", "name": "s", "value": {"src-uri": "amqp://"}}],
        "global_parameters": [{"name": "cluster_name", "value": "hares"}, {"name": "mine", "value": {"a": [1]}}]}"#;
    let source = broker();
    source.import(&Definitions::parse(json.as_bytes()).unwrap()).unwrap();
    let target = broker();
    target.import(&Definitions::parse(source.definitions().to_json().as_bytes()).unwrap()).unwrap();
    for broker in [source, target] {
        let metadata = vhost(&broker).metadata();
        assert_eq!(metadata.description.as_deref(), Some("the default one"));
        assert_eq!((metadata.tags, metadata.default_queue_type), (vec!["a".to_owned(), "b".into()], None));
        let other = broker.vhost("v").unwrap();
        assert_eq!(other.metadata().default_queue_type, Some(QueueKind::Quorum));
        assert_eq!(other.limits().queues_max, Some(3));
        assert_eq!(vhost(&broker).parameters()[0].value, json!({"src-uri": "amqp://"}));
        let global = broker.global_parameters();
        assert_eq!(global, [("cluster_name".into(), json!("hares")), ("mine".into(), json!({"a": [1]}))]);
        assert!(
            broker.clear_global_parameter("mine").unwrap() && !broker.clear_global_parameter("mine").unwrap()
        );
    }
    let bad = br#"{"parameters": [{"vhost": "/", "component": "vhost-limits", "name": "limits", "value": {"max-queues": "x"}}]}"#;
    let error = broker().import(&Definitions::parse(bad).unwrap()).unwrap_err().to_string();
    assert_eq!(error, r#"definitions: parameters[0]: max-queues should be a number, actually was <<"x">>"#);
}

//! What is said of virtual hosts and of the broker outlives a crash.

use super::*;
use leveret_broker::queue::arguments::QueueKind;
use leveret_broker::vhost::{VhostLimits, VhostMetadata};
use serde_json::json;

#[tokio::test]
async fn descriptions_limits_and_parameters_are_there_after_a_crash() {
    let before = Durable::start();
    let metadata = VhostMetadata {
        description: Some("for tests".into()),
        tags: vec!["a".into(), "b".into()],
        default_queue_type: Some(QueueKind::Quorum),
    };
    let limits = VhostLimits { connections_max: Some(5), queues_max: Some(9) };
    let vhost = before.broker.declare_vhost("v");
    let _ = before.broker.declare_vhost("plain");
    vhost.set_metadata(metadata.clone()).unwrap();
    vhost.set_limits(limits).unwrap();
    vhost.set_parameter("shovel", "s", json!({"a": 1})).unwrap();
    before.broker.set_global_parameter("cluster_name", json!("hares")).unwrap();
    before.broker.set_global_parameter("gone", json!(1)).unwrap();
    before.broker.clear_global_parameter("gone").unwrap();
    // An answered declaration is on the disk, and so is what came before it.
    let mut client = before.client().await;
    client.declare(durable("marker", FieldTable::new())).await;
    let after = before.crash(Duration::ZERO);
    for restarted in [after.crash(Duration::ZERO), after.restart().await] {
        let names: Vec<_> = restarted.broker.vhosts().iter().map(|vhost| vhost.name().to_string()).collect();
        assert_eq!(names, ["/", "plain", "v"]);
        let vhost = restarted.broker.vhost("v").unwrap();
        assert_eq!((vhost.metadata(), vhost.limits()), (metadata.clone(), limits));
        assert_eq!(vhost.parameters().len(), 2);
        assert_eq!(restarted.broker.global_parameters(), [("cluster_name".into(), json!("hares"))]);
    }
}

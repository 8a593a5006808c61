//! What is said of virtual hosts and of the broker outlives a crash.

use super::*;
use leveret_broker::NotStored;
use leveret_broker::queue::arguments::QueueKind;
use leveret_broker::vhost::{VhostLimits, VhostMetadata};
use leveret_store::disk::faulty::{Fault, FaultyDisk, Plan, Survival};
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn descriptions_limits_and_parameters_are_there_after_a_crash() {
    let before = Durable::start();
    let metadata = VhostMetadata {
        description: Some("for tests".into()),
        tags: vec!["a".into(), "b".into()],
        default_queue_type: Some(QueueKind::Quorum),
        protected_from_deletion: true,
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

#[tokio::test]
async fn a_virtual_host_that_was_deleted_stays_so_and_takes_its_messages_along() {
    let before = Durable::start();
    let (_, client) = crate::deletions::furnished(&before.broker, "v").await;
    before.broker.delete_vhost("v").unwrap();
    before.broker.delete_vhost("/").unwrap();
    let _ = before.broker.declare_vhost("other");
    before.broker.stored().await.unwrap();
    drop(client);
    let after = before.crash(Duration::ZERO);
    for restarted in [after.crash(Duration::ZERO), after.restart().await] {
        let names: Vec<_> = restarted.broker.vhosts().iter().map(|vhost| vhost.name().to_string()).collect();
        assert_eq!(names, ["other"], "the default one is made at the first start only");
        assert!(restarted.broker.auth().permissions().is_empty());
        assert_eq!(restarted.broker.store_stats().unwrap().messages, 0);
    }
}

/// Deleting is one append: after a crash it is there as it was, or gone.
#[tokio::test]
async fn a_deletion_that_is_not_stored_yet_may_be_undone_by_a_crash_but_only_as_a_whole() {
    let disk = Arc::new(FaultyDisk::new());
    let broker = super::faults::on_disk(&disk);
    let (_, client) = crate::deletions::furnished(&broker, "v").await;
    broker.stored().await.unwrap();
    drop(client);
    disk.plan(Plan { fault: Fault::SyncError, at: disk.calls() + 1, stays: true });
    let _ = broker.delete_vhost("v");
    assert!(matches!(broker.stored().await, Err(NotStored::Failed { .. })));
    let again = super::faults::on_disk(&Arc::new(disk.survivor(1, Survival::Nothing)));
    let vhost = again.vhost("v").unwrap();
    assert_eq!((vhost.topology().queue_count(), vhost.limits().queues_max), (1, Some(100)));
    let mut client = Connect { vhost: "v", ..Connect::default() }.to(&again).await;
    assert_eq!(client.drain("lasting").await.len(), 3);
}

#[tokio::test]
async fn what_is_said_to_be_stored_is_there_after_a_crash() {
    let disk = Arc::new(FaultyDisk::new());
    let broker = super::faults::on_disk(&disk);
    for n in 0..5 {
        let name = format!("v{n}");
        let _ = broker.declare_vhost(&name);
        let password = leveret_broker::auth::PasswordHash::none();
        let (tags, limits) = (Vec::new(), Default::default());
        broker.auth().put_user(leveret_broker::auth::UserRecord {
            name: name.as_str().into(),
            password,
            tags,
            limits,
        });
        broker.stored().await.unwrap();
        let again = super::faults::on_disk(&Arc::new(disk.survivor(1, Survival::Nothing)));
        assert!(again.vhost(&name).is_some() && again.auth().user(&name).is_some(), "{name}");
    }
    disk.set_space(Some(0));
    broker.set_global_parameter("large", json!("x".repeat(4_000_000))).unwrap();
    assert!(matches!(broker.stored().await, Err(NotStored::Full { .. })));
    disk.set_space(None);
    while broker.stored().await.is_err() {
        tokio::task::yield_now().await;
    }
}

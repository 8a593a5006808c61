//! A replay while it runs: its rate, its end, and who may begin one.

use super::replay::{die, replay, start};
use super::*;
use leveret_broker::queue::sweep::{Selection, SweepState, To};
use leveret_broker::refusal::Refusal;
use leveret_protocol::methods::queue;
use std::time::Instant;

pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < secs(20), "{what}");
        tokio::task::yield_now().await;
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_rate_is_kept_to_and_a_replay_can_be_cancelled() {
    let (broker, mut client) = start().await;
    die(&mut client, &["a", "b", "c", "d", "e", "f"]).await;
    let (vhost, actor) = operator(&broker);
    let slowly = Selection { per_second: Some(2), ..Selection::default() };
    let sweep = vhost.replay(&actor, "dead", To::Origin, slowly).unwrap();
    for (moved, wait) in [(1, 499), (1, 1), (2, 1_000), (4, 0)] {
        let waits_and_has_moved =
            || sweep.progress().moved == moved && broker.clock().next_due_ms().is_some();
        until(&format!("{moved} moved"), waits_and_has_moved).await;
        client.settle().await;
        assert_eq!(client.count("q").await.0, moved as u32);
        broker.clock().advance(ms(wait));
    }
    assert_eq!((sweep.progress().remaining, sweep.progress().state), (2, SweepState::Running));
    assert_eq!(vhost.sweeps(&actor).len(), 1);
    sweep.cancel();
    let end = sweep.finished().await;
    assert_eq!((end.state, end.moved), (SweepState::Cancelled, 4));
    assert_eq!(client.drain("dead").await, ["e", "f"]);
}

#[tokio::test]
async fn a_replay_into_its_own_queue_ends() {
    let (broker, mut client) = start().await;
    die(&mut client, &["a", "b", "c"]).await;
    let to = To::Exchange { exchange: "".into(), routing_key: Some(b"dead".to_vec()) };
    assert_eq!(replay(&broker, "dead", to, Selection::default()).await.moved, 3);
    assert_eq!(client.drain("dead").await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_replay_ends_with_its_queue() {
    let (broker, mut client) = start().await;
    die(&mut client, &["a", "b"]).await;
    let (vhost, actor) = operator(&broker);
    let slowly = Selection { per_second: Some(1), ..Selection::default() };
    let sweep = vhost.replay(&actor, "dead", To::Origin, slowly).unwrap();
    until("one moved", || sweep.progress().moved == 1 && broker.clock().next_due_ms().is_some()).await;
    let delete = queue::Delete { queue: short("dead"), ..Default::default() };
    client.call(1, delete).await;
    broker.clock().advance(secs(5));
    let end = sweep.finished().await;
    assert_eq!((end.state, end.problem.as_deref()), (SweepState::Stopped, Some("the queue is gone")));
}

#[tokio::test]
async fn permissions_are_asked_for_the_queue_and_for_what_each_message_names() {
    let (broker, mut client) = start().await;
    die(&mut client, &["a"]).await;
    let (vhost, actor) = operator(&broker);
    let permit = |write: &str, read: &str| {
        let permissions = leveret_broker::auth::Permissions::new(".*", write, read).unwrap();
        broker.auth().set_permissions("guest", "/", permissions).unwrap();
    };
    permit(".*", "q");
    let refused = vhost.replay(&actor, "dead", To::Origin, Selection::default());
    assert!(matches!(refused, Err(Refusal::AccessRefused { .. })));
    assert!(vhost.sweeps(&actor).is_empty());
    permit("other", ".*");
    let elsewhere = To::Exchange { exchange: "orders".into(), routing_key: None };
    assert!(matches!(
        vhost.replay(&actor, "dead", elsewhere, Selection::default()),
        Err(Refusal::AccessRefused { .. })
    ));
    let moved = vhost.move_messages(&actor, "dead", "q", Selection::default());
    assert!(matches!(moved, Err(Refusal::AccessRefused { .. })));
    for to in [To::Origin, To::Queue] {
        let progress = replay(&broker, "dead", to, Selection::default()).await;
        assert_eq!((progress.moved, progress.failed), (0, 1));
        assert!(progress.problem.unwrap().contains("write access"));
    }
    assert_eq!(browsed(&broker, "dead", 1), ["a"]);
}

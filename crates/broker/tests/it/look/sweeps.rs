//! Messages are moved, copied, deleted and expired by what they are.

use super::replay::letters_to;
use super::replay_run::until;
use super::*;
use leveret_broker::Resource;
use leveret_broker::queue::select::{Condition, Filter};
use leveret_broker::queue::sweep::Selection;
use leveret_protocol::{FieldTable, FieldValue};

fn odd() -> Selection {
    Selection::from(Filter::from(Condition::HeaderEquals("odd".into(), true.into())))
}

/// `q` with six messages, of which every other one is odd, and two priorities.
async fn start() -> (Broker, Client) {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let [exchange, key] = letters_to("dead");
    client.declare(queue_with("q", arguments([exchange, key, ("x-max-priority", 1.into())]))).await;
    client.declare(queue_with("dead", FieldTable::new())).await;
    client.declare(queue_with("to", FieldTable::new())).await;
    for n in 0..6 {
        let text = n.to_string();
        let mut publishing = Publishing::to("q", &text).priority(u8::from(n >= 4));
        publishing.properties.headers = Some(arguments([("odd", FieldValue::Bool(n % 2 == 1))]));
        client.publish(publishing).await;
    }
    client.settle().await;
    (broker, client)
}

#[tokio::test]
async fn moved_messages_leave_and_the_others_keep_their_order() {
    let (broker, mut client) = start().await;
    let (vhost, actor) = operator(&broker);
    let moved = vhost.move_messages(&actor, "q", "to", odd()).unwrap().finished().await;
    assert_eq!((moved.moved, moved.failed, moved.skipped, moved.remaining), (3, 0, 0, 0));
    let (_, _, message) = client.get("to", true).await.unwrap();
    assert_eq!((message.text(), &*message.exchange, &*message.routing_key), ("5", "", "q"));
    assert_eq!(client.drain("to").await, ["1", "3"]);
    let queue = vhost.topology().queue("q").unwrap().clone();
    assert_eq!((queue.figures().counters.moved, queue.figures().ready_bytes), (3, 3));
    assert_eq!(client.drain("q").await, ["4", "0", "2"]);
    assert_eq!(broker.memory().bytes(), 0, "everything that was charged was given back");
}

#[tokio::test]
async fn copied_messages_stay_as_well() {
    let (broker, mut client) = start().await;
    let (vhost, actor) = operator(&broker);
    let copied = vhost.copy_messages(&actor, "q", "to", odd()).unwrap().finished().await;
    assert_eq!(copied.moved, 3);
    assert_eq!(client.drain("to").await, ["5", "1", "3"]);
    assert_eq!(client.drain("q").await, ["4", "5", "0", "1", "2", "3"]);
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn deleted_messages_are_gone_and_expired_ones_are_dead_letters() {
    let (broker, mut client) = start().await;
    let (vhost, actor) = operator(&broker);
    let deleted = vhost.delete_messages(&actor, "q", odd()).unwrap().finished().await;
    assert_eq!((deleted.moved, client.count("dead").await.0), (3, 0));
    let expired = vhost.expire_messages(&actor, "q", Selection::default()).unwrap().finished().await;
    assert_eq!(expired.moved, 3);
    let (_, _, letter) = client.get("dead", true).await.unwrap();
    assert_eq!(
        (letter.text(), &*letter.deaths()[0].reason, &*letter.deaths()[0].queue),
        ("4", "expired", "q")
    );
    assert_eq!(client.drain("dead").await, ["0", "2"]);
    assert_eq!(client.count("q").await.0, 0);
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn what_fills_queues_waits_while_memory_runs_short_and_what_empties_them_does_not() {
    let (broker, mut client) = start().await;
    let (vhost, actor) = operator(&broker);
    broker.memory().set_alarm(Resource::Memory, true);
    let copying = vhost.copy_messages(&actor, "q", "to", Selection::default()).unwrap();
    until("it waits", || broker.clock().next_due_ms().is_some()).await;
    let deleted = vhost.delete_messages(&actor, "q", odd()).unwrap().finished().await;
    assert_eq!((deleted.moved, copying.is_over(), browsed(&broker, "to", 1).len()), (3, false, 0));
    broker.memory().set_alarm(Resource::Memory, false);
    broker.clock().advance(secs(1));
    assert_eq!(copying.finished().await.moved, 3);
    assert_eq!(client.drain("to").await, ["4", "0", "2"]);
}

#[tokio::test]
async fn a_moved_message_lives_its_time_anew() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.declare(queue_with("to", FieldTable::new())).await;
    client.publish(Publishing::to("q", "m").expiring(10_000)).await;
    client.settle().await;
    pass(&broker, &mut client, secs(9)).await;
    let (vhost, actor) = operator(&broker);
    assert_eq!(
        vhost.move_messages(&actor, "q", "to", Selection::default()).unwrap().finished().await.moved,
        1
    );
    pass(&broker, &mut client, secs(9)).await;
    assert_eq!(client.count("to").await.0, 1);
    pass(&broker, &mut client, secs(1)).await;
    assert_eq!(client.count("to").await.0, 0);
}

#[tokio::test]
async fn what_waits_for_its_retry_is_part_of_the_queue() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let delays = FieldValue::Array(vec![FieldValue::I32(60_000)]);
    client.declare(queue_with("q", arguments([("x-retry-delays", delays)]))).await;
    client.declare(queue_with("to", FieldTable::new())).await;
    client.fill("q", &["fails", "stays"]).await;
    let (tag, _, _) = client.get("q", false).await.unwrap();
    client.tell(1, reject(tag, true)).await;
    client.settle().await;
    let (vhost, actor) = operator(&broker);
    let moved = vhost.move_messages(&actor, "q", "to", Selection::default()).unwrap().finished().await;
    assert_eq!((moved.moved, client.drain("to").await), (2, vec!["stays".to_owned(), "fails".to_owned()]));
    pass(&broker, &mut client, secs(60)).await;
    assert_eq!((client.count("q").await.0, broker.memory().bytes()), (0, 0));
}

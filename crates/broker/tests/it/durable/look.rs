//! Looking at what is on disk.

use super::*;
use crate::look::browsed;

#[tokio::test]
async fn what_is_on_disk_is_browsed_page_by_page_and_cursors_outlive_a_restart() {
    use crate::look::operator;
    use leveret_broker::vhost::Browse;
    let first = Durable::start_with(|config| config.limits.backlog_bytes_max = 20_000);
    let mut client = first.client().await;
    client.declare(durable("q", FieldTable::new())).await;
    store(&mut client, "q", &numbered(0..3_000)).await;
    assert!(browsed(&first.broker, "q", 7) == numbered(0..3_000));
    let (vhost, actor) = operator(&first.broker);
    let page = vhost.browse(&actor, "q", &Browse { messages_max: 1_000, ..Browse::default() }).unwrap();
    drop((vhost, client));
    let second = first.restart().await;
    let (vhost, actor) = operator(&second.broker);
    let from = page.next.unwrap().to_string().parse().ok();
    let next = vhost.browse(&actor, "q", &Browse { messages_max: 1, from, ..Browse::default() }).unwrap();
    assert_eq!(next.messages[0].message.body(), b"message 1000");
    assert!(browsed(&second.broker, "q", 1_000) == numbered(0..3_000));
    let mut client = second.client().await;
    assert_eq!(client.get("q", true).await.unwrap().2.text(), "message 0");
    assert!(browsed(&second.broker, "q", 999) == numbered(1..3_000), "part of it is in memory now");
}

mod replays {
    use super::*;
    use crate::look::operator;
    use leveret_broker::queue::select::{Condition, Filter};
    use leveret_broker::queue::sweep::{Selection, SweepState, To};
    use leveret_protocol::FieldValue;

    const COUNT: u32 = 1_200;

    fn letters() -> FieldTable {
        let dead = FieldValue::LongString(b"dead".to_vec());
        arguments([("x-dead-letter-exchange", "".into()), ("x-dead-letter-routing-key", dead)])
    }

    /// Dead letters on disk.
    async fn dead_letters() -> Durable {
        let first = Durable::start();
        let mut client = first.client().await;
        client.declare(durable("dead", FieldTable::new())).await;
        client.declare(durable("q", letters())).await;
        store(&mut client, "q", &numbered(0..COUNT)).await;
        let (vhost, actor) = operator(&first.broker);
        let all = vhost.expire_messages(&actor, "q", Selection::default()).unwrap().finished().await;
        assert_eq!((all.moved, all.state), (u64::from(COUNT), SweepState::Done));
        drop((vhost, client));
        first.restart().await
    }

    /// The broker is killed while messages are replayed, wherever that is: each is in one queue or the other.
    #[tokio::test]
    async fn a_replayed_message_is_in_one_queue_or_the_other_whenever_the_broker_dies() {
        let first = dead_letters().await;
        let (vhost, actor) = operator(&first.broker);
        let fast = Selection { per_second: Some(400), ..Selection::default() };
        let sweep = vhost.replay(&actor, "dead", To::Queue, fast).unwrap();
        let mut splits = Vec::new();
        while !sweep.is_over() {
            let known = sweep.progress().moved;
            let second = first.crash(secs(0));
            let (mut dead, mut back) =
                (browsed(&second.broker, "dead", 500), browsed(&second.broker, "q", 500));
            splits.push((dead.len(), back.len()));
            assert!(back.len() as u64 >= known, "{known} were told to be stored, {} are", back.len());
            dead.append(&mut back);
            dead.sort();
            let mut wanted = numbered(0..COUNT);
            wanted.sort();
            assert!(dead == wanted, "{splits:?}");
            first.broker.clock().advance(secs(1));
            let before = sweep.progress().moved;
            while sweep.progress().moved == before && !sweep.is_over() {
                tokio::task::yield_now().await;
                std::thread::yield_now();
            }
        }
        assert!(splits.iter().any(|(dead, back)| *dead > 0 && *back > 0), "{splits:?}");
        assert_eq!(sweep.progress().moved, u64::from(COUNT));
        let mut client = first.client().await;
        assert!(client.drain("q").await == numbered(0..COUNT));
        assert_eq!((client.count("dead").await.0, first.broker.memory().bytes()), (0, 0));
    }

    #[tokio::test]
    async fn some_out_of_the_middle_leave_the_disk_and_the_rest_comes_in_order() {
        let first = dead_letters().await;
        let (vhost, actor) = operator(&first.broker);
        let nines = Selection::from(Filter::from(Condition::BodyContains(b"9".to_vec())));
        let sweep = vhost.replay(&actor, "dead", To::Origin, nines).unwrap();
        let wanted: Vec<String> = numbered(0..COUNT).into_iter().filter(|text| text.contains('9')).collect();
        let rest: Vec<String> = numbered(0..COUNT).into_iter().filter(|text| !text.contains('9')).collect();
        assert_eq!(sweep.finished().await.moved, wanted.len() as u64);
        let second = first.crash(secs(0));
        for broker in [&first, &second] {
            let mut client = broker.client().await;
            assert_eq!(client.count("dead").await.0 as usize, rest.len());
            assert!(client.drain("q").await == wanted);
            assert!(client.drain("dead").await == rest);
            assert_eq!(broker.broker.memory().bytes(), 0);
        }
    }

    /// Consumers fetch from the same disk at the same time: nothing comes twice, nothing is lost.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_consumer_and_a_move_share_a_backlog_on_disk() {
        let first = dead_letters().await;
        let mut client = first.client().await;
        client.declare(durable("to", FieldTable::new())).await;
        let (vhost, actor) = operator(&first.broker);
        let sweep = vhost.move_messages(&actor, "dead", "to", Selection::default()).unwrap();
        let mut got = Vec::new();
        while let Some((_, _, message)) = client.get("dead", true).await {
            got.push(message.text().to_owned());
        }
        let moved = sweep.finished().await;
        got.extend(client.drain("dead").await);
        assert_eq!(moved.moved as usize + got.len(), COUNT as usize, "{moved:?}");
        got.extend(client.drain("to").await);
        got.sort();
        let mut wanted = numbered(0..COUNT);
        wanted.sort();
        assert!(got == wanted, "{} of {COUNT}", got.len());
        assert_eq!(first.broker.memory().bytes(), 0);
    }
}

#[tokio::test]
async fn a_durable_queue_stays_paused_and_can_be_resumed_for_good() {
    use crate::look::operator;
    let first = Durable::start();
    let mut client = first.client().await;
    client.declare(durable("q", FieldTable::new())).await;
    let (vhost, actor) = operator(&first.broker);
    assert!(vhost.pause_queue(&actor, "q").unwrap());
    store(&mut client, "q", &numbered(0..3)).await;
    let second = first.crash(secs(0));
    let mut client = second.client().await;
    client.consume(consume("q", "c")).await;
    assert_eq!(client.delivered().await, [] as [&str; 0]);
    assert_eq!(client.count("q").await, (3, 1));
    let (vhost, actor) = operator(&second.broker);
    assert!(vhost.resume_queue(&actor, "q").unwrap());
    for wanted in numbered(0..3) {
        let Got::Deliver { message, .. } = client.next().await else { panic!("a delivery") };
        assert_eq!(message.text(), wanted);
    }
    drop((vhost, client));
    let third = second.restart().await;
    assert_eq!(third.client().await.drain("q").await, numbered(0..3), "resumed, and not acknowledged");
}

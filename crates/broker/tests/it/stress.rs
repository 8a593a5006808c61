//! Many connections on loopback TCP and several threads, while connections are killed: what was confirmed is delivered,
//! what is delivered twice says so, and nothing is left behind.

use crate::support::*;
use leveret_broker::{Broker, Config};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::watch;

const QUEUES: u64 = 4;
const PUBLISHERS: u64 = 6;
const CONSUMERS: u64 = 8;
/// By each publisher.
const MESSAGES: u64 = 1_000;
const WINDOW: usize = 100;
/// A publisher is killed after so many publishings, a consumer after so many deliveries, on average.
const LIFETIME: u64 = 120;

/// What all saw together, by the number in the body.
#[derive(Default)]
struct Seen {
    sent: BTreeSet<u64>,
    confirmed: BTreeSet<u64>,
    acked: BTreeSet<u64>,
    /// Deliveries that did not say they were not the first.
    first: BTreeMap<u64, u32>,
    kills: u32,
}

impl Seen {
    fn outstanding(&self) -> usize {
        self.confirmed.difference(&self.acked).count()
    }
}

struct Arena {
    address: SocketAddr,
    seen: Mutex<Seen>,
    publishers_left: Mutex<u64>,
    stage: watch::Sender<Stage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Publishing,
    /// All is published: nobody holds a message back any more.
    Draining,
    Over,
}

impl Arena {
    async fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Connect::default().over(stream).await
    }

    fn finish_when_all_is_acked(&self) {
        if *self.stage.borrow() == Stage::Draining && self.seen.lock().outstanding() == 0 {
            self.stage.send_replace(Stage::Over);
        }
    }
}

fn queue_name(number: u64) -> String {
    format!("stress-{}", number % QUEUES)
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

async fn publish(arena: Arc<Arena>, number: u64) {
    let mut dice = Dice(number);
    let mut next = number * 1_000_000;
    let end = next + MESSAGES;
    while next < end {
        let mut client = arena.connect().await;
        client.confirm().await;
        let killed = dice.roll(4) > 0;
        let stop = if killed { (next + 1 + dice.roll(2 * LIFETIME)).min(end) } else { end };
        let mut open = std::collections::VecDeque::new();
        let mut answered = 0;
        while next < stop || (!killed && !open.is_empty()) {
            if next < stop && open.len() < WINDOW {
                arena.seen.lock().sent.insert(next);
                let (queue, body) = (queue_name(next), next.to_string());
                client.publish(Publishing::to(&queue, &body)).await;
                open.push_back(next);
                next += 1;
                continue;
            }
            let Got::Ack { tag, multiple, .. } = client.next().await else { panic!("expected a confirm") };
            assert!(multiple || tag == answered + 1, "confirms come in order here: nothing is refused");
            let mut seen = arena.seen.lock();
            while answered < tag {
                answered += 1;
                seen.confirmed.insert(open.pop_front().unwrap());
            }
        }
        if killed {
            arena.seen.lock().kills += 1;
        } else {
            client.close().await;
        }
    }
    let left = {
        let mut left = arena.publishers_left.lock();
        *left -= 1;
        *left
    };
    if left == 0 {
        arena.stage.send_replace(Stage::Draining);
        arena.finish_when_all_is_acked();
    }
}

/// Acks what is held. The broker may never read it, if this connection is killed: then it is delivered again.
async fn settle(arena: &Arena, client: &mut Client, held: &mut Vec<(u64, u64)>) {
    for (tag, id) in held.drain(..) {
        client.tell(1, ack(tag)).await;
        arena.seen.lock().acked.insert(id);
    }
    arena.finish_when_all_is_acked();
}

async fn consume_until_done(arena: Arc<Arena>, number: u64) {
    let mut dice = Dice(1_000 + number);
    let mut stage = arena.stage.subscribe();
    let queue = queue_name(number);
    loop {
        let mut client = arena.connect().await;
        client.call(1, prefetch(20)).await;
        client.consume(consume(&queue, "c")).await;
        let mut lifetime = 1 + dice.roll(2 * LIFETIME);
        let mut held = Vec::new();
        stage.mark_changed();
        while lifetime > 0 {
            let got = tokio::select! {
                got = client.next() => got,
                changed = stage.changed() => {
                    changed.unwrap();
                    let now = *stage.borrow_and_update();
                    if now == Stage::Draining {
                        settle(&arena, &mut client, &mut held).await;
                    }
                    if now == Stage::Over {
                        client.settle().await;
                        return client.close().await;
                    }
                    continue;
                }
            };
            let Got::Deliver { tag, redelivered, message, .. } = got else { panic!("{got:?}") };
            let id: u64 = message.text().parse().unwrap();
            if !redelivered {
                *arena.seen.lock().first.entry(id).or_default() += 1;
            }
            held.push((tag, id));
            lifetime -= 1;
            let may_hold = *stage.borrow() == Stage::Publishing && held.len() < 10;
            match dice.roll(10) {
                0..3 if may_hold => {}
                3 => {
                    let at = dice.roll(held.len() as u64) as usize;
                    client.tell(1, nack(held.swap_remove(at).0, false, true)).await;
                }
                _ => settle(&arena, &mut client, &mut held).await,
            }
        }
        arena.seen.lock().kills += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_confirmed_is_lost_while_connections_are_killed() {
    let broker = Broker::start(Config::default()).unwrap();
    let address = broker.listen_amqp("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (stage, _) = watch::channel(Stage::Publishing);
    let arena =
        Arc::new(Arena { address, seen: Mutex::default(), publishers_left: Mutex::new(PUBLISHERS), stage });
    let mut owner = arena.connect().await;
    for number in 0..QUEUES {
        owner.declare(queue_with(&queue_name(number), Default::default())).await;
    }
    let consumers = (0..CONSUMERS).map(|number| tokio::spawn(consume_until_done(arena.clone(), number)));
    let publishers = (0..PUBLISHERS).map(|number| tokio::spawn(publish(arena.clone(), number + 1)));
    let all: Vec<_> = consumers.chain(publishers).collect();
    for task in all {
        task.await.unwrap();
    }
    while broker.connection_count() > 1 {
        tokio::task::yield_now().await;
    }
    // What came from killed publishers and was not confirmed, or was acked by a consumer that died before it was read.
    let mut rest = Vec::new();
    for number in 0..QUEUES {
        while let Some((_, redelivered, message)) = owner.get(&queue_name(number), true).await {
            rest.push((message.text().parse::<u64>().unwrap(), redelivered));
        }
    }
    {
        let mut seen = arena.seen.lock();
        for (id, redelivered) in rest {
            assert!(redelivered || !seen.acked.contains(&id), "{id} came again as if for the first time");
            *seen.first.entry(id).or_default() += u32::from(!redelivered);
        }
        assert!(seen.kills > 50, "only {} connections were killed", seen.kills);
        let twice: Vec<_> = seen.first.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "delivered twice without saying so: {twice:?}");
        assert!(
            seen.first.keys().all(|id| seen.sent.contains(id)),
            "something was delivered that nobody sent"
        );
        assert_eq!(seen.outstanding(), 0, "confirmed and never delivered");
    }
    owner.close().await;
    while broker.connection_count() > 0 {
        tokio::task::yield_now().await;
    }
    for number in 0..QUEUES {
        let queue = broker.vhost("/").unwrap().topology().queue(&queue_name(number)).unwrap().clone();
        let figures = queue.figures();
        assert_eq!((figures.ready, figures.unacked, figures.consumers), (0, 0, 0), "{figures:?}");
    }
    assert_eq!(broker.memory().bytes(), 0, "memory still charged");
}

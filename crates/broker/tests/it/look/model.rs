//! Random operations on a queue against a list: what is taken out of its middle leaves the rest as it was.

use super::*;
use leveret_broker::queue::select::{Condition, Filter, Place};
use leveret_broker::queue::sweep::Selection;
use leveret_broker::{Clock, Config, DataLocation};
use leveret_protocol::FieldTable;
use leveret_protocol::methods::queue;
use std::collections::BTreeMap;
use std::time::Duration;

/// A small generator of numbers: the same seed, the same run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[derive(Default)]
struct Model {
    /// By position, which is the order of entering.
    ready: BTreeMap<u32, String>,
    unacked: BTreeMap<u64, (u32, String)>,
    to: Vec<String>,
    next: u32,
}

impl Model {
    fn texts(&self) -> Vec<String> {
        self.ready.values().cloned().collect()
    }
}

async fn run(broker: &Broker, seed: u64) {
    let mut client = Client::to(broker).await;
    for name in ["q", "to"] {
        client.declare(queue::Declare { durable: true, ..queue_with(name, FieldTable::new()) }).await;
    }
    let (vhost, actor) = operator(broker);
    let (mut dice, mut model) = (Dice(seed), Model::default());
    for step in 0..300 {
        let about = format!("seed {seed} step {step}");
        match dice.roll(9) {
            0..=2 => {
                for _ in 0..=dice.roll(120) {
                    let text = format!("{} kind {}", model.next, dice.roll(4));
                    let mut publishing = Publishing::to("q", &text);
                    publishing.properties.delivery_mode = Some(1 + dice.roll(2) as u8);
                    client.publish(publishing).await;
                    model.ready.insert(model.next, text);
                    model.next += 1;
                }
                client.settle().await;
            }
            3 | 4 => {
                for _ in 0..dice.roll(20) {
                    let got = client
                        .get("q", false)
                        .await
                        .map(|(tag, _, message)| (tag, message.text().to_owned()));
                    let first = model.ready.pop_first();
                    assert_eq!(
                        got.as_ref().map(|(_, text)| text),
                        first.as_ref().map(|(_, text)| text),
                        "{about}"
                    );
                    let Some(((tag, _), first)) = got.zip(first) else { break };
                    model.unacked.insert(tag, first);
                }
            }
            5 => {
                while let Some((tag, (at, text))) = model.unacked.pop_first() {
                    let back = dice.roll(2) == 0;
                    client.tell(1, reject(tag, back)).await;
                    if back {
                        model.ready.insert(at, text);
                    }
                }
                client.settle().await;
            }
            6 => {
                let kind = format!("kind {}", dice.roll(4));
                let wanted =
                    Selection::from(Filter::from(Condition::BodyContains(kind.clone().into_bytes())));
                let moved = vhost.move_messages(&actor, "q", "to", wanted).unwrap().finished().await;
                let before = model.to.len();
                model.to.extend(
                    model.ready.extract_if(.., |_, text| text.ends_with(&kind)).map(|(_, text)| text),
                );
                assert_eq!(
                    (moved.moved as usize, moved.failed, moved.skipped),
                    (model.to.len() - before, 0, 0),
                    "{about}"
                );
            }
            7 => {
                let all = page(broker, "q", &Browse { messages_max: 1_000, ..Browse::default() });
                let some = all.messages.iter().filter(|_| dice.roll(10) == 0);
                let some: Vec<(Place, String)> = some
                    .map(|found| (found.place, String::from_utf8_lossy(found.message.body()).into_owned()))
                    .collect();
                let places = Some(some.iter().map(|(place, _)| *place).collect());
                let these = Selection { places, ..Selection::default() };
                let deleted = vhost.delete_messages(&actor, "q", these).unwrap().finished().await;
                assert_eq!((deleted.moved as usize, deleted.skipped), (some.len(), 0), "{about}");
                model.ready.retain(|_, text| some.iter().all(|(_, gone)| gone != text));
            }
            _ => {
                let size = 1 + dice.roll(50) as usize;
                assert_eq!(browsed(broker, "q", size), model.texts(), "{about}");
            }
        }
        assert_eq!(client.count("q").await.0 as usize, model.ready.len(), "{about}");
    }
    assert_eq!(client.drain("q").await, model.texts(), "seed {seed}");
    assert_eq!(client.drain("to").await, model.to, "seed {seed}");
    client.close().await;
    connections_are(broker, 0).await;
    let (client, left) =
        (&mut Client::to(broker).await, model.unacked.into_values().collect::<BTreeMap<_, _>>());
    assert_eq!(client.drain("q").await, left.into_values().collect::<Vec<_>>(), "seed {seed}");
    assert_eq!(broker.memory().bytes(), 0, "seed {seed}");
}

#[tokio::test]
async fn a_queue_in_memory_is_a_list() {
    for seed in 1..=8 {
        run(&broker(), seed).await;
    }
}

#[tokio::test]
async fn a_queue_on_disk_is_the_same_list() {
    for seed in 11..=14 {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.heartbeat = Duration::ZERO;
        config.data = DataLocation::Directory(folder.path().to_owned());
        // What is behind the first few hundred lies on disk only.
        config.limits.backlog_bytes_max = 1;
        run(&Broker::start_with_clock(config, Clock::virtual_at(START_UNIX_MS)).unwrap(), seed).await;
    }
}

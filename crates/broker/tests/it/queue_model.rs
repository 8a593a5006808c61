//! One queue, any sequence of operations, against a model of a page.

use crate::support::*;
use leveret_protocol::FieldTable;
use leveret_protocol::methods::{basic, queue};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    Publish(u8),
    /// One message, on a channel.
    Get {
        channel: u16,
        no_ack: bool,
    },
    /// Settles one held message or, with `multiple`, it and all before it.
    Settle {
        channel: u16,
        which: prop::sample::Index,
        multiple: bool,
        how: How,
    },
    Recover {
        channel: u16,
    },
    /// Closes a channel and opens it again.
    Close {
        channel: u16,
    },
    Purge,
    /// Closes the connection of channel 3 without a word.
    Vanish,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    Ack,
    Drop,
    Requeue,
}

/// Messages by their place in the queue; a place is a number that grows.
#[derive(Debug, Default)]
struct Model {
    ready: BTreeMap<u64, (String, bool)>,
    /// For each channel what it holds: by delivery tag the place, the text.
    held: BTreeMap<u16, BTreeMap<u64, (u64, String)>>,
    tags: BTreeMap<u16, u64>,
    published: u64,
    length_max: Option<usize>,
}

impl Model {
    fn publish(&mut self, text: String) {
        self.published += 1;
        self.ready.insert(self.published, (text, false));
        self.drop_overflow();
    }

    fn drop_overflow(&mut self) {
        while self.length_max.is_some_and(|max| self.ready.len() > max) {
            self.ready.pop_first();
        }
    }

    fn get(&mut self, channel: u16, no_ack: bool) -> Option<(u64, bool, String)> {
        let (place, (text, redelivered)) = self.ready.pop_first()?;
        let tag = self.tags.entry(channel).or_default();
        *tag += 1;
        if !no_ack {
            self.held.entry(channel).or_default().insert(*tag, (place, text.clone()));
        }
        Some((*tag, redelivered, text))
    }

    fn held(&self, channel: u16) -> Vec<u64> {
        self.held.get(&channel).into_iter().flatten().map(|(tag, _)| *tag).collect()
    }

    fn settle(&mut self, channel: u16, tag: u64, multiple: bool, how: How) {
        let held = self.held.entry(channel).or_default();
        let later = held.split_off(&(tag + 1));
        let mut gone = std::mem::replace(held, later);
        if !multiple {
            let only = gone.split_off(&tag);
            held.append(&mut gone);
            gone = only;
        }
        if how == How::Requeue {
            self.ready.extend(gone.into_values().map(|(place, text)| (place, (text, true))));
            self.drop_overflow();
        }
    }

    fn close(&mut self, channel: u16) {
        self.settle(channel, u64::MAX - 1, true, How::Requeue);
        self.tags.remove(&channel);
    }
}

/// The broker's side: channels 1 and 2 on one connection, 3 on another.
struct Real {
    broker: leveret_broker::Broker,
    ours: Client,
    theirs: Client,
}

impl Real {
    async fn start(length_max: Option<usize>) -> Self {
        let broker = broker();
        let mut ours = Client::to(&broker).await;
        ours.open(2).await;
        let theirs = Self::third(&broker).await;
        let limit = length_max.map(|max| ("x-max-length", max as i64));
        ours.declare(queue_with("q", limit.into_iter().collect::<FieldTable>())).await;
        Self { broker, ours, theirs }
    }

    async fn third(broker: &leveret_broker::Broker) -> Client {
        let mut client = Client::to(broker).await;
        client.open(3).await;
        client
    }

    fn on(&mut self, channel: u16) -> &mut Client {
        if channel == 3 { &mut self.theirs } else { &mut self.ours }
    }

    async fn get(&mut self, channel: u16, no_ack: bool) -> Option<(u64, bool, String)> {
        match self.on(channel).call(channel, basic::Get { queue: short("q"), no_ack }).await {
            Got::GetOk { tag, redelivered, message, .. } => Some((tag, redelivered, message.text().into())),
            Got::GetEmpty => None,
            other => panic!("{other:?}"),
        }
    }

    async fn settle(&mut self, channel: u16, tag: u64, multiple: bool, how: How) {
        let client = self.on(channel);
        match how {
            How::Ack => client.tell(channel, basic::Ack { delivery_tag: tag, multiple }).await,
            How::Drop if !multiple => client.tell(channel, reject(tag, false)).await,
            _ => client.tell(channel, nack(tag, multiple, how == How::Requeue)).await,
        }
        client.settle().await;
    }
}

async fn run(length_max: Option<usize>, steps: Vec<Step>) {
    let mut real = Real::start(length_max).await;
    let mut model = Model { length_max, ..Model::default() };
    for step in steps {
        match step {
            Step::Publish(count) => {
                for _ in 0..count {
                    let text = format!("message {}", model.published + 1);
                    real.ours.publish(Publishing::to("q", &text)).await;
                    model.publish(text);
                }
                real.ours.settle().await;
            }
            Step::Get { channel, no_ack } => {
                assert_eq!(real.get(channel, no_ack).await, model.get(channel, no_ack));
            }
            Step::Settle { channel, which, multiple, how } => {
                let held = model.held(channel);
                if held.is_empty() {
                    continue;
                }
                let tag = *which.get(&held);
                real.settle(channel, tag, multiple, how).await;
                model.settle(channel, tag, multiple, how);
            }
            Step::Recover { channel } => {
                let got = real.on(channel).call(channel, basic::Recover { requeue: true }).await;
                assert_eq!(got, Got::Reply("basic.recover-ok"));
                model.settle(channel, u64::MAX - 1, true, How::Requeue);
            }
            Step::Close { channel } => {
                real.on(channel).close_channel(channel).await;
                real.on(channel).open(channel).await;
                model.close(channel);
            }
            Step::Purge => {
                let got = real.ours.call(1, queue::Purge { queue: short("q"), no_wait: false }).await;
                assert_eq!(got, Got::Count(model.ready.len() as u32));
                model.ready.clear();
            }
            Step::Vanish => {
                let next = Real::third(&real.broker).await;
                drop(std::mem::replace(&mut real.theirs, next));
                connections_are(&real.broker, 2).await;
                model.close(3);
            }
        }
        let held: usize = model.held.values().map(BTreeMap::len).sum();
        let figures = real.broker.vhost("/").unwrap().topology().queue("q").unwrap().figures();
        assert_eq!((figures.ready, figures.unacked), (model.ready.len(), held as u64));
    }
    while let Some(expected) = model.get(1, true) {
        assert_eq!(real.get(1, true).await, Some(expected));
    }
    drop(real.ours);
    drop(real.theirs);
    connections_are(&real.broker, 0).await;
    let queue = real.broker.vhost("/").unwrap().topology().queue("q").unwrap().clone();
    if queue.figures().ready == 0 {
        assert_eq!(real.broker.memory().bytes(), 0);
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let channel = || 1u16..=3;
    let how = prop_oneof![Just(How::Ack), Just(How::Drop), Just(How::Requeue)];
    let step = prop_oneof![
        4 => (1u8..6).prop_map(Step::Publish),
        6 => (channel(), prop::bool::weighted(0.2)).prop_map(|(channel, no_ack)| Step::Get { channel, no_ack }),
        6 => (channel(), any::<prop::sample::Index>(), prop::bool::weighted(0.3), how)
            .prop_map(|(channel, which, multiple, how)| Step::Settle { channel, which, multiple, how }),
        1 => channel().prop_map(|channel| Step::Recover { channel }),
        1 => channel().prop_map(|channel| Step::Close { channel }),
        1 => Just(Step::Purge),
        1 => Just(Step::Vanish),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_queue_does_what_its_model_does(
        length_max in prop::option::weighted(0.3, 1usize..8),
        steps in steps(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(length_max, steps));
    }
}

//! Consumers on several channels and connections, any sequence of operations: what must hold after each of them.

use crate::support::*;
use leveret_protocol::FieldTable;
use leveret_protocol::methods::basic;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const CHANNELS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    Publish(u8),
    /// A consumer with that prefetch (0 for none) on a channel.
    Consume {
        channel: usize,
        prefetch: u16,
        no_ack: bool,
    },
    Cancel {
        which: prop::sample::Index,
    },
    /// The channel's own limit, shared by its consumers.
    Limit {
        channel: usize,
        count: u16,
    },
    Ack {
        channel: usize,
        which: prop::sample::Index,
        multiple: bool,
    },
    Requeue {
        channel: usize,
        which: prop::sample::Index,
    },
    Close {
        channel: usize,
    },
}

#[derive(Debug)]
struct Consumer {
    channel: usize,
    prefetch: u16,
    no_ack: bool,
    held: BTreeSet<u64>,
}

/// What the clients know. Channel 2 is a connection of its own.
#[derive(Debug, Default)]
struct Known {
    published: u64,
    settled: BTreeSet<u64>,
    /// By delivery tag the message, for each channel; tags of no-ack deliveries are not here.
    held: [BTreeMap<u64, u64>; CHANNELS],
    limits: [u16; CHANNELS],
    consumers: BTreeMap<String, Consumer>,
    made: u32,
    /// Messages that may come again.
    returned: BTreeSet<u64>,
}

struct World {
    broker: leveret_broker::Broker,
    clients: [Client; 2],
    known: Known,
}

/// The AMQP channel number and the client of each of ours.
fn place(channel: usize) -> (usize, u16) {
    [(0, 2), (0, 3), (1, 2)][channel]
}

impl World {
    async fn start() -> Self {
        let broker = broker();
        let mut clients = [Client::to(&broker).await, Client::to(&broker).await];
        for channel in 0..CHANNELS {
            let (client, number) = place(channel);
            clients[client].open(number).await;
        }
        clients[0].declare(queue_with("q", FieldTable::new())).await;
        Self { broker, clients, known: Known::default() }
    }

    async fn step(&mut self, step: Step) {
        let Self { clients, known, .. } = self;
        match step {
            Step::Publish(count) => {
                for _ in 0..count {
                    known.published += 1;
                    let body = known.published.to_string();
                    clients[0].publish(Publishing::to("q", &body)).await;
                }
            }
            Step::Consume { channel, prefetch: count, no_ack } => {
                let (client, number) = place(channel);
                known.made += 1;
                let tag = format!("consumer {}", known.made);
                clients[client].call(number, prefetch(count)).await;
                clients[client].call(number, basic::Consume { no_ack, ..consume("q", &tag) }).await;
                let consumer = Consumer { channel, prefetch: count, no_ack, held: BTreeSet::new() };
                known.consumers.insert(tag, consumer);
            }
            Step::Cancel { which } => {
                if known.consumers.is_empty() {
                    return;
                }
                let tag = known.consumers.keys().nth(which.index(known.consumers.len())).unwrap().clone();
                let (client, number) = place(known.consumers[&tag].channel);
                let cancel = basic::Cancel { consumer_tag: short(&tag), no_wait: false };
                clients[client].call(number, cancel).await;
                known.consumers.remove(&tag);
            }
            Step::Limit { channel, count } => {
                let (client, number) = place(channel);
                clients[client].call(number, basic::Qos { global: true, ..prefetch(count) }).await;
                known.limits[channel] = count;
            }
            Step::Ack { channel, which, multiple } => {
                let Some(tag) = known.held_tag(channel, which) else { return };
                let (client, number) = place(channel);
                clients[client].tell(number, basic::Ack { delivery_tag: tag, multiple }).await;
                known.settle(channel, tag, multiple);
            }
            Step::Requeue { channel, which } => {
                let Some(tag) = known.held_tag(channel, which) else { return };
                let (client, number) = place(channel);
                clients[client].tell(number, reject(tag, true)).await;
                known.give_back(channel, [tag]);
            }
            Step::Close { channel } => {
                let (client, number) = place(channel);
                clients[client].close_channel(number).await;
                known.forget_channel(channel);
                clients[client].open(number).await;
            }
        }
    }

    /// Takes in what arrived.
    async fn look(&mut self) {
        for client in 0..2 {
            for got in self.clients[client].arrived().await {
                let Got::Deliver { channel, consumer, tag, redelivered, message } = got else {
                    panic!("{got:?}")
                };
                let at = (0..CHANNELS).find(|at| place(*at) == (client, channel)).unwrap();
                let id: u64 = message.text().parse().unwrap();
                assert_eq!(redelivered, self.known.returned.contains(&id), "message {id}");
                assert!(!self.known.settled.contains(&id), "message {id} was settled");
                self.known.take_in(at, &consumer, tag, id);
            }
        }
    }

    async fn check(&mut self) {
        self.look().await;
        let known = &self.known;
        let figures = self.broker.vhost("/").unwrap().topology().queue("q").unwrap().figures();
        let held: usize = known.held.iter().map(BTreeMap::len).sum();
        let ready = known.published as usize - known.settled.len() - held;
        assert_eq!((figures.ready, figures.unacked as usize), (ready, held));
        assert_eq!(figures.consumers, known.consumers.len());
        for (tag, consumer) in &known.consumers {
            let (own, limit) = (consumer.held.len(), usize::from(known.limits[consumer.channel]));
            let prefetch = usize::from(consumer.prefetch);
            assert!(prefetch == 0 || own <= prefetch, "{tag} holds {own} of {prefetch}");
            let channel_is_full = limit > 0 && known.held[consumer.channel].len() >= limit;
            let is_full = !consumer.no_ack && (channel_is_full || (prefetch > 0 && own >= prefetch));
            assert!(is_full || ready == 0, "{tag} could take one of {ready} ready messages");
        }
    }
}

impl Known {
    fn held_tag(&self, channel: usize, which: prop::sample::Index) -> Option<u64> {
        let held = &self.held[channel];
        (!held.is_empty()).then(|| *held.keys().nth(which.index(held.len())).unwrap())
    }

    fn take_in(&mut self, channel: usize, consumer: &str, tag: u64, id: u64) {
        let consumer = self.consumers.get_mut(consumer).unwrap();
        assert_eq!(consumer.channel, channel);
        if consumer.no_ack {
            self.settled.insert(id);
        } else {
            consumer.held.insert(tag);
            self.held[channel].insert(tag, id);
        }
    }

    fn drop_tag(&mut self, channel: usize, tag: u64) {
        for consumer in self.consumers.values_mut().filter(|consumer| consumer.channel == channel) {
            consumer.held.remove(&tag);
        }
    }

    fn settle(&mut self, channel: usize, tag: u64, multiple: bool) {
        let first = if multiple { 0 } else { tag };
        let tags: Vec<u64> = self.held[channel].range(first..=tag).map(|(tag, _)| *tag).collect();
        for tag in tags {
            self.settled.insert(self.held[channel].remove(&tag).unwrap());
            self.drop_tag(channel, tag);
        }
    }

    fn give_back(&mut self, channel: usize, tags: impl IntoIterator<Item = u64>) {
        for tag in tags {
            self.returned.insert(self.held[channel].remove(&tag).unwrap());
            self.drop_tag(channel, tag);
        }
    }

    fn forget_channel(&mut self, channel: usize) {
        let tags: Vec<u64> = self.held[channel].keys().copied().collect();
        self.give_back(channel, tags);
        self.consumers.retain(|_, consumer| consumer.channel != channel);
        self.limits[channel] = 0;
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let channel = || 0..CHANNELS;
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![
        6 => (1u8..6).prop_map(Step::Publish),
        3 => (channel(), 0u16..4, prop::bool::weighted(0.15))
            .prop_map(|(channel, prefetch, no_ack)| Step::Consume { channel, prefetch, no_ack }),
        1 => index().prop_map(|which| Step::Cancel { which }),
        1 => (channel(), 0u16..5).prop_map(|(channel, count)| Step::Limit { channel, count }),
        6 => (channel(), index(), prop::bool::weighted(0.2))
            .prop_map(|(channel, which, multiple)| Step::Ack { channel, which, multiple }),
        3 => (channel(), index()).prop_map(|(channel, which)| Step::Requeue { channel, which }),
        1 => channel().prop_map(|channel| Step::Close { channel }),
    ];
    prop::collection::vec(step, 1..50)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn consumers_get_what_they_may_have_and_nothing_is_lost(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut world = World::start().await;
            for step in steps {
                world.step(step).await;
                world.check().await;
            }
        });
    }
}

//! Who writes a script: what was said so far, and which step comes next.

use super::Act;
use crate::random::Random;
use leveret_dialogues::{Method, basic, confirm, exchange, methods, queue, s, tx};
use std::collections::{BTreeMap, BTreeSet};

/// Consumer tags.
pub(super) const TAGS: [&str; 4] = ["t0", "t1", "t2", "t3"];
/// Routing keys.
pub(super) const KEYS: [&str; 6] = ["a", "b", "a.b", "a.*", "#", "a.b.c"];

/// What a script is about. Some things are not said together, because what RabbitMQ makes of them depends on a moment.
#[derive(Clone, Copy)]
pub(super) struct Traits {
    /// Queues get more than one consumer.
    pub(super) several: bool,
    /// There are quorum queues.
    pub(super) quorum: bool,
    /// Queues have dead letters. Then a message goes to one queue at a time: in which order two dead letters of two queues, or a dead
    /// letter and the message itself, come to a third is open.
    pub(super) dead_letters: bool,
    /// Queues have priorities. Then no message expires at once: RabbitMQ counts one that came to the head of a queue with others until
    /// somebody takes from it.
    pub(super) priorities: bool,
}

/// What the script has said so far, whether or not it was taken.
pub(super) struct Author {
    pub(super) random: Random,
    pub(super) queues: BTreeMap<&'static str, queue::Declare<'static>>,
    pub(super) exchanges: BTreeMap<&'static str, exchange::Declare<'static>>,
    pub(super) consumed: BTreeSet<&'static str>,
    /// Channels with transactions.
    pub(super) transactions: BTreeSet<(usize, u16)>,
    pub(super) traits: Traits,
    pub(super) messages: usize,
}

/// Kinds of steps.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Queue,
    PassiveQueue,
    Exchange,
    PassiveExchange,
    Bind,
    Unbind,
    BindExchange,
    UnbindExchange,
    Publish,
    Get,
    Consume,
    Cancel,
    Qos,
    Settle,
    Recover,
    Purge,
    DeleteQueue,
    DeleteExchange,
    Confirm,
    Select,
    Commit,
    Rollback,
    CloseChannel,
    CloseConnection,
    Forbidden,
}

const KINDS: [(usize, Kind); 25] = [
    (70, Kind::Queue),
    (15, Kind::PassiveQueue),
    (25, Kind::Exchange),
    (6, Kind::PassiveExchange),
    (50, Kind::Bind),
    (12, Kind::Unbind),
    (20, Kind::BindExchange),
    (6, Kind::UnbindExchange),
    (260, Kind::Publish),
    (80, Kind::Get),
    (90, Kind::Consume),
    (25, Kind::Cancel),
    (35, Kind::Qos),
    (160, Kind::Settle),
    (12, Kind::Recover),
    (12, Kind::Purge),
    (22, Kind::DeleteQueue),
    (12, Kind::DeleteExchange),
    (20, Kind::Confirm),
    (14, Kind::Select),
    (50, Kind::Commit),
    (25, Kind::Rollback),
    (14, Kind::CloseChannel),
    (8, Kind::CloseConnection),
    (6, Kind::Forbidden),
];

impl Author {
    pub(super) fn act(&mut self, at: (usize, u16)) -> Act {
        let kind = self.random.weighted(&KINDS);
        match kind {
            Kind::Commit | Kind::Rollback if !self.transactions.contains(&at) && self.random.percent(95) => {
                self.publish()
            }
            Kind::Select => {
                self.transactions.insert(at);
                Act::Method(self.method(kind))
            }
            Kind::Queue => self.declare_queue(),
            Kind::Exchange => self.declare_exchange(),
            Kind::Bind => self.bind(),
            Kind::Publish => self.publish(),
            Kind::Consume => self.consume(),
            Kind::Settle => self.settle(),
            Kind::CloseConnection => Act::CloseConnection,
            _ => Act::Method(self.method(kind)),
        }
    }

    pub(super) fn method(&mut self, kind: Kind) -> Method<'static> {
        let no_wait = self.random.percent(4);
        match kind {
            Kind::PassiveQueue => {
                queue::Declare { queue: self.queue(), passive: true, no_wait, ..Default::default() }.into()
            }
            Kind::PassiveExchange => {
                let kind = s(self.random.one(&["direct", "fanout", ""]));
                exchange::Declare { exchange: self.exchange(), kind, passive: true, ..Default::default() }
                    .into()
            }
            Kind::Unbind => {
                let (queue, exchange, routing_key) = (self.queue(), self.exchange(), self.key());
                let arguments = self.binding_arguments(exchange);
                queue::Unbind { queue, exchange, routing_key, arguments }.into()
            }
            Kind::BindExchange => {
                let (destination, source) = self.two_exchanges();
                let (routing_key, arguments) = (self.key(), self.binding_arguments(source));
                exchange::Bind { destination, source, routing_key, no_wait, arguments }.into()
            }
            Kind::UnbindExchange => {
                let (destination, source) = self.two_exchanges();
                let (routing_key, arguments) = (self.key(), self.binding_arguments(source));
                exchange::Unbind { destination, source, routing_key, no_wait, arguments }.into()
            }
            Kind::Get => basic::Get { queue: self.queue(), no_ack: self.random.percent(30) }.into(),
            Kind::Cancel => basic::Cancel { consumer_tag: s(self.random.one(&TAGS)), no_wait }.into(),
            Kind::Qos => {
                let prefetch_count = self.random.one(&[0, 1, 1, 2, 3, 10]);
                basic::Qos { prefetch_size: 0, prefetch_count, global: self.random.percent(40) }.into()
            }
            Kind::Recover if self.random.percent(30) => basic::RecoverAsync { requeue: true }.into(),
            Kind::Recover => basic::Recover { requeue: true }.into(),
            Kind::Purge => queue::Purge { queue: self.queue(), no_wait }.into(),
            Kind::DeleteQueue => {
                let (if_unused, if_empty) = (self.random.percent(25), self.random.percent(25));
                queue::Delete { queue: self.queue(), if_unused, if_empty, no_wait }.into()
            }
            Kind::DeleteExchange => {
                let if_unused = self.random.percent(40);
                exchange::Delete { exchange: self.exchange(), if_unused, no_wait }.into()
            }
            Kind::Confirm => confirm::Select { no_wait }.into(),
            Kind::Select => tx::Select.into(),
            Kind::Commit => tx::Commit.into(),
            Kind::Rollback => tx::Rollback.into(),
            Kind::CloseChannel => {
                methods::channel::Close { reply_code: 200, reply_text: s("bye"), class_id: 0, method_id: 0 }
                    .into()
            }
            _ => match self.random.below(5) {
                0 => basic::Recover { requeue: false }.into(),
                1 => basic::Qos { prefetch_size: 10, prefetch_count: 1, global: false }.into(),
                2 => methods::channel::Flow { active: false }.into(),
                3 => methods::channel::Open.into(),
                _ => exchange::Declare { exchange: s("bx0"), kind: s("x-nothing"), ..Default::default() }
                    .into(),
            },
        }
    }
}

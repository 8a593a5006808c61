//! The exchanges and bindings of one virtual host, and handles of its queues: who gets a message.
//!
//! A [`Topology`] is plain data. Every change costs as much as what it changes, never as much as what is there, and a route costs
//! as much as what it finds. What a queue is does not matter here: the handle is the caller's.

mod binding;
mod bindings;
mod exchanges;
mod matched;
mod policies;
mod registry;
mod removal;
mod route;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;
use leveret_protocol::FieldTable;

pub use crate::exchange::{Destination, ExchangeSpec};
use crate::exchange::{ExchangeKind, Router};
use crate::name::Name;
use crate::policy::{Applied, PolicySet};
use crate::stats::{ExchangeCounts, ExchangeFigures};
pub use binding::{Binding, BindingRef};
use registry::Registry;
pub use removal::Removed;
pub use route::RouteInfo;

type Bindings = HashSet<Arc<Binding>, RandomState>;

/// An exchange and what it is bound to.
#[derive(Debug)]
pub struct Exchange {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub kind: ExchangeKind,
    /// The type it routes by: of an `x-delayed-message` exchange the one that its arguments name.
    pub routing_kind: ExchangeKind,
    /// Whether it survives a restart.
    pub durable: bool,
    /// Whether it goes with the last binding it is the source of.
    pub auto_delete: bool,
    /// Whether only other exchanges may pass messages to it.
    pub internal: bool,
    /// Its arguments as they were sent.
    pub arguments: FieldTable,
    /// The policies that apply.
    pub policies: Applied,
    /// How long messages wait here before they are routed, in milliseconds, unless they say otherwise: the key `delay` of policies. It
    /// does not apply to exchanges whose names begin with `amq.`.
    pub delay_ms: u64,
    /// The exchange that gets what matches nothing here, by argument or policy. It need not exist.
    pub alternate: Option<Name>,
    router: Router,
    figures: Arc<ExchangeFigures>,
    /// Bindings that this exchange is the source of.
    outgoing: Bindings,
    /// Bindings that lead here.
    incoming: Bindings,
}

impl Exchange {
    pub(crate) fn figures(&self) -> &Arc<ExchangeFigures> {
        &self.figures
    }

    /// What clients published to it since it was made, or the broker started.
    pub fn counts(&self) -> ExchangeCounts {
        self.figures.counts()
    }

    /// As it was declared.
    pub fn spec(&self) -> ExchangeSpec {
        ExchangeSpec {
            name: self.name.clone(),
            kind: self.kind,
            durable: self.durable,
            auto_delete: self.auto_delete,
            internal: self.internal,
            arguments: self.arguments.clone(),
        }
    }
}

#[derive(Debug)]
struct QueueEntry<Q> {
    /// Always a queue; kept in this form because bindings are listed with it.
    destination: Destination,
    handle: Q,
    /// Bindings that lead here.
    incoming: Bindings,
}

/// The exchanges and bindings of one virtual host, and handles of its queues.
#[derive(Debug)]
pub struct Topology<Q> {
    vhost: Name,
    exchanges: Registry<Exchange>,
    queues: Registry<QueueEntry<Q>>,
    /// Where delayed exchanges keep messages, by the exchange's place.
    timetables: HashMap<u32, Q, RandomState>,
    /// What exchanges that drop duplicates have seen, by the exchange's place, and the header that bears the id.
    gates: HashMap<u32, (Q, Box<str>), RandomState>,
    /// Timetables and gates of exchanges that are gone.
    orphans: Vec<Q>,
    policies: Arc<PolicySet>,
    epoch: u64,
}

/// The exchanges that every virtual host has (AMQP 0-9-1, section 3.1.3; RabbitMQ, "Firehose" for the trace).
const PREDECLARED: [(&str, ExchangeKind, bool); 7] = [
    ("", ExchangeKind::Direct, false),
    ("amq.direct", ExchangeKind::Direct, false),
    ("amq.fanout", ExchangeKind::Fanout, false),
    ("amq.headers", ExchangeKind::Headers, false),
    ("amq.match", ExchangeKind::Headers, false),
    ("amq.rabbitmq.trace", ExchangeKind::Topic, true),
    ("amq.topic", ExchangeKind::Topic, false),
];

impl<Q: Clone> Topology<Q> {
    /// A virtual host without queues, with the exchanges that every virtual host has.
    pub fn new(vhost: Name) -> Self {
        let mut topology = Self {
            vhost,
            exchanges: Registry::default(),
            queues: Registry::default(),
            timetables: HashMap::default(),
            gates: HashMap::default(),
            orphans: Vec::new(),
            policies: Arc::default(),
            epoch: 0,
        };
        for (name, kind, internal) in PREDECLARED {
            let spec = ExchangeSpec { durable: true, internal, ..ExchangeSpec::new(name, kind) };
            // These have no arguments that could be refused.
            let _ = topology.add_exchange(spec);
        }
        topology
    }

    /// The virtual host's name.
    pub fn vhost(&self) -> &Name {
        &self.vhost
    }

    /// A number that changes with every change that could change a route.
    ///
    /// What [`route`](Self::route) found may be used again as long as the number is the same.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Has everybody look up again what they remember.
    pub(crate) fn touch(&mut self) {
        self.epoch += 1;
    }

    /// Adds a queue. It gets messages from the default exchange by its name, and from others once it is bound.
    ///
    /// A queue that is here already keeps its bindings; its former handle is given back.
    pub fn insert_queue(&mut self, name: Name, handle: Q) -> Option<Q> {
        self.epoch += 1;
        if let Some(entry) = self.queues.get_mut(&name) {
            return Some(std::mem::replace(&mut entry.handle, handle));
        }
        let destination = Destination::Queue(name.clone());
        self.queues.insert(name, QueueEntry { destination, handle, incoming: Bindings::default() });
        None
    }

    /// The handle of a queue.
    pub fn queue(&self, name: &str) -> Option<&Q> {
        self.queues.get(name).map(|entry| &entry.handle)
    }

    /// All queues, in no particular order.
    pub fn queues(&self) -> impl Iterator<Item = (&Name, &Q)> {
        self.queues.iter().map(|entry| (entry.destination.name(), &entry.handle))
    }

    /// How many queues there are.
    pub fn queue_count(&self) -> usize {
        self.queues.len()
    }

    /// Gives an exchange the place where it keeps messages that are delayed.
    pub fn set_timetable(&mut self, exchange: &str, handle: Q) {
        if let Some(place) = self.exchanges.place(exchange) {
            self.timetables.insert(place, handle);
            self.epoch += 1;
        }
    }

    /// Where exchanges keep messages that are delayed.
    pub(crate) fn timetables(&self) -> impl Iterator<Item = &Q> {
        self.timetables.values()
    }

    /// Where an exchange keeps messages that are delayed.
    pub fn timetable(&self, exchange: &str) -> Option<&Q> {
        self.timetables.get(&self.exchanges.place(exchange)?)
    }

    /// Gives an exchange the gate that messages pass before it routes them, if they bear an id in this header or a producer's number.
    pub fn set_gate(&mut self, exchange: &str, handle: Q, header: &str) {
        if let Some(place) = self.exchanges.place(exchange) {
            self.gates.insert(place, (handle, header.into()));
            self.epoch += 1;
        }
    }

    /// Takes an exchange's gate away. Whether it had one.
    pub(crate) fn take_gate(&mut self, exchange: &str) -> bool {
        let place = self.exchanges.place(exchange);
        let had = place.and_then(|place| self.gates.remove(&place)).is_some();
        self.epoch += u64::from(had);
        had
    }

    /// The gate that messages pass before an exchange routes them.
    pub fn gate(&self, exchange: &str) -> Option<&Q> {
        self.gates.get(&self.exchanges.place(exchange)?).map(|(gate, _)| gate)
    }

    /// The timetables and gates of exchanges that went since this was asked last.
    pub fn take_orphans(&mut self) -> Vec<Q> {
        std::mem::take(&mut self.orphans)
    }

    /// All exchanges, in no particular order; the default exchange is the one with the empty name.
    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.exchanges.iter()
    }

    /// How many exchanges there are, the pre-declared ones included.
    pub fn exchange_count(&self) -> usize {
        self.exchanges.len()
    }
}

#[cfg(test)]
mod tests;

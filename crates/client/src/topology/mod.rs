//! What the application declared through a connection, so it can be declared again on the next one.
//!
//! Kept in the order of declaration. What the application deletes takes with it what the broker deletes along: a queue its bindings
//! and consumers, an exchange its bindings, the last binding an auto-delete exchange, the last consumer an auto-delete queue.
//! Nothing is sent from here: [`Topology::recover`] hands back steps and is told what came of them.
//!
//! Not recorded: passive declarations, which declare nothing, and the exchanges every broker has (`amq.*`).

mod change;
mod entities;
mod lineage;
mod named;
mod recovery;
mod steps;

use std::collections::{BTreeMap, HashMap};

use leveret_protocol::FieldTable;

pub use change::Change;
pub use entities::{Binding, Consumer, Destination, Entity, Exchange, Qos, Queue};
use named::Named;
pub use recovery::Recovery;
pub use steps::{Failure, Outcome, RecoveryReport, Rename, Step};

/// Entities are found by name and walked in the order of their numbers, which is the order of declaration.
type Id = u64;

/// The record of one connection.
///
/// ```
/// use leveret_client::topology::{Binding, Exchange, Outcome, Queue, Step, Topology};
///
/// let mut topology = Topology::new();
/// topology.exchange_declared(Exchange::new("logs", "fanout"));
/// topology.queue_declared(Queue::server_named("amq.gen-1").exclusive());
/// topology.bound(Binding::queue("amq.gen-1", "logs", ""));
///
/// let mut recovery = topology.recover(); // on the new connection
/// while let Some(step) = recovery.next(&topology) {
///     let outcome = match step {
///         Step::DeclareQueue { name, .. } if name.is_empty() => Outcome::Named("amq.gen-2".into()),
///         Step::BindQueue { queue, .. } if queue == "amq.gen-2" => Outcome::Done, // it follows the new name
///         Step::DeclareExchange(_) => Outcome::Done,
///         other => Outcome::Failed(format!("unexpected {other:?}")),
///     };
///     recovery.done(&mut topology, outcome);
/// }
/// let report = recovery.finish();
/// assert!(report.failures.is_empty());
/// assert_eq!((report.renames[0].old.as_str(), report.renames[0].new.as_str()), ("amq.gen-1", "amq.gen-2"));
/// ```
#[derive(Debug, Default)]
pub struct Topology {
    last_id: Id,
    exchanges: Named<Exchange>,
    queues: Named<Queue>,
    bindings: BTreeMap<Id, Binding>,
    binding_ids: HashMap<BindingKey, Id>,
    channels: BTreeMap<u16, ChannelQos>,
    consumers: BTreeMap<Id, (Consumer, Option<u16>)>,
}

/// Two bindings with the same of all these are one.
type BindingKey = (Destination, String, Vec<u8>, Vec<u8>);

/// The last `basic.qos` of either kind on a channel.
#[derive(Debug, Default, Clone, Copy)]
struct ChannelQos {
    /// For consumers that begin from now on.
    each: Option<u16>,
    /// For all consumers together.
    global: Option<u16>,
}

fn key(binding: &Binding) -> BindingKey {
    let mut arguments = Vec::new();
    if !binding.arguments.is_empty() {
        binding.arguments.encode(&mut arguments);
    }
    (binding.destination.clone(), binding.source.clone(), binding.routing_key.clone(), arguments)
}

impl Topology {
    /// Nothing declared.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn next_id(&mut self) -> Id {
        self.last_id += 1;
        self.last_id
    }

    /// An exchange was declared.
    pub fn exchange_declared(&mut self, exchange: Exchange) {
        if exchange.name.is_empty() || exchange.name.starts_with("amq.") {
            return; // every broker has these already
        }
        let id = self.next_id();
        self.exchanges.insert(id, &exchange.name.clone(), exchange);
    }

    /// A queue was declared; with the name the broker gave it, if it gave one.
    pub fn queue_declared(&mut self, queue: Queue) {
        let id = self.next_id();
        self.queues.insert(id, &queue.name.clone(), queue);
    }

    /// A queue or exchange was bound.
    pub fn bound(&mut self, binding: Binding) {
        let id = self.next_id();
        self.binding_ids.entry(key(&binding)).or_insert_with(|| {
            self.bindings.insert(id, binding);
            id
        });
    }

    /// A binding was removed; its source goes too if it was an auto-delete exchange's last.
    pub fn unbound(
        &mut self,
        destination: &Destination,
        source: &str,
        routing_key: &[u8],
        arguments: &FieldTable,
    ) {
        let binding = Binding {
            destination: destination.clone(),
            source: source.to_owned(),
            routing_key: routing_key.to_owned(),
            arguments: arguments.clone(),
        };
        if let Some(id) = self.binding_ids.remove(&key(&binding)) {
            self.bindings.remove(&id);
            self.evict_unused(vec![source.to_owned()]);
        }
    }

    /// An exchange was deleted, and with it all its bindings.
    pub fn exchange_deleted(&mut self, name: &str) {
        self.exchanges.remove(name);
        let sources = self.remove_bindings(|binding| {
            binding.source == name
                || matches!(&binding.destination, Destination::Exchange(exchange) if exchange == name)
        });
        self.evict_unused(sources);
    }

    /// A queue was deleted, by the application or (so says a cancelled consumer) by somebody else; with it go its bindings and
    /// consumers. Returns the consumers that are gone, as channel and tag.
    pub fn queue_deleted(&mut self, name: &str) -> Vec<(u16, String)> {
        let mut gone = Vec::new();
        self.consumers.retain(|_, (consumer, _)| {
            let stays = consumer.queue != name;
            if !stays {
                gone.push((consumer.channel, std::mem::take(&mut consumer.tag)));
            }
            stays
        });
        self.forget_queue(name);
        gone
    }

    /// `basic.qos` was answered. Without `global` it counts for consumers that begin afterwards.
    pub fn qos_set(&mut self, qos: Qos) {
        let channel = self.channels.entry(qos.channel).or_default();
        *(if qos.global { &mut channel.global } else { &mut channel.each }) = Some(qos.prefetch_count);
    }

    /// A consumer began; it keeps the prefetch count that was set on its channel before.
    pub fn consumer_started(&mut self, consumer: Consumer) {
        let id = self.next_id();
        let each = self.channels.get(&consumer.channel).and_then(|qos| qos.each);
        self.consumers.retain(|_, (old, _)| (old.channel, &old.tag) != (consumer.channel, &consumer.tag));
        self.consumers.insert(id, (consumer, each));
    }

    /// A consumer ended by the application's wish; an auto-delete queue goes with its last. One that the broker cancelled is not
    /// reported here if it shall come back.
    pub fn consumer_cancelled(&mut self, channel: u16, tag: &str) {
        self.end_consumers(|consumer| consumer.channel == channel && consumer.tag == tag);
    }

    /// A channel was closed, and with it its consumers and its QoS.
    pub fn channel_closed(&mut self, channel: u16) {
        self.channels.remove(&channel);
        self.end_consumers(|consumer| consumer.channel == channel);
    }

    /// How a channel of the new connection is to be set up, for those that are opened outside [`Topology::recover`].
    pub fn qos(&self, channel: u16) -> impl Iterator<Item = Qos> {
        let qos = self.channels.get(&channel).copied().unwrap_or_default();
        [(qos.global, true), (qos.each, false)]
            .into_iter()
            .filter_map(move |(count, global)| Some(Qos { channel, prefetch_count: count?, global }))
    }

    /// The queue of that name, if it was declared here.
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<&Queue> {
        self.queues.get(name)
    }

    /// The exchange of that name, if it was declared here.
    #[must_use]
    pub fn exchange(&self, name: &str) -> Option<&Exchange> {
        self.exchanges.get(name)
    }

    /// Everything on record, in the order it would be declared again.
    pub fn entities(&self) -> impl Iterator<Item = Entity> {
        let exchanges = self.exchanges.by_id.values().map(|exchange| Entity::Exchange(exchange.name.clone()));
        let queues = self.queues.by_id.values().map(|queue| Entity::Queue(queue.name.clone()));
        let bindings = self.bindings.values().map(Entity::from);
        let qos = self.channels.keys().map(|channel| Entity::Qos(*channel));
        let consumers = self.consumers.values().map(|(consumer, _)| Entity::from(consumer));
        exchanges.chain(queues).chain(bindings).chain(qos).chain(consumers)
    }

    fn end_consumers(&mut self, ends: impl Fn(&Consumer) -> bool) {
        let mut queues = Vec::new();
        self.consumers.retain(|_, (consumer, _)| {
            let stays = !ends(consumer);
            if !stays {
                queues.push(std::mem::take(&mut consumer.queue));
            }
            stays
        });
        for name in queues {
            let auto_delete = self.queues.get(&name).is_some_and(|queue| queue.auto_delete);
            if auto_delete && !self.consumers.values().any(|(consumer, _)| consumer.queue == name) {
                self.forget_queue(&name);
            }
        }
    }

    fn forget_queue(&mut self, name: &str) {
        self.queues.remove(name);
        let sources = self.remove_bindings(
            |binding| matches!(&binding.destination, Destination::Queue(queue) if queue == name),
        );
        self.evict_unused(sources);
    }

    /// Returns the sources of what was removed.
    fn remove_bindings(&mut self, goes: impl Fn(&Binding) -> bool) -> Vec<String> {
        let removed: Vec<Binding> =
            self.bindings.extract_if(.., |_, binding| goes(binding)).map(|(_, b)| b).collect();
        removed
            .into_iter()
            .map(|binding| {
                self.binding_ids.remove(&key(&binding));
                binding.source
            })
            .collect()
    }

    /// Auto-delete exchanges among these that were left without a binding go, which may leave others without one.
    fn evict_unused(&mut self, mut sources: Vec<String>) {
        while let Some(name) = sources.pop() {
            let auto_delete = self.exchanges.get(&name).is_some_and(|exchange| exchange.auto_delete);
            if auto_delete && !self.bindings.values().any(|binding| binding.source == name) {
                self.exchanges.remove(&name);
                sources.extend(self.remove_bindings(
                    |binding| matches!(&binding.destination, Destination::Exchange(exchange) if *exchange == name),
                ));
            }
        }
    }

    /// A server-named queue has a new name; bindings and consumers follow.
    fn rename_queue(&mut self, old: &str, new: &str) {
        let Some(id) = self.queues.ids.remove(old) else { return };
        self.queues.ids.insert(new.to_owned(), id);
        if let Some(queue) = self.queues.by_id.get_mut(&id) {
            new.clone_into(&mut queue.name);
        }
        for (id, binding) in &mut self.bindings {
            if matches!(&binding.destination, Destination::Queue(queue) if queue == old) {
                self.binding_ids.remove(&key(binding));
                binding.destination = Destination::Queue(new.to_owned());
                self.binding_ids.insert(key(binding), *id);
            }
        }
        for (consumer, _) in self.consumers.values_mut().filter(|(consumer, _)| consumer.queue == old) {
            new.clone_into(&mut consumer.queue);
        }
    }
}

#[cfg(test)]
mod tests;

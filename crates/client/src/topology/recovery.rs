//! Declaring it all again: exchanges, queues, bindings, then per channel QoS and consumers. One step at a time, since a queue may
//! come back under another name, and what depends on a failed step is skipped.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Destination, Entity, Failure, Id, Outcome, Qos, RecoveryReport, Rename, Step, Topology};

/// How often what a binding needs is declared once more.
const REPEATS_MAX: u32 = 3;

#[derive(Debug, Clone, Copy)]
pub(super) enum Item {
    Exchange(Id),
    Queue(Id),
    Binding(Id),
    Qos(Qos),
    Consumer(Id),
}

/// A recovery under way, see [`Topology::recover`]. The topology may change in between: what was deleted is not declared again.
#[derive(Debug)]
pub struct Recovery {
    items: VecDeque<Item>,
    current: Option<Item>,
    /// So many at the front were counted before.
    repeated: usize,
    /// Of the binding that is being tried.
    repeats: u32,
    failed: HashSet<Destination>,
    failed_channels: HashMap<u16, String>,
    later: VecDeque<Item>,
    waited_for: HashSet<Destination>,
    lost: bool,
    report: RecoveryReport,
}

impl Topology {
    /// Begins to declare everything again.
    #[must_use]
    pub fn recover(&self) -> Recovery {
        let mut items: VecDeque<Item> = self.exchanges.by_id.keys().map(|id| Item::Exchange(*id)).collect();
        items.extend(self.queues.by_id.keys().map(|id| Item::Queue(*id)));
        items.extend(self.bindings.keys().map(|id| Item::Binding(*id)));
        for (channel, qos) in &self.channels {
            let set = |prefetch_count, global| Item::Qos(Qos { channel: *channel, prefetch_count, global });
            items.extend(qos.global.map(|count| set(count, true)));
            let mut each = None;
            // Each consumer keeps the count it began with, so the count is set as often as it changed between them.
            for (id, (_, count)) in self.consumers.iter().filter(|(_, (c, _))| c.channel == *channel) {
                let wanted = count.or(each.map(|_| 0));
                if wanted != each {
                    items.extend(wanted.map(|count| set(count, false)));
                    each = wanted;
                }
                items.push_back(Item::Consumer(*id));
            }
            if qos.each != each {
                items.extend(qos.each.map(|count| set(count, false)));
            }
        }
        let bare =
            self.consumers.iter().filter(|(_, (consumer, _))| !self.channels.contains_key(&consumer.channel));
        items.extend(bare.map(|(id, _)| Item::Consumer(*id)));
        let (failed, failed_channels) = (HashSet::new(), HashMap::new());
        Recovery {
            items,
            current: None,
            repeated: 0,
            repeats: 0,
            failed,
            failed_channels,
            later: VecDeque::new(),
            waited_for: HashSet::new(),
            lost: false,
            report: RecoveryReport::default(),
        }
    }
}

impl Recovery {
    /// The next step; the same one again until [`Recovery::done`] says what came of it.
    pub fn next<'a>(&mut self, topology: &'a Topology) -> Option<Step<'a>> {
        while self.current.is_none() {
            let Some(item) = self.items.pop_front() else {
                self.report.complete = !self.lost && self.later.is_empty();
                return None;
            };
            if self.has_to_wait(topology, item) {
                self.later.push_back(item);
                continue;
            }
            match self.missing(topology, item) {
                Some(reason) => {
                    let Some(entity) = entity(topology, item) else { continue };
                    self.report.failures.push(Failure { entity, reason, skipped: true });
                }
                None => self.current = step(topology, item).map(|_| item),
            }
        }
        let step = self.current.and_then(|item| step(topology, item));
        if step.is_none() {
            // Deleted between two calls.
            self.current = None;
            return self.next(topology);
        }
        step
    }

    /// Says what came of the last step.
    pub fn done(&mut self, topology: &mut Topology, outcome: Outcome) {
        let Some(item) = self.current.take() else { return };
        let again = matches!(outcome, Outcome::Gone(_)) && self.repeat(topology, item);
        let is_new = self.repeated == 0;
        self.repeated = self.repeated.saturating_sub(usize::from(!again));
        if is_new && !again {
            self.repeats = 0;
        }
        match outcome {
            Outcome::Gone(_) if again => {}
            Outcome::Done => self.report.recovered += usize::from(is_new),
            Outcome::Left => {}
            Outcome::Named(new) => {
                self.report.recovered += usize::from(is_new);
                let old = match item {
                    Item::Queue(id) => topology.queues.by_id.get(&id).map(|queue| queue.name.clone()),
                    _ => None,
                };
                if let Some(old) = old.filter(|old| *old != new) {
                    topology.rename_queue(&old, &new);
                    self.report.renames.push(Rename { old, new });
                }
            }
            Outcome::Failed(reason) | Outcome::Gone(reason) => {
                let Some(entity) = entity(topology, item) else { return };
                match &entity {
                    Entity::Exchange(name) => _ = self.failed.insert(Destination::Exchange(name.clone())),
                    Entity::Queue(name) => _ = self.failed.insert(Destination::Queue(name.clone())),
                    Entity::Qos(channel) => _ = self.failed_channels.insert(*channel, entity.to_string()),
                    _ => {}
                }
                self.report.failures.push(Failure { entity, reason, skipped: false });
            }
            Outcome::Later => {
                self.report.recovered -= usize::from(!is_new).min(self.report.recovered);
                self.later.push_back(item);
                match entity(topology, item) {
                    Some(Entity::Exchange(name)) => _ = self.waited_for.insert(Destination::Exchange(name)),
                    Some(Entity::Queue(name)) => _ = self.waited_for.insert(Destination::Queue(name)),
                    _ => {}
                }
            }
            Outcome::Lost => {
                self.items.clear();
                self.later.clear();
                self.lost = true;
            }
        }
    }

    /// Puts what a binding needs in front of it again; false if that was done often enough, or nothing of it is on record.
    fn repeat(&mut self, topology: &Topology, item: Item) -> bool {
        let Item::Binding(id) = item else { return false };
        let Some(binding) = topology.bindings.get(&id).filter(|_| self.repeats < REPEATS_MAX) else {
            return false;
        };
        let exchange = |name: &String| topology.exchanges.ids.get(name).copied().map(Item::Exchange);
        let destination = match &binding.destination {
            Destination::Exchange(name) => exchange(name),
            // One that the broker names would be another one.
            Destination::Queue(name) if topology.queue(name).is_some_and(|queue| queue.server_named) => None,
            Destination::Queue(name) => topology.queues.ids.get(name).copied().map(Item::Queue),
        };
        let needed: Vec<_> = exchange(&binding.source).into_iter().chain(destination).collect();
        if needed.is_empty() {
            return false;
        }
        self.repeats += 1;
        self.repeated = needed.len();
        self.items.push_front(item);
        needed.into_iter().rev().for_each(|item| self.items.push_front(item));
        true
    }

    /// Whether something waits for [`Recovery::resume`].
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.later.is_empty()
    }

    /// What was put off is next.
    pub fn resume(&mut self) {
        self.waited_for.clear();
        self.items.append(&mut self.later);
    }

    /// What became of it so far.
    #[must_use]
    pub fn report(&self) -> &RecoveryReport {
        &self.report
    }

    /// What became of it all.
    #[must_use]
    pub fn finish(self) -> RecoveryReport {
        self.report
    }

    fn has_to_wait(&self, topology: &Topology, item: Item) -> bool {
        if self.waited_for.is_empty() {
            return false;
        }
        let waits = |needed: Destination| self.waited_for.contains(&needed);
        match item {
            Item::Binding(id) => topology.bindings.get(&id).is_some_and(|binding| {
                waits(Destination::Exchange(binding.source.clone())) || waits(binding.destination.clone())
            }),
            Item::Consumer(id) => topology
                .consumers
                .get(&id)
                .is_some_and(|(consumer, _)| waits(Destination::Queue(consumer.queue.clone()))),
            _ => false,
        }
    }

    /// What the item depends on and is missing.
    fn missing(&self, topology: &Topology, item: Item) -> Option<String> {
        let failed = |needed: Destination| {
            self.failed.contains(&needed).then(|| match needed {
                Destination::Queue(name) => format!("needs queue '{name}', which could not be declared"),
                Destination::Exchange(name) => {
                    format!("needs exchange '{name}', which could not be declared")
                }
            })
        };
        match item {
            Item::Binding(id) => {
                let binding = topology.bindings.get(&id)?;
                failed(Destination::Exchange(binding.source.clone()))
                    .or_else(|| failed(binding.destination.clone()))
            }
            Item::Consumer(id) => {
                let (consumer, _) = topology.consumers.get(&id)?;
                let channel = self.failed_channels.get(&consumer.channel);
                let channel = channel.map(|entity| format!("needs {entity}, which could not be set"));
                failed(Destination::Queue(consumer.queue.clone())).or(channel)
            }
            _ => None,
        }
    }
}

fn entity(topology: &Topology, item: Item) -> Option<Entity> {
    match item {
        Item::Exchange(id) => {
            topology.exchanges.by_id.get(&id).map(|exchange| Entity::Exchange(exchange.name.clone()))
        }
        Item::Queue(id) => topology.queues.by_id.get(&id).map(|queue| Entity::Queue(queue.name.clone())),
        Item::Binding(id) => topology.bindings.get(&id).map(Entity::from),
        Item::Qos(qos) => Some(Entity::Qos(qos.channel)),
        Item::Consumer(id) => topology.consumers.get(&id).map(|(consumer, _)| Entity::from(consumer)),
    }
}

pub(super) fn step(topology: &Topology, item: Item) -> Option<Step<'_>> {
    match item {
        Item::Exchange(id) => topology.exchanges.by_id.get(&id).map(Step::DeclareExchange),
        Item::Queue(id) => topology.queues.by_id.get(&id).map(|queue| Step::DeclareQueue {
            name: if queue.server_named { "" } else { &queue.name },
            queue,
        }),
        Item::Binding(id) => topology.bindings.get(&id).map(|binding| {
            let (source, routing_key, arguments) =
                (&*binding.source, &*binding.routing_key, &binding.arguments);
            match &binding.destination {
                Destination::Queue(queue) => Step::BindQueue { queue, source, routing_key, arguments },
                Destination::Exchange(destination) => {
                    Step::BindExchange { destination, source, routing_key, arguments }
                }
            }
        }),
        Item::Qos(qos) => topology.channels.contains_key(&qos.channel).then_some(Step::Qos(qos)),
        Item::Consumer(id) => topology.consumers.get(&id).map(|(consumer, _)| Step::Consume(consumer)),
    }
}

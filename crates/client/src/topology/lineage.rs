//! What leads to one queue.

use std::collections::BTreeSet;

use super::Step;
use super::recovery::{Item, step};
use super::{Destination, Topology};

impl Topology {
    /// What brings a queue back that went with its connection or its last consumer: exchanges that lead to it, itself, bindings. Nothing
    /// for a queue that stays until it is deleted, for one the broker names, and for one that is not on record.
    pub fn leading_to(&self, queue: &str) -> Vec<Step<'_>> {
        let goes_by_itself = |queue: &&super::Queue| queue.exclusive || queue.auto_delete;
        if self.queue(queue).filter(goes_by_itself).is_none_or(|queue| queue.server_named) {
            return Vec::new();
        }
        let (mut exchanges, mut bindings) = (BTreeSet::new(), BTreeSet::new());
        let mut reached = vec![Destination::Queue(queue.to_owned())];
        while let Some(destination) = reached.pop() {
            for (id, binding) in self.bindings.iter().filter(|(_, b)| b.destination == destination) {
                bindings.insert(*id);
                if let Some(exchange) = self.exchanges.ids.get(&binding.source)
                    && exchanges.insert(*exchange)
                {
                    reached.push(Destination::Exchange(binding.source.clone()));
                }
            }
        }
        let exchanges = exchanges.into_iter().map(Item::Exchange);
        let queue = self.queues.ids.get(queue).copied().map(Item::Queue);
        let bindings = bindings.into_iter().map(Item::Binding);
        exchanges.chain(queue).chain(bindings).filter_map(|item| step(self, item)).collect()
    }
}

//! Removing queues, exchanges and bindings, and what goes with them.
//!
//! A binding goes with either of its ends, and an auto-delete exchange goes with the last binding it is the source of, which may
//! remove further bindings, and so on.

use std::sync::Arc;

use super::bindings::route_of;
use super::{Binding, Topology};
use crate::exchange::Target;
use crate::name::Name;

/// What went.
#[derive(Debug, Clone, Default)]
pub struct Removed {
    /// Exchanges: the one asked for, if it was one, then those that were to go with their last binding.
    pub exchanges: Vec<Name>,
    /// All bindings that are no more, except queues' own from the default exchange.
    pub bindings: Vec<Arc<Binding>>,
}

impl<Q: Clone> Topology<Q> {
    /// Removes a queue and its bindings. The time it takes depends on the number of its own bindings only.
    pub fn remove_queue(&mut self, name: &str) -> Option<(Q, Removed)> {
        let (place, entry) = self.queues.remove(name)?;
        self.epoch += 1;
        let mut removed = Removed::default();
        let mut unused = Vec::new();
        for binding in entry.incoming {
            unused.extend(self.detach_from_source(&binding, Target::queue(place)));
            removed.bindings.push(binding);
        }
        self.remove_unused(unused, &mut removed);
        Some((entry.handle, removed))
    }

    /// Removes an exchange, whatever its name, with all bindings from and to it.
    pub(crate) fn remove_exchange(&mut self, name: &str) -> Removed {
        let mut removed = Removed::default();
        self.remove_unused(vec![name.into()], &mut removed);
        removed
    }

    pub(super) fn remove_binding(&mut self, binding: Arc<Binding>) -> Removed {
        self.epoch += 1;
        let mut removed = Removed::default();
        let target = self.target(binding.destination());
        if let Some(incoming) = self.incoming_mut(binding.destination()) {
            incoming.remove(&binding);
        }
        let unused = target.and_then(|target| self.detach_from_source(&binding, target));
        removed.bindings.push(binding);
        self.remove_unused(unused.into_iter().collect(), &mut removed);
        removed
    }

    /// Removes these exchanges, and those that have to go because of it.
    fn remove_unused(&mut self, mut unused: Vec<Name>, removed: &mut Removed) {
        while let Some(name) = unused.pop() {
            let Some((place, exchange)) = self.exchanges.remove(&name) else { continue };
            self.epoch += 1;
            self.orphans.extend(self.timetables.remove(&place));
            self.orphans.extend(self.gates.remove(&place).map(|(gate, _)| gate));
            removed.exchanges.push(name);
            for binding in exchange.outgoing {
                if let Some(incoming) = self.incoming_mut(binding.destination()) {
                    incoming.remove(&binding);
                }
                removed.bindings.push(binding);
            }
            // One that led from the exchange to itself went above.
            for binding in exchange.incoming.into_iter().filter(|binding| *binding.source() != exchange.name)
            {
                unused.extend(self.detach_from_source(&binding, Target::exchange(place)));
                removed.bindings.push(binding);
            }
        }
    }

    /// Takes the binding away from its source; gives that one's name back if it has to go now.
    fn detach_from_source(&mut self, binding: &Arc<Binding>, target: Target) -> Option<Name> {
        let source = self.exchanges.get_mut(binding.source())?;
        if source.outgoing.remove(binding) {
            source.router.unbind(route_of(binding, target));
        }
        (source.auto_delete && source.outgoing.is_empty()).then(|| source.name.clone())
    }
}

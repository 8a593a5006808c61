//! Making, removing and listing bindings.

use std::sync::Arc;

use leveret_protocol::FieldTable;

use super::exchanges::check_not_default;
use super::{Binding, BindingRef, Bindings, Destination, Removed, Topology};
use crate::exchange::{Route, Target, check_binding};
use crate::refusal::Refusal;

impl<Q: Clone> Topology<Q> {
    /// Binds a queue or exchange to an exchange; gives back whether the binding is new.
    ///
    /// # Errors
    /// 403 when one end is the default exchange; 404 when one does not exist, the source named first; 406 when the exchange's
    /// type cannot have the binding.
    pub fn bind(
        &mut self,
        source: &str,
        destination: Destination,
        key: &[u8],
        arguments: FieldTable,
    ) -> Result<bool, Refusal> {
        check_ends(source, &destination)?;
        let exchange = self.exchanges.get(source).ok_or_else(|| self.no_exchange(source))?;
        let target = self.target(&destination).ok_or_else(|| self.no_destination(&destination))?;
        let binding = Arc::new(Binding::new(exchange.name.clone(), destination, key, arguments));
        if exchange.outgoing.contains(&binding) {
            return Ok(false);
        }
        check_binding(exchange.routing_kind, key, binding.arguments())?;
        if let Some(exchange) = self.exchanges.get_mut(source) {
            exchange.router.bind(route_of(&binding, target));
            exchange.outgoing.insert(binding.clone());
        }
        if let Some(incoming) = self.incoming_mut(binding.destination()) {
            incoming.insert(binding);
        }
        self.epoch += 1;
        Ok(true)
    }

    /// Refuses what [`bind`](Self::bind) would refuse; binds nothing.
    pub(crate) fn check_bind(
        &self,
        source: &str,
        destination: &Destination,
        key: &[u8],
        arguments: &FieldTable,
    ) -> Result<(), Refusal> {
        check_ends(source, destination)?;
        let exchange = self.exchanges.get(source).ok_or_else(|| self.no_exchange(source))?;
        self.target(destination).ok_or_else(|| self.no_destination(destination))?;
        check_binding(exchange.routing_kind, key, arguments)
    }

    /// The binding that these would be, if there is it.
    pub(crate) fn binding(
        &self,
        source: &str,
        destination: &Destination,
        key: &[u8],
        arguments: &FieldTable,
    ) -> Option<&Arc<Binding>> {
        let exchange = self.exchanges.get(source)?;
        let wanted = Binding::new(exchange.name.clone(), destination.clone(), key, arguments.clone());
        exchange.outgoing.get(&wanted)
    }

    /// Removes a binding. `None` when there is no such binding, or no such exchange or queue, which is no error.
    ///
    /// # Errors
    /// 403 when one end is the default exchange.
    pub fn unbind(
        &mut self,
        source: &str,
        destination: &Destination,
        key: &[u8],
        arguments: &FieldTable,
    ) -> Result<Option<Removed>, Refusal> {
        check_ends(source, destination)?;
        let Some(exchange) = self.exchanges.get(source) else { return Ok(None) };
        let wanted = Binding::new(exchange.name.clone(), destination.clone(), key, arguments.clone());
        let Some(binding) = exchange.outgoing.get(&wanted).cloned() else { return Ok(None) };
        Ok(Some(self.remove_binding(binding)))
    }

    /// Every binding, those from the default exchange included, in no particular order.
    pub fn bindings(&self) -> impl Iterator<Item = BindingRef<'_>> {
        let made = self.exchanges.iter().flat_map(|exchange| &exchange.outgoing);
        self.default_bindings().chain(made.map(|binding| BindingRef::from(&**binding)))
    }

    /// The bindings from an exchange; those of the default exchange when the name is empty.
    pub fn bindings_from(&self, source: &str) -> impl Iterator<Item = BindingRef<'_>> {
        let default = source.is_empty().then(|| self.default_bindings()).into_iter().flatten();
        let made = self.exchanges.get(source).into_iter().flat_map(|exchange| &exchange.outgoing);
        default.chain(made.map(|binding| BindingRef::from(&**binding)))
    }

    /// The bindings to a queue or exchange, a queue's one from the default exchange included.
    pub fn bindings_to(&self, destination: &Destination) -> impl Iterator<Item = BindingRef<'_>> {
        let (implicit, incoming) = match destination {
            Destination::Queue(name) => {
                let entry = self.queues.get(name);
                (entry.map(|entry| &entry.destination), entry.map(|entry| &entry.incoming))
            }
            Destination::Exchange(name) => {
                (None, self.exchanges.get(name).map(|exchange| &exchange.incoming))
            }
        };
        let made = incoming.into_iter().flatten();
        implicit.map(BindingRef::implicit).into_iter().chain(made.map(|binding| BindingRef::from(&**binding)))
    }

    fn default_bindings(&self) -> impl Iterator<Item = BindingRef<'_>> {
        self.queues.iter().map(|entry| BindingRef::implicit(&entry.destination))
    }

    pub(super) fn target(&self, destination: &Destination) -> Option<Target> {
        match destination {
            Destination::Queue(name) => self.queues.place(name).map(Target::queue),
            Destination::Exchange(name) => self.exchanges.place(name).map(Target::exchange),
        }
    }

    pub(super) fn incoming_mut(&mut self, destination: &Destination) -> Option<&mut Bindings> {
        match destination {
            Destination::Queue(name) => self.queues.get_mut(name).map(|entry| &mut entry.incoming),
            Destination::Exchange(name) => {
                self.exchanges.get_mut(name).map(|exchange| &mut exchange.incoming)
            }
        }
    }

    fn no_destination(&self, destination: &Destination) -> Refusal {
        match destination {
            Destination::Queue(name) => Refusal::NoQueue { queue: name.clone(), vhost: self.vhost.clone() },
            Destination::Exchange(name) => self.no_exchange(name),
        }
    }
}

pub(super) fn route_of(binding: &Binding, target: Target) -> Route<'_> {
    Route {
        key: binding.key(),
        arguments: binding.arguments(),
        target,
        target_name: binding.destination().name(),
    }
}

fn check_ends(source: &str, destination: &Destination) -> Result<(), Refusal> {
    check_not_default(source)?;
    match destination {
        Destination::Exchange(name) => check_not_default(name),
        Destination::Queue(_) => Ok(()),
    }
}

//! Binding and unbinding.

use super::{Actor, VirtualHost, changes};
use crate::definitions::stored;
use crate::exchange::Publication;
use crate::name::{Name, ResourceKind};
use crate::queue::Queue;
use crate::queue::state::Outcome;
use crate::refusal::{Permission, Refusal};
use crate::topology::{Destination, Topology};
use leveret_protocol::FieldTable;
use leveret_store::Batch;
use std::sync::Arc;

/// One binding.
#[derive(Debug, Clone)]
pub struct BindSpec {
    /// Exchange the messages come from.
    pub source: Name,
    /// Where they go.
    pub destination: Destination,
    /// Binding key; any bytes, at most 255.
    pub key: Vec<u8>,
    /// Arguments.
    pub arguments: FieldTable,
}

/// Binds, and leaves in the batch what is to last. Whether the binding is new.
pub(super) fn bind(
    topology: &mut Topology<Arc<Queue>>,
    vhost: &str,
    spec: BindSpec,
    batch: &mut Batch,
) -> Result<bool, Refusal> {
    let BindSpec { source, destination, key, arguments } = spec;
    let new = topology.bind(&source, destination.clone(), &key, arguments.clone())?;
    if new
        && let Some(binding) = topology.binding(&source, &destination, &key, &arguments)
        && changes::is_lasting_binding(topology, binding)
    {
        stored::put_binding(batch, vhost, binding);
    }
    Ok(new)
}

impl VirtualHost {
    /// `queue.bind` and `exchange.bind`. Binding what is bound already changes nothing.
    ///
    /// # Errors
    /// No permission, no such entity, the default exchange, arguments the exchange type refuses.
    pub fn bind(&self, actor: &Actor, spec: BindSpec) -> Result<(), Refusal> {
        self.check_binding(actor, &spec)?;
        self.check_store(true)?;
        let bound = self.change(|t, batch| {
            // (An exclusive queue is locked for what could be bound otherwise, as in RabbitMQ.)
            t.check_bind(&spec.source, &spec.destination, &spec.key, &spec.arguments)?;
            check_owner(t, actor, &spec.destination)?;
            let new = bind(t, self.name(), spec.clone(), batch)?;
            let binding = t.binding(&spec.source, &spec.destination, &spec.key, &spec.arguments).cloned();
            Ok(binding.filter(|_| new).map(|binding| {
                // Under the lock: nothing that is published from now on comes before it.
                let entered = self.hand_on_history(t, &spec.source, &spec.destination);
                (binding, entered)
            }))
        })?;
        let Some((binding, entered)) = bound else { return Ok(()) };
        entered.into_iter().for_each(|(queue, outcome)| queue.carry_out(outcome));
        self.binding_created(&binding, Some(actor));
        Ok(())
    }

    /// Messages an exchange kept enter what was bound to it; what this leads to is to be carried out without a lock.
    fn hand_on_history(
        &self,
        topology: &Topology<Arc<Queue>>,
        source: &str,
        destination: &Destination,
    ) -> Vec<(Arc<Queue>, Outcome)> {
        let Some(history) = topology.history(source) else { return Vec::new() };
        let now_ms = self.clock().now_ms();
        let mut entered = Vec::new();
        for message in history.messages() {
            let mut targets = Vec::new();
            match destination {
                Destination::Queue(name) => targets.extend(topology.queue(name).cloned()),
                Destination::Exchange(name) => {
                    let (routing_key, properties) = (message.routing_key(), message.properties());
                    let publication = Publication::new(name, routing_key, properties);
                    if let Ok(info) = topology.route(&publication, &mut targets) {
                        info.keep(&message, self.memory());
                    }
                }
            }
            entered.extend(targets.into_iter().map(|queue| {
                let outcome = queue.take_in(message.clone(), now_ms);
                (queue, outcome)
            }));
        }
        entered
    }

    /// `queue.unbind` and `exchange.unbind`. A missing binding is unbound already.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn unbind(&self, actor: &Actor, spec: BindSpec) -> Result<(), Refusal> {
        self.check_binding(actor, &spec)?;
        self.check_store(true)?;
        let gone = self.change(|t, batch| {
            let known = t.binding(&spec.source, &spec.destination, &spec.key, &spec.arguments);
            if known.is_some() {
                check_owner(t, actor, &spec.destination)?;
            }
            let lasting = known.is_some_and(|binding| changes::is_lasting_binding(t, binding));
            let gone = t.unbind(&spec.source, &spec.destination, &spec.key, &spec.arguments)?;
            if let Some(gone) = gone.as_ref().filter(|gone| lasting || !gone.exchanges.is_empty()) {
                changes::removed(batch, self.name(), gone);
            }
            Ok::<_, Refusal>(gone)
        })?;
        gone.iter().for_each(|gone| self.removed(gone));
        Ok(())
    }

    fn check_binding(&self, actor: &Actor, spec: &BindSpec) -> Result<(), Refusal> {
        let (kind, name) = (spec.destination.kind(), spec.destination.name());
        self.permit(actor, kind, name, Permission::Write)?;
        if spec.source.is_empty() || (kind == ResourceKind::Exchange && name.is_empty()) {
            return Err(Refusal::DefaultExchange);
        }
        self.permit(actor, ResourceKind::Exchange, &spec.source, Permission::Read)?;
        self.check_topic(actor, &spec.source, &spec.key, Permission::Read)
    }
}

/// Refuses another connection's exclusive queue.
fn check_owner(
    topology: &Topology<Arc<Queue>>,
    actor: &Actor,
    destination: &Destination,
) -> Result<(), Refusal> {
    match destination {
        Destination::Queue(name) => {
            topology.queue(name).map_or(Ok(()), |queue| queue.check_owner(actor.connection))
        }
        Destination::Exchange(_) => Ok(()),
    }
}

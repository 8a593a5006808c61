//! Binding and unbinding.

use super::{Actor, VirtualHost, changes};
use crate::definitions::stored;
use crate::name::{Name, ResourceKind};
use crate::queue::Queue;
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

/// Binds, and leaves in the batch what is to last.
pub(super) fn bind(
    topology: &mut Topology<Arc<Queue>>,
    vhost: &str,
    spec: BindSpec,
    batch: &mut Batch,
) -> Result<(), Refusal> {
    let BindSpec { source, destination, key, arguments } = spec;
    if topology.bind(&source, destination.clone(), &key, arguments.clone())?
        && let Some(binding) = topology.binding(&source, &destination, &key, &arguments)
        && changes::is_lasting_binding(topology, binding)
    {
        stored::put_binding(batch, vhost, binding);
    }
    Ok(())
}

impl VirtualHost {
    /// `queue.bind` and `exchange.bind`. Binding what is bound already changes nothing.
    ///
    /// # Errors
    /// No permission, no such entity, the default exchange, arguments the exchange type refuses.
    pub fn bind(&self, actor: &Actor, spec: BindSpec) -> Result<(), Refusal> {
        self.check_binding(actor, &spec)?;
        self.check_store(true)?;
        self.change(|t, batch| bind(t, self.name(), spec, batch))
    }

    /// `queue.unbind` and `exchange.unbind`. A missing binding is unbound already.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn unbind(&self, actor: &Actor, spec: BindSpec) -> Result<(), Refusal> {
        self.check_binding(actor, &spec)?;
        self.check_store(true)?;
        self.change(|t, batch| {
            let known = t.binding(&spec.source, &spec.destination, &spec.key, &spec.arguments);
            let lasting = known.is_some_and(|binding| changes::is_lasting_binding(t, binding));
            let gone = t.unbind(&spec.source, &spec.destination, &spec.key, &spec.arguments)?;
            if let Some(gone) = gone.filter(|gone| lasting || !gone.exchanges.is_empty()) {
                changes::removed(batch, self.name(), &gone);
            }
            Ok(())
        })
    }

    fn check_binding(&self, actor: &Actor, spec: &BindSpec) -> Result<(), Refusal> {
        let (kind, name) = (spec.destination.kind(), spec.destination.name());
        self.permit(actor, kind, name, Permission::Write)?;
        if spec.source.is_empty() || (kind == ResourceKind::Exchange && name.is_empty()) {
            return Err(Refusal::DefaultExchange);
        }
        self.permit(actor, ResourceKind::Exchange, &spec.source, Permission::Read)?;
        if let Destination::Queue(name) = &spec.destination {
            match self.owned_queue(actor, name) {
                Err(Refusal::NoQueue { .. }) | Ok(_) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        self.check_topic(actor, &spec.source, &spec.key, Permission::Read)
    }
}

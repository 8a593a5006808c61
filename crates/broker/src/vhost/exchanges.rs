//! Declaring and deleting exchanges.

use super::gates::{Kept, KeptNumbers};
use super::{Actor, VirtualHost, changes};
use crate::definitions::stored;
use crate::exchange::ExchangeSpec;
use crate::name::{self, ResourceKind};
use crate::queue::Queue;
use crate::refusal::{Permission, Refusal};
use crate::topology::Topology;
use leveret_store::Batch;
use std::sync::Arc;

/// Declares, and leaves in the batch what is to last. A new exchange gets what it is to keep.
pub(super) fn declare(
    topology: &mut Topology<Arc<Queue>>,
    vhost: &str,
    spec: ExchangeSpec,
    kept: Kept,
    batch: &mut Batch,
) -> Result<bool, Refusal> {
    let lasting = spec.durable.then(|| spec.clone());
    let name = spec.name.clone();
    let created = topology.declare_exchange(spec)?;
    if let Some(spec) = lasting.filter(|_| created) {
        stored::put_exchange(batch, vhost, &spec, kept.numbers());
    }
    if created {
        kept.timetable.into_iter().for_each(|timetable| topology.set_timetable(&name, timetable));
        kept.gate.into_iter().for_each(|(gate, header)| topology.set_gate(&name, gate, &header));
    }
    Ok(created)
}

impl VirtualHost {
    /// `exchange.declare`. Says whether it is new.
    ///
    /// # Errors
    /// No permission, a reserved name, an existing exchange that differs.
    pub fn declare_exchange(self: &Arc<Self>, actor: &Actor, spec: ExchangeSpec) -> Result<bool, Refusal> {
        if spec.name.is_empty() {
            return Err(Refusal::DefaultExchange);
        }
        self.permit(actor, ResourceKind::Exchange, &spec.name, Permission::Configure)?;
        // (One that is there is only compared, as in RabbitMQ.)
        let exists = self.topology().exchange(&spec.name).is_some();
        if !exists && let Some(alternate) = spec.alternate_exchange(self.name())? {
            self.permit(actor, ResourceKind::Exchange, &spec.name, Permission::Read)?;
            self.permit(actor, ResourceKind::Exchange, &alternate, Permission::Write)?;
        }
        self.check_store(spec.durable)?;
        let kept = self.make_kept(&spec, KeptNumbers::default())?;
        let created = self.change(|topology, batch| {
            self.check_not_deleted()?;
            declare(topology, self.name(), spec.clone(), kept, batch)
        })?;
        if created {
            self.exchange_created(&spec, Some(actor));
        }
        Ok(created)
    }

    /// Passive `exchange.declare`.
    ///
    /// # Errors
    /// No such exchange.
    pub fn check_exchange(&self, exchange: &str) -> Result<(), Refusal> {
        if exchange.is_empty() {
            return Err(Refusal::DefaultExchange);
        }
        self.topology().check_exchange(exchange).map(|_| ())
    }

    /// `exchange.delete`. A missing exchange is deleted already.
    ///
    /// # Errors
    /// No permission, a pre-declared exchange, one in use with `if_unused`.
    pub fn delete_exchange(&self, actor: &Actor, exchange: &str, if_unused: bool) -> Result<(), Refusal> {
        let exchange = name::strip_line_breaks(exchange);
        if exchange.is_empty() {
            return Err(Refusal::DefaultExchange);
        }
        self.permit(actor, ResourceKind::Exchange, &exchange, Permission::Configure)?;
        let durable = self.topology().exchange(&exchange).is_some_and(|exchange| exchange.durable);
        self.check_store(durable)?;
        let gone = self.change(|topology, batch| {
            let gone = topology.delete_exchange(&exchange, if_unused)?;
            if durable || gone.exchanges.len() > 1 {
                changes::removed(batch, self.name(), &gone);
            }
            Ok::<_, Refusal>(gone)
        })?;
        self.removed(&gone);
        Ok(())
    }
}

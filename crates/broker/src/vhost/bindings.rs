//! Binding and unbinding.

use super::{Actor, VirtualHost};
use crate::name::{Name, ResourceKind};
use crate::refusal::{Permission, Refusal};
use crate::topology::Destination;
use leveret_protocol::FieldTable;

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

impl VirtualHost {
    /// `queue.bind` and `exchange.bind`. Binding what is bound already changes nothing.
    ///
    /// # Errors
    /// No permission, no such entity, the default exchange, arguments the exchange type refuses.
    pub fn bind(&self, actor: &Actor, spec: BindSpec) -> Result<(), Refusal> {
        self.check_binding(actor, &spec)?;
        self.change(|t| t.bind(&spec.source, spec.destination, &spec.key, spec.arguments)).map(|_| ())
    }

    /// `queue.unbind` and `exchange.unbind`. A missing binding is unbound already.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn unbind(&self, actor: &Actor, spec: BindSpec) -> Result<(), Refusal> {
        self.check_binding(actor, &spec)?;
        self.change(|t| t.unbind(&spec.source, &spec.destination, &spec.key, &spec.arguments)).map(|_| ())
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

//! Declaring and deleting exchanges.

use super::{Actor, VirtualHost};
use crate::exchange::ExchangeSpec;
use crate::name::{self, ResourceKind};
use crate::refusal::{Permission, Refusal};

impl VirtualHost {
    /// `exchange.declare`. Says whether it is new.
    ///
    /// # Errors
    /// No permission, a reserved name, an existing exchange that differs.
    pub fn declare_exchange(&self, actor: &Actor, spec: ExchangeSpec) -> Result<bool, Refusal> {
        if spec.name.is_empty() {
            return Err(Refusal::DefaultExchange);
        }
        self.permit(actor, ResourceKind::Exchange, &spec.name, Permission::Configure)?;
        if let Some(alternate) = spec.alternate_exchange(self.name())? {
            self.permit(actor, ResourceKind::Exchange, &spec.name, Permission::Read)?;
            self.permit(actor, ResourceKind::Exchange, &alternate, Permission::Write)?;
        }
        self.change(|topology| topology.declare_exchange(spec))
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
        self.change(|topology| topology.delete_exchange(&exchange, if_unused)).map(|_| ())
    }
}

//! Declaration and deletion of exchanges.

use super::{Bindings, Exchange, Removed, Topology, policies};
use crate::equivalence::Entity;
use crate::exchange::{ALTERNATE_EXCHANGE, DEDUP_ARGUMENTS, ExchangeSpec, History, Router};
use crate::name::{ResourceKind, check_not_reserved, is_reserved};
use crate::policy::Kinds;
use crate::refusal::Refusal;
use std::sync::Arc;

impl<Q: Clone> Topology<Q> {
    /// Declares an exchange; gives back whether it was created.
    ///
    /// # Errors
    /// 403 for the default exchange, and for a name with the prefix `amq.` that does not exist; 406 when it exists with other
    /// properties, or an argument is unacceptable.
    pub fn declare_exchange(&mut self, spec: ExchangeSpec) -> Result<bool, Refusal> {
        check_not_default(&spec.name)?;
        if let Some(existing) = self.exchanges.get(&spec.name) {
            return self.check_equivalent(existing, &spec).map(|()| false);
        }
        check_not_reserved(ResourceKind::Exchange, &spec.name)?;
        self.add_exchange(spec).map(|()| true)
    }

    /// Finds an exchange by name, as a passive declaration does. It compares nothing.
    ///
    /// # Errors
    /// 403 for the default exchange, 404 when there is no such exchange.
    pub fn check_exchange(&self, name: &str) -> Result<&Exchange, Refusal> {
        check_not_default(name)?;
        self.exchange(name).ok_or_else(|| self.no_exchange(name))
    }

    /// Finds an exchange by name, the default exchange too.
    pub fn exchange(&self, name: &str) -> Option<&Exchange> {
        self.exchanges.get(name)
    }

    /// The messages an exchange keeps for whatever is bound to it.
    pub(crate) fn history(&self, name: &str) -> Option<&Arc<History>> {
        self.exchange(name)?.router.history()
    }

    /// Finds the exchange a client publishes to.
    ///
    /// # Errors
    /// 404 when there is no such exchange, 403 when it is internal.
    pub fn check_publishable(&self, name: &str) -> Result<&Exchange, Refusal> {
        let exchange = self.exchange(name).ok_or_else(|| self.no_exchange(name))?;
        if exchange.internal {
            let (exchange, vhost) = (exchange.name.clone(), self.vhost.clone());
            return Err(Refusal::InternalExchange { exchange, vhost });
        }
        Ok(exchange)
    }

    /// Deletes an exchange with all bindings from and to it. One that does not exist is no error.
    ///
    /// # Errors
    /// 403 for the default exchange and names with the prefix `amq.`; 406 when `if_unused` and it is the source of a binding.
    pub fn delete_exchange(&mut self, name: &str, if_unused: bool) -> Result<Removed, Refusal> {
        check_not_default(name)?;
        if is_reserved(name) {
            return Err(Refusal::SystemExchange { exchange: name.into(), vhost: self.vhost.clone() });
        }
        let in_use = self.exchanges.get(name).is_some_and(|exchange| !exchange.outgoing.is_empty());
        if if_unused && in_use {
            return Err(Refusal::InUse {
                kind: ResourceKind::Exchange,
                name: name.into(),
                vhost: self.vhost.clone(),
            });
        }
        Ok(self.remove_exchange(name))
    }

    /// Makes an exchange whose name is reserved, without arguments.
    pub(crate) fn predeclare(&mut self, spec: ExchangeSpec) {
        if self.exchange(&spec.name).is_none() {
            // There are no arguments that could be refused.
            let _ = self.add_exchange(spec);
        }
    }

    /// Whether something is bound to an exchange.
    pub(crate) fn is_bound_from(&self, name: &str) -> bool {
        self.exchange(name).is_some_and(|exchange| !exchange.outgoing.is_empty())
    }

    pub(super) fn add_exchange(&mut self, spec: ExchangeSpec) -> Result<(), Refusal> {
        let argument = spec.alternate_exchange(&self.vhost)?;
        let policies = self.policies.applied(Kinds::EXCHANGE, &spec.name);
        let alternate = argument.or_else(|| policies.text(ALTERNATE_EXCHANGE).map(Into::into));
        spec.deduplication(&self.vhost)?;
        let router = Router::new(&spec, &self.vhost)?;
        let exchange = Exchange {
            name: spec.name.clone(),
            kind: spec.kind,
            routing_kind: spec.routing_kind()?,
            durable: spec.durable,
            auto_delete: spec.auto_delete,
            internal: spec.internal,
            arguments: spec.arguments,
            delay_ms: policies::delay_ms(&spec.name, &policies),
            policies,
            alternate,
            router,
            figures: Arc::default(),
            outgoing: Bindings::default(),
            incoming: Bindings::default(),
        };
        self.exchanges.insert(spec.name, exchange);
        self.epoch += 1;
        Ok(())
    }

    pub(super) fn no_exchange(&self, name: &str) -> Refusal {
        Refusal::NoExchange { exchange: name.into(), vhost: self.vhost.clone() }
    }

    /// Compares as RabbitMQ does: of the arguments, only the alternate exchange; and those that drop duplicates.
    fn check_equivalent(&self, existing: &Exchange, spec: &ExchangeSpec) -> Result<(), Refusal> {
        let entity = Entity { kind: ResourceKind::Exchange, name: &existing.name, vhost: &self.vhost };
        entity.check_property("type", existing.kind, spec.kind)?;
        entity.check_property("durable", existing.durable, spec.durable)?;
        entity.check_property("auto_delete", existing.auto_delete, spec.auto_delete)?;
        entity.check_property("internal", existing.internal, spec.internal)?;
        entity.check_argument(ALTERNATE_EXCHANGE, &existing.arguments, &spec.arguments)?;
        DEDUP_ARGUMENTS
            .iter()
            .try_for_each(|arg| entity.check_argument(arg, &existing.arguments, &spec.arguments))
    }
}

pub(super) fn check_not_default(exchange: &str) -> Result<(), Refusal> {
    if exchange.is_empty() { Err(Refusal::DefaultExchange) } else { Ok(()) }
}

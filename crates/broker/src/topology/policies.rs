//! Policies of exchanges. (Those of queues are the queues' own.)

use super::{Exchange, Topology};
use crate::exchange::ALTERNATE_EXCHANGE;
use crate::name::{Name, is_reserved};
use crate::policy::{Applied, Kinds, PolicySet};
use std::sync::Arc;

/// The delay that policies put on all messages of an exchange. Not on those of pre-declared ones, which have no record in the store that
/// would lead back to what they hold.
pub(super) fn delay_ms(name: &str, applied: &Applied) -> u64 {
    if is_reserved(name) || name.is_empty() { 0 } else { applied.number("delay").unwrap_or(0) }
}

impl<Q: Clone> Topology<Q> {
    /// The policies of the virtual host.
    pub(crate) fn policies(&self) -> &Arc<PolicySet> {
        &self.policies
    }

    /// The exchanges to which other policies would apply.
    pub(crate) fn exchanges_changed_by(&self, policies: &PolicySet) -> Vec<(Name, Applied)> {
        let changed = |exchange: &Exchange| {
            let applied = policies.applied(Kinds::EXCHANGE, &exchange.name);
            (!applied.is_same(&exchange.policies)).then(|| (exchange.name.clone(), applied))
        };
        self.exchanges.iter().filter_map(changed).collect()
    }

    /// Puts other policies in force, which change these exchanges.
    pub(crate) fn set_policies(&mut self, policies: Arc<PolicySet>, changed: Vec<(Name, Applied)>) {
        self.policies = policies;
        for (name, applied) in changed {
            let Some(exchange) = self.exchanges.get_mut(&name) else { continue };
            if exchange.arguments.get(ALTERNATE_EXCHANGE).is_none() {
                exchange.alternate = applied.text(ALTERNATE_EXCHANGE).map(Into::into);
            }
            exchange.delay_ms = delay_ms(&name, &applied);
            exchange.policies = applied;
        }
        self.epoch += 1;
    }
}

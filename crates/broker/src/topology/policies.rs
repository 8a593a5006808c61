//! Policies of exchanges. (Those of queues are the queues' own.)

use super::{Exchange, Topology};
use crate::exchange::ALTERNATE_EXCHANGE;
use crate::name::Name;
use crate::policy::{Applied, Kinds, PolicySet};
use std::sync::Arc;

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
            exchange.policies = applied;
        }
        self.epoch += 1;
    }
}

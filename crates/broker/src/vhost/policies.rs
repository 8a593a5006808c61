//! Setting and clearing policies.

use super::VirtualHost;
use crate::definitions::stored;
use crate::name::{Name, is_reserved};
use crate::policy::{Kinds, Policy, PolicyScope, PolicySet};
use crate::queue::Queue;
use crate::refusal::Refusal;
use leveret_store::Batch;
use std::sync::Arc;

impl VirtualHost {
    /// Sets a policy, or replaces the one of that name. It is in force when this returns, for entities that are there as well; that
    /// takes time in proportion to the number of queues and exchanges, so not on a thread that serves connections when they are many.
    ///
    /// # Errors
    /// [`Refusal::Validation`]: pattern, keys or values that cannot be. The store has failed, or the virtual host is deleted.
    pub fn set_policy(self: &Arc<Self>, scope: PolicyScope, policy: Policy) -> Result<(), Refusal> {
        self.check_store(true)?;
        let standing = self.stand()?;
        self.put_policies([(scope, policy.clone())], None)?;
        drop(standing);
        self.announce_policy_set(&policy);
        self.check_store(true)
    }

    /// Takes a policy away. Whether it was there.
    ///
    /// # Errors
    /// The store has failed, or the virtual host is deleted.
    pub fn clear_policy(self: &Arc<Self>, scope: PolicyScope, name: &str) -> Result<bool, Refusal> {
        self.check_store(true)?;
        let standing = self.stand()?;
        let there = self.change_policies(None, |policies, batch| {
            let there = policies.remove(scope, name);
            if there {
                stored::remove_policy(batch, self.name(), scope, name);
            }
            there
        });
        drop(standing);
        if there {
            self.announce_policy_cleared(scope, name);
        }
        self.check_store(true).map(|()| there)
    }

    /// A policy.
    pub fn policy(&self, scope: PolicyScope, name: &str) -> Option<Policy> {
        self.policy_set().get(scope, name).cloned()
    }

    /// The policies of a scope, the highest priority first.
    pub fn policies(&self, scope: PolicyScope) -> Vec<Policy> {
        self.policy_set().list(scope).cloned().collect()
    }

    /// Whether policies put a delay on the messages of an exchange of this name.
    pub(super) fn is_delayed_by_policy(&self, exchange: &Name) -> bool {
        !is_reserved(exchange)
            && self.policy_set().applied(Kinds::EXCHANGE, exchange).number("delay") > Some(0)
    }

    pub(super) fn policy_set(&self) -> Arc<PolicySet> {
        self.topology().policies().clone()
    }

    /// Sets policies, all or none. What is for the store is left in the batch, or stored if there is none.
    pub(crate) fn put_policies(
        self: &Arc<Self>,
        all: impl IntoIterator<Item = (PolicyScope, Policy)>,
        batch: Option<&mut Batch>,
    ) -> Result<(), Refusal> {
        let mut compiled = Vec::new();
        for (scope, policy) in all {
            compiled.push((scope, policy.compile(scope)?));
            let ignored = policy.ignored_keys();
            if !ignored.is_empty() {
                tracing::warn!(vhost = %self.name(), policy = %policy.name, keys = ?ignored,
                    "these keys of the policy do nothing here");
            }
        }
        self.change_policies(batch, |policies, batch| {
            for (scope, policy) in compiled {
                stored::put_policy(batch, self.name(), scope, policy.policy());
                policies.put(scope, policy);
            }
        });
        Ok(())
    }

    fn change_policies<R>(
        self: &Arc<Self>,
        batch: Option<&mut Batch>,
        change: impl FnOnce(&mut PolicySet, &mut Batch) -> R,
    ) -> R {
        let _alone = self.policy_changes.lock();
        let mut policies = (*self.policy_set()).clone();
        let mut own = Batch::new();
        let result = change(&mut policies, batch.unwrap_or(&mut own));
        // Before anybody sees it. Empty if the caller has the batch.
        self.shared.changes.append(self.store(), &mut own);
        let policies = Arc::new(policies);
        // Found out while others publish.
        let (changed, epoch) = {
            let topology = self.topology();
            (topology.exchanges_changed_by(&policies), topology.epoch())
        };
        let exchanges = self.change_into(&mut own, |topology, _| {
            let changed = match topology.epoch() == epoch {
                true => changed,
                false => topology.exchanges_changed_by(&policies),
            };
            let exchanges: Vec<_> = changed.iter().map(|(name, _)| name.clone()).collect();
            topology.set_policies(policies.clone(), changed);
            exchanges
        });
        self.follow_delays(&exchanges);
        self.follow_dedup(&exchanges);
        let queues: Vec<Arc<Queue>> = self.topology().queues().map(|(_, queue)| queue.clone()).collect();
        let now_ms = self.clock().now_ms();
        queues.iter().for_each(|queue| queue.apply_policies(&policies, now_ms));
        result
    }

    /// A queue that is in the topology was made with policies that are not in force any more.
    pub(super) fn catch_up_with_policies(&self, queue: &Arc<Queue>) {
        let _alone = self.policy_changes.lock();
        queue.apply_policies(&self.policy_set(), self.clock().now_ms());
    }
}

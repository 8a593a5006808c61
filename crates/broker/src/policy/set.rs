//! The policies of a virtual host, compiled and in the order in which they are asked.

use super::{Applied, Kinds, Policy, PolicyScope};
use crate::auth::Pattern;
use crate::name::Name;
use std::cmp::Reverse;
use std::sync::Arc;

/// A policy that was checked.
#[derive(Debug)]
pub(crate) struct Compiled {
    policy: Policy,
    pattern: Pattern,
    /// Entities it can apply to: those of `apply-to` for which every key has a meaning.
    kinds: Kinds,
}

impl Compiled {
    pub(super) fn new(policy: Policy, pattern: Pattern, kinds: Kinds) -> Self {
        Self { policy, pattern, kinds }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    fn applies_to(&self, kind: Kinds, name: &str) -> bool {
        self.kinds.contains(kind) && self.pattern.matches(name.as_bytes())
    }
}

/// See the module's documentation. A changed set is another set: whoever holds one sees no change.
#[derive(Debug, Clone, Default)]
pub(crate) struct PolicySet {
    user: Vec<Arc<Compiled>>,
    operator: Vec<Arc<Compiled>>,
}

impl PolicySet {
    fn of(&self, scope: PolicyScope) -> &Vec<Arc<Compiled>> {
        match scope {
            PolicyScope::User => &self.user,
            PolicyScope::Operator => &self.operator,
        }
    }

    fn of_mut(&mut self, scope: PolicyScope) -> &mut Vec<Arc<Compiled>> {
        match scope {
            PolicyScope::User => &mut self.user,
            PolicyScope::Operator => &mut self.operator,
        }
    }

    /// Adds a policy, or puts it in the place of the one of that name.
    pub(crate) fn put(&mut self, scope: PolicyScope, policy: Compiled) {
        self.remove(scope, &policy.policy.name);
        let rank = |p: &Compiled| (Reverse(p.policy.priority), p.policy.name.clone());
        let all = self.of_mut(scope);
        let at = all.partition_point(|other| rank(other) < rank(&policy));
        all.insert(at, Arc::new(policy));
    }

    /// Takes a policy out; whether it was there.
    pub(crate) fn remove(&mut self, scope: PolicyScope, name: &str) -> bool {
        let all = self.of_mut(scope);
        let before = all.len();
        all.retain(|policy| *policy.policy.name != *name);
        all.len() < before
    }

    pub(crate) fn get(&self, scope: PolicyScope, name: &str) -> Option<&Policy> {
        self.list(scope).find(|policy| *policy.name == *name)
    }

    /// Those of a scope, the highest priority first.
    pub(crate) fn list(&self, scope: PolicyScope) -> impl Iterator<Item = &Policy> {
        self.of(scope).iter().map(|policy| policy.policy())
    }

    /// The policies that apply to an entity.
    pub(crate) fn applied(&self, kind: Kinds, name: &Name) -> Applied {
        let first = |all: &Vec<Arc<Compiled>>| all.iter().find(|p| p.applies_to(kind, name)).cloned();
        Applied { user: first(&self.user), operator: first(&self.operator) }
    }
}

//! Policies: settings for all queues and exchanges whose names match, which can be changed while they are there.
//!
//! Source: RabbitMQ, "Policies" (<https://www.rabbitmq.com/docs/policies>), and what 3.10.8 answers. Of the policies of a virtual
//! host that match an entity one applies, the one with the highest priority; of the operator's policies one more.
//!
//! | file | reason to change |
//! |---|---|
//! | `keys` | what a policy can set: the table |
//! | `merge` | what counts when policies and declaration disagree |
//! | `apply_to` | the kinds of entities |
//! | `set` | the policies of a virtual host, and which of them apply |

mod apply_to;
mod keys;
mod merge;
mod set;

pub use apply_to::ApplyTo;
pub(crate) use apply_to::Kinds;
pub(crate) use set::{Compiled, PolicySet};

use crate::auth::Pattern;
use crate::name::Name;
use crate::refusal::Refusal;
use keys::{Effect, Key};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Bytes of a policy's name.
const NAME_BYTES_MAX: usize = 255;

/// Whose policy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyScope {
    /// A policy as users set them.
    User,
    /// An operator policy: it sets bounds that neither users' policies nor declarations go beyond.
    Operator,
}

/// A policy of a virtual host.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its name: unique among the policies of its scope.
    pub name: Name,
    /// A regular expression (PCRE's way of writing), looked for anywhere in an entity's name.
    pub pattern: String,
    /// The kinds of entities it is for.
    pub apply_to: ApplyTo,
    /// Of several that match the highest applies; of those with the same, the first by name.
    pub priority: i64,
    /// What it sets, by RabbitMQ's keys; see [`Policy::keys`].
    pub definition: Map<String, Value>,
}

impl Policy {
    /// Every key a policy of this scope may have, in alphabetical order.
    pub fn keys(scope: PolicyScope) -> impl Iterator<Item = &'static str> {
        keys::KEYS.iter().filter(move |key| key.is_for(scope)).map(|key| key.name)
    }

    /// Looks at pattern, keys and values.
    ///
    /// # Errors
    /// The first thing that is wrong, in RabbitMQ's words: a value that cannot be, then keys that do not exist.
    pub fn check(&self, scope: PolicyScope) -> Result<(), Refusal> {
        self.compile(scope).map(drop)
    }

    /// Keys that are taken and do nothing here.
    pub(crate) fn ignored_keys(&self) -> Vec<&str> {
        let ignored = |name: &&str| Key::find(name).is_some_and(|key| key.effect == Effect::None);
        self.definition.keys().map(String::as_str).filter(ignored).collect()
    }

    pub(crate) fn compile(&self, scope: PolicyScope) -> Result<Compiled, Refusal> {
        let pattern = match self.pattern.as_str() {
            // For permissions nothing matches nothing; here it is found everywhere.
            "" => Pattern::everything(),
            pattern => Pattern::new(pattern).map_err(|error| {
                let reason = error.reason;
                Refusal::validation(format!("pattern should be regular expression but is invalid: {reason}"))
            })?,
        };
        if self.name.len() > NAME_BYTES_MAX {
            return Err(Refusal::validation(format!("a name is longer than {NAME_BYTES_MAX} bytes")));
        }
        if self.definition.is_empty() {
            return Err(Refusal::validation("no policy provided"));
        }
        let mut kinds = self.apply_to.kinds();
        let mut unknown = Vec::new();
        let mut sorted: Vec<_> = self.definition.iter().collect();
        sorted.sort_by_key(|(name, _)| *name);
        for (name, value) in sorted {
            match Key::find(name).filter(|key| key.is_for(scope)) {
                Some(key) => {
                    key.refuse(value).map_or(Ok(()), |reason| Err(Refusal::validation(reason)))?;
                    kinds = kinds.and(key.kinds);
                }
                None => unknown.push((name, value)),
            }
        }
        if !unknown.is_empty() {
            let unknown = unknown.into_iter().map(|(name, value)| {
                let (name, value) =
                    (crate::erlang_term::binary(name.as_bytes()), crate::erlang_term::json(value));
                format!("{{{name},{value}}}")
            });
            let unknown = unknown.collect::<Vec<_>>().join(",");
            return Err(Refusal::validation(format!("[{unknown}] are not recognised policy settings")));
        }
        Ok(Compiled::new(self.clone(), pattern, kinds))
    }
}

impl Key {
    fn is_for(&self, scope: PolicyScope) -> bool {
        scope == PolicyScope::User || self.operator
    }
}

/// The policies that apply to an entity: at most one of each scope.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    user: Option<Arc<Compiled>>,
    operator: Option<Arc<Compiled>>,
}

impl Applied {
    /// The name of the policy that applies.
    pub fn policy(&self) -> Option<&Name> {
        self.user.as_ref().map(|policy| &policy.policy().name)
    }

    /// The name of the operator policy that applies.
    pub fn operator_policy(&self) -> Option<&Name> {
        self.operator.as_ref().map(|policy| &policy.policy().name)
    }

    /// Whether both are the same policies, not only ones of the same names.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same = |a: &Option<Arc<Compiled>>, b: &Option<Arc<Compiled>>| match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        same(&self.user, &other.user) && same(&self.operator, &other.operator)
    }
}

#[cfg(test)]
mod tests;

//! Several opinions on one setting: of the operator's policy, the user's policy and the declaration.
//!
//! As RabbitMQ (`rabbit_policy`, `rabbit_queue_type_util`): first the two policies become one definition, then that and the
//! arguments of the declaration become the arguments in force.

use super::keys::{Effect, KEYS, Key};
use super::{Applied, Compiled};
use crate::definitions::Arguments;
use leveret_protocol::{FieldTable, FieldValue};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Which of two values counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Merge {
    /// The smaller number.
    Smaller,
    /// The smaller limit; a negative one is none.
    SmallerLimit,
    /// The shorter time, such as `7D`.
    SmallerAge,
    /// The operator's before the user's, and that of the declaration before both.
    Declared,
}

impl Merge {
    /// Whether the value of the policy counts rather than the one it is compared with.
    fn takes(self, policy: &FieldValue, other: &FieldValue) -> bool {
        match self {
            Self::Smaller => policy.as_i64() < other.as_i64(),
            Self::SmallerLimit => limit(policy) < limit(other),
            Self::SmallerAge => age(policy) < age(other),
            Self::Declared => false,
        }
    }
}

fn limit(value: &FieldValue) -> i64 {
    value.as_i64().filter(|limit| *limit >= 0).unwrap_or(i64::MAX)
}

fn age(value: &FieldValue) -> u64 {
    value.as_str().and_then(age_seconds).unwrap_or(u64::MAX)
}

/// Seconds of a time such as `7D`: years, months, days, hours, minutes, seconds.
pub(super) fn age_seconds(text: &str) -> Option<u64> {
    let unit = match text.chars().last()? {
        'Y' => 365 * 86_400,
        'M' => 30 * 86_400,
        'D' => 86_400,
        'h' => 3_600,
        'm' => 60,
        's' => 1,
        _ => return None,
    };
    text[..text.len() - 1].parse::<u64>().ok()?.checked_mul(unit)
}

impl Applied {
    /// What both policies together say; RabbitMQ's `effective_policy_definition`.
    pub fn effective_definition(&self) -> Map<String, Value> {
        let definition = |policy: &Option<Arc<Compiled>>| match policy {
            Some(policy) => policy.policy().definition.clone(),
            None => Map::new(),
        };
        let mut all = definition(&self.user);
        for (name, operators) in definition(&self.operator) {
            let keep = all.get(&name).is_some_and(|users| !overrides(&name, &operators, users));
            if !keep {
                all.insert(name, operators);
            }
        }
        all
    }

    /// The arguments in force: those of the declaration and what the policies say.
    pub(crate) fn arguments(&self, declared: &FieldTable) -> FieldTable {
        if self.user.is_none() && self.operator.is_none() {
            return declared.clone();
        }
        let Arguments(policy) = as_arguments(self.effective_definition());
        let mut all = declared.clone();
        for key in KEYS {
            let (Effect::Argument(merge), Some(value)) = (key.effect, policy.get(key.name)) else { continue };
            let argument = format!("x-{}", key.name);
            if all.get(&argument).is_none_or(|declared| merge.takes(value, declared)) {
                all.remove(&argument);
                all.insert(argument, value.clone());
            }
        }
        all
    }

    /// What the policies say of one key that is no argument of queues.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        if self.user.is_none() && self.operator.is_none() {
            return None;
        }
        self.effective_definition().get(key).and_then(Value::as_str).map(Into::into)
    }
}

impl Applied {
    /// What the policies say of one key that is a number and no argument of queues.
    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        if self.user.is_none() && self.operator.is_none() {
            return None;
        }
        self.effective_definition().get(key).and_then(Value::as_u64)
    }
}

/// Whether the operator's value counts before the user's.
fn overrides(name: &str, operators: &Value, users: &Value) -> bool {
    match Key::find(name).map(|key| key.effect) {
        Some(Effect::Argument(Merge::Declared)) | None => true,
        Some(Effect::Argument(merge)) => {
            let as_field = |value: &Value| {
                let Arguments(table) = as_arguments(Map::from_iter([("v".into(), value.clone())]));
                table.get("v").cloned().unwrap_or(FieldValue::Void)
            };
            merge.takes(&as_field(operators), &as_field(users))
        }
        Some(_) => operators.as_i64() < users.as_i64(),
    }
}

/// Values that were checked when the policy was set.
fn as_arguments(definition: Map<String, Value>) -> Arguments {
    serde_json::from_value(Value::Object(definition)).unwrap_or_default()
}

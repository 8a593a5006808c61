//! How much one virtual host may hold. Source: RabbitMQ, "Virtual Hosts", limits.

use super::VirtualHost;
use crate::auth::User;
use crate::erlang_term;
use crate::refusal::Refusal;
use leveret_protocol::ReplyCode;
use serde_json::{Map, Value};
use std::sync::atomic::{AtomicI64, Ordering};

/// The component and name that limits have among the parameters.
pub(crate) const VHOST_LIMITS: (&str, &str) = ("vhost-limits", "limits");

const MAX_CONNECTIONS: &str = "max-connections";
const MAX_QUEUES: &str = "max-queues";

/// Limits of a virtual host; `None` is no limit, and so is a negative number in RabbitMQ's JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VhostLimits {
    /// Connections at the same time; 0 forbids connecting.
    pub connections_max: Option<u64>,
    /// Queues, exclusive ones included.
    pub queues_max: Option<u64>,
}

impl VhostLimits {
    /// Reads RabbitMQ's JSON: `{"max-connections": 10, "max-queues": -1}`.
    ///
    /// # Errors
    /// Something that is no number, or no limit, in RabbitMQ's words.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        let none = Map::new();
        let fields = match value {
            Value::Object(fields) => fields,
            // RabbitMQ writes no limits at all so.
            Value::Array(values) if values.is_empty() => &none,
            other => {
                let other = erlang_term::json(other);
                return Err(Refusal::validation(format!("limits should be an object, actually was {other}")));
            }
        };
        let mut limits = Self::default();
        let mut unknown = Vec::new();
        for (name, value) in fields {
            let limit = match name.as_str() {
                MAX_CONNECTIONS => &mut limits.connections_max,
                MAX_QUEUES => &mut limits.queues_max,
                _ => {
                    unknown.push(format!(
                        "{{{},{}}}",
                        erlang_term::binary(name.as_bytes()),
                        erlang_term::json(value)
                    ));
                    continue;
                }
            };
            let Some(number) = value.as_i64() else {
                let value = erlang_term::json(value);
                return Err(Refusal::validation(format!("{name} should be a number, actually was {value}")));
            };
            *limit = u64::try_from(number).ok();
        }
        match unknown.as_slice() {
            [] => Ok(limits),
            _ => Err(Refusal::validation(format!("Unrecognised terms [{}] in limits", unknown.join(",")))),
        }
    }

    /// Writes RabbitMQ's JSON; a limit that is not set is left out.
    pub fn to_json(self) -> Value {
        let fields = [(MAX_CONNECTIONS, self.connections_max), (MAX_QUEUES, self.queues_max)];
        Value::Object(
            fields.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?.into()))).collect(),
        )
    }
}

/// The limits in force, to be looked at without a lock; negative for none.
#[derive(Debug)]
pub(super) struct LimitsInForce {
    connections: AtomicI64,
    queues: AtomicI64,
}

impl Default for LimitsInForce {
    fn default() -> Self {
        Self { connections: AtomicI64::new(-1), queues: AtomicI64::new(-1) }
    }
}

impl LimitsInForce {
    pub(super) fn set(&self, limits: VhostLimits) {
        let number = |limit: Option<u64>| limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1);
        self.connections.store(number(limits.connections_max), Ordering::Relaxed);
        self.queues.store(number(limits.queues_max), Ordering::Relaxed);
    }

    fn get(&self) -> VhostLimits {
        let limit = |number: &AtomicI64| u64::try_from(number.load(Ordering::Relaxed)).ok();
        VhostLimits { connections_max: limit(&self.connections), queues_max: limit(&self.queues) }
    }
}

impl VirtualHost {
    /// Its limits.
    pub fn limits(&self) -> VhostLimits {
        self.limits_in_force.get()
    }

    /// Sets both limits, for what comes from now on: what is there stays.
    ///
    /// # Errors
    /// The store has failed.
    pub fn set_limits(&self, limits: VhostLimits) -> Result<(), Refusal> {
        let (component, name) = VHOST_LIMITS;
        self.set_parameter(component, name, limits.to_json())
    }

    /// How many queues there may be, by the limits of this virtual host and the broker's.
    pub(super) fn queues_max(&self) -> usize {
        let own =
            self.limits().queues_max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
        own.min(self.shared.queues_max)
    }

    /// # Errors
    /// 530: there are as many connections as there may be. `open` counts them when there is a limit.
    pub(crate) fn check_connection_limit(
        &self,
        user: &User,
        open: impl FnOnce() -> u64,
    ) -> Result<(), Refusal> {
        match self.limits().connections_max {
            Some(limit) if open() >= limit => Err(Refusal::other(
                ReplyCode::NotAllowed,
                format!(
                    "access to vhost '{}' refused for user '{}': connection limit ({limit}) is reached",
                    self.name(),
                    user.name()
                ),
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// RabbitMQ's words.
    #[test]
    fn limits_are_read_as_rabbitmq_reads_them() {
        for (value, limits) in [
            (json!({"max-queues": 3}), (None, Some(3))),
            (json!({"max-queues": -5, "max-connections": 0}), (Some(0), None)),
            (json!([]), (None, None)),
        ] {
            let read = VhostLimits::from_json(&value).unwrap();
            assert_eq!((read.connections_max, read.queues_max), limits, "{value}");
            assert_eq!(VhostLimits::from_json(&read.to_json()), Ok(read));
        }
        for (value, reason) in [
            (json!({"foo": 0}), r#"Unrecognised terms [{<<"foo">>,0}] in limits"#),
            (json!({"max-queues": "a"}), r#"max-queues should be a number, actually was <<"a">>"#),
            (json!(3), "limits should be an object, actually was 3"),
        ] {
            let refusal = VhostLimits::from_json(&value).unwrap_err();
            assert_eq!(refusal.to_string(), format!("Validation failed\n\n{reason}\n"));
        }
    }
}

//! Shapes of entities, with RabbitMQ's keys.

pub(crate) mod binding;
pub(crate) mod exchange;
pub(crate) mod queue;

use leveret_broker::definitions::Arguments;
use leveret_protocol::FieldTable;
use serde_json::{Value, json};

/// A table of arguments.
pub(crate) fn arguments(table: &FieldTable) -> Value {
    serde_json::to_value(Arguments(table.clone())).unwrap_or_else(|_| json!({}))
}

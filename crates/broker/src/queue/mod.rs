//! Queues.

pub mod arguments;
pub mod equivalence;

use crate::name::Name;
use leveret_protocol::FieldTable;

/// How a queue was declared.
#[derive(Debug, Clone)]
pub struct QueueSpec {
    /// Its name.
    pub name: Name,
    /// Survives a restart.
    pub durable: bool,
    /// The connection that owns it alone.
    pub exclusive_owner: Option<u64>,
    /// Goes when its last consumer has gone.
    pub auto_delete: bool,
    /// Arguments as sent.
    pub arguments: FieldTable,
}

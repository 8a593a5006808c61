//! Declaring a queue that exists already.

use leveret_protocol::FieldTable;

use super::QueueSpec;
use super::arguments::QueueKind;
use crate::equivalence::Entity;
use crate::name::{Name, ResourceKind};
use crate::refusal::Refusal;

/// Compares a declaration with the queue that has the name.
///
/// Compared are owner, durability, auto-delete and the arguments that the existing queue's type has; other arguments may differ.
/// A queue without `x-queue-type` is the same as one of type `classic`, and durability does not count for exclusive queues, which
/// end with their connection anyway.
///
/// # Errors
/// 405 when only one is exclusive, or both are to different connections; 406 for the first other difference.
pub fn check(existing: &QueueSpec, declared: &QueueSpec, vhost: &Name) -> Result<(), Refusal> {
    if existing.exclusive_owner != declared.exclusive_owner {
        return Err(Refusal::Locked { queue: existing.name.clone(), vhost: vhost.clone() });
    }
    let entity = Entity { kind: ResourceKind::Queue, name: &existing.name, vhost };
    if existing.exclusive_owner.is_none() {
        entity.check_property("durable", existing.durable, declared.durable)?;
    }
    entity.check_property("auto_delete", existing.auto_delete, declared.auto_delete)?;
    let kind = kind_of(&existing.arguments).unwrap_or_default();
    for arg in kind.arguments() {
        let both_classic = *arg == "x-queue-type"
            && [existing, declared].iter().all(|spec| kind_of(&spec.arguments) == Some(QueueKind::Classic));
        if !both_classic {
            entity.check_argument(arg, &existing.arguments, &declared.arguments)?;
        }
    }
    Ok(())
}

/// `None` for a type that does not exist.
fn kind_of(arguments: &FieldTable) -> Option<QueueKind> {
    match arguments.get("x-queue-type") {
        None => Some(QueueKind::default()),
        Some(value) => value.as_bytes().and_then(QueueKind::parse),
    }
}

#[cfg(test)]
mod tests;

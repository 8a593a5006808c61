//! What is set for virtual hosts and the broker: descriptions, parameters, policies.

use super::{key_of, put, text};
use crate::policy::{Policy, PolicyScope};
use crate::vhost::VhostMetadata;
use leveret_protocol::{FieldTable, FieldValue};
use leveret_store::Batch;
use serde_json::Value;

/// A virtual host was made, or something else is said of it.
pub(crate) fn put_vhost(batch: &mut Batch, vhost: &str, metadata: &VhostMetadata) {
    let mut value = FieldTable::new();
    value.insert("vhost", text(vhost));
    if let Some(description) = &metadata.description {
        value.insert("description", text(description));
    }
    value.insert("tags", FieldValue::Array(metadata.tags.iter().map(|tag| text(tag)).collect()));
    if metadata.protected_from_deletion {
        value.insert("protected_from_deletion", FieldValue::Bool(true));
    }
    if let Some(kind) = metadata.default_queue_type {
        value.insert("default_queue_type", text(kind.as_str()));
    }
    put(batch, &key_of(b'v', &[vhost.as_bytes()]), value);
}

/// A virtual host is gone. What was in it is removed one by one.
pub(crate) fn remove_vhost(batch: &mut Batch, vhost: &str) {
    batch.remove(&key_of(b'v', &[vhost.as_bytes()]));
}

/// A parameter of a virtual host was set.
pub(crate) fn put_parameter(batch: &mut Batch, vhost: &str, component: &str, name: &str, value: &Value) {
    let mut table = FieldTable::new();
    table.insert("vhost", text(vhost));
    table.insert("component", text(component));
    table.insert("name", text(name));
    table.insert("value", text(&value.to_string()));
    put(batch, &key_of(b'm', &[vhost.as_bytes(), component.as_bytes(), name.as_bytes()]), table);
}

/// A parameter of a virtual host was cleared.
pub(crate) fn remove_parameter(batch: &mut Batch, vhost: &str, component: &str, name: &str) {
    batch.remove(&key_of(b'm', &[vhost.as_bytes(), component.as_bytes(), name.as_bytes()]));
}

/// A parameter of the broker was set.
pub(crate) fn put_global_parameter(batch: &mut Batch, name: &str, value: &Value) {
    let mut table = FieldTable::new();
    table.insert("name", text(name));
    table.insert("value", text(&value.to_string()));
    put(batch, &key_of(b'w', &[name.as_bytes()]), table);
}

/// A parameter of the broker was cleared.
pub(crate) fn remove_global_parameter(batch: &mut Batch, name: &str) {
    batch.remove(&key_of(b'w', &[name.as_bytes()]));
}

fn policy_key(vhost: &str, scope: PolicyScope, name: &str) -> Vec<u8> {
    let kind = match scope {
        PolicyScope::User => b'p',
        PolicyScope::Operator => b'o',
    };
    key_of(kind, &[vhost.as_bytes(), name.as_bytes()])
}

/// A policy was set.
pub(crate) fn put_policy(batch: &mut Batch, vhost: &str, scope: PolicyScope, policy: &Policy) {
    let mut value = FieldTable::new();
    value.insert("vhost", text(vhost));
    value.insert("name", text(&policy.name));
    value.insert("pattern", text(&policy.pattern));
    value.insert("apply_to", text(policy.apply_to.as_str()));
    value.insert("priority", FieldValue::I64(policy.priority));
    value.insert("definition", text(&serde_json::to_string(&policy.definition).unwrap_or_default()));
    put(batch, &policy_key(vhost, scope, &policy.name), value);
}

/// A policy was cleared.
pub(crate) fn remove_policy(batch: &mut Batch, vhost: &str, scope: PolicyScope, name: &str) {
    batch.remove(&policy_key(vhost, scope, name));
}

//! Definitions as the store keeps them: a key that names the entity, and a value that describes it.
//!
//! ```text
//! key    kind u8, then for each name: length u8, bytes
//!        'g'  users and permissions: one document
//!        'x'  virtual host, exchange
//!        'q'  virtual host, queue
//!        'v'  virtual host
//!        'm'  virtual host, component, parameter
//!        'w'  parameter of the whole broker
//!        'p'  virtual host, policy
//!        'o'  virtual host, operator policy
//!        'b'  virtual host, source, 'q' or 'x', destination, binding key, SHA-256 of the arguments (nothing if there are none)
//! value  'g': RabbitMQ's definitions format (JSON); else an AMQP field table, which keeps every type of argument
//! ```

mod settings;

pub(crate) use settings::{
    put_global_parameter, put_parameter, put_policy, put_vhost, remove_global_parameter, remove_parameter,
    remove_policy, remove_vhost,
};

use crate::exchange::{Destination, ExchangeKind, ExchangeSpec};
use crate::name::Name;
use crate::policy::{ApplyTo, Policy, PolicyScope};
use crate::queue::arguments::QueueKind;
use crate::queue::{Queue, QueueSpec};
use crate::topology::Binding;
use crate::vhost::{KeptNumbers, Parameter, VhostMetadata};
use leveret_protocol::{FieldTable, FieldValue, Reader};
use leveret_store::Batch;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The key of users and permissions.
pub(crate) const GENERAL: &[u8] = b"g";

/// Numbers of what an exchange keeps.
const TIMETABLE: &str = "number";
const GATE: &str = "gate_number";

/// A binding as it was stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredBinding {
    pub(crate) source: Name,
    pub(crate) destination: Destination,
    pub(crate) key: Vec<u8>,
    pub(crate) arguments: FieldTable,
}

/// A stored entity.
#[derive(Debug, Clone)]
pub(crate) enum StoredEntity {
    Exchange { vhost: Name, spec: ExchangeSpec, numbers: KeptNumbers },
    Queue { vhost: Name, spec: QueueSpec, id: u64, paused: bool },
    Binding { vhost: Name, binding: StoredBinding },
    Policy { vhost: Name, scope: PolicyScope, policy: Policy },
    Vhost { vhost: Name, metadata: VhostMetadata },
    Parameter { vhost: Name, parameter: Parameter },
    GlobalParameter { name: Name, value: Value },
}

fn key_of(kind: u8, names: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![kind];
    for name in names {
        key.push(name.len() as u8);
        key.extend_from_slice(name);
    }
    key
}

fn binding_key(vhost: &str, binding: &Binding) -> Vec<u8> {
    let (kind, destination) = match binding.destination() {
        Destination::Queue(name) => (b"q", name),
        Destination::Exchange(name) => (b"x", name),
    };
    let mut key = key_of(
        b'b',
        &[vhost.as_bytes(), binding.source().as_bytes(), kind, destination.as_bytes(), binding.key()],
    );
    if !binding.identity().is_empty() {
        key.extend_from_slice(&Sha256::digest(binding.identity()));
    }
    key
}

fn text(text: &str) -> FieldValue {
    FieldValue::LongString(text.as_bytes().to_vec())
}

fn put(batch: &mut Batch, key: &[u8], value: FieldTable) {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    batch.put(key, &bytes);
}

/// An exchange was declared.
pub(crate) fn put_exchange(batch: &mut Batch, vhost: &str, spec: &ExchangeSpec, numbers: KeptNumbers) {
    let mut value = FieldTable::new();
    value.insert("vhost", text(vhost));
    value.insert("name", text(&spec.name));
    value.insert("type", text(&spec.kind.to_string()));
    value.insert("auto_delete", FieldValue::Bool(spec.auto_delete));
    value.insert("internal", FieldValue::Bool(spec.internal));
    for (name, number) in [(TIMETABLE, numbers.timetable), (GATE, numbers.gate)] {
        if let Some(number) = number {
            value.insert(name, FieldValue::I64(number as i64));
        }
    }
    value.insert("arguments", FieldValue::Table(spec.arguments.clone()));
    put(batch, &key_of(b'x', &[vhost.as_bytes(), spec.name.as_bytes()]), value);
}

/// A queue was declared, paused or resumed.
pub(crate) fn put_queue(batch: &mut Batch, vhost: &str, queue: &Queue) {
    let spec = queue.spec();
    let mut value = FieldTable::new();
    value.insert("vhost", text(vhost));
    value.insert("name", text(&spec.name));
    value.insert("number", FieldValue::I64(queue.id() as i64));
    value.insert("auto_delete", FieldValue::Bool(spec.auto_delete));
    if queue.lock().is_paused() {
        value.insert("paused", FieldValue::Bool(true));
    }
    value.insert("arguments", FieldValue::Table(spec.arguments.clone()));
    put(batch, &key_of(b'q', &[vhost.as_bytes(), spec.name.as_bytes()]), value);
}

/// A binding was made.
pub(crate) fn put_binding(batch: &mut Batch, vhost: &str, binding: &Binding) {
    let (kind, destination) = match binding.destination() {
        Destination::Queue(name) => ("queue", name),
        Destination::Exchange(name) => ("exchange", name),
    };
    let mut value = FieldTable::new();
    value.insert("vhost", text(vhost));
    value.insert("source", text(binding.source()));
    value.insert("destination", text(destination));
    value.insert("destination_type", text(kind));
    value.insert("routing_key", FieldValue::LongString(binding.key().to_vec()));
    value.insert("arguments", FieldValue::Table(binding.arguments().clone()));
    put(batch, &binding_key(vhost, binding), value);
}

/// An exchange is gone.
pub(crate) fn remove_exchange(batch: &mut Batch, vhost: &str, name: &str) {
    batch.remove(&key_of(b'x', &[vhost.as_bytes(), name.as_bytes()]));
}

/// A queue is gone, with everything in it.
pub(crate) fn remove_queue(batch: &mut Batch, vhost: &str, queue: &Queue) {
    batch.remove(&key_of(b'q', &[vhost.as_bytes(), queue.name().as_bytes()]));
    batch.drop_queue(queue.id());
}

/// A binding is gone.
pub(crate) fn remove_binding(batch: &mut Batch, vhost: &str, binding: &Binding) {
    batch.remove(&binding_key(vhost, binding));
}

/// Reads an entity. `None`: the value makes no sense to this version.
pub(crate) fn parse(key: &[u8], value: &[u8]) -> Option<StoredEntity> {
    let table = FieldTable::decode(&mut Reader::new(value)).ok()?;
    let name = |key: &str| table.get(key).and_then(FieldValue::as_str).map(Name::from);
    let flag = |key: &str| table.get(key).and_then(FieldValue::as_bool);
    let arguments = || table.get("arguments").and_then(FieldValue::as_table).cloned();
    let json = |key: &str| serde_json::from_str(table.get(key).and_then(FieldValue::as_str)?).ok();
    if *key.first()? == b'w' {
        return Some(StoredEntity::GlobalParameter { name: name("name")?, value: json("value")? });
    }
    let vhost = name("vhost")?;
    match key.first()? {
        b'x' => {
            let spec = ExchangeSpec {
                name: name("name")?,
                kind: ExchangeKind::parse(&name("type")?).ok()?,
                durable: true,
                auto_delete: flag("auto_delete")?,
                internal: flag("internal")?,
                arguments: arguments()?,
            };
            let number =
                |name| table.get(name).and_then(FieldValue::as_i64).and_then(|n| u64::try_from(n).ok());
            let numbers = KeptNumbers { timetable: number(TIMETABLE), gate: number(GATE) };
            Some(StoredEntity::Exchange { vhost, spec, numbers })
        }
        b'q' => {
            let id = u64::try_from(table.get("number").and_then(FieldValue::as_i64)?).ok()?;
            let spec = QueueSpec {
                name: name("name")?,
                durable: true,
                exclusive_owner: None,
                auto_delete: flag("auto_delete")?,
                arguments: arguments()?,
            };
            // Those that were stored before there was a pause say nothing of it.
            let paused = flag("paused").unwrap_or(false);
            Some(StoredEntity::Queue { vhost, spec, id, paused })
        }
        b'b' => {
            let destination = name("destination")?;
            let destination = match &*name("destination_type")? {
                "queue" => Destination::Queue(destination),
                "exchange" => Destination::Exchange(destination),
                _ => return None,
            };
            let key = table.get("routing_key").and_then(FieldValue::as_bytes)?.to_vec();
            Some(StoredEntity::Binding {
                vhost,
                binding: StoredBinding { source: name("source")?, destination, key, arguments: arguments()? },
            })
        }
        b'v' => {
            let tags = match table.get("tags")? {
                FieldValue::Array(tags) => {
                    tags.iter().filter_map(FieldValue::as_str).map(Into::into).collect()
                }
                _ => return None,
            };
            let description = name("description").map(|text| text.to_string());
            let default_queue_type =
                name("default_queue_type").and_then(|kind| QueueKind::parse(kind.as_bytes()));
            Some(StoredEntity::Vhost {
                vhost,
                metadata: VhostMetadata {
                    description,
                    tags,
                    default_queue_type,
                    protected_from_deletion: flag("protected_from_deletion").unwrap_or(false),
                },
            })
        }
        b'm' => {
            let (component, name) = (name("component")?.to_string(), name("name")?.to_string());
            let parameter = Parameter { component, name, value: json("value")? };
            Some(StoredEntity::Parameter { vhost, parameter })
        }
        kind @ (b'p' | b'o') => {
            let scope = if *kind == b'p' { PolicyScope::User } else { PolicyScope::Operator };
            let policy = Policy {
                name: name("name")?,
                pattern: name("pattern")?.to_string(),
                apply_to: ApplyTo::parse(&name("apply_to")?).ok()?,
                priority: table.get("priority").and_then(FieldValue::as_i64)?,
                definition: serde_json::from_str(&name("definition")?).ok()?,
            };
            Some(StoredEntity::Policy { vhost, scope, policy })
        }
        _ => None,
    }
}

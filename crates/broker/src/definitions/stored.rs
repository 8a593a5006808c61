//! Definitions as the store keeps them: a key that names the entity, and a value that describes it.
//!
//! ```text
//! key    kind u8, then for each name: length u8, bytes
//!        'g'  users, permissions, virtual hosts, policies and parameters: one document
//!        'x'  virtual host, exchange
//!        'q'  virtual host, queue
//!        'b'  virtual host, source, 'q' or 'x', destination, binding key, SHA-256 of the arguments (nothing if there are none)
//! value  'g': RabbitMQ's definitions format (JSON); else an AMQP field table, which keeps every type of argument
//! ```

use crate::exchange::{Destination, ExchangeKind, ExchangeSpec};
use crate::name::Name;
use crate::queue::{Queue, QueueSpec};
use crate::topology::Binding;
use crate::vhost::KeptNumbers;
use leveret_protocol::{FieldTable, FieldValue, Reader};
use leveret_store::Batch;
use sha2::{Digest as _, Sha256};

/// The key of everything that is not an exchange, queue or binding.
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
    Queue { vhost: Name, spec: QueueSpec, id: u64 },
    Binding { vhost: Name, binding: StoredBinding },
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

/// A queue was declared.
pub(crate) fn put_queue(batch: &mut Batch, vhost: &str, queue: &Queue) {
    let spec = queue.spec();
    let mut value = FieldTable::new();
    value.insert("vhost", text(vhost));
    value.insert("name", text(&spec.name));
    value.insert("number", FieldValue::I64(queue.id() as i64));
    value.insert("auto_delete", FieldValue::Bool(spec.auto_delete));
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
    let arguments = table.get("arguments").and_then(FieldValue::as_table).cloned()?;
    let vhost = name("vhost")?;
    match key.first()? {
        b'x' => {
            let spec = ExchangeSpec {
                name: name("name")?,
                kind: ExchangeKind::parse(&name("type")?).ok()?,
                durable: true,
                auto_delete: flag("auto_delete")?,
                internal: flag("internal")?,
                arguments,
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
                arguments,
            };
            Some(StoredEntity::Queue { vhost, spec, id })
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
                binding: StoredBinding { source: name("source")?, destination, key, arguments },
            })
        }
        _ => None,
    }
}

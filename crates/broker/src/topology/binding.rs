//! A binding and what it leads to.

use std::hash::{Hash, Hasher};

use leveret_protocol::FieldTable;

use crate::exchange::Destination;
use crate::name::Name;

/// A binding from an exchange to a queue or to another exchange.
///
/// Two are the same when source, destination, key and arguments are, whatever the order of the arguments.
#[derive(Debug, Clone)]
pub struct Binding {
    source: Name,
    destination: Destination,
    key: Box<[u8]>,
    arguments: FieldTable,
    /// The arguments in order of their names, encoded; empty when there are none.
    identity: Box<[u8]>,
}

impl Binding {
    pub(super) fn new(source: Name, destination: Destination, key: &[u8], arguments: FieldTable) -> Self {
        let mut identity = Vec::new();
        if !arguments.is_empty() {
            let mut sorted: Vec<_> = arguments.clone().into_iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
            for (name, value) in sorted {
                FieldTable::from([(name.to_lossy().as_ref(), value)]).encode(&mut identity);
            }
        }
        Self { source, destination, key: key.into(), arguments, identity: identity.into() }
    }

    /// The name of the exchange that messages come from.
    pub fn source(&self) -> &Name {
        &self.source
    }

    /// Where they go.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// The binding key: at most 255 bytes, not necessarily UTF-8.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The arguments as they were sent.
    pub fn arguments(&self) -> &FieldTable {
        &self.arguments
    }

    /// The arguments in order of their names, encoded; empty when there are none.
    pub(crate) fn identity(&self) -> &[u8] {
        &self.identity
    }
}

impl PartialEq for Binding {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
            && self.destination == other.destination
            && self.key == other.key
            && self.identity == other.identity
    }
}

impl Eq for Binding {}

impl Hash for Binding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.hash(state);
        self.destination.hash(state);
        self.key.hash(state);
        self.identity.hash(state);
    }
}

/// A binding as it is listed: one that was made, or the one from the default exchange that every queue has.
#[derive(Debug, Clone, Copy)]
pub struct BindingRef<'a> {
    /// The name of the exchange that messages come from; empty for the default exchange.
    pub source: &'a str,
    /// Where they go.
    pub destination: &'a Destination,
    /// The binding key.
    pub key: &'a [u8],
    /// The arguments as they were sent.
    pub arguments: &'a FieldTable,
}

static NO_ARGUMENTS: FieldTable = FieldTable::new();

impl<'a> BindingRef<'a> {
    pub(super) fn implicit(queue: &'a Destination) -> Self {
        Self { source: "", destination: queue, key: queue.name().as_bytes(), arguments: &NO_ARGUMENTS }
    }
}

impl<'a> From<&'a Binding> for BindingRef<'a> {
    fn from(binding: &'a Binding) -> Self {
        Self {
            source: &binding.source,
            destination: &binding.destination,
            key: &binding.key,
            arguments: &binding.arguments,
        }
    }
}

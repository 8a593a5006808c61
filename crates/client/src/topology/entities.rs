//! What can be declared, in owned form.

use std::fmt;

use leveret_protocol::FieldTable;

/// An exchange as it was declared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exchange {
    /// Its name.
    pub name: String,
    /// Its type: `direct`, `fanout`, `topic`, `headers`, or a plugin's.
    pub kind: String,
    /// Survives a restart of the broker.
    pub durable: bool,
    /// Goes with its last binding.
    pub auto_delete: bool,
    /// Takes messages from other exchanges only.
    pub internal: bool,
    /// Further arguments.
    pub arguments: FieldTable,
}

impl Exchange {
    /// A transient exchange without further properties.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { name: name.into(), kind: kind.into(), ..Self::default() }
    }

    /// Sets [`Exchange::auto_delete`].
    #[must_use]
    pub fn auto_delete(self) -> Self {
        Self { auto_delete: true, ..self }
    }
}

/// A queue as it was declared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Queue {
    /// Its name, also when the broker invented it.
    pub name: String,
    /// Declared with an empty name: the broker invents a new one each time.
    pub server_named: bool,
    /// Survives a restart of the broker.
    pub durable: bool,
    /// Of this connection alone, and gone with it.
    pub exclusive: bool,
    /// Goes with its last consumer.
    pub auto_delete: bool,
    /// Further arguments.
    pub arguments: FieldTable,
}

impl Queue {
    /// A transient queue without further properties.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// A queue whose name the broker invented.
    #[must_use]
    pub fn server_named(name: impl Into<String>) -> Self {
        Self { server_named: true, ..Self::new(name) }
    }

    /// Sets [`Queue::exclusive`].
    #[must_use]
    pub fn exclusive(self) -> Self {
        Self { exclusive: true, ..self }
    }

    /// Sets [`Queue::auto_delete`].
    #[must_use]
    pub fn auto_delete(self) -> Self {
        Self { auto_delete: true, ..self }
    }
}

/// Where a binding leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// To the queue of that name.
    Queue(String),
    /// To the exchange of that name.
    Exchange(String),
}

/// A binding.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// Where messages go.
    pub destination: Destination,
    /// The exchange they come from.
    pub source: String,
    /// The binding key; usually text.
    pub routing_key: Vec<u8>,
    /// Further arguments.
    pub arguments: FieldTable,
}

impl Binding {
    /// From an exchange to a queue.
    #[must_use]
    pub fn queue(
        queue: impl Into<String>,
        source: impl Into<String>,
        routing_key: impl Into<Vec<u8>>,
    ) -> Self {
        Self::new(Destination::Queue(queue.into()), source, routing_key)
    }

    /// From an exchange to an exchange.
    #[must_use]
    pub fn exchange(
        exchange: impl Into<String>,
        source: impl Into<String>,
        routing_key: impl Into<Vec<u8>>,
    ) -> Self {
        Self::new(Destination::Exchange(exchange.into()), source, routing_key)
    }

    fn new(destination: Destination, source: impl Into<String>, routing_key: impl Into<Vec<u8>>) -> Self {
        let (source, routing_key) = (source.into(), routing_key.into());
        Self { destination, source, routing_key, arguments: FieldTable::new() }
    }
}

/// A prefetch count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Qos {
    /// The channel.
    pub channel: u16,
    /// Deliveries without ack at most; zero: no limit.
    pub prefetch_count: u16,
    /// For the channel's consumers together, not for each one that begins.
    pub global: bool,
}

/// A consumer as it began.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Consumer {
    /// Its channel.
    pub channel: u16,
    /// Its tag, also when the broker invented it: it is asked for again.
    pub tag: String,
    /// Its queue.
    pub queue: String,
    /// Takes deliveries without acks.
    pub no_ack: bool,
    /// The only consumer the queue may have.
    pub exclusive: bool,
    /// Further arguments.
    pub arguments: FieldTable,
}

/// Something declared, by its name; for reports.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Entity {
    /// An exchange.
    Exchange(String),
    /// A queue, by the name it had before.
    Queue(String),
    /// A binding.
    Binding {
        /// Where it leads.
        destination: Destination,
        /// Where it comes from.
        source: String,
        /// Its key; what is not text is replaced.
        routing_key: String,
    },
    /// The prefetch count of a channel.
    Qos(u16),
    /// A consumer.
    Consumer {
        /// Its channel.
        channel: u16,
        /// Its tag.
        tag: String,
        /// Its queue.
        queue: String,
    },
}

impl From<&Binding> for Entity {
    fn from(binding: &Binding) -> Self {
        let routing_key = String::from_utf8_lossy(&binding.routing_key).into_owned();
        Self::Binding {
            destination: binding.destination.clone(),
            source: binding.source.clone(),
            routing_key,
        }
    }
}

impl From<&Consumer> for Entity {
    fn from(consumer: &Consumer) -> Self {
        Self::Consumer { channel: consumer.channel, tag: consumer.tag.clone(), queue: consumer.queue.clone() }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange(name) => write!(f, "exchange '{name}'"),
            Self::Queue(name) => write!(f, "queue '{name}'"),
            Self::Binding { destination: Destination::Queue(name), source, routing_key } => {
                write!(f, "binding of queue '{name}' to exchange '{source}' with key '{routing_key}'")
            }
            Self::Binding { destination: Destination::Exchange(name), source, routing_key } => {
                write!(f, "binding of exchange '{name}' to exchange '{source}' with key '{routing_key}'")
            }
            Self::Qos(channel) => write!(f, "prefetch count of channel {channel}"),
            Self::Consumer { channel, tag, queue } => {
                write!(f, "consumer '{tag}' of queue '{queue}' on channel {channel}")
            }
        }
    }
}

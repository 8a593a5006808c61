//! Exchanges and bindings.

use leveret_client::{FieldName, FieldTable, FieldValue};

/// An exchange, durable unless told otherwise.
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::{Binding, Exchange, Queue, Topology};
///
/// let topology = Topology::new()
///     .exchange(Exchange::topic("events").alternate("events.unrouted"))
///     .exchange(Exchange::fanout("events.unrouted"))
///     .queue(Queue::durable("mailer").dead_letter())
///     .binding(Binding::new("mailer", "events", "order.*"));
/// mq.declare(topology).await?;
/// # Ok(()) }
/// # leveret::test::run_example(example);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) durable: bool,
    pub(crate) internal: bool,
    pub(crate) arguments: FieldTable,
}

impl Exchange {
    /// An exchange of any type, also a plugin's.
    pub fn new(name: impl Into<String>, kind: impl Into<String>) -> Self {
        let (name, kind) = (name.into(), kind.into());
        Self { name, kind, durable: true, internal: false, arguments: FieldTable::new() }
    }

    /// To queues bound with exactly the message's routing key.
    pub fn direct(name: impl Into<String>) -> Self {
        Self::new(name, "direct")
    }

    /// To all queues bound.
    pub fn fanout(name: impl Into<String>) -> Self {
        Self::new(name, "fanout")
    }

    /// To queues bound with a pattern that matches: `*` is one word, `#` any number of them.
    pub fn topic(name: impl Into<String>) -> Self {
        Self::new(name, "topic")
    }

    /// By the message's headers.
    pub fn headers(name: impl Into<String>) -> Self {
        Self::new(name, "headers")
    }

    /// Gone after a restart of the broker.
    #[must_use]
    pub fn transient(self) -> Self {
        Self { durable: false, ..self }
    }

    /// Takes messages from other exchanges only.
    #[must_use]
    pub fn internal(self) -> Self {
        Self { internal: true, ..self }
    }

    /// Messages that match no binding go to that exchange.
    #[must_use]
    pub fn alternate(self, exchange: impl Into<String>) -> Self {
        self.argument("alternate-exchange", exchange.into())
    }

    /// Any other argument.
    #[must_use]
    pub fn argument(mut self, name: impl Into<FieldName>, value: impl Into<FieldValue>) -> Self {
        self.arguments.insert(name, value);
        self
    }
}

/// Messages of an exchange that match go to a queue, or to another exchange.
///
/// ```
/// use leveret::Binding;
///
/// let by_key = Binding::new("mailer", "events", "order.*");
/// let by_header = Binding::new("eu", "regions", "").argument("x-match", "all").argument("region", "eu");
/// let between_exchanges = Binding::to_exchange("audit", "events", "#");
/// # let _ = (by_key, by_header, between_exchanges);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    pub(crate) destination: String,
    pub(crate) to_exchange: bool,
    pub(crate) source: String,
    pub(crate) routing_key: String,
    pub(crate) arguments: FieldTable,
}

impl Binding {
    /// From an exchange to a queue, with a routing key or pattern.
    pub fn new(
        queue: impl Into<String>,
        exchange: impl Into<String>,
        routing_key: impl Into<String>,
    ) -> Self {
        let (destination, source, routing_key) = (queue.into(), exchange.into(), routing_key.into());
        Self { destination, to_exchange: false, source, routing_key, arguments: FieldTable::new() }
    }

    /// From an exchange to an exchange.
    pub fn to_exchange(
        destination: impl Into<String>,
        source: impl Into<String>,
        routing_key: impl Into<String>,
    ) -> Self {
        Self { to_exchange: true, ..Self::new(destination, source, routing_key) }
    }

    /// An argument, for example `x-match` and the headers of a headers exchange.
    #[must_use]
    pub fn argument(mut self, name: impl Into<FieldName>, value: impl Into<FieldValue>) -> Self {
        self.arguments.insert(name, value);
        self
    }
}

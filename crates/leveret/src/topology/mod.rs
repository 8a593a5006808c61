//! Exchanges, queues and bindings as values: declared, verified, or only printed.
//!
//! A [`Queue`] says what it is for (`retry`, `dead_letter`); what that takes on the broker at hand is a [`Plan`]. On Leveret retries are
//! an argument of the queue; elsewhere there is a durable queue for each delay, out of which messages expire back into the first.
//! Nothing here deletes anything, and nothing that is there with other properties is changed: that is [`Drift`], an error.

mod apply;
mod drift;
mod exchange;
mod plan;
mod queue;

pub use crate::broker::Waiting;
pub use drift::{Drift, TopologyError};
pub use exchange::{Binding, Exchange};
pub use plan::{Plan, Step};
pub use queue::{Queue, QueueKind};

pub(crate) use apply::{declare, is_there, verify};
pub(crate) use plan::rungs_of;

/// Exchanges, queues and bindings that belong together.
///
/// ```
/// use leveret::{Binding, Exchange, Queue, Topology};
/// use leveret::topology::Waiting;
/// use std::time::Duration;
///
/// let topology = Topology::new()
///     .exchange(Exchange::topic("events"))
///     .queue(Queue::durable("orders").retry([5, 15].map(Duration::from_secs)).dead_letter())
///     .binding(Binding::new("orders", "events", "order.*"));
/// println!("{}", topology.plan(Waiting::InRungs)); // what it takes on RabbitMQ
/// # let text = topology.plan(Waiting::InRungs).to_string();
/// # assert!(text.contains("queue 'orders.retry.15s'"), "{text}");
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Topology {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) queues: Vec<Queue>,
    pub(crate) bindings: Vec<Binding>,
}

impl Topology {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an exchange.
    #[must_use]
    pub fn exchange(mut self, exchange: Exchange) -> Self {
        self.exchanges.push(exchange);
        self
    }

    /// Adds a queue, with what it needs beside it.
    #[must_use]
    pub fn queue(mut self, queue: Queue) -> Self {
        self.queues.push(queue);
        self
    }

    /// Adds a binding.
    #[must_use]
    pub fn binding(mut self, binding: Binding) -> Self {
        self.bindings.push(binding);
        self
    }

    /// What is to be declared, in this order, where messages wait like that.
    #[must_use]
    pub fn plan(&self, waiting: Waiting) -> Plan {
        Plan::of(self, waiting)
    }
}

impl From<Queue> for Topology {
    fn from(queue: Queue) -> Self {
        Self::new().queue(queue)
    }
}

impl From<Exchange> for Topology {
    fn from(exchange: Exchange) -> Self {
        Self::new().exchange(exchange)
    }
}

impl From<Binding> for Topology {
    fn from(binding: Binding) -> Self {
        Self::new().binding(binding)
    }
}

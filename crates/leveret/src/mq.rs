//! The handle an application keeps: two connections that come back, and what was declared over them.

use std::sync::Arc;
use std::time::Duration;

use leveret_client::{ConnectError, ConnectOptions, Connection, Connector, Error};
use parking_lot::Mutex;

use crate::broker::{BrokerInfo, Waiting};
use crate::publisher::PublisherBuilder;
use crate::topology::{self, Plan, Queue, Topology, TopologyError};
use crate::worker::WorkerBuilder;

/// How to connect.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MqOptions {
    /// How to reach the broker, and how to come back to it.
    pub connect: ConnectOptions,
    /// Messages wait in queues of their own for their next attempt even where the broker could keep them. For brokers that are to be
    /// exchanged while messages are in them. Default: false.
    pub rungs_everywhere: bool,
}

impl MqOptions {
    /// With these options for both connections.
    #[must_use]
    pub fn new(connect: ConnectOptions) -> Self {
        Self { connect, rungs_everywhere: false }
    }

    /// Sets [`rungs_everywhere`](Self::rungs_everywhere).
    #[must_use]
    pub fn rungs_everywhere(self, rungs_everywhere: bool) -> Self {
        Self { rungs_everywhere, ..self }
    }
}

struct Inner {
    options: MqOptions,
    connector: Connector,
    /// Declares and consumes.
    consuming: Connection,
    /// Publishes: a broker that blocks publishers blocks whole connections.
    publishing: Connection,
    declared: Mutex<Vec<Queue>>,
}

/// A broker, for an application; clones are the same.
///
/// It has two connections: one to publish, one to consume, since a broker short of memory stops whole connections that publish. Both
/// come back by themselves, and what was declared is declared again then.
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::{Json, Queue};
/// use std::time::Duration;
///
/// // let mq = leveret::connect("amqp://guest:guest@localhost:5672/").await?;
/// mq.declare(Queue::durable("invoices").retry([5, 15, 30].map(Duration::from_secs)).dead_letter()).await?;
///
/// let invoices = mq.publisher("invoices").build::<Json<u32>>().await?;
/// invoices.send(&17).await?; // stored, or a typed error
/// # mq.close(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// # leveret::test::run_example(example);
/// ```
#[derive(Clone)]
pub struct Mq(Arc<Inner>);

impl std::fmt::Debug for Mq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mq").field("broker", &self.broker()).finish_non_exhaustive()
    }
}

/// Connects to the broker of this URL (`amqp://user:password@host:port/vhost`), with everything else as [`ConnectOptions`] have it.
///
/// # Errors
/// What the last attempt failed with; see [`Connection::connect`].
pub async fn connect(url: impl AsRef<str>) -> Result<Mq, ConnectError> {
    Mq::connect(MqOptions::new(ConnectOptions::new(url)?)).await
}

impl Mq {
    /// Connects.
    ///
    /// # Errors
    /// As [`Connection::connect`].
    pub async fn connect(options: MqOptions) -> Result<Self, ConnectError> {
        Self::connect_over(Connector::socket(), options).await
    }

    /// The same over any transport, for example a test broker's.
    ///
    /// # Errors
    /// As [`Connection::connect`].
    pub async fn connect_over(connector: Connector, options: MqOptions) -> Result<Self, ConnectError> {
        let consuming = Connection::connect_over(connector.clone(), options.connect.clone()).await?;
        let mut others = options.connect.clone();
        others.name = others.name.map(|name| format!("{name} (publishing)"));
        let publishing = Connection::connect_over(connector.clone(), others).await?;
        let declared = Mutex::default();
        Ok(Self(Arc::new(Inner { options, connector, consuming, publishing, declared })))
    }

    /// What broker it is.
    #[must_use]
    pub fn broker(&self) -> BrokerInfo {
        BrokerInfo::of(&self.0.consuming.server_properties())
    }

    /// Where messages wait for their next attempt.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        if self.0.options.rungs_everywhere { Waiting::InRungs } else { self.broker().waiting() }
    }

    /// Declares exchanges, queues and bindings, and again whenever the connection comes back. What is there already with the same
    /// properties stays as it is.
    ///
    /// # Errors
    /// [`TopologyError::Drift`]: something is there with other properties, and was left alone. The broker refused; connection lost.
    pub async fn declare(&self, topology: impl Into<Topology>) -> Result<(), TopologyError> {
        let topology = topology.into();
        topology::declare(&self.0.consuming, &topology, &self.plan(topology.clone())).await?;
        self.remember(topology);
        Ok(())
    }

    /// Looks whether everything is there as declared, and creates nothing; for applications that may not configure their broker. Bindings
    /// are not looked at, since AMQP cannot ask for them. Uses a connection of its own for the time it takes.
    ///
    /// # Errors
    /// [`TopologyError::Drift`] with all that is missing or otherwise; the broker refused; connection lost.
    pub async fn verify(&self, topology: impl Into<Topology>) -> Result<(), TopologyError> {
        let topology = topology.into();
        let options = self.0.options.connect.clone();
        let connection = Connection::connect_over(self.0.connector.clone(), options).await?;
        let verified = topology::verify(&connection, &topology, &self.plan(topology.clone())).await;
        // It goes by itself; nobody has to wait for the farewell.
        drop(connection);
        verified?;
        self.remember(topology);
        Ok(())
    }

    /// What [`declare`](Self::declare) would declare on this broker; print it.
    #[must_use]
    pub fn plan(&self, topology: impl Into<Topology>) -> Plan {
        topology.into().plan(self.waiting())
    }

    fn remember(&self, topology: Topology) {
        let mut declared = self.0.declared.lock();
        for queue in topology.queues {
            declared.retain(|known| known.name != queue.name);
            declared.push(queue);
        }
    }

    /// A queue that was declared or verified.
    pub(crate) fn declared(&self, queue: &str) -> Option<Queue> {
        self.0.declared.lock().iter().find(|known| known.name == queue).cloned()
    }

    /// A publisher to a queue, by the default exchange.
    pub fn publisher(&self, queue: impl Into<String>) -> PublisherBuilder {
        PublisherBuilder::new(self.0.publishing.clone(), "", queue.into())
    }

    /// A publisher to an exchange, with this routing key unless a message has its own.
    pub fn publisher_to(
        &self,
        exchange: impl Into<String>,
        routing_key: impl Into<String>,
    ) -> PublisherBuilder {
        PublisherBuilder::new(self.0.publishing.clone(), exchange, routing_key.into())
    }

    /// A worker for a queue that was declared or verified with this handle.
    pub fn worker(&self, queue: impl Into<String>) -> WorkerBuilder {
        WorkerBuilder::new(self.clone(), queue.into())
    }

    /// The connection that declares and consumes, for everything this crate has no word for.
    #[must_use]
    pub fn consuming(&self) -> &Connection {
        &self.0.consuming
    }

    /// The connection that publishes.
    #[must_use]
    pub fn publishing(&self) -> &Connection {
        &self.0.publishing
    }

    /// Closes both connections; `deadline` is for each. End workers first: what they have not settled is delivered again.
    ///
    /// # Errors
    /// The deadline passed first.
    pub async fn close(&self, deadline: Duration) -> Result<(), Error> {
        let consuming = self.0.consuming.close(deadline).await;
        self.0.publishing.close(deadline).await.and(consuming)
    }
}

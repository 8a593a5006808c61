//! The handle an application keeps: two connections that come back, and what was declared over them.

mod options;

use std::sync::Arc;
use std::time::Duration;

use leveret_client::{
    ConnectError, ConnectOptions, Connection, Connector, Error, ExchangeDeclare, FieldTable,
};
pub use options::MqOptions;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::broker::{BrokerInfo, Waiting};
use crate::publisher::PublisherBuilder;
use crate::rpc::RequesterBuilder;
use crate::schedule::ScheduleError;
use crate::topology::{self, Plan, Queue, Topology, TopologyError};
use crate::worker::WorkerBuilder;

struct Inner {
    options: MqOptions,
    connector: Connector,
    /// Declares and consumes.
    consuming: Connection,
    /// Publishes: a broker that blocks publishers blocks whole connections.
    publishing: Connection,
    declared: Mutex<Vec<Queue>>,
    /// Whether the broker has delayed exchanges, once somebody asked.
    delays: OnceCell<bool>,
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
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mq = leveret::connect("amqp://guest:guest@localhost:5672/").await?;
/// println!("{:?}", mq.broker());
/// mq.close(std::time::Duration::from_secs(5)).await?;
/// # Ok(()) }
/// ```
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
        Ok(Self(Arc::new(Inner {
            options,
            connector,
            consuming,
            publishing,
            declared,
            delays: OnceCell::new(),
        })))
    }

    pub(crate) fn options(&self) -> &MqOptions {
        &self.0.options
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
        let connection = self.another().await?;
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

    /// A connection of its own, for what may end it.
    async fn another(&self) -> Result<Connection, ConnectError> {
        Connection::connect_over(self.0.connector.clone(), self.0.options.connect.clone()).await
    }

    /// Whether exchanges can be of the type `x-delayed-message`: Leveret's can, RabbitMQ's with the plugin of that name. RabbitMQ says so
    /// in no other way than by ending the connection that declares one, so it is asked over another, once.
    pub(crate) async fn has_delayed_exchanges(&self) -> Result<bool, ScheduleError> {
        if self.broker().is_leveret() {
            return Ok(true);
        }
        let ask = async || {
            let how = ExchangeDeclare {
                auto_delete: true,
                arguments: FieldTable::from([("x-delayed-type", "direct")]),
                ..ExchangeDeclare::default()
            };
            let channel = self.another().await?.channel().await?;
            let name = format!("leveret.delayed.{:016x}", rand::random::<u64>());
            match channel.exchange_declare(&name, "x-delayed-message", how).await {
                Ok(()) => {
                    channel.exchange_delete(&name, Default::default()).await?;
                    Ok(true)
                }
                Err(Error::Closed { code: 503, .. }) => Ok(false),
                Err(error) => Err(error.into()),
            }
        };
        self.0.delays.get_or_try_init(ask).await.copied()
    }

    /// Cancels what was sent with [`cancellable_after`](crate::Publisher::cancellable_after), by its
    /// [id](crate::schedule::Cancellable::id). `true`: it is never sent. `false`: it was sent, or cancelled before.
    ///
    /// # Errors
    /// The broker refused, or the connection was lost: it may have been cancelled or not. Try it again; it says `false` if it was.
    pub async fn cancel_scheduled(&self, id: &str) -> Result<bool, Error> {
        let gone = self.0.consuming.channel().await?.queue_delete(id, Default::default()).await;
        match gone {
            Ok(messages) => Ok(messages > 0),
            Err(Error::Closed { code: 404, .. }) => Ok(false),
            Err(error) => Err(error),
        }
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
        PublisherBuilder::new(self.clone(), "", queue.into())
    }

    /// A publisher to an exchange, with this routing key unless a message has its own.
    pub fn publisher_to(
        &self,
        exchange: impl Into<String>,
        routing_key: impl Into<String>,
    ) -> PublisherBuilder {
        PublisherBuilder::new(self.clone(), exchange, routing_key.into())
    }

    /// Asks questions of whoever answers those in this queue.
    pub fn requester(&self, queue: impl Into<String>) -> RequesterBuilder {
        RequesterBuilder::new(self.clone(), String::new(), queue.into())
    }

    /// The same by an exchange, with this routing key.
    pub fn requester_to(
        &self,
        exchange: impl Into<String>,
        routing_key: impl Into<String>,
    ) -> RequesterBuilder {
        RequesterBuilder::new(self.clone(), exchange.into(), routing_key.into())
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

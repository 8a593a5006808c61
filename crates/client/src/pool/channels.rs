//! Pools of publishers and channels over few connections.

use std::sync::Arc;

use super::connections::Connections;
use super::{Guard, Manage, Pool, PoolError, PoolOptions, PoolStats};
use crate::channel::Channel;
use crate::error::{ConnectError, Error};
use crate::options::ConnectOptions;
use crate::publisher::{Publisher, PublisherOptions};
use crate::transport::Connector;

/// Why a publisher or channel could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no connection.
    #[error("no connection to the broker")]
    Connect(#[from] ConnectError),
    /// The connection is there and opened no channel.
    #[error("no channel on the connection")]
    Channel(#[from] Error),
}

/// Makes publishers; one with messages in flight is not lent again.
#[derive(Debug)]
pub struct Publishers {
    connections: Connections,
    options: PublisherOptions,
}

impl Manage for Publishers {
    type Item = Publisher;
    type Error = OpenError;

    async fn create(&self) -> Result<Publisher, OpenError> {
        Ok(self.connections.next().await?.publisher(self.options.clone()).await?)
    }

    async fn check(&self, publisher: &mut Publisher) -> bool {
        publisher.is_open()
    }

    fn is_reusable(&self, publisher: &Publisher) -> bool {
        publisher.is_open() && publisher.in_flight_len() == 0
    }
}

/// Makes channels; one in confirm or transaction mode, or with consumers or deliveries of its own, is not lent again.
#[derive(Debug)]
pub struct Channels {
    connections: Connections,
}

impl Manage for Channels {
    type Item = Channel;
    type Error = OpenError;

    async fn create(&self) -> Result<Channel, OpenError> {
        Ok(self.connections.next().await?.channel().await?)
    }

    /// A look at what only a round trip can tell: the broker answers on it.
    async fn check(&self, channel: &mut Channel) -> bool {
        channel.closed().is_none() && channel.basic_qos(0, false).await.is_ok()
    }

    fn is_reusable(&self, channel: &Channel) -> bool {
        channel.closed().is_none() && channel.is_pristine()
    }
}

/// How the pools of one module of a program are made.
#[derive(Debug, Clone)]
pub struct PoolsOptions {
    /// Of each of the two pools; the name gets `/publishers` and `/channels` behind it.
    pub pool: PoolOptions,
    /// How publishers are made. The messages say where they go: `PublisherOptions::to("", "")`.
    pub publisher: PublisherOptions,
    /// Connections that publish. Default 1.
    pub publishing_connections: usize,
    /// Connections that consume and do everything else. Default 1.
    pub consuming_connections: usize,
}

impl PoolsOptions {
    /// The defaults.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            pool: PoolOptions::new(name),
            publisher: PublisherOptions::to("", ""),
            publishing_connections: 1,
            consuming_connections: 1,
        }
    }
}

/// Publishers and channels to borrow. They lie on connections apart: a broker that holds back publishers (`connection.blocked`) does
/// not hold back acknowledgements.
///
/// ```
/// # async fn example(_: leveret_client::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_client::pool::{Pools, PoolsOptions};
/// use leveret_client::{ConnectOptions, Message, QueueDeclare};
///
/// # let broker = leveret_test::TestBroker::start().await;
/// # let url = broker.url().await;
/// let orders = Pools::new(ConnectOptions::new(url)?, PoolsOptions::new("orders")); // "amqp://guest:guest@localhost"
/// orders.channel().await?.queue_declare("orders", QueueDeclare::default()).await?;
/// let publisher = orders.publisher().await?; // goes back when it is dropped
/// publisher.send(Message::new("one coffee").routing_key("orders")).await?;
/// # Ok(())
/// # }
/// # leveret_test::run_example(example);
/// ```
#[derive(Debug, Clone)]
pub struct Pools {
    publishers: Pool<Publishers>,
    channels: Pool<Channels>,
}

impl Pools {
    /// Pools over TCP or TLS. Connects when something is borrowed first.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new(connect: ConnectOptions, options: PoolsOptions) -> Self {
        Self::over(Connector::socket(), connect, options)
    }

    /// The same over any transport.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn over(connector: Connector, connect: ConnectOptions, options: PoolsOptions) -> Self {
        let named = |kind: &str| PoolOptions {
            name: format!("{}/{kind}", options.pool.name).into(),
            ..options.pool.clone()
        };
        let publishing = Connections::new(connector.clone(), connect.clone(), options.publishing_connections);
        let consuming = Connections::new(connector, connect, options.consuming_connections);
        let publishers = Publishers { connections: publishing, options: options.publisher.clone() };
        Self {
            publishers: Pool::new(publishers, named("publishers")),
            channels: Pool::new(Channels { connections: consuming }, named("channels")),
        }
    }

    /// Borrows a publisher. As [`Pool::get`].
    ///
    /// # Errors
    /// See [`PoolError`].
    #[track_caller]
    pub fn publisher(
        &self,
    ) -> impl Future<Output = Result<Guard<Publishers>, PoolError<OpenError>>> + Send + use<> {
        self.publishers.get()
    }

    /// Borrows a channel. As [`Pool::get`].
    ///
    /// # Errors
    /// See [`PoolError`].
    #[track_caller]
    pub fn channel(
        &self,
    ) -> impl Future<Output = Result<Guard<Channels>, PoolError<OpenError>>> + Send + use<> {
        self.channels.get()
    }

    /// Figures of the publishers and of the channels.
    #[must_use]
    pub fn stats(&self) -> (PoolStats, PoolStats) {
        (self.publishers.stats(), self.channels.stats())
    }

    /// Closes both. Connections close when what was borrowed is back.
    pub fn close(&self) {
        self.publishers.close();
        self.channels.close();
    }
}

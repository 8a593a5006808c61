//! Several workers in one application, with the relays and publishers that belong to it.

mod health;
mod run;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use leveret_client::SendError;
use tokio_util::sync::CancellationToken;

use crate::codec::Encode;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::outbox::Relay;
use crate::publisher::Publisher;
use crate::relayed::{RelayError, RelayReport};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::sql::SqlDatabase;
use crate::worker::{DrainReport, Worker, WorkerError};
pub use health::AppHealth;
use health::Part;

/// What relays and publishers have, when the workers have ended.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// Workers (also those that [answer](crate::WorkerBuilder::responder)), relays of outboxes and publishers that start and stop together.
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::{App, Json, Queue, Topology};
/// use tokio_util::sync::CancellationToken;
///
/// let topology = Topology::new().queue(Queue::durable("orders").dead_letter()).queue(Queue::durable("mails").discard_failed());
/// mq.declare(topology).await?;
///
/// async fn order(Json(_order): Json<u32>) {}
/// async fn mail(Json(_mail): Json<String>) {}
///
/// let stop = CancellationToken::new();
/// let app = App::new()
///     .worker(mq.worker("orders").concurrency(16).handler(order))
///     .worker(mq.worker("mails").concurrency(2).handler(mail));
/// # stop.cancel();
/// let report = app.run(stop).await?;
/// println!("{:?}", report.total());
/// # assert_eq!(report.queues.len(), 2);
/// # Ok(())
/// # }
/// # leveret::test::run_example(example);
/// ```
#[must_use = "an application does nothing until it runs"]
pub struct App {
    workers: Vec<Worker>,
    relays: Vec<(String, Relaying)>,
    publishers: Vec<(String, Flushing)>,
    drain: Duration,
    health: AppHealth,
}

type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// Runs a relay.
type Relaying = Box<dyn FnOnce(Stops) -> Later<Result<RelayReport, RelayError>> + Send>;
/// Flushes a publisher.
type Flushing = Box<dyn FnOnce() -> Later<Result<(), SendError>> + Send>;

/// What a relay is told.
#[derive(Debug, Clone)]
#[cfg_attr(
    not(any(feature = "sqlite", feature = "postgres")),
    expect(dead_code, reason = "without a database there are no relays")
)]
pub(crate) struct Stops {
    /// It tells that it has begun.
    pub(crate) started: CancellationToken,
    /// Nothing is written any more: it ends when nothing is left to be sent.
    pub(crate) finish: CancellationToken,
    /// It ends.
    pub(crate) stop: CancellationToken,
}

/// What the parts of an application did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AppReport {
    /// Each worker by the name of its queue, in the order in which they were added.
    pub queues: Vec<(String, DrainReport)>,
    /// Each relay by the name of its table, in the order in which they were added. One that had to be dropped when the time was over says nothing.
    pub relays: Vec<(String, RelayReport)>,
    /// Publishers (`exchange`, or the queue) with messages whose outcome was not known when the time was over.
    pub unconfirmed: Vec<String>,
}

/// Why an application ended without being told to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// A worker.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// A relay.
    #[error("table '{table}': {source}")]
    Relay {
        /// Its table.
        table: String,
        /// Why.
        source: RelayError,
    },
    /// The task of a part: it panicked.
    #[error("a part of the application has ended: {0}")]
    Task(String),
}

impl AppReport {
    /// All workers together.
    #[must_use]
    pub fn total(&self) -> DrainReport {
        self.queues.iter().fold(DrainReport::default(), |sum, (_, report)| sum.and(*report))
    }
}

impl Default for App {
    fn default() -> Self {
        let health = AppHealth { parts: Vec::new(), stop: Arc::default() };
        Self { workers: Vec::new(), relays: Vec::new(), publishers: Vec::new(), drain: DRAIN_TIME, health }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("workers", &self.workers)
            .field("parts", &self.health)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Without parts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a worker.
    pub fn worker(mut self, worker: Worker) -> Self {
        let part = Part::new(format!("worker of {}", worker.queue()));
        self.workers.push(worker.started(part.started.clone()));
        self.health.parts.insert(self.workers.len() - 1, part);
        self
    }

    /// Adds a relay. It goes on while the workers stop, and ends when it has sent what their last handlers wrote.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub fn relay<DB: SqlDatabase>(mut self, relay: Relay<DB>) -> Self {
        let table = relay.table().to_owned();
        self.health.parts.push(Part::new(format!("relay of {table}")));
        self.relays.push((table, Box::new(move |stops| Box::pin(relay.run_within(stops)))));
        self
    }

    /// Adds a publisher, to be flushed at the end: what was [enqueued](Publisher::enqueue) is confirmed, or is in
    /// [`AppReport::unconfirmed`]. It is not closed.
    pub fn publisher<C: Encode + 'static>(mut self, publisher: &Publisher<C>) -> Self {
        let publisher = publisher.clone();
        let exchange = &publisher.exchange;
        let name = if exchange.is_empty() { &publisher.routing_key } else { exchange }.clone().into_owned();
        self.publishers.push((name, Box::new(move || Box::pin(async move { publisher.flush().await }))));
        self
    }

    /// What relays and publishers have, together, from when the workers have ended. (Those have
    /// [their own time](crate::WorkerBuilder::drain_within).) What a relay has not sent by then stays in its table. Default: 10 s.
    pub fn drain_within(self, time: Duration) -> Self {
        Self { drain: time, ..self }
    }

    /// How it is, also while it runs: of the parts that were added so far.
    #[must_use]
    pub fn health(&self) -> AppHealth {
        self.health.clone()
    }
}

//! Several workers in one application.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::worker::{DrainReport, Worker, WorkerError};

/// Workers that start and stop together.
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
#[derive(Debug, Default)]
#[must_use = "an application does nothing until it runs"]
pub struct App {
    workers: Vec<Worker>,
}

/// What the workers of an application did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AppReport {
    /// Each worker by the name of its queue, in the order in which they were added.
    pub queues: Vec<(String, DrainReport)>,
}

impl AppReport {
    /// All together.
    #[must_use]
    pub fn total(&self) -> DrainReport {
        self.queues.iter().fold(DrainReport::default(), |sum, (_, report)| sum.and(*report))
    }
}

impl App {
    /// Without workers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a worker.
    pub fn worker(mut self, worker: Worker) -> Self {
        self.workers.push(worker);
        self
    }

    /// Runs all until `stop` is cancelled or one of them fails, which stops the others. Dropping the future stops them as well, without
    /// waiting.
    ///
    /// # Errors
    /// The first worker's that failed, when all have stopped.
    pub async fn run(self, stop: CancellationToken) -> Result<AppReport, WorkerError> {
        let stop = stop.child_token();
        let _stop_when_dropped = stop.clone().drop_guard();
        let mut running = JoinSet::new();
        let mut queues: Vec<_> =
            self.workers.iter().map(|worker| (worker.queue().to_owned(), DrainReport::default())).collect();
        for (at, worker) in self.workers.into_iter().enumerate() {
            let stop = stop.clone();
            // Without a task of its own for the whole of it, a worker would end with this future, its handlers would not.
            running.spawn(async move { (at, worker.run(stop).await) });
        }
        let mut first_error = None;
        while let Some(ended) = running.join_next().await {
            match ended {
                Ok((at, Ok(report))) => {
                    if let Some((_, place)) = queues.get_mut(at) {
                        *place = report;
                    }
                }
                Ok((_, Err(error))) => {
                    stop.cancel();
                    first_error.get_or_insert(error);
                }
                Err(error) => {
                    stop.cancel();
                    first_error
                        .get_or_insert(WorkerError::Invalid(format!("a worker's task has ended: {error}")));
                }
            }
        }
        match first_error {
            Some(error) => Err(error),
            None => Ok(AppReport { queues }),
        }
    }
}

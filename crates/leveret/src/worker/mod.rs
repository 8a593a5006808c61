//! Workers: a queue, a handler, and everything between a delivery and its end.
//!
//! Each delivery is settled exactly once, by what its handler answers. What is published on the way (a copy that waits, a dead letter) is
//! confirmed before the delivery is acked: a crash between the two makes a duplicate, never a loss.

mod batches;
mod breaker;
mod builder;
mod call;
mod caught;
mod concurrency;
mod consumers;
mod error;
mod hand;
mod handlers;
mod lanes;
mod places;
mod prefetch;
mod process;
mod report;
mod run;
mod settings;
mod settle;
mod verdict;

use std::fmt;

use tokio_util::sync::CancellationToken;

pub use breaker::CircuitBreaker;
pub use builder::WorkerBuilder;
use call::Call;
pub use concurrency::Concurrency;
pub use error::WorkerError;
pub use report::DrainReport;
use settings::Settings;
#[cfg(test)]
pub(crate) use verdict::is_caused_by;

use crate::message::States;
use crate::mq::Mq;

/// A worker with its handler; alone with [`run`](Self::run), or together with others in an [`App`](crate::App).
#[must_use = "a worker does nothing until it runs"]
pub struct Worker {
    mq: Mq,
    queue: String,
    settings: Settings,
    states: States,
    call: Call,
    checked: Result<(), String>,
    /// Told when it has its consumer.
    started: Option<CancellationToken>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("queue", &self.queue)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Worker {
    /// Its queue.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.queue
    }

    pub(crate) fn started(self, started: CancellationToken) -> Self {
        Self { started: Some(started), ..self }
    }

    /// Runs until `stop` is cancelled. Then nothing new is begun, tokens of handlers ([`Cancelled`](crate::Cancelled)) are cancelled,
    /// and what was begun may finish within [`drain_within`](WorkerBuilder::drain_within); what was not begun goes back to the queue.
    ///
    /// When the future is dropped, handlers are dropped where they wait, as after a drain that took too long, and their messages go back to
    /// the queue; nothing waits for that.
    ///
    /// # Errors
    /// It cannot start; or its connection was closed for good.
    pub async fn run(self, stop: CancellationToken) -> Result<DrainReport, WorkerError> {
        run::run(self, stop).await
    }
}

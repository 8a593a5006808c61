//! An application's life: all start; workers stop, then relays, then what was published is confirmed.

use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{App, AppError, AppReport, Relaying, Stops};
use crate::deadline;
use crate::relayed::{RelayError, RelayReport};
use crate::worker::{DrainReport, Worker, WorkerError};

/// What relays that were stopped in the middle have to give back what they had taken.
const DROPPED_TIME: Duration = Duration::from_secs(1);

impl App {
    /// Runs all until `stop` is cancelled or one of them fails, which stops the others. Then workers stop first, relays when there is
    /// nothing left to send, and publishers are flushed. Dropping the future stops them as well, without waiting.
    ///
    /// # Errors
    /// The first part's that failed, when all have stopped.
    pub async fn run(self, stop: CancellationToken) -> Result<AppReport, AppError> {
        let stop = stop.child_token();
        let _stop_when_dropped = stop.clone().drop_guard();
        // It runs once.
        let _ = self.health.stop.set(stop.clone());
        let Self { workers, relays, publishers, drain, health } = self;
        let of_relays = health.parts.get(workers.len()..).unwrap_or_default();
        let mut all = Running::default();
        for ((at, worker), part) in workers.into_iter().enumerate().zip(&health.parts) {
            all.report.queues.push((worker.queue().to_owned(), DrainReport::default()));
            all.work(at, worker, part.ended.clone(), stop.clone());
        }
        for ((at, (table, relay)), part) in relays.into_iter().enumerate().zip(of_relays) {
            all.report.relays.push((table, RelayReport::default()));
            let (finish, stop) = (all.finish.clone(), all.stop_relays.clone());
            let stops = Stops { started: part.started.clone(), finish, stop };
            all.relay(at, relay, part.ended.clone(), stops);
        }
        loop {
            let failed = tokio::select! {
                Some(ended) = all.workers.join_next() => all.worker_ended(ended),
                Some(ended) = all.relays.join_next() => all.relay_ended(ended),
                () = stop.cancelled(), if all.workers.is_empty() => break,
            };
            if failed {
                stop.cancel();
            }
        }
        let until = deadline::after(Instant::now(), drain);
        all.finish.cancel();
        all.relays_end(until).await;
        let mut flushing = JoinSet::new();
        for (name, flush) in publishers {
            flushing.spawn(async move { (name, timeout_at(until, flush()).await) });
        }
        while let Some(flushed) = flushing.join_next().await {
            match flushed {
                Ok((_, Ok(Ok(())))) => {}
                Ok((name, _)) => all.report.unconfirmed.push(name),
                Err(error) => all.fail(AppError::Task(error.to_string())),
            }
        }
        all.error.map_or(Ok(all.report), Err)
    }
}

/// What has begun, and what is known of its end.
#[derive(Default)]
struct Running {
    workers: JoinSet<(usize, Result<DrainReport, WorkerError>)>,
    relays: JoinSet<(usize, Result<RelayReport, RelayError>)>,
    finish: CancellationToken,
    stop_relays: CancellationToken,
    report: AppReport,
    /// The first.
    error: Option<AppError>,
}

impl Running {
    /// Without a task of its own for the whole of it, a worker would end with the application's future, its handlers would not.
    fn work(&mut self, at: usize, worker: Worker, ended: CancellationToken, stop: CancellationToken) {
        self.workers.spawn(async move {
            let _ended = ended.drop_guard();
            (at, worker.run(stop).await)
        });
    }

    fn relay(&mut self, at: usize, relay: Relaying, ended: CancellationToken, stops: Stops) {
        self.relays.spawn(async move {
            let _ended = ended.drop_guard();
            (at, relay(stops).await)
        });
    }

    fn fail(&mut self, error: AppError) {
        self.error.get_or_insert(error);
    }

    /// Whether it failed.
    fn worker_ended(&mut self, ended: Result<(usize, Result<DrainReport, WorkerError>), JoinError>) -> bool {
        match ended {
            Ok((at, Ok(report))) => {
                if let Some((_, place)) = self.report.queues.get_mut(at) {
                    *place = report;
                }
                return false;
            }
            Ok((_, Err(error))) => self.fail(error.into()),
            Err(error) => self.fail(AppError::Task(error.to_string())),
        }
        true
    }

    fn relay_ended(&mut self, ended: Result<(usize, Result<RelayReport, RelayError>), JoinError>) -> bool {
        match ended {
            Ok((at, ended)) => {
                let Some((table, place)) = self.report.relays.get_mut(at) else { return false };
                match ended {
                    Ok(report) => {
                        *place = report;
                        return false;
                    }
                    Err(source) => {
                        let table = table.clone();
                        self.fail(AppError::Relay { table, source });
                    }
                }
            }
            Err(error) => self.fail(AppError::Task(error.to_string())),
        }
        true
    }

    /// Relays may send what is left until then; what they have in hand goes back after that, or waits for the end of its lease.
    async fn relays_end(&mut self, until: Instant) {
        for until in [until, until + DROPPED_TIME] {
            while let Ok(ended) = timeout_at(until, self.relays.join_next()).await {
                let Some(ended) = ended else { return };
                self.relay_ended(ended);
            }
            self.stop_relays.cancel();
        }
        tracing::warn!(
            relays = self.relays.len(),
            "relays are dropped in the middle: their rows wait for the end of their leases"
        );
        self.relays.shutdown().await;
    }
}

//! The tasks that send. A collector that fails for a while is asked again, later and later; meanwhile the queue fills and drops.

use crate::client::{Client, Export};
use crate::figures::{Counts, Tally};
use crate::metrics::Meter;
use crate::queue::{Queue, Weigh};
use opentelemetry_proto::tonic::resource::v1::Resource;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// What waits is sent that often even if it fills no batch.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
const BACKOFF_MIN: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// The log says that often at most that something is dropped.
const DROPS_EVERY: Duration = Duration::from_secs(60);
/// A batch that failed for so long is given up.
const RETRY_MAX: Duration = Duration::from_secs(120);

/// Things that are sent many at a time.
pub(crate) trait Batch: Weigh + Send + 'static {
    const WHAT: &'static str;
    fn export(batch: Vec<Self>, resource: &Resource) -> Export
    where
        Self: Sized;
    fn tally(counts: &Counts) -> &Tally;
}

/// Sends what a queue holds.
pub(crate) struct Queued<T> {
    pub(crate) queue: Arc<Queue<T>>,
    pub(crate) client: Arc<Client>,
    pub(crate) resource: Arc<Resource>,
    pub(crate) counts: Arc<Counts>,
}

impl<T: Batch> Queued<T> {
    /// Until `stopping` ends; then until the queue is empty or the collector fails.
    pub(crate) async fn run(self, mut stopping: watch::Receiver<()>) {
        let mut ticks = interval(FLUSH_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_failing = false;
        let mut drops = Drops::default();
        loop {
            let is_stopping = tokio::select! {
                _ = ticks.tick() => false,
                () = self.queue.fills() => false,
                _ = stopping.changed() => true,
            };
            loop {
                let batch = self.queue.take();
                if batch.is_empty() {
                    break;
                }
                let count = batch.len() as u64;
                let export = T::export(batch, &self.resource);
                let failure = self.deliver(&export, count, &mut stopping, &mut is_failing).await;
                if failure && stopping.has_changed().is_err() {
                    return;
                }
            }
            drops.tell(T::WHAT, self.queue.dropped(), is_stopping);
            if is_stopping {
                return;
            }
        }
    }

    /// Sends one batch until it is taken or given up. Whether it failed.
    async fn deliver(
        &self,
        export: &Export,
        count: u64,
        stopping: &mut watch::Receiver<()>,
        is_failing: &mut bool,
    ) -> bool {
        let tally = T::tally(&self.counts);
        let began = Instant::now();
        let mut backoff = BACKOFF_MIN;
        let failure = loop {
            match self.client.send(export).await {
                Ok(rejected) => {
                    let refused = rejected.count.min(count);
                    tally.sent.fetch_add(count - refused, Ordering::Relaxed);
                    tally.failed.fetch_add(refused, Ordering::Relaxed);
                    if refused > 0 {
                        tracing::warn!(refused, "the OTLP collector refused {}: {}", T::WHAT, rejected.text);
                    }
                    if std::mem::replace(is_failing, false) {
                        tracing::info!("the OTLP collector takes {} again", T::WHAT);
                    }
                    return false;
                }
                Err(failed) if failed.again && began.elapsed() < RETRY_MAX => {
                    if !std::mem::replace(is_failing, true) {
                        tracing::warn!("the OTLP collector does not take {}: {}", T::WHAT, failed.text);
                    }
                    // Many brokers that lost one collector do not come back in step.
                    let pause = failed.after.unwrap_or(backoff.mul_f64(rand::random_range(0.5..1.0)));
                    tokio::select! {
                        () = sleep(pause.min(BACKOFF_MAX)) => {}
                        _ = stopping.changed() => break failed,
                    }
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                }
                Err(failed) => break failed,
            }
        };
        tally.failed.fetch_add(count, Ordering::Relaxed);
        tracing::warn!(count, "{} for the OTLP collector are lost: {}", T::WHAT, failure.text);
        *is_failing = true;
        true
    }
}

/// What was said of drops in the log.
#[derive(Default)]
struct Drops {
    told: u64,
    told_at: Option<Instant>,
}

impl Drops {
    /// Says it when there are new ones, not too often.
    fn tell(&mut self, what: &str, dropped: u64, is_last: bool) {
        let is_quiet = self.told_at.is_some_and(|at| at.elapsed() < DROPS_EVERY);
        if dropped > self.told && (is_last || !is_quiet) {
            let more = dropped - self.told;
            tracing::warn!(
                dropped = more,
                "{what} were dropped: they came faster than the OTLP collector takes them"
            );
            (self.told, self.told_at) = (dropped, Some(Instant::now()));
        }
    }
}

/// Sends metrics at every interval, and once more at the end. What fails is not sent again: the next has all that it had.
pub(crate) async fn meter(
    meter: Meter,
    client: Arc<Client>,
    every: Duration,
    mut stopping: watch::Receiver<()>,
) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_failing = false;
    loop {
        let is_stopping = tokio::select! {
            _ = ticks.tick() => false,
            _ = stopping.changed() => true,
        };
        match client.send(&meter.read()).await {
            Ok(rejected) => {
                if std::mem::replace(&mut is_failing, false) {
                    tracing::info!("the OTLP collector takes metrics again");
                }
                if rejected.count > 0 {
                    tracing::warn!(
                        "the OTLP collector refused {} metrics: {}",
                        rejected.count,
                        rejected.text
                    );
                }
            }
            Err(failed) => {
                if !std::mem::replace(&mut is_failing, true) {
                    tracing::warn!("the OTLP collector does not take metrics: {}", failed.text);
                }
            }
        }
        if is_stopping {
            return;
        }
    }
}

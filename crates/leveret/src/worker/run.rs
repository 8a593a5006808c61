//! A worker's life: start, read, stop.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use leveret_client::{
    Consumer, ConsumerOptions, Error, Publisher, PublisherOptions, QueueDeclare, prefetch_for,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::consumers::Consumers;
use super::places::Place;
use super::prefetch::{Calls, Follower};
use super::read::read;
use super::report::Counters;
use super::settings::Settings;
use super::{Call, DrainReport, Worker, WorkerError};
use crate::message;
use crate::metrics::WorkerMetrics;
use crate::mq::Mq;
use crate::retry::Retry;
use crate::rpc::Listening;
use crate::topology::{Queue, QueueKind, rungs_of};

/// What handlers that were dropped have to give their messages back.
const DROPPED_TIME: Duration = Duration::from_secs(1);

/// What all tasks of a worker share.
pub(super) struct Running {
    pub(super) mq: Mq,
    pub(super) queue: Queue,
    pub(super) retry: Retry,
    /// Whether messages wait in queues beside it.
    pub(super) rungs: bool,
    pub(super) place: Arc<message::Place>,
    pub(super) settings: Settings,
    pub(super) call: Call,
    /// For what takes the place of a delivery.
    pub(super) publisher: Publisher,
    pub(super) counters: Counters,
    pub(super) metrics: WorkerMetrics,
    pub(super) calls: Calls,
    /// Nothing is begun any more.
    pub(super) stop: CancellationToken,
    /// What was begun is dropped.
    pub(super) abort: CancellationToken,
    pub(super) done: AtomicU64,
    pub(super) failed: AtomicU64,
}

impl Running {
    /// Whether the queue itself has somewhere to put what is rejected.
    pub(super) fn dead_lettered_by_broker(&self) -> bool {
        self.queue.kind != QueueKind::Existing && self.queue.dead_letter_queue().is_some()
    }

    /// Somebody deleted what a copy goes to.
    pub(super) async fn declare_again(&self) {
        if let Err(error) = self.mq.declare(self.queue.clone()).await {
            tracing::error!(queue = self.queue.name(), %error, "what belongs to the queue cannot be declared again");
        }
    }
}

pub(super) async fn run(worker: Worker, stop: CancellationToken) -> Result<DrainReport, WorkerError> {
    let name = worker.queue.clone();
    let started = worker.started.clone();
    let (running, consumer, follower) = start(worker, stop.child_token()).await?;
    if let Some(started) = started {
        started.cancel();
    }
    let mut consumers = Consumers::new(consumer, follower);
    let running = Arc::new(running);
    let _dropped = Dropped(running.clone());
    let tasks = TaskTracker::new();
    let concurrency = running.settings.concurrency;
    let places = Place::new(&running);
    let ended = tokio::select! {
        ended = read(&running, &mut consumers, &places, &tasks) => ended,
        () = places.adapt(&running), if concurrency.min() < concurrency.max() => None,
    };
    let report = drain(&running, consumers, &tasks).await;
    if let Some(listening) = &running.place.listening {
        listening.stop().await;
    }
    tracing::info!(queue = name, ?report, "worker stopped");
    match ended {
        Some(source) => Err(WorkerError::Ended { queue: name, source }),
        None => Ok(report),
    }
}

/// Ends what was begun when the worker's future is dropped; where it ends by itself there is nothing left to end.
struct Dropped(Arc<Running>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.stop.cancel();
        self.0.abort.cancel();
        if let Some(listening) = &self.0.place.listening {
            listening.leave();
        }
    }
}

async fn start(
    worker: Worker,
    stop: CancellationToken,
) -> Result<(Running, Consumer, Option<Follower>), WorkerError> {
    let Worker { mq, queue: name, settings, states, call, checked, .. } = worker;
    let queue = mq.declared(&name).ok_or_else(|| WorkerError::NotDeclared(name.clone()))?;
    if queue.dead_letter_queue().is_none() && !queue.discard {
        return Err(WorkerError::NoDeadLetters(name));
    }
    checked.map_err(|text| WorkerError::Handler { queue: name.clone(), text })?;
    let failed = |source| WorkerError::Start { queue: name.clone(), source };
    let publisher = mq.publishing().publisher(PublisherOptions::default()).await.map_err(failed)?;
    let round_trip = round_trip(&mq, &name).await.map_err(failed)?;
    let listening = if settings.answers { Some(Listening::start(&mq, &name).await) } else { None };
    let most = settings.concurrency.max();
    let derived = match settings.batch {
        // One batch for each place, and the next of all of them on its way.
        Some((max, _)) => max.saturating_mul(most.saturating_add(1)),
        None => prefetch_for(most, round_trip, settings.handler_time).max(most),
    };
    let prefetch = settings.prefetch.unwrap_or(derived);
    let consumer = mq.consuming().consumer(subscription(&name, prefetch, &settings));
    let consumer = consumer.await.map_err(failed)?;
    let follows = settings.adaptive_prefetch && settings.batch.is_none();
    let follower = follows.then(|| Follower::new(most, round_trip, prefetch));
    let rungs = rungs_of(&queue, mq.waiting());
    let broker_counts = queue.kind == QueueKind::Quorum || (!rungs && queue.retry.is_some());
    tracing::info!(queue = name, prefetch, concurrency = ?settings.concurrency, "worker started");
    let running = Running {
        rungs,
        retry: queue.retry.clone().unwrap_or_else(Retry::never),
        place: Arc::new(message::Place {
            queue: name,
            states,
            broker_counts,
            stop: stop.clone(),
            trace_share: mq.options().trace_share,
            listening,
        }),
        counters: Counters::default(),
        metrics: WorkerMetrics::new(queue.name()),
        calls: Calls::default(),
        abort: CancellationToken::new(),
        done: AtomicU64::new(0),
        failed: AtomicU64::new(0),
        mq,
        queue,
        settings,
        call,
        publisher,
        stop,
    };
    Ok((running, consumer, follower))
}

pub(super) fn subscription(queue: &str, prefetch: u16, settings: &Settings) -> ConsumerOptions {
    ConsumerOptions::new(queue, prefetch).arguments(settings.arguments.clone()).tag(&settings.tag)
}

/// How long the broker takes to answer, by asking whether the queue is there.
async fn round_trip(mq: &Mq, queue: &str) -> Result<Duration, Error> {
    let channel = mq.consuming().channel().await?;
    let began = Instant::now();
    channel.queue_declare(queue, QueueDeclare { passive: true, ..QueueDeclare::default() }).await?;
    Ok(began.elapsed())
}

async fn drain(running: &Running, consumers: Consumers, tasks: &TaskTracker) -> DrainReport {
    running.stop.cancel();
    tasks.close();
    let time = running.settings.drain;
    let finish = async {
        tokio::select! {
            () = tasks.wait() => {}
            () = sleep(time) => running.abort.cancel(),
        }
    };
    let (drained, ()) = tokio::join!(consumers.drain(time.saturating_add(DROPPED_TIME)), finish);
    // The consumer may be gone with its connection; what was begun has its end all the same.
    let _ = tokio::time::timeout(DROPPED_TIME, tasks.wait()).await;
    let drained = drained.unwrap_or_else(|error| {
        tracing::warn!(queue = running.queue.name(), %error, "not drained: the broker delivers again what was not settled");
        Default::default()
    });
    DrainReport { requeued: drained.requeued, abandoned: drained.abandoned, ..running.counters.report() }
}

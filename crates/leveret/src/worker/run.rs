//! A worker's life: start, read, stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use leveret_client::{
    ConsumeError, Consumer, ConsumerOptions, Error, Publisher, PublisherOptions, QueueDeclare, prefetch_for,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::concurrency::{Adaptive, Seen};
use super::lanes::Lanes;
use super::process::process;
use super::report::Counters;
use super::settings::Settings;
use super::{Call, DrainReport, Worker, WorkerError};
use crate::message;
use crate::mq::Mq;
use crate::retry::Retry;
use crate::topology::{Queue, QueueKind, rungs_of};

/// How often an adaptive concurrency is looked at.
const TICK: Duration = Duration::from_secs(1);
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

/// Places for messages that are handled at the same time.
#[derive(Clone)]
pub(super) struct Place {
    permits: Arc<Semaphore>,
    waited: Arc<AtomicBool>,
}

impl Place {
    /// A place, when there is one; `None`: the worker stops.
    pub(super) async fn take(&self, running: &Running) -> Option<OwnedSemaphorePermit> {
        if running.stop.is_cancelled() {
            return None;
        }
        if let Ok(place) = self.permits.clone().try_acquire_owned() {
            return Some(place);
        }
        self.waited.store(true, Relaxed);
        tokio::select! {
            biased;
            () = running.stop.cancelled() => None,
            place = self.permits.clone().acquire_owned() => place.ok(),
        }
    }

    /// Adapts their number for as long as it is polled.
    async fn adapt(&self, running: &Running) {
        let mut adaptive = Adaptive::new(running.settings.concurrency);
        let (mut done, mut failed, mut owed) = (0, 0, 0);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let (done_now, failed_now) = (running.done.load(Relaxed), running.failed.load(Relaxed));
            let waited = self.waited.swap(false, Relaxed);
            let before = usize::from(adaptive.now());
            let now = adaptive.tick(Seen { done: done_now - done, failed: failed_now - failed, waited });
            (done, failed) = (done_now, failed_now);
            let now = usize::from(now);
            // Places that are taken cannot be taken away yet.
            owed += before.saturating_sub(now);
            let more = now.saturating_sub(before);
            self.permits.add_permits(more.saturating_sub(owed));
            owed = owed.saturating_sub(more);
            owed -= self.permits.forget_permits(owed);
        }
    }
}

pub(super) async fn run(worker: Worker, stop: CancellationToken) -> Result<DrainReport, WorkerError> {
    let name = worker.queue.clone();
    let (running, mut consumer) = start(worker, stop.child_token()).await?;
    let running = Arc::new(running);
    let tasks = TaskTracker::new();
    let concurrency = running.settings.concurrency;
    let places =
        Place { permits: Arc::new(Semaphore::new(concurrency.min().into())), waited: Arc::default() };
    let ended = tokio::select! {
        ended = read(&running, &mut consumer, &places, &tasks) => ended,
        () = places.adapt(&running), if concurrency.min() < concurrency.max() => None,
    };
    let report = drain(&running, consumer, &tasks).await;
    tracing::info!(queue = name, ?report, "worker stopped");
    match ended {
        Some(source) => Err(WorkerError::Ended { queue: name, source }),
        None => Ok(report),
    }
}

async fn start(worker: Worker, stop: CancellationToken) -> Result<(Running, Consumer), WorkerError> {
    let Worker { mq, queue: name, settings, states, call, checked } = worker;
    let queue = mq.declared(&name).ok_or_else(|| WorkerError::NotDeclared(name.clone()))?;
    if queue.dead_letter_queue().is_none() && !queue.discard {
        return Err(WorkerError::NoDeadLetters(name));
    }
    checked.map_err(|text| WorkerError::Handler { queue: name.clone(), text })?;
    let failed = |source| WorkerError::Start { queue: name.clone(), source };
    let publisher = mq.publishing().publisher(PublisherOptions::default()).await.map_err(failed)?;
    let round_trip = round_trip(&mq, &name).await.map_err(failed)?;
    let most = settings.concurrency.max();
    let derived = prefetch_for(most, round_trip, settings.handler_time).max(most);
    let prefetch = settings.prefetch.unwrap_or(derived);
    let options =
        ConsumerOptions::new(&name, prefetch).arguments(settings.arguments.clone()).tag(&settings.tag);
    let consumer = mq.consuming().consumer(options).await.map_err(failed)?;
    let rungs = rungs_of(&queue, mq.waiting());
    let broker_counts = queue.kind == QueueKind::Quorum || (!rungs && queue.retry.is_some());
    tracing::info!(queue = name, prefetch, concurrency = ?settings.concurrency, "worker started");
    let running = Running {
        rungs,
        retry: queue.retry.clone().unwrap_or_else(Retry::never),
        place: Arc::new(message::Place { queue: name, states, broker_counts }),
        counters: Counters::default(),
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
    Ok((running, consumer))
}

/// How long the broker takes to answer, by asking whether the queue is there.
async fn round_trip(mq: &Mq, queue: &str) -> Result<Duration, Error> {
    let channel = mq.consuming().channel().await?;
    let began = Instant::now();
    channel.queue_declare(queue, QueueDeclare { passive: true, ..QueueDeclare::default() }).await?;
    Ok(began.elapsed())
}

/// Takes deliveries and has them handled, until the worker stops (`None`) or the consumer has ended for good.
async fn read(
    running: &Arc<Running>,
    consumer: &mut Consumer,
    places: &Place,
    tasks: &TaskTracker,
) -> Option<ConsumeError> {
    let order = running.settings.order_by.as_ref().map(|key| (key, Lanes::default()));
    let ended = loop {
        let delivery = tokio::select! {
            biased;
            delivery = consumer.next(), if !running.stop.is_cancelled() => delivery,
            () = running.stop.cancelled() => break None,
        };
        let delivery = match delivery {
            Some(Ok(delivery)) => delivery,
            Some(Err(error)) => break Some(error),
            None => break None,
        };
        let message = running.message(&delivery);
        let item = (delivery, message);
        let (item, key) = match &order {
            None => (item, None),
            Some((key, lanes)) => {
                let key = item.1.as_ref().map(key).unwrap_or_default();
                match lanes.begin(&key, item) {
                    Some(item) => (item, Some(key)),
                    None => continue, // behind another of its key
                }
            }
        };
        let Some(place) = places.take(running).await else {
            consumer.put_back(item.0);
            break None;
        };
        let (running, lane) = (running.clone(), key.zip(order.as_ref().map(|(_, lanes)| lanes.clone())));
        tasks.spawn(async move {
            match lane {
                None => process(&running, item).await,
                Some((key, lanes)) => lanes.run(&running, &key, item).await,
            }
            drop(place);
        });
    };
    if let Some((_, lanes)) = order {
        // From the last on, so that they lie in their order again.
        lanes.take_all().into_iter().rev().for_each(|delivery| consumer.put_back(delivery));
    }
    ended
}

async fn drain(running: &Running, consumer: Consumer, tasks: &TaskTracker) -> DrainReport {
    running.stop.cancel();
    tasks.close();
    let time = running.settings.drain;
    let finish = async {
        tokio::select! {
            () = tasks.wait() => {}
            () = sleep(time) => running.abort.cancel(),
        }
    };
    let (drained, ()) = tokio::join!(consumer.drain(time + DROPPED_TIME), finish);
    // The consumer may be gone with its connection; what was begun has its end all the same.
    let _ = tokio::time::timeout(DROPPED_TIME, tasks.wait()).await;
    let drained = drained.unwrap_or_else(|error| {
        tracing::warn!(queue = running.queue.name(), %error, "not drained: the broker delivers again what was not settled");
        Default::default()
    });
    DrainReport { requeued: drained.requeued, abandoned: drained.abandoned, ..running.counters.report() }
}

//! A worker's life: start, read, stop.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use leveret_client::{
    ConsumeError, Consumer, ConsumerOptions, Error, Publisher, PublisherOptions, QueueDeclare, prefetch_for,
};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::coop::consume_budget;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::batches::process_batch;
use super::consumers::Consumers;
use super::hand::{Hand, Work};
use super::lanes::Lanes;
use super::places::Place;
use super::prefetch::{Calls, Follower};
use super::process::{Item, process};
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

/// A message whose handling begins.
struct Begun {
    item: Item,
    /// If those of a key go one after the other.
    key: Option<String>,
    place: OwnedSemaphorePermit,
}

/// Takes deliveries and has them handled, until the worker stops (`None`) or the consumer has ended for good.
async fn read(
    running: &Arc<Running>,
    consumers: &mut Consumers,
    places: &Place,
    tasks: &TaskTracker,
) -> Option<ConsumeError> {
    if let Some(batch) = running.settings.batch {
        return batches(running, &mut consumers.now, places, tasks, batch).await;
    }
    let order = running.settings.order_by.as_ref().map(|key| (key, Lanes::default()));
    let mut hand = Hand::new(|work: Work<Begun>| {
        let (running, lanes) = (running.clone(), order.as_ref().map(|(_, lanes)| lanes.clone()));
        async move {
            while let Some(Begun { item, key, place }) = work.next().await {
                match lanes.as_ref().zip(key) {
                    None => process(&running, item).await,
                    Some((lanes, key)) => lanes.run(&running, &key, item).await,
                }
                drop(place);
            }
        }
    });
    let ended = loop {
        let delivery = tokio::select! {
            biased;
            delivery = consumers.next(running), if !running.stop.is_cancelled() => delivery,
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
            consumers.put_back(item.0);
            break None;
        };
        hand.begin(Begun { item, key, place }, tasks);
        // Others of this thread have their turn while messages never end.
        consume_budget().await;
    };
    if let Some((_, lanes)) = order {
        // From the last on, so that they lie in their order again.
        lanes.take_all().into_iter().rev().for_each(|delivery| consumers.put_back(delivery));
    }
    ended
}

/// The same with batches.
async fn batches(
    running: &Arc<Running>,
    consumer: &mut Consumer,
    places: &Place,
    tasks: &TaskTracker,
    (max, wait): (u16, Duration),
) -> Option<ConsumeError> {
    loop {
        // The place first: what comes while there is none makes the batch fuller.
        let place = places.take(running).await?;
        let gathered = async {
            match consumer.next().await? {
                Ok(first) => consumer.put_back(first),
                Err(error) => return Some(Err(error)),
            }
            Some(consumer.consume_batch(max.into(), wait).await)
        };
        let batch = tokio::select! {
            biased;
            () = running.stop.cancelled() => return None,
            gathered = gathered => gathered,
        };
        let batch = match batch? {
            Ok(batch) => batch,
            Err(error) => return Some(error),
        };
        if running.stop.is_cancelled() {
            batch.into_iter().rev().for_each(|delivery| consumer.put_back(delivery));
            return None;
        }
        let items: Vec<_> = batch
            .into_iter()
            .map(|delivery| {
                let message = running.message(&delivery);
                (delivery, message)
            })
            .collect();
        let running = running.clone();
        tasks.spawn(async move {
            process_batch(&running, items).await;
            drop(place);
        });
    }
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

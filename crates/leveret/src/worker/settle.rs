//! Doing what was decided: telling the broker, and publishing what takes a delivery's place before it is acked.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use leveret_client::{Delivery, Message, Properties, SendError, StaleDelivery};
use tokio::time::sleep;

use super::run::Running;
use super::verdict::Verdict;
use crate::failure::Failure;
use crate::message::Incoming;
use crate::retry::headers::Failed;

/// What was released is delivered again at once; without a pause a handler that releases everything would keep the broker busy.
const RELEASE_PAUSE: Duration = Duration::from_secs(1);
/// Pauses between attempts to publish what takes a delivery's place: the first, doubled each time up to the last.
const PUBLISH_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

pub(super) async fn settle(running: &Running, message: &Incoming, delivery: Delivery, verdict: Verdict) {
    let (counters, queue) = (&running.counters, &running.queue);
    let (id, attempt) = (message.message_id(), message.attempt());
    match verdict {
        Verdict::Ack => told(running, delivery.ack(), &counters.acked),
        Verdict::Duplicate => {
            tracing::debug!(queue = queue.name(), id, "was handled before");
            counters.duplicates.fetch_add(1, Relaxed);
            told(running, delivery.ack(), &counters.acked);
        }
        Verdict::Release => {
            tokio::select! {
                () = running.stop.cancelled() => {}
                () = sleep(RELEASE_PAUSE) => {}
            }
            if running.place.broker_counts || running.stop.is_cancelled() {
                return told(running, delivery.nack(true), &counters.released);
            }
            // Given back it would look as if its handling had ended without a word.
            replace(running, message.recounted(unix_seconds(), 0), delivery, &counters.released).await;
        }
        Verdict::Retry(delay, failure) => {
            tracing::warn!(queue = queue.name(), id, attempt, %failure, "failed; to be tried again in {delay:?}");
            if running.rungs {
                let jitter = running.retry.jitter_percent() > 0;
                let expiration = jitter.then(|| running.retry.jittered(delay, rand::random()).as_millis());
                let copy = message.failed(unix_seconds()).retry(queue.rung(delay), expiration);
                replace(running, copy, delivery, &counters.retried).await;
            } else {
                // Counted, and held back by the queue's ladder; a nack would be neither.
                told(running, delivery.reject(true), &counters.retried);
            }
        }
        Verdict::Dead(failure) => {
            let reason = failure.reason_word();
            let Some(dead) = queue.dead_letter_queue() else {
                tracing::error!(queue = queue.name(), id, attempt, reason, %failure, "cannot be handled; thrown away");
                return told(running, delivery.ack(), &counters.discarded);
            };
            tracing::error!(queue = queue.name(), id, attempt, reason, %failure, "cannot be handled; to the dead letters");
            let frame_max = running.mq.publishing().frame_max();
            let copy = message.failed(unix_seconds()).dead(dead.to_owned(), &failure, frame_max);
            replace(running, copy, delivery, &counters.dead_lettered).await;
        }
        Verdict::Recount => {
            replace(running, message.recounted(unix_seconds(), 1), delivery, &counters.recounted).await;
        }
    }
}

/// A message whose properties are not text: they cannot be copied, only passed on by the broker.
pub(super) async fn settle_unreadable(running: &Running, delivery: Delivery) {
    tracing::error!(queue = running.queue.name(), "properties that are not UTF-8; to the dead letters");
    if running.dead_lettered_by_broker() {
        return told(running, delivery.reject(false), &running.counters.dead_lettered);
    }
    let Some(dead) = running.queue.dead_letter_queue() else {
        return told(running, delivery.ack(), &running.counters.discarded);
    };
    let failure =
        Failure::permanent("a text in the properties is not UTF-8; they are left out").reason("properties");
    let failed = Failed {
        queue: running.queue.name(),
        exchange: delivery.exchange(),
        routing_key: delivery.routing_key(),
        properties: &Properties::default(),
        body: delivery.body(),
        attempts: 1,
        now: unix_seconds(),
    };
    let copy = failed.dead(dead.to_owned(), &failure, running.mq.publishing().frame_max());
    replace(running, copy, delivery, &running.counters.dead_lettered).await;
}

/// Publishes what takes a delivery's place until the broker has it, then acks the delivery.
///
/// While that does not succeed the delivery stays where it is, and so does the worker's place: a broker that takes no messages
/// is no reason to take more out of it.
async fn replace(running: &Running, copy: Message, delivery: Delivery, counter: &AtomicU64) {
    let mut pause = PUBLISH_PAUSES.0;
    loop {
        let error = tokio::select! {
            sent = running.publisher.send(copy.clone()) => match sent {
                Ok(_) => return told(running, delivery.ack(), counter),
                Err(error) => error,
            },
            () = running.abort.cancelled() => return told(running, delivery.nack(true), &running.counters.released),
        };
        if delivery.is_stale() {
            return told(running, delivery.ack(), counter);
        }
        let (queue, target) = (running.queue.name(), copy.routing_key.as_deref().unwrap_or_default());
        tracing::error!(queue, target, %error, "the copy of a message cannot be published; it is kept and tried again in {pause:?}");
        match error {
            SendError::Unroutable(_) => running.declare_again().await,
            SendError::Refused { .. } | SendError::TooLong(_) if running.dead_lettered_by_broker() => {
                return told(running, delivery.reject(false), &running.counters.dead_lettered);
            }
            SendError::Closed(_) => return told(running, delivery.nack(true), &running.counters.released),
            _ => {}
        }
        tokio::select! {
            () = running.abort.cancelled() => {}
            () = sleep(pause) => {}
        }
        pause = (pause * 2).min(PUBLISH_PAUSES.1);
    }
}

/// Counts what the broker was told, or that it could not be.
fn told(running: &Running, told: Result<(), StaleDelivery>, counter: &AtomicU64) {
    match told {
        Ok(()) => counter.fetch_add(1, Relaxed),
        Err(stale) => {
            tracing::debug!(queue = running.queue.name(), %stale, "the connection was lost meanwhile: it is delivered again");
            running.counters.stale.fetch_add(1, Relaxed)
        }
    };
}

fn unix_seconds() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs()
}

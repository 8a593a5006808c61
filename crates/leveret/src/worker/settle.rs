//! Doing what was decided: telling the broker, and publishing what takes a delivery's place before it is acked.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use leveret_client::{Delivery, Message, Properties, SendError, StaleDelivery};
use tokio::time::sleep;

use super::report::Outcome;
use super::run::Running;
use super::verdict::Verdict;
use crate::failure::Failure;
use crate::message::Incoming;
use crate::retry::headers::Failed;
use crate::rpc::reply;

/// What was released is delivered again at once; without a pause a handler that releases everything would keep the broker busy.
const RELEASE_PAUSE: Duration = Duration::from_secs(1);
/// How long an answer may take to be sent.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Pauses between attempts to publish what takes a delivery's place: the first, doubled each time up to the last.
const PUBLISH_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

pub(super) async fn settle(running: &Running, message: &Incoming, delivery: Delivery, verdict: Verdict) {
    let queue = &running.queue;
    let (id, attempt) = (message.message_id(), message.attempt());
    match verdict {
        Verdict::Ack => {
            answer(running, message, None).await;
            told(running, delivery.ack(), Outcome::Acked);
        }
        Verdict::Duplicate => {
            tracing::debug!(queue = queue.name(), id, "was handled before");
            let done = || Failure::permanent("the request was carried out before").reason("duplicate");
            answer(running, message, running.settings.answers.then(done).as_ref()).await;
            told(running, delivery.ack(), Outcome::Duplicate);
        }
        Verdict::Release => {
            tokio::select! {
                () = running.stop.cancelled() => {}
                () = sleep(RELEASE_PAUSE) => {}
            }
            if running.place.broker_counts || running.stop.is_cancelled() {
                return told(running, delivery.nack(true), Outcome::Released);
            }
            // Given back it would look as if its handling had ended without a word.
            replace(running, message.recounted(unix_seconds(), 0), delivery, Outcome::Released).await;
        }
        Verdict::Retry(delay, failure) => {
            tracing::warn!(queue = queue.name(), id, attempt, %failure, "failed; to be tried again in {delay:?}");
            if running.rungs {
                let jitter = running.retry.jitter_percent() > 0;
                let expiration = jitter.then(|| running.retry.jittered(delay, rand::random()).as_millis());
                let copy = message.failed(unix_seconds()).retry(queue.rung(delay), expiration);
                replace(running, copy, delivery, Outcome::Retried).await;
            } else {
                // Counted, and held back by the queue's ladder; a nack would be neither.
                told(running, delivery.reject(true), Outcome::Retried);
            }
        }
        Verdict::Dead(failure) if running.settings.answers && message.properties().reply_to.is_some() => {
            tracing::warn!(queue = queue.name(), id, attempt, %failure, "the request fails, and its asker is told");
            answer(running, message, Some(&failure)).await;
            told(running, delivery.ack(), Outcome::Refused);
        }
        Verdict::Dead(failure) => {
            let reason = failure.reason_word();
            let Some(dead) = queue.dead_letter_queue() else {
                tracing::error!(queue = queue.name(), id, attempt, reason, %failure, "cannot be handled; thrown away");
                return told(running, delivery.ack(), Outcome::Discarded);
            };
            tracing::error!(queue = queue.name(), id, attempt, reason, %failure, "cannot be handled; to the dead letters");
            let frame_max = running.mq.publishing().frame_max();
            let copy = message.failed(unix_seconds()).dead(dead.to_owned(), &failure, frame_max);
            replace(running, copy, delivery, Outcome::DeadLettered).await;
        }
        Verdict::GivenUp => {
            tracing::debug!(queue = queue.name(), id, "given up by its asker");
            told(running, delivery.ack(), Outcome::GivenUp);
        }
        Verdict::Recount => {
            replace(running, message.recounted(unix_seconds(), 1), delivery, Outcome::Recounted).await;
        }
    }
}

/// Tells who asked. Nobody may be left to be told, and a broker that takes no answers gets no more time than the asker gives: the request
/// is carried out in any case.
async fn answer(running: &Running, message: &Incoming, failure: Option<&Failure>) {
    if !running.settings.answers || message.is_given_up() {
        return;
    }
    let Some(reply) = reply(message, failure) else { return };
    let time = message.time_allowed().unwrap_or(ANSWER_TIME).min(ANSWER_TIME);
    let sent = tokio::select! {
        sent = tokio::time::timeout(time, running.publisher.send(reply)) => sent,
        () = running.abort.cancelled() => return,
    };
    let (queue, id) = (running.queue.name(), message.message_id());
    match sent {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => {
            tracing::debug!(queue, id, %error, "an answer has not arrived; its asker may be gone")
        }
        Err(_) => tracing::warn!(queue, id, "an answer was not taken by the broker within {time:?}"),
    }
}

/// A message whose properties are not text: they cannot be copied, only passed on by the broker.
pub(super) async fn settle_unreadable(running: &Running, delivery: Delivery) {
    tracing::error!(queue = running.queue.name(), "properties that are not UTF-8; to the dead letters");
    if running.dead_lettered_by_broker() {
        return told(running, delivery.reject(false), Outcome::DeadLettered);
    }
    let Some(dead) = running.queue.dead_letter_queue() else {
        return told(running, delivery.ack(), Outcome::Discarded);
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
    replace(running, copy, delivery, Outcome::DeadLettered).await;
}

/// Publishes what takes a delivery's place until the broker has it, then acks the delivery.
///
/// While that does not succeed the delivery stays where it is, and so does the worker's place: a broker that takes no messages
/// is no reason to take more out of it.
async fn replace(running: &Running, copy: Message, delivery: Delivery, outcome: Outcome) {
    let mut pause = PUBLISH_PAUSES.0;
    loop {
        let error = tokio::select! {
            sent = running.publisher.send(copy.clone()) => match sent {
                Ok(_) => return told(running, delivery.ack(), outcome),
                Err(error) => error,
            },
            () = running.abort.cancelled() => return told(running, delivery.nack(true), Outcome::Released),
        };
        if delivery.is_stale() {
            return told(running, delivery.ack(), outcome);
        }
        let (queue, target) = (running.queue.name(), copy.routing_key.as_deref().unwrap_or_default());
        tracing::error!(queue, target, %error, "the copy of a message cannot be published; it is kept and tried again in {pause:?}");
        match error {
            SendError::Unroutable(_) => running.declare_again().await,
            SendError::Refused { .. } | SendError::TooLong(_) if running.dead_lettered_by_broker() => {
                return told(running, delivery.reject(false), Outcome::DeadLettered);
            }
            SendError::Closed(_) => return told(running, delivery.nack(true), Outcome::Released),
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
pub(super) fn told(running: &Running, told: Result<(), StaleDelivery>, outcome: Outcome) {
    match told {
        Ok(()) => {
            let (counter, metric) = outcome.of(&running.counters, &running.metrics);
            counter.fetch_add(1, Relaxed);
            if let Some(metric) = metric {
                metric.increment(1);
            }
        }
        Err(stale) => {
            tracing::debug!(queue = running.queue.name(), %stale, "the connection was lost meanwhile: it is delivered again");
            running.counters.stale.fetch_add(1, Relaxed);
            running.metrics.stale.increment(1);
        }
    };
}

pub(super) fn unix_seconds() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs()
}

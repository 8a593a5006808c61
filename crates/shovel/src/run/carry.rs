//! The work itself: deliveries in, publishings out in the same order, and an ack for each when it is due.
//!
//! Bounded by the prefetch: the source sends no more until something of it is acknowledged.

use super::Job;
use super::ends::Ends;
use crate::spec::AckMode;
use crate::status::Board;
use leveret_client::{
    Confirmation, ConnectionState, Delivery, PublishConfirm, PublishOptions, RawMessage, RawProperties,
    Returned, SendError,
};
use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::timeout;

/// How long a shovel that stops waits for confirms, and for each end to close.
const STOP_TIME: Duration = Duration::from_secs(5);
/// Pause after the target refused a message (a full queue), before it is asked again.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// How it ended without a failure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was told to.
    Stopped,
    /// It has carried as many messages as it was to.
    Complete,
}

/// Published and not confirmed yet, the oldest first.
type Waiting = VecDeque<(PublishConfirm, Delivery)>;

/// Carries until it is stopped, complete, or an end fails.
///
/// # Errors
/// What failed.
pub(crate) async fn carry(job: &Job, mut ends: Ends) -> Result<End, String> {
    let mut waiting = Waiting::new();
    let ended = steps(job, &mut ends, &mut waiting).await;
    if ended.is_ok() {
        // What is confirmed by now would come again.
        let settled = timeout(STOP_TIME, async {
            while let Some((confirm, delivery)) = waiting.pop_front() {
                if !matches!(confirm.await, Ok(Confirmation::Ack)) || delivery.ack().is_err() {
                    break;
                }
                job.board.forwarded.fetch_add(1, Relaxed);
            }
        });
        let _ = settled.await;
    }
    let (one, other) = tokio::join!(ends.source.close(STOP_TIME), ends.target.close(STOP_TIME));
    for (end, closed) in [("source", one), ("target", other)] {
        if let Err(error) = closed {
            tracing::debug!(shovel = job.board.name, end, %error, "closing took too long");
        }
    }
    // The source has all of these again now that the channel is gone.
    drop((ends.consumer, waiting));
    ended
}

async fn steps(job: &Job, ends: &mut Ends, waiting: &mut Waiting) -> Result<End, String> {
    let Job { stop, board, spec, .. } = job;
    let mut target_state = ends.target.watch();
    // Messages that are still to be taken.
    let mut left = board.remaining.load(Relaxed);
    loop {
        if board.remaining.load(Relaxed) == 0 {
            return Ok(End::Complete);
        }
        let is_blocked = matches!(&*target_state.borrow_and_update(), ConnectionState::Blocked { .. });
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(End::Stopped),
            outcome = oldest(waiting), if !waiting.is_empty() => {
                let Some((_, delivery)) = waiting.pop_front() else { continue };
                board.pending.store(waiting.len() as u64, Relaxed);
                settle(job, outcome, delivery).await?;
            }
            delivery = ends.consumer.next(), if left > 0 && !is_blocked => {
                let delivery = match delivery {
                    Some(Ok(delivery)) => delivery,
                    Some(Err(error)) => return Err(format!("source: {error}")),
                    None => return Err("source: the consumer was cancelled".to_owned()),
                };
                if left != u64::MAX {
                    left -= 1;
                }
                publish(job, ends, delivery, waiting).await?;
            }
            error = ends.publisher.wait_closed() => return Err(format!("target: {error}")),
            // Blocked, or not any more; a source that idles notices its own end.
            changed = target_state.changed() => {
                if changed.is_err() {
                    return Err("target: the connection is gone".to_owned());
                }
            }
        }
        if spec.ack_mode == AckMode::OnConfirm
            && left == 0
            && waiting.is_empty()
            && board.remaining.load(Relaxed) > 0
        {
            // Some were refused and went back: they are taken again.
            left = board.remaining.load(Relaxed);
        }
    }
}

async fn oldest(waiting: &mut Waiting) -> Result<Confirmation, SendError> {
    match waiting.front_mut() {
        Some((confirm, _)) => confirm.await,
        None => std::future::pending().await,
    }
}

async fn publish(job: &Job, ends: &Ends, delivery: Delivery, waiting: &mut Waiting) -> Result<(), String> {
    let unix_s = job.broker.clock().unix_ms() / 1000;
    let forward = &ends.forward;
    let changed = forward.properties(delivery.raw_properties(), unix_s);
    let changed = changed.map_err(|error| format!("a message cannot be changed: {error}"))?;
    let properties = match &changed {
        Some(bytes) => RawProperties::parse(bytes).map_err(|error| error.to_string())?,
        None => delivery.raw_properties(),
    };
    let message = RawMessage {
        exchange: forward.exchange(delivery.exchange()),
        routing_key: forward.key(delivery.routing_key_bytes()),
        properties,
        body: delivery.body().clone(),
    };
    let failed = |error: leveret_client::Error| format!("target: {error}");
    if job.spec.ack_mode == AckMode::OnConfirm {
        let how = PublishOptions { mandatory: true };
        let confirm = ends.publisher.basic_publish_raw_confirmed(message, how).await.map_err(failed)?;
        waiting.push_back((confirm, delivery));
        job.board.pending.store(waiting.len() as u64, Relaxed);
        return Ok(());
    }
    ends.publisher.basic_publish_raw(message, PublishOptions::default()).await.map_err(failed)?;
    acknowledge(&job.board, delivery)
}

async fn settle(
    job: &Job,
    outcome: Result<Confirmation, SendError>,
    delivery: Delivery,
) -> Result<(), String> {
    match outcome.map_err(|error| format!("target: {error}"))? {
        Confirmation::Ack => acknowledge(&job.board, delivery),
        // An exchange without queues drops what it gets, and RabbitMQ does not look; here it is counted.
        Confirmation::Returned(_) if job.spec.dest_queue.is_none() => {
            if job.board.unroutable.fetch_add(1, Relaxed) == 0 {
                tracing::warn!(
                    vhost = job.board.vhost,
                    shovel = job.board.name,
                    "no queue at the target takes what the shovel brings: such messages are dropped, and counted as unroutable"
                );
            }
            acknowledge(&job.board, delivery)
        }
        Confirmation::Returned(returned) => {
            let Returned { routing_key, .. } = *returned;
            delivery.nack(true).map_err(|error| format!("source: {error}"))?;
            Err(format!("target: the queue '{routing_key}' is gone"))
        }
        Confirmation::Nack => {
            delivery.nack(true).map_err(|error| format!("source: {error}"))?;
            tokio::select! {
                () = job.stop.cancelled() => {}
                () = job.broker.clock().sleep(REFUSED_PAUSE) => {}
            }
            Ok(())
        }
    }
}

fn acknowledge(board: &Board, delivery: Delivery) -> Result<(), String> {
    delivery.ack().map_err(|error| format!("source: {error}"))?;
    board.forwarded.fetch_add(1, Relaxed);
    let left = board.remaining.load(Relaxed);
    if left != u64::MAX {
        board.remaining.store(left.saturating_sub(1), Relaxed);
    }
    Ok(())
}

//! One shovel: connect, carry, and again after a pause.

mod carry;
mod ends;

use crate::keeper::COMPONENT;
use crate::spec::Spec;
use crate::status::{Board, State};
use carry::End;
use leveret_broker::Broker;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What a shovel needs.
pub(crate) struct Job {
    pub(crate) broker: Broker,
    pub(crate) spec: Arc<Spec>,
    pub(crate) board: Arc<Board>,
    pub(crate) stop: CancellationToken,
}

/// Runs until it is told to stop, has carried all that it was to, or may not connect again.
pub(crate) async fn until_stopped(job: Job) {
    let Job { broker, spec, board, stop } = &job;
    let (vhost, name) = (&*board.vhost, &*board.name);
    let mut attempt = 0;
    loop {
        let was_running;
        let reason = match attempt_once(&job, attempt).await {
            (_, Ok(End::Stopped)) => return,
            (_, Ok(End::Complete)) => {
                tracing::info!(
                    vhost,
                    shovel = name,
                    "the shovel has carried all that it was to, and deletes itself"
                );
                let cleared = broker.vhost(vhost).map(|vhost| vhost.clear_parameter(COMPONENT, name));
                if let Some(Err(refusal)) = cleared {
                    let reason = format!("complete, and its parameter stays: {refusal}");
                    board.set(State::Terminated { reason }, broker.clock().unix_ms());
                }
                return;
            }
            (running, Err(reason)) => {
                was_running = running;
                reason
            }
        };
        if stop.is_cancelled() {
            return;
        }
        tracing::warn!(vhost, shovel = name, reason, again_in = ?spec.reconnect_delay, "the shovel has ended");
        let state = match was_running || spec.reconnect_delay.is_none() {
            true => State::Terminated { reason: reason.clone() },
            false => State::Starting { reason: Some(reason.clone()) },
        };
        board.set(state, broker.clock().unix_ms());
        let Some(delay) = spec.reconnect_delay else { return };
        tokio::select! {
            () = stop.cancelled() => return,
            () = broker.clock().sleep(delay) => {}
        }
        attempt += 1;
        board.set(State::Starting { reason: Some(reason) }, broker.clock().unix_ms());
    }
}

/// Whether it ran, and how it ended.
async fn attempt_once(job: &Job, attempt: usize) -> (bool, Result<End, String>) {
    let ends = tokio::select! {
        () = job.stop.cancelled() => return (false, Ok(End::Stopped)),
        ends = ends::connect(job, attempt) => ends,
    };
    let ends = match ends {
        Ok(Some(ends)) => ends,
        Ok(None) => return (false, Ok(End::Complete)),
        Err(reason) => return (false, Err(reason)),
    };
    let (src_uri, dest_uri) = (ends.src_uri.clone(), ends.dest_uri.clone());
    tracing::info!(vhost = job.board.vhost, shovel = job.board.name, src_uri, dest_uri, "the shovel runs");
    job.board.set(State::Running { src_uri, dest_uri }, job.broker.clock().unix_ms());
    let ended = carry::carry(job, ends).await;
    job.board.pending.store(0, std::sync::atomic::Ordering::Relaxed);
    (true, ended)
}

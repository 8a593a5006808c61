//! Many messages at a time: who is let in, the call, and each message's own end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use leveret_client::Delivery;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::Instrument as _;

use super::call::{BatchCall, Call};
use super::caught::caught;
use super::process::{Item, Let, admitted, failed, let_in};
use super::run::Running;
use super::settle::{settle, settle_unreadable};
use super::verdict::{Verdict, class_of, verdict};
use crate::batch::BatchOutcome as _;
use crate::deadline;
use crate::failure::{Class, Failure};
use crate::idempotency::Claimed;
use crate::message::Incoming;
use crate::trace;

/// A message that was let in.
struct One<'a> {
    delivery: Delivery,
    message: Incoming,
    claimed: Option<Claimed<'a>>,
    result: Result<(), Failure>,
}

/// Handles a batch to its end.
pub(super) async fn process_batch(running: &Arc<Running>, items: Vec<Item>) {
    let mut others = Vec::new();
    handle(running, items, Some(&mut others)).await;
    for item in others {
        // What another had claimed, perhaps one of this batch with the same key, which is through by now.
        handle(running, vec![item], None).await;
    }
}

/// With `others`, what somebody else is at is put aside there; without, it is waited for.
async fn handle(running: &Arc<Running>, items: Vec<Item>, mut others: Option<&mut Vec<Item>>) {
    let Call::Batch(batch) = &running.call else { return };
    let mut ends = JoinSet::new();
    let mut all = Vec::with_capacity(items.len());
    for (delivery, message) in items {
        let Some(message) = message else {
            settle_unreadable(running, delivery).await;
            continue;
        };
        match let_in(running, &message, others.is_none()).await {
            Let::In(claimed) => all.push(One { delivery, message, claimed, result: Ok(()) }),
            Let::Not(verdict) => end(running, &mut ends, message, delivery, verdict).await,
            Let::Later => {
                if let Some(others) = &mut others {
                    others.push((delivery, Some(message)));
                }
            }
        }
    }
    if !all.is_empty() {
        let ticket = admitted(running).await;
        let is_admitted = ticket.is_some();
        let _in_flight = running.metrics.begin(all.len());
        if is_admitted {
            attempt(running, batch, &mut all).await;
        }
        let mut was = None;
        for One { delivery, message, claimed, result } in all {
            let verdict = match result {
                _ if !is_admitted => Verdict::Release,
                result => {
                    let (classifiers, retry) = (&running.settings.classifiers, &running.retry);
                    verdict(result, classifiers, retry, message.attempt())
                }
            };
            was = was.max(failed(&verdict));
            if let Some(claimed) = claimed {
                claimed.end(matches!(verdict, Verdict::Ack)).await;
            }
            end(running, &mut ends, message, delivery, verdict).await;
        }
        if let (Some(Some(ticket)), Some(failed)) = (ticket, was) {
            ticket.ended(failed);
        }
    }
    while ends.join_next().await.is_some() {}
}

/// Settles one; what has to be published or waited for does not hold up the others.
async fn end(
    running: &Arc<Running>,
    ends: &mut JoinSet<()>,
    message: Incoming,
    delivery: Delivery,
    verdict: Verdict,
) {
    running.done.fetch_add(1, Relaxed);
    if matches!(verdict, Verdict::Retry(..)) {
        running.failed.fetch_add(1, Relaxed);
    }
    if matches!(verdict, Verdict::Ack) {
        return settle(running, &message, delivery, verdict).await;
    }
    let running = running.clone();
    ends.spawn(async move { settle(&running, &message, delivery, verdict).await });
}

/// One attempt, with those in place, which are made of what is left.
async fn attempt(running: &Running, batch: &BatchCall, all: &mut [One<'_>]) {
    let settings = &running.settings;
    let deadline = settings.deadline.map(|time| deadline::after(Instant::now(), time));
    if let Some(deadline) = deadline {
        all.iter().for_each(|one| one.message.begin(deadline));
    }
    let mut left: Vec<usize> = (0..all.len()).collect();
    for calls in 1.. {
        let messages = left.iter().filter_map(|at| Some(all.get(*at)?.message.clone())).collect();
        let results = call(running, batch, messages, deadline).await;
        for (at, result) in left.iter().zip(results) {
            if let Some(one) = all.get_mut(*at) {
                one.result = result;
            }
        }
        let transient = |one: &One<'_>| {
            let Err(failure) = &one.result else { return false };
            let class = class_of(failure, &settings.classifiers);
            running.metrics.failed(class);
            class == Class::Transient
        };
        left.retain(|at| all.get(*at).is_some_and(transient));
        let Some(pause) = running.retry.pause_in_place(calls).filter(|_| !left.is_empty()) else { return };
        if deadline.is_some_and(|deadline| deadline <= deadline::after(Instant::now(), pause)) {
            return;
        }
        tokio::select! {
            () = running.stop.cancelled() => return,
            () = sleep(pause) => {}
        }
    }
}

/// One call of the handler.
async fn call(
    running: &Running,
    batch: &BatchCall,
    messages: Vec<Incoming>,
    deadline: Option<Instant>,
) -> Vec<Result<(), Failure>> {
    let count = messages.len();
    let span = trace::batch_span(running.queue.name(), count);
    let tokens: Vec<Incoming> = messages.clone();
    let handling = (batch.call)(messages);
    let mut call = pin!(caught(async { Ok(handling.await) }.instrument(span.clone())));
    let grace = running.settings.grace;
    let began = Instant::now();
    let overdue = async {
        let Some(deadline) = deadline else { return std::future::pending().await };
        sleep_until(deadline).await;
        tokens.iter().for_each(|message| message.cancelled().cancel());
        sleep(grace).await;
    };
    let results = tokio::select! {
        biased;
        results = &mut call => results,
        () = running.abort.cancelled() => {
            Err(Failure::release("the worker had to stop, and the handler did not end in time").reason("stopped"))
        }
        () = overdue => {
            let after = running.settings.deadline.unwrap_or_default();
            Err(Failure::transient(format!("the handler did not end within {after:?} and a grace of {grace:?}")).reason("deadline"))
        }
    };
    running.metrics.handled(began.elapsed());
    let results = match results {
        Ok(results) => results,
        Err(failure) => Err::<(), _>(failure).for_each(count),
    };
    if let Some(failure) = results.iter().find_map(|result| result.as_ref().err()) {
        trace::failed(&span, failure.reason_word());
    }
    results
}

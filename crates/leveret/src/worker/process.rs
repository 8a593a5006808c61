//! One message: its attempts in place, its deadline, and what is to become of it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use leveret_client::{Delivery, Properties};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{Instrument as _, Span};

use super::breaker::Ticket;
use super::caught::caught;
use super::report::Outcome;
use super::run::Running;
use super::settle::{settle, settle_unreadable, told, unix_seconds};
use super::verdict::{Verdict, class_of, verdict};
use crate::deadline;
use crate::failure::{Class, Failure};
use crate::idempotency::{Claimed, Permission};
use crate::message::Incoming;
use crate::trace;

/// Between two looks whether another worker has ended with the same message.
const CLAIM_PAUSE: Duration = Duration::from_millis(500);

/// A delivery as it came, and as handlers see it.
pub(super) type Item = (Delivery, Option<Incoming>);

impl Running {
    /// A delivery as handlers see it; `None`: its properties are not text.
    pub(super) fn message(self: &Arc<Self>, delivery: &Delivery) -> Option<Incoming> {
        let properties: Properties = delivery.properties().ok()?;
        Some(Incoming::new(delivery, properties, &self.place))
    }
}

/// Handles a delivery to its end.
pub(super) async fn process(running: &Running, (delivery, message): Item) {
    // What seldom happens is in a box: this future is written anew for each message, and its size is part of what that costs.
    let Some(message) = message else { return Box::pin(settle_unreadable(running, delivery)).await };
    let in_flight = running.metrics.begin(1);
    let verdict = judge(running, &message).await;
    running.done.fetch_add(1, Relaxed);
    if matches!(verdict, Verdict::Retry(..)) {
        running.failed.fetch_add(1, Relaxed);
    }
    match verdict {
        Verdict::Ack if !running.settings.answers => told(running, delivery.ack(), Outcome::Acked),
        verdict => Box::pin(settle(running, &message, delivery, verdict)).await,
    }
    drop(in_flight);
}

/// Whether a message may be handled.
pub(super) enum Let<'a> {
    In(Option<Claimed<'a>>),
    Not(Verdict),
    /// Somebody else is at it.
    Later,
}

/// `waits`: until whoever is at the same message has ended.
pub(super) async fn let_in<'a>(running: &'a Running, message: &Incoming, waits: bool) -> Let<'a> {
    if let Some(most) = running.settings.poison_after {
        let begun = message.begun();
        if begun >= most.max(running.retry.attempts_max()) {
            let text = format!("its handling began {begun} times and never ended");
            return Let::Not(Verdict::Dead(Failure::permanent(text).reason("poison")));
        }
        if message.is_to_be_counted() {
            return Let::Not(Verdict::Recount);
        }
    }
    if running.settings.answers && message.is_too_late(unix_seconds()) {
        let failure = Failure::permanent("who asked no longer waits").reason("too-late");
        return Let::Not(Verdict::Dead(failure));
    }
    if running.settings.answers && !message.begin_for_asker() {
        return Let::Not(Verdict::GivenUp);
    }
    match claim(running, message, waits).await {
        Ok(Some(Permission::Handle(claimed))) => Let::In(claimed),
        Ok(Some(Permission::Duplicate)) => Let::Not(Verdict::Duplicate),
        Ok(Some(Permission::Wait)) => Let::Later,
        Ok(None) => Let::Not(Verdict::Release),
        Err(failure) => Let::Not(decide(running, message, Err(failure))),
    }
}

async fn judge(running: &Running, message: &Incoming) -> Verdict {
    let claimed = match let_in(running, message, true).await {
        Let::In(claimed) => claimed,
        Let::Not(verdict) => return verdict,
        Let::Later => return Verdict::Release,
    };
    let Some(ticket) = admitted(running).await else {
        if let Some(claimed) = claimed {
            claimed.end(false).await;
        }
        return Verdict::Release;
    };
    let result = attempt(running, message).await;
    let verdict = match decide(running, message, result) {
        // Done all the same, and not again.
        Verdict::Ack => Verdict::Ack,
        _ if message.is_given_up() => Verdict::GivenUp,
        verdict => verdict,
    };
    if let (Some(ticket), Some(failed)) = (ticket, failed(&verdict)) {
        ticket.ended(failed);
    }
    if let Some(claimed) = claimed {
        claimed.end(matches!(verdict, Verdict::Ack)).await;
    }
    verdict
}

/// Whether something that may pass was in the way; `None`: that is not known.
pub(super) fn failed(verdict: &Verdict) -> Option<bool> {
    match verdict {
        Verdict::Ack => Some(false),
        Verdict::Retry(..) => Some(true),
        // The last attempt of a transient failure, or a message that nobody can handle.
        Verdict::Dead(failure) => (failure.class() != Some(Class::Permanent)).then_some(true),
        _ => None,
    }
}

/// Waits while the circuit breaker is open. `None`: the worker stops meanwhile.
pub(super) async fn admitted(running: &Running) -> Option<Option<Ticket>> {
    let Some(breaker) = &running.settings.breaker else { return Some(None) };
    Box::pin(async {
        tokio::select! {
            biased;
            () = running.stop.cancelled() => None,
            ticket = breaker.admit() => Some(Some(ticket)),
        }
    })
    .await
}

fn decide(running: &Running, message: &Incoming, result: Result<(), Failure>) -> Verdict {
    verdict(result, &running.settings.classifiers, &running.retry, message.attempt())
}

/// Whether it may be handled; `waits` while another worker is at the same. `None`: this one stops meanwhile.
async fn claim<'a>(
    running: &'a Running,
    message: &Incoming,
    waits: bool,
) -> Result<Option<Permission<'a>>, Failure> {
    let Some(idempotency) = &running.settings.idempotency else { return Ok(Some(Permission::Handle(None))) };
    loop {
        // Not given back to the queue, which would count as a delivery that ended without a word.
        match idempotency.claim(message).await? {
            Permission::Wait if waits => {}
            permission => return Ok(Some(permission)),
        }
        if !Box::pin(pause(running, CLAIM_PAUSE)).await {
            return Ok(None);
        }
    }
}

/// `false`: the worker stops meanwhile.
async fn pause(running: &Running, time: Duration) -> bool {
    tokio::select! {
        () = running.stop.cancelled() => false,
        () = sleep(time) => true,
    }
}

/// One attempt, with those in place.
async fn attempt(running: &Running, message: &Incoming) -> Result<(), Failure> {
    let settings = &running.settings;
    let asker = if settings.answers { message.time_allowed() } else { None };
    if let Some(deadline) = settings.deadline.into_iter().chain(asker).min() {
        message.begin(deadline::after(Instant::now(), deadline));
    }
    for calls in 1.. {
        let Err(failure) = call(running, message).await else { return Ok(()) };
        let class = class_of(&failure, &settings.classifiers);
        running.metrics.failed(class);
        let transient = class == Class::Transient;
        let again = transient && !message.is_given_up();
        let Some(pause) = running.retry.pause_in_place(calls).filter(|_| again) else {
            return Err(failure);
        };
        if message.deadline().is_some_and(|deadline| deadline <= deadline::after(Instant::now(), pause)) {
            return Err(failure);
        }
        tracing::debug!(queue = message.queue(), id = message.message_id(), %failure, "failed; again in {pause:?}");
        if !Box::pin(self::pause(running, pause)).await {
            return Err(failure);
        }
    }
    Ok(())
}

/// One call of the handler.
async fn call(running: &Running, message: &Incoming) -> Result<(), Failure> {
    let span = if message.is_traced() { trace::process_span(message) } else { Span::none() };
    let handling = trace::within(message, async { running.call.call(message.clone()).await });
    let mut call = pin!(caught(handling.instrument(span.clone())));
    let grace = running.settings.grace;
    let mut late = message.deadline().is_some().then(|| Box::pin(overdue(message, grace)));
    let late = async {
        match &mut late {
            Some(late) => late.await,
            None => std::future::pending().await,
        }
    };
    let began = Instant::now();
    let result = tokio::select! {
        biased;
        result = &mut call => result,
        () = running.abort.cancelled() => {
            Err(Failure::release("the worker had to stop, and the handler did not end in time").reason("stopped"))
        }
        () = late => {
            let after = running.settings.deadline.unwrap_or_default();
            Err(Failure::transient(format!("the handler did not end within {after:?} and a grace of {grace:?}")).reason("deadline"))
        }
    };
    let took = began.elapsed();
    running.calls.add(took);
    running.metrics.handled(took);
    if let Err(failure) = &result {
        trace::failed(&span, failure.reason_word());
    }
    result
}

/// Asks the handler to stop at the deadline, or when its asker gives up; ends when it had its grace as well.
async fn overdue(message: &Incoming, grace: Duration) {
    let Some(deadline) = message.deadline() else { return std::future::pending().await };
    tokio::select! {
        () = sleep_until(deadline) => {}
        () = message.given_up() => {}
    }
    message.cancelled().cancel();
    sleep(grace).await;
}

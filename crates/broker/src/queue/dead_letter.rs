//! Dead-lettering: a message that died is published again, to its queue's dead-letter exchange, with its history in headers.
//!
//! Source: RabbitMQ, "Dead Letter Exchanges". The history is the array `x-death`, newest first, one entry for each
//! (queue, reason) with a count and the time of the first death.

use super::backlog::Entry;
use super::sweep::deaths;
use super::{DeathReason, Incoming, Queue, Settled};
use crate::exchange::Publication;
use crate::message::{Message, Parts};
use crate::name::Name;
use crate::recorder::Recorder;
use crate::trace;
use crate::vhost::VirtualHost;
use leveret_protocol::{FieldTable, FieldValue, RawProperties, ShortStr};
use std::sync::Arc;

/// Longest chain of queues one death may run through before it is cut; a cycle ends long before.
const HOPS_MAX: usize = 64;

/// Routes dead messages of `queue`, and whatever dies because of that. Their leaving the queue and their entering others is recorded
/// together.
pub(crate) fn route(
    vhost: &Arc<VirtualHost>,
    queue: &Arc<Queue>,
    dead: Vec<(Entry, DeathReason)>,
    recorder: &mut Recorder,
) {
    route_all(vhost, vec![(queue.clone(), dead)], recorder);
}

/// The same for several queues.
pub(super) fn route_all(vhost: &Arc<VirtualHost>, mut work: Vec<Dead>, recorder: &mut Recorder) {
    for _ in 0..HOPS_MAX {
        let mut next = Vec::new();
        for (queue, dead) in work {
            vhost.deaths().died(&queue, dead.iter().map(|(_, reason)| *reason));
            for (entry, reason) in dead {
                let (place, died) = publish(vhost, &queue, &entry, reason, recorder);
                next.extend(died);
                if place == Place::None && queue.keeps_dead_letters() {
                    keep(vhost, &queue, entry, reason, recorder);
                } else {
                    if place == Place::Found && queue.keeps_dead_letters() {
                        vhost.deaths().confirmed(&queue);
                    }
                    settle(&queue, &entry, recorder);
                }
            }
        }
        if next.is_empty() {
            return;
        }
        work = next;
    }
    for (queue, dead) in &work {
        dead.iter().for_each(|(entry, _)| settle(queue, entry, recorder));
        tracing::warn!(queue = %queue.name(), "dead letters dropped: they went through more than {HOPS_MAX} queues at once");
    }
}

/// What became of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Every queue it was routed to took it; or it is to be dropped.
    Found,
    /// It was routed nowhere, or a queue refused it.
    None,
}

/// A dead letter that found no place stays with its queue and is tried again.
fn keep(
    vhost: &Arc<VirtualHost>,
    queue: &Arc<Queue>,
    entry: Entry,
    reason: DeathReason,
    recorder: &mut Recorder,
) {
    let now_ms = vhost.clock().now_ms();
    queue.record(recorder, |state, queue, outcome| {
        if let Some(state) = state.backlog_mut() {
            state.keep_dead(queue, entry, reason, now_ms, outcome);
        }
    });
}

pub(super) fn settle(queue: &Queue, entry: &Entry, recorder: &mut Recorder) {
    let weight = entry.message.body_len() as u32;
    let (stored, position) = (entry.stored, entry.position);
    recorder
        .settle(queue.id(), &Settled { consumer: None, charge: 0, held: false, stored, position, weight });
}

/// What died of a queue.
pub(super) type Dead = (Arc<Queue>, Vec<(Entry, DeathReason)>);

fn publish(
    vhost: &Arc<VirtualHost>,
    queue: &Arc<Queue>,
    entry: &Entry,
    reason: DeathReason,
    recorder: &mut Recorder,
) -> (Place, Vec<Dead>) {
    let dropped = (Place::Found, Vec::new());
    let tracer = vhost.tracer();
    let copied = tracer.and_then(|tracer| tracer.dying(&entry.message));
    let is_followed = vhost.follows().is_on();
    let tell = |to: Option<(&[u8], &[u8], &[Name])>| {
        // A refused delivery is not counted by the time its message dies; one that came back is.
        let attempt = entry.past.acquired_count() + u32::from(reason == DeathReason::Rejected);
        let place = trace::Place { queue, position: entry.position, attempt };
        if let (Some(tracer), Some(copied)) = (tracer, &copied) {
            tracer.died(copied, &entry.message, place, reason, to);
        }
        if is_followed {
            vhost.follows().died(&entry.message, place, reason, to);
        }
    };
    let (exchange, key) = {
        let state = queue.lock();
        let settings = state.settings();
        (settings.dead_letter_exchange.clone(), settings.dead_letter_routing_key.clone())
    };
    let Some(exchange) = exchange else {
        tell(None);
        return dropped;
    };
    let now_s = vhost.clock().unix_ms() / 1000;
    let Some(letter) = letter(entry, queue, reason, now_s, key.is_some()) else { return dropped };
    let key = key.unwrap_or_else(|| entry.message.routing_key().to_vec());
    let mut raw = Vec::new();
    entry.message.properties().write_with_headers(Some(&letter.headers), false, &mut raw);
    let Ok(properties) = RawProperties::parse(&raw) else { return dropped };
    let parts = Parts { exchange: exchange.as_bytes(), routing_key: &key, properties };
    let mut targets = Vec::new();
    let Ok(info) = vhost.route(&Publication::new(&exchange, &key, properties), &mut targets) else {
        tell(Some((exchange.as_bytes(), &key, &[])));
        return (Place::None, Vec::new());
    };
    let is_routed = !targets.is_empty();
    targets.retain(|target| !is_cycle(&letter.history, target.name()));
    let copy = Message::new(parts, entry.message.body_bytes(), None, targets.len() as u32);
    let copy = match copied {
        Some(context) => copy.in_trace(context),
        None => copy,
    };
    info.keep(&copy, vhost.memory());
    if copied.is_some() || is_followed {
        let names: Vec<Name> = targets.iter().map(|target| target.name().clone()).collect();
        tell(Some((exchange.as_bytes(), &key, &names)));
    }
    if !is_routed {
        return (Place::None, Vec::new());
    }
    let publishing = Incoming { message: copy, channel: 0, confirm: 0, moved: true };
    let (is_refused, died) = enter(vhost, &publishing, &mut targets, recorder);
    (if is_refused { Place::None } else { Place::Found }, died)
}

/// Puts a message into queues. Returns whether one was full and refused it, which is also left with the recorder, and what died of that.
pub(super) fn enter(
    vhost: &Arc<VirtualHost>,
    publishing: &Incoming,
    targets: &mut Vec<Arc<Queue>>,
    recorder: &mut Recorder,
) -> (bool, Vec<Dead>) {
    let now_ms = vhost.clock().now_ms();
    let mut died = Vec::new();
    let mut is_refused = false;
    for target in targets.drain(..) {
        let mut outcome = super::Outcome::default();
        let mut incoming = vec![publishing.clone()];
        let mut rejected = Vec::new();
        target.lock().publish(&target, &mut incoming, &mut rejected, now_ms, &mut outcome);
        is_refused |= !rejected.is_empty();
        rejected.drain(..).for_each(|_| recorder.refuse(publishing.channel, publishing.confirm));
        let dead = std::mem::take(&mut outcome.dead);
        target.follow_up(outcome, recorder);
        if !dead.is_empty() {
            died.push((target, dead));
        }
    }
    (is_refused, died)
}

struct Letter {
    headers: FieldTable,
    /// Deaths among which a cycle is looked for, newest first.
    history: Vec<FieldValue>,
}

/// The copy's headers: history updated. (`expiration` is taken out where they are written.)
fn letter(
    entry: &Entry,
    queue: &Queue,
    reason: DeathReason,
    now_s: u64,
    new_routing_key: bool,
) -> Option<Letter> {
    let message = &entry.message;
    let properties = message.properties();
    let mut headers =
        properties.headers().map_or_else(|| Ok(FieldTable::default()), |raw| raw.decode()).ok()?;
    if queue.retries() {
        entry.past.write(&mut headers);
    }
    let queue: &str = queue.name();
    let expiration = properties.expiration();
    let mut history = match headers.get("x-death") {
        Some(FieldValue::Array(entries)) => entries.clone(),
        _ => Vec::new(),
    };
    let known = history.iter().position(|entry| is_death(entry, queue, Some(reason)));
    let entry = match known.map(|at| history.remove(at)) {
        Some(FieldValue::Table(mut entry)) => {
            let count = entry.get("count").and_then(FieldValue::as_i64).unwrap_or(0);
            entry.insert("count", FieldValue::I64(count + 1));
            entry
        }
        _ => first_death(message, queue, reason, now_s, &headers, expiration.map(ShortStr::as_bytes)),
    };
    history.insert(0, FieldValue::Table(entry));
    let recent = since_replay(&headers, &history);
    let first = headers.get("x-first-death-reason").is_none();
    headers.insert("x-death", FieldValue::Array(history.clone()));
    let exchange = FieldValue::LongString(message.exchange().to_vec());
    let queue = FieldValue::LongString(queue.as_bytes().to_vec());
    let reason = FieldValue::LongString(reason.as_str().as_bytes().to_vec());
    if first {
        headers.insert("x-first-death-exchange", exchange.clone());
        headers.insert("x-first-death-queue", queue.clone());
        headers.insert("x-first-death-reason", reason.clone());
    }
    headers.insert("x-last-death-exchange", exchange);
    headers.insert("x-last-death-queue", queue);
    headers.insert("x-last-death-reason", reason);
    if new_routing_key {
        headers.remove("CC");
    }
    history.truncate(recent);
    Some(Letter { headers, history })
}

/// How many entries of the history are about deaths after the message was replayed last: whoever replays a message wants it to go its way
/// once more. (Entries are moved to the front with every death. When one died twice since, there are fewer than counted here; that was
/// either a cycle, which went no further, or its reason to go on is among the first of them.)
fn since_replay(headers: &FieldTable, history: &[FieldValue]) -> usize {
    let before = headers.get("x-replay-deaths").and_then(FieldValue::as_i64);
    let since = before.map(|before| deaths(history).saturating_sub(before)).filter(|since| *since > 0);
    since.map_or(history.len(), |since| history.len().min(since as usize))
}

fn first_death(
    message: &Message,
    queue: &str,
    reason: DeathReason,
    now_s: u64,
    headers: &FieldTable,
    expiration: Option<&[u8]>,
) -> FieldTable {
    let mut keys = vec![FieldValue::LongString(message.routing_key().to_vec())];
    if let Some(FieldValue::Array(cc)) = headers.get("CC") {
        keys.extend(cc.iter().cloned());
    }
    let mut entry = FieldTable::default();
    entry.insert("count", FieldValue::I64(1));
    entry.insert("reason", FieldValue::LongString(reason.as_str().as_bytes().to_vec()));
    entry.insert("queue", FieldValue::LongString(queue.as_bytes().to_vec()));
    entry.insert("time", FieldValue::Timestamp(now_s));
    entry.insert("exchange", FieldValue::LongString(message.exchange().to_vec()));
    entry.insert("routing-keys", FieldValue::Array(keys));
    if let Some(expiration) = expiration {
        entry.insert("original-expiration", FieldValue::LongString(expiration.to_vec()));
    }
    entry
}

fn is_death(entry: &FieldValue, queue: &str, reason: Option<DeathReason>) -> bool {
    let FieldValue::Table(entry) = entry else { return false };
    let is = |key, value: &str| entry.get(key).and_then(FieldValue::as_str) == Some(value);
    is("queue", queue) && reason.is_none_or(|reason| is("reason", reason.as_str()))
}

/// Whether the message would come back to a queue it died in, with nobody having rejected it on the way.
fn is_cycle(history: &[FieldValue], target: &str) -> bool {
    let Some(at) = history.iter().position(|entry| is_death(entry, target, None)) else { return false };
    !history[..=at].iter().any(|entry| {
        matches!(entry, FieldValue::Table(t) if t.get("reason").and_then(FieldValue::as_str) == Some("rejected"))
    })
}

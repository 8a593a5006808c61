//! Where a message goes, and what it says of itself when it gets there.

use super::{Action, Sweep};
use crate::exchange::Publication;
use crate::message::{Message, Parts};
use crate::name::Name;
use crate::queue::Queue;
use crate::queue::past::Past;
use crate::refusal::Permission;
use crate::vhost::VirtualHost;
use leveret_protocol::{FieldTable, FieldValue, RawProperties};
use std::sync::Arc;

/// Where a replay sends messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// To the exchange and with the routing keys it was first published with, before it died for the first time.
    Origin,
    /// Straight into the queue it died in first, past every exchange.
    Queue,
    /// To this exchange.
    Exchange {
        /// Its name; empty for the default exchange.
        exchange: Name,
        /// `None`: the message's own.
        routing_key: Option<Vec<u8>>,
    },
}

/// A message on its way, and the queues it goes to.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) message: Message,
    pub(super) targets: Vec<Arc<Queue>>,
}

/// Where a message died first.
struct Death {
    exchange: Vec<u8>,
    keys: Vec<Vec<u8>>,
    queue: Vec<u8>,
}

impl Sweep {
    /// Where a message goes. `Err`: why it cannot.
    pub(super) fn way(&self, vhost: &VirtualHost, message: &Message) -> Result<Way, String> {
        let way = match &self.action {
            Action::Replay(to) => self.replayed(vhost, message, to)?,
            Action::Move(queue) | Action::Copy(queue) => {
                let (exchange, key) = (message.exchange(), message.routing_key());
                let message = copy(message, exchange, key, message.properties(), 1);
                Way { message, targets: vec![queue.clone()] }
            }
            Action::Expire | Action::Delete => Way { message: message.clone(), targets: Vec::new() },
        };
        let full = way.targets.iter().find(|target| target.lock().would_refuse(&way.message));
        match full {
            Some(target) => Err(format!("queue '{}' is full", target.name())),
            None => Ok(way),
        }
    }

    fn replayed(&self, vhost: &VirtualHost, message: &Message, to: &To) -> Result<Way, String> {
        let old = message.properties();
        let decoded = old.headers().map_or_else(|| Ok(FieldTable::default()), |raw| raw.decode());
        let mut headers = decoded.map_err(|error| format!("its headers cannot be read: {error}"))?;
        let death = put_aside(&headers).or_else(|| first_death(&headers));
        mark(&mut headers, vhost.clock().unix_ms() / 1000);
        Past::forget(&mut headers);
        let not_dead = "it has neither x-death nor x-original-queue: it never died, so it has no origin";
        let (exchange, key) = match (to, &death) {
            (To::Exchange { exchange, routing_key }, _) => {
                let key = routing_key.clone().unwrap_or_else(|| message.routing_key().to_vec());
                (exchange.as_bytes().to_vec(), key)
            }
            (_, None) => return Err(not_dead.to_owned()),
            (_, Some(death)) => {
                if let (Some((_, more)), None) =
                    (death.keys.split_first().filter(|(_, m)| !m.is_empty()), headers.get("CC"))
                {
                    let more = more.iter().map(|key| FieldValue::LongString(key.clone())).collect();
                    headers.insert("CC", FieldValue::Array(more));
                }
                let key = death.keys.first().cloned().unwrap_or_default();
                (death.exchange.clone(), key)
            }
        };
        let mut raw = Vec::new();
        old.write_with_headers(Some(&headers), true, &mut raw);
        let properties = RawProperties::parse(&raw).map_err(|error| error.to_string())?;
        let targets = match (to, &death) {
            (To::Queue, Some(death)) => vec![self.first_queue(vhost, &death.queue)?],
            _ => self.routed(vhost, &exchange, &key, properties)?,
        };
        let message = copy(message, &exchange, &key, properties, targets.len() as u32);
        Ok(Way { message, targets })
    }

    fn first_queue(&self, vhost: &VirtualHost, name: &[u8]) -> Result<Arc<Queue>, String> {
        let name = String::from_utf8_lossy(name);
        vhost.queue_to_fill(&self.actor, &name).map_err(|refusal| refusal.to_string())
    }

    fn routed(
        &self,
        vhost: &VirtualHost,
        exchange: &[u8],
        key: &[u8],
        properties: RawProperties<'_>,
    ) -> Result<Vec<Arc<Queue>>, String> {
        let exchange = std::str::from_utf8(exchange).map_err(|_| "the name of its exchange is no text")?;
        let mut targets = Vec::new();
        vhost
            .check_publish(&self.actor, exchange)
            .and_then(|()| vhost.check_topic(&self.actor, exchange, key, Permission::Write))
            .and_then(|()| vhost.route(&Publication::new(exchange, key, properties), &mut targets))
            .map_err(|refusal| refusal.to_string())?;
        if targets.is_empty() {
            let key = String::from_utf8_lossy(key);
            return Err(format!("no queue is bound for exchange '{exchange}' and routing key '{key}'"));
        }
        Ok(targets)
    }
}

/// The message for other queues. Its time to live, if it has one, begins anew.
fn copy(
    message: &Message,
    exchange: &[u8],
    routing_key: &[u8],
    properties: RawProperties<'_>,
    copies: u32,
) -> Message {
    let ttl_ms = properties.expiration().and_then(|text| text.to_str().ok()?.parse().ok());
    let copy =
        Message::new(Parts { exchange, routing_key, properties }, message.body_bytes(), ttl_ms, copies);
    match message.trace_context() {
        Some(context) => copy.in_trace(context),
        None => copy,
    }
}

/// What is told of a replayed message: when, how often, and how many deaths it had by then. (Dead-lettering looks for cycles only among
/// those after it.)
fn mark(headers: &mut FieldTable, now_s: u64) {
    let count = headers.get("x-replay-count").and_then(FieldValue::as_i64).unwrap_or(0);
    let deaths = deaths(headers.get("x-death").and_then(FieldValue::as_array).unwrap_or_default());
    headers.insert("x-replayed-at", FieldValue::Timestamp(now_s));
    headers.insert("x-replay-count", FieldValue::I64(count.saturating_add(1)));
    headers.insert("x-replay-deaths", FieldValue::I64(deaths));
}

/// How often a message died, by its history.
pub(in crate::queue) fn deaths(history: &[FieldValue]) -> i64 {
    let count = |death: &FieldValue| death.as_table()?.get("count")?.as_i64();
    history.iter().filter_map(count).fold(0, i64::saturating_add)
}

/// What the toolkit wrote where it published a dead letter by itself. It is the first of all: on its way through queues in which it waited for
/// another attempt the message may have died as well.
fn put_aside(headers: &FieldTable) -> Option<Death> {
    let bytes = |name| headers.get(name).and_then(FieldValue::as_bytes).map(<[u8]>::to_vec);
    let (exchange, key, queue) =
        (bytes("x-original-exchange")?, bytes("x-original-routing-key")?, bytes("x-original-queue")?);
    let copies = headers.get("x-original-cc").and_then(FieldValue::as_array).unwrap_or_default();
    let copies = copies.iter().filter_map(FieldValue::as_bytes).map(<[u8]>::to_vec);
    Some(Death { exchange, keys: [key].into_iter().chain(copies).collect(), queue })
}

fn first_death(headers: &FieldTable) -> Option<Death> {
    let history = headers.get("x-death")?.as_array()?;
    let deaths = || history.iter().rev().filter_map(FieldValue::as_table);
    let named = |death: &&FieldTable| {
        ["queue", "reason"].into_iter().all(|what| {
            let first = headers.get(&format!("x-first-death-{what}"));
            first.is_some()
                && first.and_then(FieldValue::as_bytes) == death.get(what).and_then(FieldValue::as_bytes)
        })
    };
    let death = deaths().find(named).or_else(|| deaths().next())?;
    let bytes = |name| death.get(name).and_then(FieldValue::as_bytes).map(<[u8]>::to_vec);
    let keys = death.get("routing-keys").and_then(FieldValue::as_array).unwrap_or_default();
    Some(Death {
        exchange: bytes("exchange")?,
        keys: keys.iter().filter_map(FieldValue::as_bytes).map(<[u8]>::to_vec).collect(),
        queue: bytes("queue")?,
    })
}

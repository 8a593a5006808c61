//! The gate of an exchange that drops duplicates: what it lets pass is routed at once, in one step with its being remembered.
//!
//! A message that a full queue behind the exchange refuses was not taken: its publisher hears so, and may send it again.

use super::Sighting;
use crate::exchange::Publication;
use crate::message::{Message, Parts};
use crate::queue::state::Outcome;
use crate::queue::{Incoming, Queue, dead_letter};
use crate::recorder::Recorder;
use crate::vhost::VirtualHost;
use std::sync::Arc;

/// Longest chain of such exchanges that a message goes through. A circle ends where the message was seen.
const HOPS_MAX: u8 = 64;

/// A message that was not seen before.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) publishing: Incoming,
    /// `None`: nobody looks any more, and it was on its way when that changed.
    pub(crate) sighting: Option<Sighting>,
}

/// Routes what passed, and takes back what was refused.
pub(crate) fn route(
    vhost: &Arc<VirtualHost>,
    gate: &Arc<Queue>,
    outcome: &mut Outcome,
    recorder: &mut Recorder,
) {
    if !recorder.go_deeper(HOPS_MAX) {
        outcome.passed.clear();
        tracing::warn!(exchange = %gate.name(), "messages dropped: they went through more than {HOPS_MAX} exchanges that drop duplicates");
        return;
    }
    let mut refused = Vec::new();
    let mut targets = Vec::new();
    for Passed { publishing: Incoming { message, channel, confirm, moved }, sighting } in
        outcome.passed.drain(..)
    {
        targets.clear();
        let publication = Publication::new(gate.name(), message.routing_key(), message.properties());
        let Ok(info) = vhost.route(&publication.past_gate(), &mut targets) else {
            continue;
        };
        let message = shared(message.clone(), targets.len());
        info.keep(&message, vhost.memory());
        let before = recorder.refused().len();
        let publishing = Incoming { message, channel, confirm, moved };
        let (_, died) = dead_letter::enter(vhost, &publishing, &mut targets, recorder);
        dead_letter::route_all(vhost, died, recorder);
        if recorder.refused().len() > before {
            refused.extend(sighting);
        }
    }
    recorder.come_back();
    if !refused.is_empty() {
        if let Some(state) = gate.lock().backlog_mut() {
            state.take_back(&refused, vhost.clock().now_ms());
        }
        outcome.seen.iter_mut().for_each(|seen| seen.take_back(&refused));
    }
}

/// The same message for several queues: charged to each in part, and stored once.
fn shared(message: Message, copies: usize) -> Message {
    if copies <= 1 {
        return message;
    }
    let (exchange, routing_key) = (message.exchange(), message.routing_key());
    let parts = Parts { exchange, routing_key, properties: message.properties() };
    let copy = Message::new(parts, message.body_bytes(), message.ttl_ms(), copies as u32);
    match message.trace_context() {
        Some(context) => copy.in_trace(context),
        None => copy,
    }
}

//! Scheduled messages whose moment has come: each is routed by its exchange, in one step with its leaving the timetable.

use super::backlog::Entry;
use super::engine::Engine;
use super::state::Outcome;
use super::{Incoming, Queue, dead_letter};
use crate::exchange::{Publication, waited};
use crate::message::{Message, Parts};
use crate::recorder::{Recorded, Recorder};
use crate::vhost::VirtualHost;
use leveret_protocol::RawProperties;
use std::sync::Arc;

/// Routes what is due of a timetable. What leads nowhere is gone, as a publishing that leads nowhere is.
pub(crate) fn route(
    vhost: &Arc<VirtualHost>,
    timetable: &Arc<Queue>,
    due: Vec<Entry>,
    recorder: &mut Recorder,
) {
    let mut unrouted = 0;
    for entry in due {
        dead_letter::settle(timetable, &entry, recorder);
        let mut raw = Vec::new();
        waited(entry.message.properties(), &mut raw);
        let Ok(properties) = RawProperties::parse(&raw) else { continue };
        let (exchange, key) = (timetable.name(), entry.message.routing_key());
        let mut targets = Vec::new();
        let Ok(info) = vhost.route(&Publication::new(exchange, key, properties).due(), &mut targets) else {
            unrouted += 1;
            continue;
        };
        // The message may have come to its exchange from another one, whose name it bears.
        let parts = Parts { exchange: entry.message.exchange(), routing_key: key, properties };
        let ttl_ms = properties.expiration().and_then(|text| text.to_str().ok()?.parse().ok());
        let copy = Message::new(parts, entry.message.body_bytes(), ttl_ms, targets.len() as u32);
        let moved = vhost.tracer().and_then(|tracer| tracer.scheduled(exchange, &entry.message));
        let copy = match moved {
            Some(context) => copy.in_trace(context),
            None => copy,
        };
        info.keep(&copy, vhost.memory());
        if vhost.follows().is_on() {
            vhost.follows().due(vhost.name(), exchange, &copy, &targets);
        }
        if targets.is_empty() {
            unrouted += 1;
            continue;
        }
        let publishing = Incoming { message: copy, channel: 0, confirm: 0, moved: true };
        let (_, died) = dead_letter::enter(vhost, &publishing, &mut targets, recorder);
        dead_letter::route_all(vhost, died, recorder);
    }
    if unrouted > 0 {
        tracing::debug!(exchange = %timetable.name(), unrouted, "scheduled messages led nowhere when they were due");
    }
}

/// Routes one that was taken out of its timetable, now.
pub(crate) fn send(timetable: &Arc<Queue>, entry: Entry) -> Recorded {
    let send = |state: &mut Engine, queue: &Arc<Queue>, outcome: &mut Outcome| {
        if let Some(state) = state.backlog_mut() {
            state.send_now(queue, entry, outcome);
        }
    };
    timetable.with_synced(send).1
}

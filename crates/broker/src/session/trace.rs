//! What one connection has to do with traces: its sampled publishings until they are confirmed, its sampled deliveries when they end,
//! and what operators follow. A session has none of this while the broker traces nothing and nothing is followed in its virtual host.

use super::ConsumerEntry;
use super::following::Following;
use crate::channel::unacked::{Slot, UNWRITTEN};
use crate::message::Message;
use crate::queue::Queue;
use crate::trace::{Delivered, Draw, Ending, Place, Span, Start, Tracer};
use leveret_protocol::RawProperties;
use std::sync::Arc;

/// Publishings of one connection that are followed to their confirms at a time; the span of one more ends when it is with its queues.
const OPEN_MAX: usize = 1024;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct SessionTrace {
    tracer: Option<Arc<Tracer>>,
    pub(super) following: Option<Arc<Following>>,
    draw: Draw,
    open: Vec<Open>,
}

/// A publishing that is not confirmed yet.
#[derive(Debug)]
struct Open {
    channel: u16,
    confirm: u64,
    span: Span,
}

impl SessionTrace {
    pub(super) fn new(tracer: Option<&Arc<Tracer>>) -> Box<Self> {
        let tracer = tracer.cloned();
        Box::new(Self { tracer, following: None, draw: Draw::default(), open: Vec::new() })
    }

    /// Whether there is nothing to do.
    pub(super) fn is_idle(&self) -> bool {
        self.tracer.is_none() && self.following.is_none()
    }

    /// Whether a publishing is sampled.
    #[inline]
    pub(super) fn decide(&mut self, properties: RawProperties<'_>) -> Option<Start> {
        self.tracer.as_ref()?.decide(properties, &mut self.draw)
    }

    /// A sampled publishing was routed. It ends with its confirm, or now if it has none (`confirm` 0).
    #[cold]
    pub(super) fn published(&mut self, start: &Start, publishing: Published<'_>) {
        let Published { vhost, address, body_bytes, properties, queues, channel, confirm, failure } =
            publishing;
        let Some(tracer) = &self.tracer else { return };
        let message_id = properties.message_id().map(|id| id.as_bytes());
        let mut span = tracer.published(start, vhost, address, (body_bytes, message_id), queues);
        if let Some(failure) = failure {
            span.fail(failure);
        }
        if confirm == 0 || self.open.len() >= OPEN_MAX {
            tracer.end(span);
        } else {
            self.open.push(Open { channel, confirm, span });
        }
    }

    /// A channel's publishings up to a number were confirmed, or `refused`.
    pub(super) fn answered(&mut self, channel: u16, through: u64, refused: &[u64]) {
        if self.open.is_empty() {
            return;
        }
        let Some(tracer) = &self.tracer else { return };
        let now_ns = tracer.now_ns();
        let is_due = |open: &mut Open| open.channel == channel && open.confirm <= through;
        for mut open in self.open.extract_if(.., is_due) {
            open.span.end_ns = now_ns;
            if refused.contains(&open.confirm) {
                open.span.fail("nacked");
            }
            tracer.end(open.span);
        }
    }

    /// A channel ended, and nobody will hear of its publishings.
    pub(super) fn closed(&mut self, channel: u16) {
        let Some(tracer) = &self.tracer else { return };
        for mut open in self.open.extract_if(.., |open| open.channel == channel) {
            open.span.fail("channel_closed");
            tracer.end(open.span);
        }
    }

    /// A message was sent.
    #[inline]
    pub(super) fn sent(&self, message: &Message, sent: Sent<'_>) {
        if let Some(following) = &self.following {
            following.sent(message, &sent);
        }
        if let (true, Some(tracer)) = (sent.is_over, &self.tracer) {
            Self::delivered(tracer, message, sent);
        }
    }

    /// That was the end of a delivery, which nobody will settle.
    fn delivered(tracer: &Tracer, message: &Message, sent: Sent<'_>) {
        let Some(context) = message.trace_context() else { return };
        let Sent { queue, position, attempt, delivery_tag, is_get, redelivered, now_ms, .. } = sent;
        let delivered = Delivered {
            message,
            place: Place { queue, position, attempt },
            delivery_tag,
            is_get,
            delivered_ms: now_ms,
            redelivered,
        };
        tracer.delivered(&context, delivered, Ending::Sent);
    }

    /// A delivery ended.
    #[inline]
    pub(super) fn ended(&self, channel: u16, slot: &Slot, queue: &Queue, ending: Ending) {
        // What no client saw was no delivery.
        if slot.tag == UNWRITTEN {
            return;
        }
        if let Some(following) = &self.following {
            following.ended(channel, slot, queue, ending);
        }
        let (Some(tracer), Some(context)) = (&self.tracer, slot.message.trace_context()) else { return };
        let attempt = slot.past.acquired_count() + 1;
        let delivered = Delivered {
            message: &slot.message,
            place: Place { queue, position: slot.position, attempt },
            delivery_tag: slot.tag,
            is_get: slot.consumer.is_none(),
            delivered_ms: slot.delivered_ms,
            redelivered: slot.redelivered,
        };
        tracer.delivered(&context, delivered, ending);
    }
}

/// A publishing that was routed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Published<'a> {
    pub(super) vhost: &'a str,
    /// Exchange and routing key.
    pub(super) address: (&'a [u8], &'a [u8]),
    pub(super) body_bytes: usize,
    pub(super) properties: RawProperties<'a>,
    pub(super) queues: &'a [Arc<Queue>],
    pub(super) channel: u16,
    pub(super) confirm: u64,
    /// It led nowhere and went back to its publisher, or was refused.
    pub(super) failure: Option<&'static str>,
}

/// A delivery.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) channel: u16,
    /// `None`: `basic.get` asked for it.
    pub(super) consumer_tag: Option<&'a [u8]>,
    pub(super) queue: &'a Queue,
    pub(super) position: u64,
    pub(super) attempt: u32,
    pub(super) delivery_tag: u64,
    pub(super) is_get: bool,
    pub(super) redelivered: bool,
    /// Nobody will settle it.
    pub(super) is_over: bool,
    pub(super) now_ms: u64,
}

impl ConsumerEntry {
    /// Whether a delivery is over when it was sent.
    pub(super) fn settles_nothing(&self) -> bool {
        self.no_ack || self.queue.is_stream()
    }
}

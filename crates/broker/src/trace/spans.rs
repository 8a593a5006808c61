//! The spans of a message's way, one function for each thing that may happen to it.

use super::attributes::{destination, span};
use super::{Link, Span, SpanKind, Start, Told, TraceContext, Tracer, Value, new_span_id};
use crate::message::Message;
use crate::name::Name;
use crate::queue::{DeathReason, Queue};
use std::sync::Arc;

/// Where in a queue a message is, and how often it was delivered from there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) queue: &'a Queue,
    pub(crate) position: u64,
    /// Deliveries by now, counted from 1; 0 for none yet.
    pub(crate) attempt: u32,
}

impl Place<'_> {
    fn span_id(&self, context: &TraceContext) -> [u8; 8] {
        context.span_of(self.queue.id(), self.position, self.attempt)
    }

    /// The last delivery from here, or what brought the message here.
    fn latest(&self, context: &TraceContext) -> [u8; 8] {
        if self.attempt == 0 { context.span_id } else { self.span_id(context) }
    }
}

/// A delivery, seen when it is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivered<'a> {
    pub(crate) message: &'a Message,
    pub(crate) place: Place<'a>,
    pub(crate) delivery_tag: u64,
    /// `basic.get` asked for it.
    pub(crate) is_get: bool,
    /// Of the broker's clock.
    pub(crate) delivered_ms: u64,
    pub(crate) redelivered: bool,
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its consumer acknowledges nothing.
    Sent,
    Acked,
    /// Refused, by this method; `requeue`: to be tried again.
    Refused {
        by: &'static str,
        requeue: bool,
    },
    /// Its channel or connection ended first.
    Lost,
}

impl Tracer {
    /// A publishing and where it was routed. It is not over yet: see [`Tracer::end`].
    pub(crate) fn published(
        &self,
        start: &Start,
        vhost: &str,
        (exchange, key): (&[u8], &[u8]),
        (body_bytes, message_id): (usize, Option<&[u8]>),
        queues: &[Arc<Queue>],
    ) -> Span {
        let now_ns = self.now_ns();
        let context = &start.context;
        // The default exchange's keys are names of queues, if there is such a queue.
        let place = match (exchange, queues) {
            (b"", []) => "amq.default".into(),
            (b"", _) => String::from_utf8_lossy(key),
            _ => String::from_utf8_lossy(exchange),
        };
        let mut publish = Span {
            span_id: context.span_id,
            parent: start.parent,
            start_ns: context.published_ns,
            end_ns: now_ns,
            ..span(context, "publish", &place, SpanKind::Server)
        };
        publish.put("messaging.operation.type", "send");
        publish.put("leveret.vhost", vhost);
        publish.put_destination(exchange, key, None);
        publish.put("messaging.message.body.size", body_bytes as u64);
        if let Some(id) = message_id {
            publish.put("messaging.message.id", &*String::from_utf8_lossy(id));
        }
        let mut route = span(context, "route", &place, SpanKind::Internal);
        (route.start_ns, route.end_ns) = (context.published_ns, now_ns);
        route.put("leveret.vhost", vhost);
        route.put_destination(exchange, key, None);
        route.put_queues(queues);
        self.end(route);
        publish
    }

    /// A delivery is over: the delivery itself, and the settlement in it.
    pub(crate) fn delivered(&self, context: &TraceContext, delivered: Delivered<'_>, ending: Ending) {
        let Delivered { message, place, delivery_tag, is_get, delivered_ms, redelivered } = delivered;
        let queue = &**place.queue.name();
        let now_ns = self.now_ns();
        let start_ns =
            self.unix_ns(delivered_ms).clamp(context.published_ns, now_ns.max(context.published_ns));
        let end_ns = now_ns.max(start_ns);
        let span_id = place.span_id(context);
        let name = if is_get { "get" } else { "deliver" };
        let kind = if is_get { SpanKind::Server } else { SpanKind::Producer };
        let mut deliver = Span { span_id, start_ns, end_ns, ..span(context, name, queue, kind) };
        deliver.put("messaging.operation.type", "receive");
        deliver.put("leveret.vhost", &**place.queue.vhost_name());
        deliver.put_message(message, Some(queue));
        deliver.put("messaging.rabbitmq.message.delivery_tag", delivery_tag);
        deliver.put("leveret.delivery.attempt", u64::from(place.attempt));
        deliver.put("leveret.redelivered", redelivered);
        if let Some(parent) = TraceContext::creation(message) {
            deliver.links.push(Link { trace_id: parent.trace_id, span_id: parent.span_id });
        }
        let settled = match ending {
            Ending::Sent => None,
            Ending::Lost => {
                deliver.fail("consumer_lost");
                None
            }
            Ending::Acked => Some(("ack", None)),
            Ending::Refused { by, requeue } => {
                // Giving a message back without fault is no error.
                if !requeue || by == "reject" {
                    deliver.fail("rejected");
                }
                Some((by, Some(requeue)))
            }
        };
        self.end(deliver);
        let Some((by, requeue)) = settled else { return };
        let mut settle = span(context, by, queue, SpanKind::Server);
        (settle.parent, settle.start_ns, settle.end_ns) = (Some(span_id), end_ns, end_ns);
        settle.put("messaging.operation.type", "settle");
        settle.put("leveret.vhost", &**place.queue.vhost_name());
        settle.put_message(message, Some(queue));
        settle.put("messaging.rabbitmq.message.delivery_tag", delivery_tag);
        if let Some(requeue) = requeue {
            settle.put("leveret.requeue", requeue);
        }
        self.end(settle);
    }

    /// A message waited, after a delivery that failed, and may be delivered again.
    pub(super) fn retried(&self, queue: &Queue, told: &Told, since_ms: u64) {
        let Some(mut retry) = self.inside("retry", queue, told) else { return };
        retry.start_ns = self.unix_ns(since_ms).min(retry.end_ns);
        retry.put("leveret.delivery.attempt", u64::from(told.attempt));
        self.end(retry);
    }

    /// A message was purged, was a duplicate, or a full queue refused it.
    pub(super) fn gone(&self, operation: &str, queue: &Queue, told: &Told, failure: Option<&'static str>) {
        let Some(mut gone) = self.inside(operation, queue, told) else { return };
        if let Some(failure) = failure {
            gone.fail(failure);
        }
        self.end(gone);
    }

    /// Something that happened at this moment to a message in a queue.
    fn inside(&self, operation: &str, queue: &Queue, told: &Told) -> Option<Span> {
        let context = told.message.trace_context()?;
        let mut inside = span(&context, operation, queue.name(), SpanKind::Internal);
        if let Some(position) = told.position {
            inside.parent = Some(Place { queue, position, attempt: told.attempt }.latest(&context));
        }
        inside.end_ns = self.now_ns();
        inside.start_ns = inside.end_ns;
        inside.put("leveret.vhost", &**queue.vhost_name());
        inside.put_message(&told.message, Some(queue.name()));
        Some(inside)
    }

    /// A message is about to be dead-lettered, or dropped: what its copy is to bear. [`Tracer::died`] follows.
    pub(crate) fn dying(&self, message: &Message) -> Option<TraceContext> {
        let context = message.trace_context()?;
        Some(TraceContext { span_id: new_span_id(), published_ns: self.now_ns(), ..context })
    }

    /// A message died. `to`: the exchange and routing key it went to, and the queues there.
    pub(crate) fn died(
        &self,
        copy: &TraceContext,
        message: &Message,
        place: Place<'_>,
        reason: DeathReason,
        to: Option<(&[u8], &[u8], &[Name])>,
    ) {
        let Some(context) = message.trace_context() else { return };
        let queue = &**place.queue.name();
        let operation = if to.is_some() { "dead_letter" } else { "drop" };
        let mut death = span(copy, operation, queue, SpanKind::Internal);
        death.span_id = copy.span_id;
        death.parent = Some(place.latest(&context));
        (death.start_ns, death.end_ns) = (copy.published_ns, self.now_ns());
        death.put("leveret.vhost", &**place.queue.vhost_name());
        death.put_message(message, Some(queue));
        death.put("leveret.death.reason", reason.as_str());
        if let Some((exchange, key, queues)) = to {
            death.put("leveret.dead_letter.destination", destination(exchange, key, None));
            death.put("leveret.queues", Value::Texts(queues.iter().map(|name| name.to_string()).collect()));
        }
        self.end(death);
    }

    /// A message that an exchange had held until now is due. Returns what it bears from here on.
    pub(crate) fn scheduled(&self, exchange: &str, message: &Message) -> Option<TraceContext> {
        let context = message.trace_context()?;
        let mut schedule = span(&context, "schedule", exchange, SpanKind::Internal);
        schedule.end_ns = self.now_ns();
        schedule.start_ns = context.published_ns.min(schedule.end_ns);
        schedule.put_message(message, None);
        let next = TraceContext { span_id: schedule.span_id, published_ns: schedule.end_ns, ..context };
        self.end(schedule);
        Some(next)
    }
}

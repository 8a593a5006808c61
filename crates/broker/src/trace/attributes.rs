//! What a span says of a message, in the words of OpenTelemetry's conventions for messaging.

use super::{Span, SpanKind, TraceContext, Value, new_span_id};
use crate::message::Message;
use crate::queue::Queue;
use std::sync::Arc;

/// Queues whose names a span lists.
const QUEUES_NAMED_MAX: usize = 32;

/// A span in the context of a message.
pub(super) fn span(context: &TraceContext, operation: &str, place: &str, kind: SpanKind) -> Span {
    let attributes = vec![
        ("messaging.system", Value::from("rabbitmq")),
        ("messaging.operation.name", Value::from(operation)),
    ];
    Span {
        trace_id: context.trace_id,
        span_id: new_span_id(),
        parent: Some(context.span_id),
        name: format!("{operation} {place}"),
        kind,
        start_ns: 0,
        end_ns: 0,
        attributes,
        links: Vec::new(),
        error: None,
    }
}

/// `messaging.destination.name`: what there is of exchange, routing key and queue.
pub(super) fn destination(exchange: &[u8], key: &[u8], queue: Option<&str>) -> String {
    let (exchange, key) = (String::from_utf8_lossy(exchange), String::from_utf8_lossy(key));
    // A queue that its own name leads to is named once.
    let queue = queue.filter(|queue| *queue != key);
    let parts = [&*exchange, &*key, queue.unwrap_or_default()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "amq.default".to_owned() } else { parts.join(":") }
}

impl Span {
    pub(super) fn put(&mut self, name: &'static str, value: impl Into<Value>) {
        self.attributes.push((name, value.into()));
    }

    pub(crate) fn fail(&mut self, error: &'static str) {
        self.error = Some(error);
        self.put("error.type", error);
    }

    pub(super) fn put_destination(&mut self, exchange: &[u8], key: &[u8], queue: Option<&str>) {
        self.put("messaging.destination.name", destination(exchange, key, queue));
        if !key.is_empty() {
            self.put("messaging.rabbitmq.destination.routing_key", &*String::from_utf8_lossy(key));
        }
    }

    pub(super) fn put_message(&mut self, message: &Message, queue: Option<&str>) {
        self.put_destination(message.exchange(), message.routing_key(), queue);
        self.put("messaging.message.body.size", message.body_len() as u64);
        if let Some(id) = message.properties().message_id() {
            self.put("messaging.message.id", &*id.to_lossy());
        }
    }

    pub(super) fn put_queues(&mut self, queues: &[Arc<Queue>]) {
        self.put("leveret.queues.count", queues.len() as u64);
        let names = queues.iter().take(QUEUES_NAMED_MAX).map(|queue| queue.name().to_string());
        self.put("leveret.queues", Value::Texts(names.collect()));
    }
}

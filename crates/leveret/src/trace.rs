//! One trace from the first publisher through handlers, retries and dead letters to what handlers publish.
//!
//! The W3C context (`traceparent`, `tracestate`, `baggage`) travels in headers, as long strings; byte arrays are read as well. What a handler
//! publishes carries the context of the message it handles, unless it has one of its own: that is never overwritten. Copies that
//! wait, and dead letters, keep the message's headers and with them its context.
//!
//! Spans are `tracing`'s, with the names of OpenTelemetry's messaging conventions: `process` around each call of a handler, `publish` around
//! each send. With a layer such as `tracing-opentelemetry` they are exported under the names in `otel.name` and `otel.kind`. When nobody
//! subscribes they cost next to nothing.

use std::cell::RefCell;

use leveret_client::{FieldTable, Properties};
use tracing::Span;
use tracing::field::Empty;

use crate::extract::FromMessage;
use crate::failure::Failure;
use crate::message::Incoming;

/// The headers, in the order of the fields.
const HEADERS: [&str; 3] = ["traceparent", "tracestate", "baggage"];

/// The W3C trace context of a message; an argument of handlers that fails never, and is empty when the message has none.
///
/// ```
/// use leveret::TraceContext;
///
/// async fn handle(context: TraceContext) {
///     println!("{:?}", context.traceparent);
/// }
/// # fn is_handler<A>(_: impl leveret::Handler<A>) {}
/// # is_handler(handle);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TraceContext {
    /// Version, trace id, id of the parent span, flags: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
    pub traceparent: Option<String>,
    /// What vendors add.
    pub tracestate: Option<String>,
    /// What applications add.
    pub baggage: Option<String>,
}

impl TraceContext {
    /// That of a message.
    #[must_use]
    pub fn of(properties: &Properties) -> Self {
        let Some(headers) = &properties.headers else { return Self::default() };
        let [traceparent, tracestate, baggage] =
            HEADERS.map(|name| headers.get(name).and_then(|value| value.as_str()).map(str::to_owned));
        Self { traceparent, tracestate, baggage }
    }

    /// With a `traceparent`.
    pub fn new(traceparent: impl Into<String>) -> Self {
        Self { traceparent: Some(traceparent.into()), ..Self::default() }
    }

    /// Writes it into a message that has no context; one that has keeps its own, all of it.
    pub fn inject(&self, properties: &mut Properties) {
        let Some(traceparent) = &self.traceparent else { return };
        let headers = properties.headers.get_or_insert_with(FieldTable::new);
        if headers.contains_key(HEADERS[0]) {
            return;
        }
        for (name, value) in
            HEADERS.iter().zip([Some(traceparent), self.tracestate.as_ref(), self.baggage.as_ref()])
        {
            if let Some(value) = value {
                headers.insert(*name, value.as_str());
            }
        }
    }
}

impl FromMessage for TraceContext {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        Ok(Self::of(message.properties()))
    }
}

tokio::task_local! {
    /// Of the message that this task handles.
    static CURRENT: RefCell<TraceContext>;
}

/// Calls a handler inside the context of its message, if that has one.
pub(crate) async fn within<T>(message: &Incoming, handling: impl Future<Output = T>) -> T {
    let context = TraceContext::of(message.properties());
    if context.traceparent.is_none() {
        return handling.await;
    }
    CURRENT.scope(RefCell::new(context), handling).await
}

/// Gives a message the context of the one that is being handled, if there is one.
pub(crate) fn inherit(properties: &mut Properties) {
    let _ = CURRENT.try_with(|context| context.borrow().inject(properties));
}

/// Whether a message is one of those that are traced, of which this is the share: its context says so, or chance.
fn is_sampled(properties: &Properties, share: f64) -> bool {
    match header(properties, HEADERS[0]) {
        // version-trace-parent-flags; the last bit of the flags says that somebody keeps the trace.
        Some(traceparent) => {
            let flags = traceparent.split('-').nth(3).and_then(|flags| u8::from_str_radix(flags, 16).ok());
            flags.is_some_and(|flags| flags & 1 == 1)
        }
        None => rand::random::<f64>() < share,
    }
}

/// Whether a message of which this share is traced is.
pub(crate) fn is_kept(properties: &Properties, share: f64) -> bool {
    share >= 1.0 || is_sampled(properties, share)
}

/// The span around a call of a handler. It has no parent here: what runs the worker is none.
pub(crate) fn process_span(message: &Incoming) -> Span {
    tracing::info_span!(
        parent: None,
        "process",
        otel.name = %format_args!("process {}", message.queue()),
        otel.kind = "consumer",
        otel.status_code = Empty,
        error.r#type = Empty,
        messaging.system = "rabbitmq",
        messaging.operation.name = "process",
        messaging.operation.r#type = "process",
        messaging.destination.name = %consumed_from(message.exchange(), message.routing_key(), message.queue()),
        messaging.rabbitmq.destination.routing_key = message.routing_key(),
        messaging.message.id = message.message_id(),
        messaging.message.body.size = message.body().len(),
        leveret.attempt = message.attempt(),
        traceparent = header(message.properties(), HEADERS[0]),
    )
}

/// The span around a call with a batch, whose messages have contexts of their own.
pub(crate) fn batch_span(queue: &str, count: usize) -> Span {
    tracing::info_span!(
        parent: None,
        "process",
        otel.name = %format_args!("process {queue}"),
        otel.kind = "consumer",
        otel.status_code = Empty,
        error.r#type = Empty,
        messaging.system = "rabbitmq",
        messaging.operation.name = "process",
        messaging.operation.r#type = "process",
        messaging.destination.name = queue,
        messaging.batch.message_count = count,
    )
}

/// The span around a send.
pub(crate) fn publish_span(exchange: &str, routing_key: &str, properties: &Properties) -> Span {
    tracing::info_span!(
        "publish",
        otel.name = %format_args!("publish {}", published_to(exchange, routing_key)),
        otel.kind = "producer",
        otel.status_code = Empty,
        error.r#type = Empty,
        messaging.system = "rabbitmq",
        messaging.operation.name = "publish",
        messaging.operation.r#type = "send",
        messaging.destination.name = %published_to(exchange, routing_key),
        messaging.rabbitmq.destination.routing_key = routing_key,
        messaging.message.id = properties.message_id.as_deref(),
        traceparent = header(properties, HEADERS[0]),
    )
}

/// Marks a span as failed.
pub(crate) fn failed(span: &Span, kind: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", kind);
}

fn header<'a>(properties: &'a Properties, name: &str) -> Option<&'a str> {
    properties.headers.as_ref()?.get(name)?.as_str()
}

/// `exchange:routing key`, without empty parts; `amq.default` if both are.
fn published_to(exchange: &str, routing_key: &str) -> String {
    match joined(&[exchange, routing_key]) {
        name if name.is_empty() => "amq.default".to_owned(),
        name => name,
    }
}

/// `exchange:routing key:queue`; a queue that is its own routing key, as with the default exchange, is named once.
fn consumed_from(exchange: &str, routing_key: &str, queue: &str) -> String {
    if routing_key == queue { joined(&[exchange, queue]) } else { joined(&[exchange, routing_key, queue]) }
}

fn joined(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;
    use leveret_client::FieldValue;

    #[test]
    fn a_context_is_read_as_text_or_bytes_and_never_overwritten() {
        let there = FieldTable::from([("traceparent", FieldValue::ByteArray(b"00-a-b-01".to_vec()))]);
        let mut properties = Properties { headers: Some(there), ..Properties::default() };
        assert_eq!(TraceContext::of(&properties), TraceContext::new("00-a-b-01"));
        let other = TraceContext { tracestate: Some("x=1".into()), ..TraceContext::new("00-c-d-01") };
        other.inject(&mut properties);
        assert_eq!(TraceContext::of(&properties), TraceContext::new("00-a-b-01"), "not in part either");
        let mut empty = Properties::default();
        TraceContext::default().inject(&mut empty);
        assert_eq!(empty.headers, None);
        other.inject(&mut empty);
        assert_eq!(
            empty.headers.as_ref().unwrap().get("tracestate"),
            Some(&FieldValue::LongString(b"x=1".to_vec()))
        );
        assert_eq!(TraceContext::of(&empty), other);
    }

    #[test]
    fn a_context_says_whether_it_is_kept_and_chance_decides_for_those_without() {
        let of = |traceparent: &str| {
            let mut properties = Properties::default();
            TraceContext::new(traceparent).inject(&mut properties);
            properties
        };
        for (traceparent, sampled) in
            [("00-a-b-01", true), ("00-a-b-03", true), ("00-a-b-00", false), ("nonsense", false)]
        {
            assert_eq!(is_sampled(&of(traceparent), 0.5), sampled, "{traceparent}");
        }
        let none = Properties::default();
        assert!(!is_sampled(&none, 0.0) && is_sampled(&none, 1.0));
    }

    #[test]
    fn destinations_are_named_as_the_conventions_say() {
        assert_eq!(published_to("events", "order.new"), "events:order.new");
        assert_eq!(
            (published_to("", "orders"), published_to("", "")),
            ("orders".into(), "amq.default".into())
        );
        assert_eq!(consumed_from("events", "order.new", "orders"), "events:order.new:orders");
        assert_eq!(consumed_from("", "orders", "orders"), "orders");
    }
}

//! Spans of `tracing` become spans of OTLP.

use std::fmt::Debug;
use std::sync::mpsc::SyncSender;
use std::time::SystemTime;

use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::SpanKind};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::{Brought, attribute, text};

/// Gives finished spans to the thread that sends them.
pub(crate) struct SpanLayer(SyncSender<Brought>);

impl SpanLayer {
    pub(super) fn new(bring: SyncSender<Brought>) -> Self {
        Self(bring)
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SpanLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(here) = context.span(id) else { return };
        let mut seen = Seen::new(attributes.metadata().name());
        attributes.record(&mut seen);
        let around = here.parent().and_then(|parent| {
            parent
                .extensions()
                .get::<Seen>()
                .map(|seen| (seen.span.trace_id.clone(), seen.span.span_id.clone()))
        });
        seen.place(around);
        here.extensions_mut().insert(seen);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(here) = context.span(id) else { return };
        if let Some(seen) = here.extensions_mut().get_mut::<Seen>() {
            values.record(seen);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(mut seen) = context.span(&id).and_then(|here| here.extensions_mut().remove::<Seen>()) else {
            return;
        };
        seen.span.end_time_unix_nano = now();
        // A collector that does not keep up costs spans, not orders.
        let _ = self.0.try_send(Brought::Span(Box::new(seen.span)));
    }
}

/// A span that is not over.
struct Seen {
    span: Span,
    /// Trace and span that a message brought along.
    came_with: Option<(Vec<u8>, Vec<u8>)>,
    /// Trace and span that this one is to be.
    is_itself: Option<(Vec<u8>, Vec<u8>)>,
}

impl Seen {
    fn new(name: &str) -> Self {
        let span = Span {
            name: name.to_owned(),
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: now(),
            ..Span::default()
        };
        Self { span, came_with: None, is_itself: None }
    }

    /// Finds its place: what it is, below what came with the message, below the span around it.
    fn place(&mut self, around: Option<(Vec<u8>, Vec<u8>)>) {
        let span = &mut self.span;
        span.span_id = rand::random::<u64>().max(1).to_be_bytes().to_vec();
        if let Some((trace, id)) = self.is_itself.take() {
            (span.trace_id, span.span_id) = (trace, id);
            return;
        }
        let parent = match (self.came_with.take(), around) {
            (Some(came), Some(around)) if came.0 == around.0 => Some(around),
            (Some(came), _) => Some(came),
            (None, around) => around,
        };
        match parent {
            Some((trace, id)) => (span.trace_id, span.parent_span_id) = (trace, id),
            None => span.trace_id = rand::random::<u128>().max(1).to_be_bytes().to_vec(),
        }
    }

    fn put(&mut self, field: &Field, value: any_value::Value) {
        self.span.attributes.push(attribute(field.name(), value));
    }
}

impl Visit for Seen {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "otel.name" => value.clone_into(&mut self.span.name),
            "otel.kind" => {
                let kind = match value {
                    "consumer" => SpanKind::Consumer,
                    "producer" => SpanKind::Producer,
                    _ => SpanKind::Internal,
                };
                self.span.kind = kind.into();
            }
            "otel.status_code" => {
                let code = if value == "ERROR" { StatusCode::Error } else { StatusCode::Ok };
                self.span.status = Some(Status { code: code.into(), ..Status::default() });
            }
            "traceparent" => self.came_with = parse(value),
            "is" => self.is_itself = parse(value),
            name => self.span.attributes.push(text(name, value)),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, any_value::Value::IntValue(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, any_value::Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, any_value::Value::BoolValue(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// Trace and span of a `traceparent`.
fn parse(traceparent: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut parts = traceparent.split('-').skip(1);
    let trace = u128::from_str_radix(parts.next()?, 16).ok()?.to_be_bytes();
    let span = u64::from_str_radix(parts.next()?, 16).ok()?.to_be_bytes();
    Some((trace.to_vec(), span.to_vec()))
}

fn now() -> u64 {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_below_what_came_with_its_message_unless_one_of_that_trace_is_around_it() {
        let came = || parse("00-0000000000000000000000000000000a-000000000000000b-01");
        let id = |number: u64| number.to_be_bytes().to_vec();
        let trace = |number: u128| number.to_be_bytes().to_vec();
        let table = [
            (came(), None, trace(10), id(11)),
            (came(), Some((trace(10), id(5))), trace(10), id(5)),
            (came(), Some((trace(9), id(5))), trace(10), id(11)),
            (None, Some((trace(9), id(5))), trace(9), id(5)),
        ];
        for (came_with, around, trace, parent) in table {
            let mut seen = Seen { came_with, ..Seen::new("x") };
            seen.place(around);
            assert_eq!((&seen.span.trace_id, &seen.span.parent_span_id), (&trace, &parent));
        }
        let mut root = Seen { is_itself: came(), ..Seen::new("x") };
        root.place(None);
        assert_eq!(
            (root.span.trace_id, root.span.span_id, root.span.parent_span_id),
            (trace(10), id(11), vec![])
        );
    }
}

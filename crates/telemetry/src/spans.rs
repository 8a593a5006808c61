//! Spans in OTLP's form.

use crate::client::Export;
use crate::exporter::Batch;
use crate::figures::{Counts, Tally};
use crate::queue::Weigh;
use crate::resource::{SCHEMA_URL, kind, pair, scope};
use leveret_broker::trace::{Span, SpanKind, Value};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use otlp::span::SpanKind as Kind;

/// W3C: the trace is sampled.
const SAMPLED: u32 = 1;

impl Weigh for Span {
    fn bytes(&self) -> usize {
        let value = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Texts(texts) => texts.iter().map(|text| text.len() + size_of::<String>()).sum(),
            Value::Number(_) | Value::Flag(_) => 0,
        };
        let attribute = size_of::<(&str, Value)>();
        let attributes: usize = self.attributes.iter().map(|(_, it)| attribute + value(it)).sum();
        size_of::<Self>() + self.name.len() + attributes + self.links.len() * 24
    }
}

impl Batch for Span {
    const WHAT: &'static str = "spans";

    fn export(batch: Vec<Self>, resource: &Resource) -> Export {
        let spans = batch.into_iter().map(span).collect();
        let scope_spans = vec![otlp::ScopeSpans {
            scope: Some(scope("leveret.broker")),
            spans,
            schema_url: SCHEMA_URL.to_owned(),
        }];
        let resource_spans = vec![otlp::ResourceSpans {
            resource: Some(resource.clone()),
            scope_spans,
            schema_url: SCHEMA_URL.to_owned(),
        }];
        Export::Traces(ExportTraceServiceRequest { resource_spans })
    }

    fn tally(counts: &Counts) -> &Tally {
        &counts.spans
    }
}

fn span(span: Span) -> otlp::Span {
    let kind_of = match span.kind {
        SpanKind::Internal => Kind::Internal,
        SpanKind::Server => Kind::Server,
        SpanKind::Producer => Kind::Producer,
    };
    let status = span.error.map(|error| otlp::Status {
        message: error.to_owned(),
        code: otlp::status::StatusCode::Error.into(),
    });
    let links = span.links.into_iter().map(|link| otlp::span::Link {
        trace_id: link.trace_id.to_vec(),
        span_id: link.span_id.to_vec(),
        flags: SAMPLED,
        ..otlp::span::Link::default()
    });
    otlp::Span {
        trace_id: span.trace_id.to_vec(),
        span_id: span.span_id.to_vec(),
        parent_span_id: span.parent.map(|id| id.to_vec()).unwrap_or_default(),
        flags: SAMPLED,
        name: span.name,
        kind: kind_of.into(),
        start_time_unix_nano: span.start_ns,
        end_time_unix_nano: span.end_ns,
        attributes: span.attributes.into_iter().map(|(name, value)| pair(name, kind(value))).collect(),
        links: links.collect(),
        status,
        ..otlp::Span::default()
    }
}

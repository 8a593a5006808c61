//! Spans in OTLP's form.
//!
//! Written by hand, straight from a finished span: with the generated structs a span is copied, measured once for each level that
//! it lies in, and let go of again, which cost more than everything else about it. The test reads with them what is written here.
//! Numbers of fields: `opentelemetry/proto/trace/v1/trace.proto` and `common/v1/common.proto`.

use crate::client::{Export, Signal};
use crate::exporter::Batch;
use crate::figures::{Counts, Tally};
use crate::protobuf::{Write as _, len_of_bytes, len_of_number};
use crate::queue::Weigh;
use crate::resource::{SCHEMA_URL, scope};
use leveret_broker::trace::{Span, SpanKind, Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

/// W3C: the trace is sampled.
const SAMPLED: u32 = 1;
/// `STATUS_CODE_ERROR`.
const ERROR: u64 = 2;

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
        let (mut scope_spans, mut one) = (Vec::new(), Vec::new());
        scope_spans.put_bytes(1, &scope("leveret.broker").encode_to_vec());
        for span in &batch {
            one.clear();
            put_span(&mut one, span);
            scope_spans.put_bytes(2, &one);
        }
        scope_spans.put_bytes(3, SCHEMA_URL.as_bytes());
        let mut resource_spans = Vec::with_capacity(scope_spans.len() + 1024);
        resource_spans.put_bytes(1, &resource.encode_to_vec());
        resource_spans.put_bytes(2, &scope_spans);
        resource_spans.put_bytes(3, SCHEMA_URL.as_bytes());
        let mut body = Vec::with_capacity(resource_spans.len() + 16);
        body.put_bytes(1, &resource_spans);
        Export { signal: Signal::Traces, body: body.into() }
    }

    fn tally(counts: &Counts) -> &Tally {
        &counts.spans
    }
}

fn put_span(out: &mut Vec<u8>, span: &Span) {
    out.put_bytes(1, &span.trace_id);
    out.put_bytes(2, &span.span_id);
    if let Some(parent) = &span.parent {
        out.put_bytes(4, parent);
    }
    out.put_bytes(5, span.name.as_bytes());
    out.put_number(
        6,
        match span.kind {
            SpanKind::Internal => 1,
            SpanKind::Server => 2,
            SpanKind::Producer => 4,
        },
    );
    out.put_fixed64(7, span.start_ns);
    out.put_fixed64(8, span.end_ns);
    for (name, value) in &span.attributes {
        put_attribute(out, name, value);
    }
    for link in &span.links {
        // Two ids and four bytes of flags.
        out.put_head(13, len_of_bytes(16) + len_of_bytes(8) + 5);
        out.put_bytes(1, &link.trace_id);
        out.put_bytes(2, &link.span_id);
        out.put_fixed32(6, SAMPLED);
    }
    if let Some(error) = span.error {
        out.put_head(15, len_of_bytes(error.len()) + 1 + len_of_number(ERROR));
        out.put_bytes(2, error.as_bytes());
        out.put_number(3, ERROR);
    }
    out.put_fixed32(16, SAMPLED);
}

fn put_attribute(out: &mut Vec<u8>, name: &str, value: &Value) {
    let value_len = len_of(value);
    out.put_head(9, len_of_bytes(name.len()) + len_of_bytes(value_len));
    out.put_bytes(1, name.as_bytes());
    out.put_head(2, value_len);
    match value {
        Value::Text(text) => out.put_bytes(1, text.as_bytes()),
        Value::Flag(flag) => out.put_number(2, u64::from(*flag)),
        Value::Number(number) => out.put_number(3, *number as u64),
        Value::Texts(texts) => {
            out.put_head(5, len_of_texts(texts));
            for text in texts {
                out.put_head(1, len_of_bytes(text.len()));
                out.put_bytes(1, text.as_bytes());
            }
        }
    }
}

/// Bytes of a value, which is a message of one field.
fn len_of(value: &Value) -> usize {
    match value {
        Value::Text(text) => len_of_bytes(text.len()),
        Value::Flag(_) => 2,
        Value::Number(number) => 1 + len_of_number(*number as u64),
        Value::Texts(texts) => len_of_bytes(len_of_texts(texts)),
    }
}

fn len_of_texts(texts: &[String]) -> usize {
    texts.iter().map(|text| len_of_bytes(len_of_bytes(text.len()))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{kind, pair};
    use leveret_broker::trace::Link;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1 as otlp;

    fn full() -> Span {
        let long = "x".repeat(300);
        Span {
            trace_id: [1; 16],
            span_id: [2; 8],
            parent: Some([3; 8]),
            name: "deliver orders".into(),
            kind: SpanKind::Producer,
            start_ns: 1_700_000_000_123_456_789,
            end_ns: u64::MAX,
            attributes: vec![
                ("text", "häre".into()),
                ("empty", "".into()),
                ("long", long.as_str().into()),
                ("yes", true.into()),
                ("no", false.into()),
                ("number", Value::Number(300)),
                ("negative", Value::Number(-1)),
                ("texts", Value::Texts(vec!["a".into(), String::new(), long.clone()])),
                ("none", Value::Texts(Vec::new())),
            ],
            links: vec![Link { trace_id: [4; 16], span_id: [5; 8] }; 2],
            error: Some("rejected"),
        }
    }

    #[test]
    fn what_is_written_is_what_the_generated_code_reads() {
        let bare = Span {
            parent: None,
            kind: SpanKind::Internal,
            attributes: Vec::new(),
            links: Vec::new(),
            error: None,
            ..full()
        };
        let server = Span { kind: SpanKind::Server, ..full() };
        let resource = Resource { attributes: vec![crate::resource::text("a", "b")], ..Resource::default() };
        let export = Span::export(vec![full(), bare, server], &resource);
        let read = ExportTraceServiceRequest::decode(export.body).unwrap();
        assert_eq!(read.resource_spans.len(), 1);
        assert_eq!(read.resource_spans[0].resource, Some(resource));
        assert_eq!(read.resource_spans[0].schema_url, SCHEMA_URL);
        let scope_spans = &read.resource_spans[0].scope_spans[0];
        assert_eq!(scope_spans.scope, Some(scope("leveret.broker")));
        assert_eq!(scope_spans.schema_url, SCHEMA_URL);
        let expected = otlp::Span {
            trace_id: vec![1; 16],
            span_id: vec![2; 8],
            parent_span_id: vec![3; 8],
            flags: SAMPLED,
            name: "deliver orders".into(),
            kind: otlp::span::SpanKind::Producer.into(),
            start_time_unix_nano: 1_700_000_000_123_456_789,
            end_time_unix_nano: u64::MAX,
            attributes: full().attributes.into_iter().map(|(name, value)| pair(name, kind(value))).collect(),
            links: vec![
                otlp::span::Link {
                    trace_id: vec![4; 16],
                    span_id: vec![5; 8],
                    flags: SAMPLED,
                    ..Default::default()
                };
                2
            ],
            status: Some(otlp::Status {
                message: "rejected".into(),
                code: otlp::status::StatusCode::Error.into(),
            }),
            ..Default::default()
        };
        assert_eq!(scope_spans.spans[0], expected);
        let bare = &scope_spans.spans[1];
        assert_eq!((bare.kind, bare.parent_span_id.len(), &bare.status), (1, 0, &None));
        assert_eq!(scope_spans.spans[2].kind, i32::from(otlp::span::SpanKind::Server));
    }
}

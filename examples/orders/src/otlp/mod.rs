//! The toolkit's spans, sent to an OpenTelemetry collector over OTLP/HTTP.
//!
//! A program that has OpenTelemetry's SDK uses `tracing-opentelemetry` instead; what has to be told to that as well is here in one
//! place, the layer: a `process` span is the child of the span whose context came with the message (its field `traceparent`).

mod layer;

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

pub(crate) use layer::SpanLayer;

/// Spans that wait to be sent; more are dropped.
const WAITING_MAX: usize = 8192;
/// Spans in one request.
const BATCH_MAX: usize = 512;
/// A span waits for others no longer than this.
const LINGER: Duration = Duration::from_millis(500);
/// One request takes no longer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What the thread is brought.
enum Brought {
    Span(Box<Span>),
    /// Everything before this is to be sent, and its sender told.
    Flush(SyncSender<()>),
}

/// The thread that sends.
pub(crate) struct Sending(SyncSender<Brought>);

/// Begins to send to this collector, as this service.
pub(crate) fn start(endpoint: &str, service: &str) -> std::io::Result<(SpanLayer, Sending)> {
    let (bring, brought) = sync_channel(WAITING_MAX);
    let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let service = service.to_owned();
    std::thread::Builder::new().name("otlp".into()).spawn(move || send_all(&brought, &url, &service))?;
    Ok((SpanLayer::new(bring.clone()), Sending(bring)))
}

impl Sending {
    /// Waits until what was brought is sent, for a few seconds at most.
    pub(crate) fn finish(self) {
        let (tell, told) = sync_channel(1);
        if self.0.send(Brought::Flush(tell)).is_ok() {
            let _ = told.recv_timeout(TIMEOUT + LINGER);
        }
    }
}

fn send_all(brought: &Receiver<Brought>, url: &str, service: &str) {
    let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build();
    let agent = ureq::Agent::new_with_config(config);
    let mut spans = Vec::new();
    let mut due = Instant::now() + LINGER;
    loop {
        let (ended, flushed) = match brought.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(Brought::Span(span)) => {
                spans.push(*span);
                (false, None)
            }
            Ok(Brought::Flush(tell)) => (false, Some(tell)),
            Err(RecvTimeoutError::Timeout) => (false, None),
            Err(RecvTimeoutError::Disconnected) => (true, None),
        };
        if spans.len() >= BATCH_MAX || Instant::now() >= due || ended || flushed.is_some() {
            due = Instant::now() + LINGER;
            if !spans.is_empty() {
                let body = request(service, std::mem::take(&mut spans)).encode_to_vec();
                if let Err(error) = agent.post(url).content_type("application/x-protobuf").send(&body) {
                    tracing::warn!(%error, url, "the collector does not take spans; they are lost");
                }
            }
        }
        if let Some(tell) = flushed {
            let _ = tell.send(());
        }
        if ended {
            return;
        }
    }
}

fn request(service: &str, spans: Vec<Span>) -> ExportTraceServiceRequest {
    let name = text("service.name", service);
    let resource = Resource { attributes: vec![name], ..Resource::default() };
    let spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let spans = ResourceSpans { resource: Some(resource), scope_spans: spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![spans] }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.to_owned()))
}

fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

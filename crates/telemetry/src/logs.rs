//! The program's log, for the collector.

use crate::client::{Export, Signal};
use crate::exporter::Batch;
use crate::figures::{Counts, Tally};
use crate::queue::{Queue, Weigh};
use crate::resource::{SCHEMA_URL, any, kind, pair, scope};
use leveret_broker::trace::Value;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyKind;
use opentelemetry_proto::tonic::logs::v1 as otlp;
use opentelemetry_proto::tonic::resource::v1::Resource;
use otlp::SeverityNumber;
use prost::Message as _;
use std::fmt::{Debug, Write as _};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Bytes of one text; the rest is cut off.
const TEXT_BYTES_MAX: usize = 8 << 10;
/// What these say comes of sending, and would be sent in turn.
const SENDERS: [&str; 6] = ["leveret_telemetry", "h2", "hyper", "hyper_util", "tonic", "tower"];

/// One line of the log.
#[derive(Debug)]
pub(crate) struct LogLine {
    unix_ns: u64,
    level: Level,
    target: &'static str,
    body: String,
    fields: Vec<(&'static str, Value)>,
}

/// A layer of `tracing` that leaves events for the collector.
#[derive(Debug)]
pub struct LogLayer {
    queue: Arc<Queue<LogLine>>,
}

impl LogLayer {
    pub(crate) fn new(queue: Arc<Queue<LogLine>>) -> Self {
        Self { queue }
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let module = metadata.target().split("::").next().unwrap_or_default();
        if SENDERS.contains(&module) {
            return;
        }
        let mut line = LogLine {
            unix_ns: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64,
            level: *metadata.level(),
            target: metadata.target(),
            body: String::new(),
            fields: Vec::new(),
        };
        event.record(&mut line);
        self.queue.push(line);
    }
}

impl LogLine {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.fields.push((field.name(), value.into()));
    }
}

impl Visit for LogLine {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.body = cut(value.to_owned());
        } else {
            self.put(field, cut(value.to_owned()));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::Number(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        self.record_str(field, &text);
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

impl Weigh for LogLine {
    fn bytes(&self) -> usize {
        let value = |value: &Value| if let Value::Text(text) = value { text.len() } else { 0 };
        let attribute = size_of::<(&str, Value)>();
        let fields: usize = self.fields.iter().map(|(_, it)| attribute + value(it)).sum();
        size_of::<Self>() + self.body.len() + fields
    }
}

impl Batch for LogLine {
    const WHAT: &'static str = "log lines";

    fn export(batch: Vec<Self>, resource: &Resource) -> Export {
        let log_records = batch.into_iter().map(record).collect();
        let scope_logs = vec![otlp::ScopeLogs {
            scope: Some(scope("leveret")),
            log_records,
            schema_url: SCHEMA_URL.to_owned(),
        }];
        let resource_logs = vec![otlp::ResourceLogs {
            resource: Some(resource.clone()),
            scope_logs,
            schema_url: SCHEMA_URL.to_owned(),
        }];
        let body = ExportLogsServiceRequest { resource_logs }.encode_to_vec().into();
        Export { signal: Signal::Logs, body }
    }

    fn tally(counts: &Counts) -> &Tally {
        &counts.logs
    }
}

fn record(line: LogLine) -> otlp::LogRecord {
    let severity = match line.level {
        Level::ERROR => SeverityNumber::Error,
        Level::WARN => SeverityNumber::Warn,
        Level::INFO => SeverityNumber::Info,
        Level::DEBUG => SeverityNumber::Debug,
        Level::TRACE => SeverityNumber::Trace,
    };
    let mut attributes: Vec<_> =
        line.fields.into_iter().map(|(name, value)| pair(name, kind(value))).collect();
    attributes.push(pair("log.target", AnyKind::StringValue(line.target.to_owned())));
    otlp::LogRecord {
        time_unix_nano: line.unix_ns,
        observed_time_unix_nano: line.unix_ns,
        severity_number: severity.into(),
        severity_text: line.level.to_string(),
        body: Some(any(AnyKind::StringValue(line.body))),
        attributes,
        ..otlp::LogRecord::default()
    }
}

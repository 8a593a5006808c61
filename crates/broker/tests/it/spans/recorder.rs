//! A sink that keeps every span, and shows them as a tree.

use crate::support::*;
use leveret_broker::trace::{Sampler, Span, TraceSink, Tracing, Value};
use leveret_broker::{Broker, Config};
use leveret_protocol::{FieldTable, FieldValue, Properties};
use std::sync::{Arc, Mutex};

/// Trace and span of a publisher.
pub(super) const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[derive(Debug, Clone, Default)]
pub(super) struct Recorder(Arc<Mutex<Vec<Span>>>);

impl TraceSink for Recorder {
    fn span(&self, span: Span) {
        self.0.lock().unwrap().push(span);
    }
}

impl Recorder {
    pub(super) fn settings(&self, sampler: Sampler) -> impl Fn(&mut Config) + use<> {
        let sink = Arc::new(self.clone());
        move |config| config.tracing = Some(Tracing { sink: sink.clone(), sampler })
    }

    /// A broker that hands it the spans of what publishers sampled.
    pub(super) fn broker(&self) -> Broker {
        broker_with(self.settings(Sampler::default()))
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        self.0.lock().unwrap().clone()
    }

    /// The spans below the publisher's, in lines: `+start length name`, in milliseconds since the clock began, with what went wrong.
    pub(super) fn tree(&self) -> String {
        let spans = self.spans();
        let mut lines = String::new();
        let roots: Vec<_> = spans
            .iter()
            .filter(|span| !spans.iter().any(|other| Some(other.span_id) == span.parent))
            .collect();
        write(&spans, roots, 0, &mut lines);
        assert_eq!(lines.lines().count(), spans.len(), "every span is in the tree once");
        lines
    }
}

fn write(all: &[Span], mut these: Vec<&Span>, depth: usize, lines: &mut String) {
    these.sort_by_key(|span| (span.start_ns, span.end_ns));
    for span in these {
        let ms = |ns: u64| ns / 1_000_000;
        let start = ms(span.start_ns) - START_UNIX_MS;
        let length = ms(span.end_ns - span.start_ns);
        let error = span.error.map(|error| format!(" !{error}")).unwrap_or_default();
        *lines += &format!("{}+{start} {length} {}{error}\n", "  ".repeat(depth), span.name);
        write(all, all.iter().filter(|child| child.parent == Some(span.span_id)).collect(), depth + 1, lines);
    }
}

pub(super) fn with_parent(value: impl Into<FieldValue>) -> Properties {
    let headers = FieldTable::from([("traceparent", value.into())]);
    Properties { headers: Some(headers), message_id: Some("m-1".into()), ..Properties::default() }
}

/// A publishing that its publisher sampled.
pub(super) fn sampled<'a>(queue: &'a str, body: &'a str) -> Publishing<'a> {
    Publishing { properties: with_parent(PARENT), ..Publishing::to(queue, body) }
}

pub(super) fn attribute<'a>(span: &'a Span, name: &str) -> Option<&'a Value> {
    span.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

//! Prometheus' text format, written in pieces as it is made, so that a broker with very many queues needs no room for all of it.
//!
//! Source: "Exposition formats" of Prometheus' documentation, version 0.0.4.

use bytes::{Bytes, BytesMut};
use std::fmt::Write as _;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

/// The format's name.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How metrics begin that are not RabbitMQ's.
const OWN: &str = "leveret_";

/// Bytes of a piece.
const PIECE_BYTES: usize = 64 * 1024;

/// Time in which a page is read, six times what Prometheus waits unless told otherwise. Few pages are written at once, so one that is not
/// read would keep others from theirs.
const PAGE_TIMEOUT: Duration = Duration::from_secs(60);

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Untyped,
    Histogram,
}

/// A metric, without its samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
}

pub(crate) const fn counter(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, help }
}

pub(crate) const fn gauge(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, help }
}

pub(crate) const fn untyped(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Untyped, help }
}

pub(crate) const fn histogram(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, help }
}

/// Writes metrics into pieces. On a thread that may wait: it is as fast as whoever reads.
pub(crate) struct Text {
    piece: BytesMut,
    pieces: Sender<Bytes>,
    /// In front of every name; `rabbitmq_detailed_` for what is asked for by families.
    prefix: &'static str,
    /// The same, of the metric begun last.
    own_prefix: &'static str,
    name: &'static str,
    deadline: Instant,
    /// Whoever reads has gone, or does not read.
    pub(crate) is_over: bool,
}

impl Text {
    pub(crate) fn new(pieces: Sender<Bytes>, prefix: &'static str) -> Self {
        Self {
            piece: BytesMut::with_capacity(PIECE_BYTES + 4096),
            pieces,
            prefix,
            own_prefix: prefix,
            name: "",
            deadline: Instant::now() + PAGE_TIMEOUT,
            is_over: false,
        }
    }

    /// The same with another prefix.
    pub(crate) fn prefixed(mut self, prefix: &'static str) -> Self {
        self.prefix = prefix;
        self
    }

    /// Begins a metric; its samples follow.
    pub(crate) fn begin(&mut self, metric: &Metric) {
        self.name = metric.name;
        // What RabbitMQ does not have goes by its own name.
        self.own_prefix = if metric.name.starts_with(OWN) { "" } else { self.prefix };
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Untyped => "untyped",
            Kind::Histogram => "histogram",
        };
        let (prefix, name, help) = (self.own_prefix, metric.name, metric.help);
        let _ = write!(self.piece, "# TYPE {prefix}{name} {kind}\n# HELP {prefix}{name} {help}\n");
    }

    /// A sample of the metric begun last. `labels` are written already: `a="b",c="d"`, or nothing.
    pub(crate) fn sample(&mut self, labels: &str, value: impl Into<Figure>) {
        self.sample_of("", labels, value);
    }

    fn sample_of(&mut self, suffix: &str, labels: &str, value: impl Into<Figure>) {
        let (open, close) = if labels.is_empty() { ("", " ") } else { ("{", "} ") };
        // There are millions of these on a page of very many queues: no formatting where it is not needed.
        for part in [self.own_prefix, self.name, suffix, open, labels, close] {
            self.piece.extend_from_slice(part.as_bytes());
        }
        let _ = match value.into() {
            Figure::Whole(0) => self.piece.write_str("0\n"),
            Figure::Whole(value) => writeln!(self.piece, "{value}"),
            Figure::Real(value) if value.is_nan() => self.piece.write_str("NaN\n"),
            Figure::Real(value) => writeln!(self.piece, "{value}"),
        };
        if self.piece.len() >= PIECE_BYTES {
            self.hand_over();
        }
    }

    /// A metric with one sample.
    pub(crate) fn one(&mut self, metric: &Metric, value: impl Into<Figure>) {
        self.begin(metric);
        self.sample("", value);
    }

    /// A metric with one sample, if it is known.
    pub(crate) fn known(&mut self, metric: &Metric, value: Option<impl Into<Figure>>) {
        if let Some(value) = value {
            self.one(metric, value);
        }
    }

    /// The samples of a histogram: counts by class with upper bounds in microseconds, the last class without one.
    pub(crate) fn classes(&mut self, bounds_us: &[u64], classes: &[u64], sum_us: u64) {
        let mut count = 0;
        for (at, class) in classes.iter().enumerate() {
            count += class;
            let bound = bounds_us.get(at).map_or_else(|| "+Inf".to_owned(), |us| seconds(*us).to_string());
            self.sample_of("_bucket", &format!("le=\"{bound}\""), count);
        }
        self.sample_of("_sum", "", seconds(sum_us));
        self.sample_of("_count", "", count);
    }

    fn hand_over(&mut self) {
        let piece = self.piece.split().freeze();
        if self.is_over {
            return;
        }
        self.is_over = match self.pieces.try_send(piece) {
            Ok(()) => false,
            Err(TrySendError::Closed(_)) => true,
            Err(TrySendError::Full(piece)) => {
                let sent = async { tokio::time::timeout_at(self.deadline, self.pieces.send(piece)).await };
                !matches!(Handle::current().block_on(sent), Ok(Ok(())))
            }
        };
    }

    /// Hands over the rest, and an empty piece: nothing is missing.
    pub(crate) fn end(mut self) {
        if !self.piece.is_empty() {
            self.hand_over();
        }
        self.hand_over();
    }
}

/// Microseconds as seconds.
pub(crate) fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

/// A sample's value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Figure {
    Whole(u64),
    Real(f64),
}

impl From<u64> for Figure {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<f64> for Figure {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

/// Labels as they are written.
pub(crate) fn labels(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        if !value.contains(['\\', '"', '\n']) {
            text.push_str(value);
            text.push('"');
            continue;
        }
        for character in value.chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            }
        }
        text.push('"');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_written_as_prometheus_reads_them() {
        let (pieces, mut written) = tokio::sync::mpsc::channel(4);
        let mut text = Text::new(pieces, "p_");
        text.begin(&counter("a_total", "As"));
        text.sample(&labels(&[("q", "x\"\\\ny"), ("v", "/")]), 7);
        text.one(&gauge("leveret_b", "Bs"), 0.5);
        text.begin(&histogram("c_seconds", "Cs"));
        text.classes(&[50, 1_000], &[1, 2, 3], 2_500_000);
        text.end();
        let expected = "# TYPE p_a_total counter\n# HELP p_a_total As\np_a_total{q=\"x\\\"\\\\\\ny\",v=\"/\"} 7\n\
                        # TYPE leveret_b gauge\n# HELP leveret_b Bs\nleveret_b 0.5\n\
                        # TYPE p_c_seconds histogram\n# HELP p_c_seconds Cs\np_c_seconds_bucket{le=\"0.00005\"} 1\n\
                        p_c_seconds_bucket{le=\"0.001\"} 3\np_c_seconds_bucket{le=\"+Inf\"} 6\np_c_seconds_sum 2.5\n\
                        p_c_seconds_count 6\n";
        let page = written.try_recv().unwrap();
        assert_eq!(std::str::from_utf8(&page).unwrap(), expected);
        assert!(written.try_recv().unwrap().is_empty(), "that was all");
    }

    /// Two scrapers that stopped reading, and kept their connections, kept everybody from the metrics for ever.
    #[tokio::test]
    async fn a_page_that_is_not_read_ends() {
        let (pieces, mut written) = tokio::sync::mpsc::channel(1);
        let write = move || {
            let mut text =
                Text { deadline: Instant::now() + Duration::from_millis(20), ..Text::new(pieces, "p_") };
            text.begin(&gauge("a", "As"));
            (0..10_000_u64).for_each(|value| text.sample(&labels(&[("q", &"x".repeat(30))]), value));
            assert!(text.is_over);
            text.end();
        };
        tokio::task::spawn_blocking(write).await.unwrap();
        assert!(!written.try_recv().unwrap().is_empty());
        assert!(written.try_recv().is_err(), "nothing says that it was all");
    }
}

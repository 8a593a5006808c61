//! Prometheus' text format, written in pieces as it is made, so that a broker with very many queues needs no room for all of it.
//!
//! Source: "Exposition formats" of Prometheus' documentation, version 0.0.4.

use bytes::{Bytes, BytesMut};
use std::fmt::Write as _;
use tokio::sync::mpsc::Sender;

/// The format's name.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Bytes of a piece.
const PIECE_BYTES: usize = 64 * 1024;

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
    name: &'static str,
    /// Whoever reads has gone.
    pub(crate) is_over: bool,
}

impl Text {
    pub(crate) fn new(pieces: Sender<Bytes>, prefix: &'static str) -> Self {
        Self { piece: BytesMut::with_capacity(PIECE_BYTES + 4096), pieces, prefix, name: "", is_over: false }
    }

    /// The same with another prefix.
    pub(crate) fn prefixed(mut self, prefix: &'static str) -> Self {
        self.prefix = prefix;
        self
    }

    /// Begins a metric; its samples follow.
    pub(crate) fn begin(&mut self, metric: &Metric) {
        self.name = metric.name;
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Untyped => "untyped",
            Kind::Histogram => "histogram",
        };
        let (prefix, name, help) = (self.prefix, metric.name, metric.help);
        let _ = write!(self.piece, "# TYPE {prefix}{name} {kind}\n# HELP {prefix}{name} {help}\n");
    }

    /// A sample of the metric begun last. `labels` are written already: `a="b",c="d"`, or nothing.
    pub(crate) fn sample(&mut self, labels: &str, value: impl Into<Figure>) {
        self.sample_of("", labels, value);
    }

    fn sample_of(&mut self, suffix: &str, labels: &str, value: impl Into<Figure>) {
        let (prefix, name) = (self.prefix, self.name);
        let _ = match (labels, value.into()) {
            ("", Figure::Whole(value)) => writeln!(self.piece, "{prefix}{name}{suffix} {value}"),
            ("", Figure::Real(value)) => writeln!(self.piece, "{prefix}{name}{suffix} {value}"),
            (labels, Figure::Whole(value)) => {
                writeln!(self.piece, "{prefix}{name}{suffix}{{{labels}}} {value}")
            }
            (labels, Figure::Real(value)) => {
                writeln!(self.piece, "{prefix}{name}{suffix}{{{labels}}} {value}")
            }
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
        self.is_over |= self.pieces.blocking_send(piece).is_err();
    }

    /// Hands over the rest.
    pub(crate) fn end(mut self) {
        if !self.piece.is_empty() {
            self.hand_over();
        }
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
        let _ = write!(text, "{name}=\"");
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
        text.one(&gauge("b", "Bs"), 0.5);
        text.begin(&histogram("c_seconds", "Cs"));
        text.classes(&[50, 1_000], &[1, 2, 3], 2_500_000);
        text.end();
        let expected = "# TYPE p_a_total counter\n# HELP p_a_total As\np_a_total{q=\"x\\\"\\\\\\ny\",v=\"/\"} 7\n\
                        # TYPE p_b gauge\n# HELP p_b Bs\np_b 0.5\n\
                        # TYPE p_c_seconds histogram\n# HELP p_c_seconds Cs\np_c_seconds_bucket{le=\"0.00005\"} 1\n\
                        p_c_seconds_bucket{le=\"0.001\"} 3\np_c_seconds_bucket{le=\"+Inf\"} 6\np_c_seconds_sum 2.5\n\
                        p_c_seconds_count 6\n";
        let written = written.try_recv().unwrap();
        assert_eq!(std::str::from_utf8(&written).unwrap(), expected);
    }
}

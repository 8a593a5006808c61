//! What was sent, and what was not.

use crate::logs::LogLine;
use crate::queue::Queue;
use leveret_broker::trace::Span;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Of one signal.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sent: AtomicU64,
    /// The collector would not have them, or never answered.
    pub(crate) failed: AtomicU64,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) spans: Tally,
    pub(crate) logs: Tally,
}

/// A look at what was sent since the start, and what was not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// Spans that the collector took.
    pub spans_sent: u64,
    /// Spans dropped because too many waited.
    pub spans_dropped: u64,
    /// Spans that the collector refused, or did not take in time.
    pub spans_failed: u64,
    /// Spans that wait.
    pub spans_waiting: usize,
    /// Log lines that the collector took.
    pub logs_sent: u64,
    /// Log lines dropped because too many waited.
    pub logs_dropped: u64,
    /// Log lines that the collector refused, or did not take in time.
    pub logs_failed: u64,
    /// Log lines that wait.
    pub logs_waiting: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) spans: Arc<Queue<Span>>,
    pub(crate) logs: Arc<Queue<LogLine>>,
    pub(crate) counts: Arc<Counts>,
}

impl Source {
    pub(crate) fn get(&self) -> Figures {
        let Counts { spans, logs } = &*self.counts;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Figures {
            spans_sent: read(&spans.sent),
            spans_dropped: self.spans.dropped(),
            spans_failed: read(&spans.failed),
            spans_waiting: self.spans.len(),
            logs_sent: read(&logs.sent),
            logs_dropped: self.logs.dropped(),
            logs_failed: read(&logs.failed),
            logs_waiting: self.logs.len(),
        }
    }
}

//! Which messages leave a trace, and of what spans it consists. Nothing here sends anything: a finished [`Span`] is handed to a
//! [`TraceSink`], which must not wait.
//!
//! The decision falls once, where a message enters the broker: a `traceparent` header decides (W3C "Trace Context"), without one a
//! ratio. A message that is sampled bears its context from then on, between its routing strings and its header frame
//! (`TraceContext`), through queues, disk, retries and dead-lettering. One that is not bears nothing and costs nothing.
//!
//! What clients sent is never changed: consumers join the trace by the `traceparent` that the publisher wrote.

mod attributes;
mod context;
pub mod follow;
mod sampler;
mod span;
mod spans;
mod told;

pub(crate) use context::{CONTEXT_BYTES, TraceContext, marks_context};
pub(crate) use sampler::Draw;
pub use sampler::Sampler;
pub use span::{Link, Span, SpanKind, TraceSink, Value};
pub(crate) use spans::{Delivered, Ending, Place};
pub(crate) use told::{Told, What, tell};

use crate::clock::Clock;
use leveret_protocol::RawProperties;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a broker is told of tracing: who gets the spans, and of which messages.
#[derive(Clone)]
pub struct Tracing {
    /// Gets every finished span.
    pub sink: Arc<dyn TraceSink>,
    /// Decides which messages leave a trace.
    pub sampler: Sampler,
}

impl fmt::Debug for Tracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracing").field("sampler", &self.sampler).finish_non_exhaustive()
    }
}

/// What happened to tracing itself since the broker started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TraceFigures {
    /// Messages that were sampled.
    pub sampled: u64,
    /// `traceparent` headers that make no sense; such a message counts as one without.
    pub malformed: u64,
}

/// One broker's tracing.
#[derive(Debug)]
pub(crate) struct Tracer {
    tracing: Tracing,
    clock: Clock,
    sampled: AtomicU64,
    malformed: AtomicU64,
}

impl Tracer {
    pub(crate) fn new(tracing: Tracing, clock: Clock) -> Self {
        Self { tracing, clock, sampled: AtomicU64::new(0), malformed: AtomicU64::new(0) }
    }

    /// Decides about a publishing.
    pub(crate) fn decide(&self, properties: RawProperties<'_>, draw: &mut Draw) -> Option<Start> {
        // Without a byte of properties there are no headers to look for.
        let given = if properties.as_bytes() == [0, 0] { None } else { context::find(properties) };
        let parent = match given {
            Some(Ok(parent)) => Some(parent),
            Some(Err(_)) => {
                self.malformed.fetch_add(1, Ordering::Relaxed);
                None
            }
            None => None,
        };
        let sampler = &self.tracing.sampler;
        let is_sampled = match parent {
            Some(parent) => sampler.takes(&parent),
            None => draw.hit(sampler),
        };
        if !is_sampled {
            return None;
        }
        self.sampled.fetch_add(1, Ordering::Relaxed);
        let start_ns = self.clock.unix_ns();
        let trace_id = parent.map_or_else(rand::random, |parent| parent.trace_id);
        let context = TraceContext { trace_id, span_id: new_span_id(), published_ns: start_ns };
        Some(Start { context, parent: parent.map(|parent| parent.span_id) })
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.clock.unix_ns()
    }

    /// A moment of the broker's clock as one since 1970.
    pub(crate) fn unix_ns(&self, ms: u64) -> u64 {
        (self.clock.unix_ms() - self.clock.now_ms() + ms) * 1_000_000
    }

    pub(crate) fn end(&self, span: Span) {
        self.tracing.sink.span(span);
    }

    pub(crate) fn figures(&self) -> TraceFigures {
        TraceFigures {
            sampled: self.sampled.load(Ordering::Relaxed),
            malformed: self.malformed.load(Ordering::Relaxed),
        }
    }
}

/// A sampled publishing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    /// What the message is to bear.
    pub(crate) context: TraceContext,
    /// The publisher's span.
    pub(crate) parent: Option<[u8; 8]>,
}

/// An id that no other span has.
pub(crate) fn new_span_id() -> [u8; 8] {
    rand::random::<u64>().max(1).to_be_bytes()
}

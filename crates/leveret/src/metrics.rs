//! What workers and publishers count, through the `metrics` facade: with no recorder installed it costs next to nothing.
//!
//! Install a recorder before workers and publishers are made: they ask for their counters once. With the feature `prometheus` there is one
//! ready, served over HTTP: the module `endpoint` (feature `prometheus`).
//!
//! | name | kind | labels | what |
//! |---|---|---|---|
//! | `leveret_messages_total` | counter | `queue`, `outcome` | messages by how they ended: `acked`, `duplicate`, `retried`, `dead_lettered`, `refused`, `given_up`, `discarded`, `released`, `stale` (the words of [`DrainReport`](crate::DrainReport); here a duplicate is not `acked` as well) |
//! | `leveret_failures_total` | counter | `queue`, `class` | calls of handlers that failed: `transient`, `permanent`, `ignore`, `release` |
//! | `leveret_in_flight` | gauge | `queue` | messages that are being handled |
//! | `leveret_handle_seconds` | histogram | `queue` | how long a call of the handler took; of a batch, all of it |
//! | `leveret_published_total` | counter | `exchange`, `outcome` | messages by what is known of them: `stored`, `unroutable`, `rejected`, `unconfirmed`, `deadline`, `closed`, `refused`, `layer` |
//! | `leveret_confirm_seconds` | histogram | `exchange` | from the send to the broker's word, if it was stored |
//! | `leveret_outbox_attempts_total` | counter | `table`, `outcome` | rows that a relay sent (`sent`), or could not (`failed`) |
//! | `leveret_outbox_waiting` | gauge | `table` | rows that are not sent yet; a relay looks every 10 s |
//! | `leveret_outbox_failing` | gauge | `table` | of these, those that failed at least once |
//! | `leveret_outbox_oldest_seconds` | gauge | `table` | how long the oldest of them has been waiting; 0 if none is |
//!
//! The default exchange has an empty name here. A message that is sent later is counted when the broker has it to keep; questions ([`rpc`](crate::rpc)) are
//! not among them.

use std::time::Duration;

use leveret_client::SendError;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::failure::Class;

pub(crate) const HANDLE_SECONDS: &str = "leveret_handle_seconds";
pub(crate) const CONFIRM_SECONDS: &str = "leveret_confirm_seconds";

/// A worker's.
pub(crate) struct WorkerMetrics {
    pub(crate) acked: Counter,
    pub(crate) duplicates: Counter,
    pub(crate) retried: Counter,
    pub(crate) dead_lettered: Counter,
    pub(crate) refused: Counter,
    pub(crate) given_up: Counter,
    pub(crate) discarded: Counter,
    pub(crate) released: Counter,
    pub(crate) stale: Counter,
    failures: [Counter; 4],
    in_flight: Gauge,
    handle_seconds: Histogram,
}

impl WorkerMetrics {
    pub(crate) fn new(queue: &str) -> Self {
        let ended = |outcome: &'static str| counter!("leveret_messages_total", "queue" => queue.to_owned(), "outcome" => outcome);
        let failed = |class: &'static str| counter!("leveret_failures_total", "queue" => queue.to_owned(), "class" => class);
        Self {
            acked: ended("acked"),
            duplicates: ended("duplicate"),
            retried: ended("retried"),
            dead_lettered: ended("dead_lettered"),
            refused: ended("refused"),
            given_up: ended("given_up"),
            discarded: ended("discarded"),
            released: ended("released"),
            stale: ended("stale"),
            failures: ["transient", "permanent", "ignore", "release"].map(failed),
            in_flight: gauge!("leveret_in_flight", "queue" => queue.to_owned()),
            handle_seconds: histogram!(HANDLE_SECONDS, "queue" => queue.to_owned()),
        }
    }

    pub(crate) fn failed(&self, class: Class) {
        let [transient, permanent, ignore, release] = &self.failures;
        match class {
            Class::Transient => transient.increment(1),
            Class::Permanent => permanent.increment(1),
            Class::Ignore => ignore.increment(1),
            Class::Release => release.increment(1),
        }
    }

    pub(crate) fn handled(&self, took: Duration) {
        self.handle_seconds.record(took.as_secs_f64());
    }

    /// So many more are being handled until the value is dropped.
    pub(crate) fn begin(&self, messages: usize) -> InFlight<'_> {
        self.in_flight.increment(messages as f64);
        InFlight(&self.in_flight, messages as f64)
    }
}

pub(crate) struct InFlight<'a>(&'a Gauge, f64);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.decrement(self.1);
    }
}

/// What a publisher knows of a message in the end.
const OUTCOMES: [&str; 8] =
    ["stored", "unroutable", "rejected", "unconfirmed", "deadline", "closed", "refused", "layer"];

/// A publisher's.
pub(crate) struct PublisherMetrics {
    outcomes: [Counter; OUTCOMES.len()],
    confirm_seconds: Histogram,
}

impl PublisherMetrics {
    pub(crate) fn new(exchange: &str) -> Self {
        let sent = |outcome: &'static str| counter!("leveret_published_total", "exchange" => exchange.to_owned(), "outcome" => outcome);
        let confirm_seconds = histogram!(CONFIRM_SECONDS, "exchange" => exchange.to_owned());
        Self { outcomes: OUTCOMES.map(sent), confirm_seconds }
    }

    fn count(&self, outcome: &str) {
        let at = OUTCOMES.iter().position(|known| *known == outcome);
        if let Some(counter) = at.and_then(|at| self.outcomes.get(at)) {
            counter.increment(1);
        }
    }

    pub(crate) fn stored(&self, took: Duration) {
        self.count("stored");
        self.confirm_seconds.record(took.as_secs_f64());
    }

    pub(crate) fn failed(&self, error: &SendError) {
        self.count(word(error));
    }

    /// A layer's own error.
    pub(crate) fn stopped(&self) {
        self.count("layer");
    }
}

/// The kind of an error in one word.
pub(crate) fn word(error: &SendError) -> &'static str {
    match error {
        SendError::Unroutable(_) => "unroutable",
        SendError::Rejected => "rejected",
        SendError::Unconfirmed { .. } => "unconfirmed",
        SendError::Deadline => "deadline",
        SendError::Closed(_) => "closed",
        SendError::Refused { .. } => "refused",
        _ => "_OTHER",
    }
}

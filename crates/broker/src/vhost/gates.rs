//! What exchanges that drop duplicates have seen, and what else an exchange keeps beside its bindings.

use super::VirtualHost;
use crate::exchange::{ExchangeKind, ExchangeSpec};
use crate::queue::Queue;
use crate::refusal::Refusal;
use std::sync::Arc;

/// What an exchange keeps: each has a number of its own in the store, as a queue has.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    /// Of a delayed exchange.
    pub(super) timetable: Option<Arc<Queue>>,
    /// Of one that drops duplicates; and the header that bears the id.
    pub(super) gate: Option<(Arc<Queue>, Box<str>)>,
}

/// The numbers that go with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct KeptNumbers {
    pub(crate) timetable: Option<u64>,
    pub(crate) gate: Option<u64>,
}

impl Kept {
    pub(super) fn numbers(&self) -> KeptNumbers {
        let timetable = self.timetable.as_ref().map(|timetable| timetable.id());
        KeptNumbers { timetable, gate: self.gate.as_ref().map(|(gate, _)| gate.id()) }
    }
}

/// Figures of an exchange that drops duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenFigures {
    /// Publishings that it looked at: those that bore something to be known by, and would have gone somewhere.
    pub published: u64,
    /// Those of them that were confirmed and dropped because they had come before.
    pub duplicates: u64,
    /// Times that a producer which numbers its messages left numbers out.
    pub sequence_gaps: u64,
    /// Ids that it remembers.
    pub ids: u64,
    /// Producers that number their messages and are remembered.
    pub producers: usize,
}

impl VirtualHost {
    /// Figures of an exchange that drops duplicates; `None` of any other.
    pub fn seen_figures(&self, exchange: &str) -> Option<SeenFigures> {
        let figures = self.topology().gate(exchange)?.figures();
        Some(SeenFigures {
            published: figures.counters.published,
            duplicates: figures.counters.duplicates,
            sequence_gaps: figures.counters.sequence_gaps,
            ids: figures.ids,
            producers: figures.producers,
        })
    }

    /// Makes what an exchange needs; the numbers are those it had before a restart.
    ///
    /// # Errors
    /// Arguments that are unacceptable.
    pub(super) fn make_kept(
        self: &Arc<Self>,
        spec: &ExchangeSpec,
        numbers: KeptNumbers,
    ) -> Result<Kept, Refusal> {
        let is_delayed = spec.kind == ExchangeKind::Delayed
            || numbers.timetable.is_some()
            || self.is_delayed_by_policy(&spec.name);
        let timetable = is_delayed.then(|| self.make_timetable(spec, numbers.timetable));
        let gate = spec.deduplication(self.name())?.map(|dedup| {
            let number = numbers.gate.unwrap_or_else(|| self.next_queue_id());
            let header = dedup.header.clone();
            (Queue::gate(number, spec.name.clone(), spec.durable, dedup, self), header)
        });
        Ok(Kept { timetable, gate })
    }
}

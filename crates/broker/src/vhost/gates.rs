//! What exchanges that drop duplicates have seen, and what else an exchange keeps beside its bindings.

use super::VirtualHost;
use crate::definitions::stored;
use crate::exchange::{ExchangeKind, ExchangeSpec};
use crate::name::{Name, is_reserved};
use crate::policy::Kinds;
use crate::queue::Queue;
use crate::queue::dedup::DedupSettings;
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
    /// Messages that it looked at, published or dead letters: those that bore something to be known by, and would have gone somewhere.
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
            published: figures.counters.published + figures.counters.arrived,
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
        // What was declared has to make sense, whatever policies say.
        spec.deduplication(self.name())?;
        let gate = self.dedup_in_force(spec).map(|dedup| {
            let number = numbers.gate.unwrap_or_else(|| self.next_queue_id());
            let header = dedup.header.clone();
            (Queue::gate(number, spec.name.clone(), spec.durable, dedup, self), header)
        });
        Ok(Kept { timetable, gate })
    }

    /// What the declaration and policies together say of an exchange's duplicates. Policies say nothing of pre-declared exchanges, which have
    /// no record in the store that would lead back to what they remember.
    fn dedup_in_force(&self, spec: &ExchangeSpec) -> Option<DedupSettings> {
        let arguments = match is_reserved(&spec.name) || spec.name.is_empty() {
            true => spec.arguments.clone(),
            false => self.policy_set().applied(Kinds::EXCHANGE, &spec.name).arguments(&spec.arguments),
        };
        let is_on = spec.kind == ExchangeKind::Deduplicating || DedupSettings::of(&arguments).is_some();
        is_on.then(|| DedupSettings::of_exchange(&arguments))
    }

    /// Other policies apply to these exchanges: some begin to drop duplicates, some end, some remember otherwise.
    pub(super) fn follow_dedup(self: &Arc<Self>, exchanges: &[Name]) {
        for name in exchanges {
            let (spec, gate) = {
                let topology = self.topology();
                let Some(exchange) = topology.exchange(name) else { continue };
                (exchange.spec(), topology.gate(name).cloned())
            };
            match (gate, self.dedup_in_force(&spec)) {
                (None, None) => {}
                (None, Some(_)) => self.give_gate(&spec),
                (Some(gate), Some(dedup)) => {
                    let header = dedup.header.clone();
                    if gate.change_dedup(Some(dedup), self.clock().now_ms()) {
                        self.change(|topology, _| {
                            if topology.gate(name).is_some_and(|now| Arc::ptr_eq(now, &gate)) {
                                topology.set_gate(name, gate.clone(), &header);
                            }
                        });
                    }
                }
                (Some(gate), None) => {
                    self.change(|topology, batch| {
                        let kept = KeptNumbers {
                            timetable: topology.timetable(name).map(|timetable| timetable.id()),
                            gate: None,
                        };
                        if topology.take_gate(name) && spec.durable {
                            stored::put_exchange(batch, self.name(), &spec, kept);
                        }
                    });
                    // Messages that are on their way through it still come out.
                    gate.change_dedup(None, self.clock().now_ms());
                }
            }
        }
    }

    fn give_gate(self: &Arc<Self>, spec: &ExchangeSpec) {
        let Ok(Kept { gate: Some((gate, header)), .. }) = self.make_kept(spec, KeptNumbers::default()) else {
            return;
        };
        self.change(|topology, batch| {
            if topology.exchange(&spec.name).is_none() || topology.gate(&spec.name).is_some() {
                return;
            }
            if spec.durable {
                let timetable = topology.timetable(&spec.name).map(|timetable| timetable.id());
                let kept = KeptNumbers { timetable, gate: Some(gate.id()) };
                stored::put_exchange(batch, self.name(), spec, kept);
            }
            topology.set_gate(&spec.name, gate, &header);
        });
    }
}

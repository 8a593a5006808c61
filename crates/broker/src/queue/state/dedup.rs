//! Where a queue's publishings meet what it has seen; nothing happens in a queue that drops no duplicates.

use super::publish::tell;
use super::{Outcome, QueueState};
use crate::message::Message;
use crate::queue::dedup::gate::Passed;
use crate::queue::dedup::{Dedup, DedupSettings, Sighting};
use crate::queue::settings::Durability;
use crate::queue::stored::{Change, HIDDEN_LANE};
use crate::queue::{Incoming, Queue};
use crate::trace::What;
use leveret_store::Store;

/// What a look at a publishing says.
pub(super) enum Look {
    /// It was seen; it is counted and goes nowhere.
    Duplicate,
    New(Sighting),
    /// Nobody looks.
    Any,
}

impl QueueState {
    #[inline]
    pub(super) fn look(&mut self, message: &Message, now_ms: u64) -> Look {
        let Some(dedup) = &mut self.dedup else { return Look::Any };
        match dedup.look(message, now_ms + self.unix_origin_ms) {
            Some(sighting) => Look::New(sighting),
            None => {
                self.counters.duplicates += 1;
                Look::Duplicate
            }
        }
    }

    #[inline]
    pub(super) fn remember(&mut self, sighting: Option<&Sighting>, message: &Message, now_ms: u64) {
        let Some(sighting) = sighting else { return };
        let lasting = self.lasts(message);
        if let Some(dedup) = &mut self.dedup {
            dedup.remember(sighting, lasting, now_ms + self.unix_origin_ms);
        }
    }

    pub(super) fn refused(&mut self, sighting: Option<&Sighting>, now_ms: u64) {
        if let (Some(dedup), Some(sighting)) = (&mut self.dedup, sighting) {
            dedup.refuse(sighting, now_ms + self.unix_origin_ms);
        }
    }

    /// What was not seen before goes on; nothing stays.
    pub(super) fn let_pass(
        &mut self,
        gate: &Queue,
        incoming: &mut Vec<Incoming>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        for publishing in incoming.drain(..) {
            let sighting = match self.look(&publishing.message, now_ms) {
                Look::New(sighting) => Some(sighting),
                Look::Any => None,
                Look::Duplicate => {
                    tell(gate, &publishing.message, What::Duplicate, outcome);
                    continue;
                }
            };
            self.remember(sighting.as_ref(), &publishing.message, now_ms);
            outcome.passed.push(Passed { publishing, sighting });
        }
    }

    /// Messages that passed were refused further on.
    pub(crate) fn take_back(&mut self, refused: &[Sighting], now_ms: u64) {
        if let Some(dedup) = &mut self.dedup {
            refused.iter().for_each(|sighting| dedup.take_back(sighting, now_ms + self.unix_origin_ms));
        }
    }

    /// A batch of publishings is through: what was seen is stored with them.
    #[inline]
    pub(super) fn end_batch(&mut self, now_ms: u64, outcome: &mut Outcome) {
        if let Some(dedup) = &mut self.dedup {
            self.charge += dedup.finish(now_ms + self.unix_origin_ms, outcome);
            self.counters.sequence_gaps = dedup.gaps;
        }
    }

    /// What was seen, if anybody looks.
    pub(crate) fn dedup(&self) -> Option<&Dedup> {
        self.dedup.as_deref()
    }

    /// Takes over what a start found of what was seen, up to the record at `last`; waits for the disk.
    pub(crate) fn restore_dedup(&mut self, store: &Store, last: u64, now_ms: u64) -> bool {
        self.seen_last = last;
        let Some(dedup) = &mut self.dedup else { return false };
        self.charge += dedup.restore(store, self.number, last, now_ms + self.unix_origin_ms);
        true
    }

    /// Other settings are in force: what was seen is remembered under them as far as it can be, or forgotten, in the store as well.
    pub(super) fn change_dedup(
        &mut self,
        settings: Option<&DedupSettings>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        if let (Some(dedup), Some(settings)) = (&mut self.dedup, settings)
            && dedup.change(settings)
        {
            self.charge += dedup.finish(now_ms + self.unix_origin_ms, outcome);
            return;
        }
        if let Some(last) = self.dedup.as_ref().and_then(|dedup| dedup.last_record()) {
            outcome.changes.push(Change::Clear { lane: HIDDEN_LANE, first: 0, last });
            self.seen_last = last;
        }
        self.drop_dedup();
        let stores = self.store.is_some() && self.settings.durability != Durability::Memory;
        let new = |settings: &DedupSettings| Dedup::new(settings.clone(), stores).behind(self.seen_last);
        self.dedup = settings.map(new).map(Box::new);
    }

    /// It is gone with its queue.
    pub(super) fn drop_dedup(&mut self) {
        if let Some(dedup) = self.dedup.take() {
            self.charge -= dedup.charged() as i64;
        }
    }
}

//! Deduplication: a message whose id, or whose producer's sequence, was seen before is confirmed and dropped.
//!
//! What was seen is a [`Window`](window) of hashes and a table of [`producers`]. With a durable queue both outlive a restart: each
//! batch of publishings brings a [`record`] that is appended with the messages it speaks of, in one piece. So after a crash an id is
//! there exactly if its message is. Ids of transient messages are in memory alone, as their messages are.
//!
//! Source: the arguments and headers of RabbitMQ's plugin rabbitmq-message-deduplication and of LavinMQ. Both forget an id of a queue
//! when its message leaves; here it stays until the window moves on, so that a message that was consumed already is known too.

pub(crate) mod gate;
mod journal;
pub(crate) mod line;
mod producers;
mod record;
mod settings;
mod sighting;
mod siphash;
mod window;

use super::state::Outcome;
use super::stored::HIDDEN_LANE;
use crate::message::Message;
use journal::Journal;
pub(crate) use journal::Seen;
use leveret_store::{LoadRequest, Store};
use line::Line;
use producers::{PRODUCERS_MAX, Producer, Producers};
use record::{Form, Record, StoredProducer};
pub use settings::{CACHE_SIZE_DEFAULT, CACHE_SIZE_MAX};
pub(crate) use settings::{DedupSettings, check_size, check_ttl};
pub(crate) use sighting::{Sighting, is_known_by};
use siphash::Key;
use std::sync::Arc;
use window::{ID_BYTES, Window};

/// Records read at a time at a start.
const LOAD_RECORDS: usize = 256;
const LOAD_BYTES: usize = 8 << 20;

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Dedup {
    settings: DedupSettings,
    key: Key,
    window: Window,
    producers: Producers,
    /// `None`: what is seen is not stored.
    journal: Option<Journal>,
    /// Messages are stored.
    stores: bool,
    line: Arc<Line>,
    /// Number in the window of this batch's first id.
    batch_from: u64,
    /// It has ids or producers that are to last.
    batch_lasts: bool,
    /// Producers of lasting messages of this batch, and what each is expected to send next on their account.
    batch_producers: Vec<(u128, u64)>,
    duplicate_in_batch: bool,
    /// Sequences that were left out.
    pub(crate) gaps: u64,
    charged: usize,
    scratch: Vec<u8>,
}

impl Dedup {
    /// `stores`: what is seen is to outlive a restart.
    pub(crate) fn new(settings: DedupSettings, stores: bool) -> Self {
        let window = Window::new(settings.ids_max);
        let line = Arc::new(Line::default());
        Self {
            key: rand::random(),
            window,
            producers: Producers::default(),
            journal: (stores && settings.lasts).then(|| Journal::new(line.clone())),
            stores,
            line,
            batch_from: 0,
            batch_lasts: false,
            batch_producers: Vec::new(),
            duplicate_in_batch: false,
            gaps: 0,
            charged: 0,
            scratch: Vec::new(),
            settings,
        }
    }

    /// Records of an earlier one of its queue lie up to this position in the store, or did.
    pub(crate) fn behind(mut self, position: u64) -> Self {
        self.journal.iter_mut().for_each(|journal| journal.restored_through(position));
        self
    }

    /// Other settings from now on; what is remembered stays, the oldest excepted if it is too much. `false`: it cannot stay, because it is to
    /// be stored and was not, or the other way round.
    pub(crate) fn change(&mut self, settings: &DedupSettings) -> bool {
        let may = settings.lasts == self.settings.lasts;
        if may {
            self.window.bound(settings.ids_max);
            self.settings = settings.clone();
        }
        may
    }

    /// Position of the last record in the store; `None` if nothing is stored.
    pub(crate) fn last_record(&self) -> Option<u64> {
        self.journal.as_ref().map(Journal::last)
    }

    /// What a message is known by; `None` if it is a duplicate.
    pub(crate) fn look(&mut self, message: &Message, now_unix_ms: u64) -> Option<Sighting> {
        let properties = message.properties();
        let sighting = Sighting::of(properties, &self.settings, &self.key, &mut self.scratch);
        let is_known = sighting.id.is_some_and(|(hash, _)| self.window.contains(hash, now_unix_ms));
        let is_old = sighting
            .producer
            .is_some_and(|(hash, sequence)| self.producers.is_duplicate(hash, sequence, now_unix_ms));
        // A message that died is the one that was seen, on its way on, and not another like it.
        let is_letter = || properties.headers().is_some_and(|headers| headers.get("x-death").is_some());
        if (is_known || is_old) && !(self.settings.admits_letters && is_letter()) {
            self.duplicate_in_batch = true;
            return None;
        }
        Some(Sighting { is_known, ..sighting })
    }

    /// A message was taken; `lasting` if it is to outlive a restart.
    pub(crate) fn remember(&mut self, sighting: &Sighting, lasting: bool, now_unix_ms: u64) {
        if let Some((hash, ttl_ms)) = sighting.id.filter(|_| !sighting.is_known) {
            let until = ttl_ms.map_or(u64::MAX, |ttl| now_unix_ms.saturating_add(ttl));
            self.window.insert(hash, until, lasting, now_unix_ms);
            self.batch_lasts |= lasting;
        }
        if let Some((hash, sequence)) = sighting.producer {
            self.gaps += u64::from(self.producers.take(hash, sequence, now_unix_ms));
            if lasting {
                self.batch_lasts = true;
                let next = sequence.saturating_add(1);
                match self.batch_producers.iter_mut().rev().take(64).find(|(known, _)| *known == hash) {
                    Some((_, known)) => *known = next.max(*known),
                    None => self.batch_producers.push((hash, next)),
                }
            }
        }
    }

    /// A message that was no duplicate was refused: it may come again.
    pub(crate) fn refuse(&mut self, sighting: &Sighting, now_unix_ms: u64) {
        if let Some((hash, sequence)) = sighting.producer {
            self.producers.refuse(hash, sequence, now_unix_ms);
        }
    }

    /// A message that was taken in this batch was refused further on, as if it had not been taken.
    pub(crate) fn take_back(&mut self, sighting: &Sighting, now_unix_ms: u64) {
        if let Some((hash, _)) = sighting.id.filter(|_| !sighting.is_known) {
            self.window.forget(hash);
        }
        self.refuse(sighting, now_unix_ms);
    }

    /// Ends a batch: leaves what is to be stored of it, and what need not be any more. Returns the change of memory held.
    pub(crate) fn finish(&mut self, now_unix_ms: u64, outcome: &mut Outcome) -> i64 {
        self.window.forget_old(now_unix_ms);
        if self.producers.len() > PRODUCERS_MAX {
            self.forget_producers(now_unix_ms, outcome);
        }
        if std::mem::take(&mut self.duplicate_in_batch) && self.stores {
            // What it repeats may be on its way into the store; it is confirmed when that is there.
            outcome.awaits = Some((self.line.clone(), self.line.issued()));
        }
        let Some(journal) = &mut self.journal else {
            self.batch_producers.clear();
            if std::mem::take(&mut self.batch_lasts) {
                let number = Some((self.line.clone(), self.line.issue()));
                outcome.seen.push(Seen { position: 0, payload: Vec::new(), number });
            }
            return self.end_batch();
        };
        if std::mem::take(&mut self.batch_lasts) {
            let mut producers: Vec<StoredProducer> = Vec::new();
            for (hash, next) in self.batch_producers.drain(..) {
                let known = self.producers.get(hash).cloned().unwrap_or_default();
                let turn = journal.turn();
                let Producer { used_unix_ms, refused, open, .. } = known;
                producers.push(StoredProducer { hash, next, used_unix_ms, turn, refused, open });
            }
            outcome.seen.push(journal.record(&self.key, &self.window, self.batch_from, producers));
        }
        journal.settle_old(self.window.first(), &mut outcome.changes);
        let (changes, seen) = (&mut outcome.changes, &mut outcome.seen);
        if journal.is_crowded() {
            let gone = self.producers.tidy(now_unix_ms);
            journal.forget(&gone, changes);
            journal.tidy(&self.key, &self.window, &self.producers, changes, seen);
        }
        self.end_batch()
    }

    fn end_batch(&mut self) -> i64 {
        self.batch_from = self.window.next();
        let held = self.window.len() as usize * ID_BYTES + self.producers.len() * 96;
        let change = held as i64 - self.charged as i64;
        self.charged = held;
        change
    }

    fn forget_producers(&mut self, now_unix_ms: u64, outcome: &mut Outcome) {
        let gone = self.producers.tidy(now_unix_ms);
        if let Some(journal) = &mut self.journal {
            journal.forget(&gone, &mut outcome.changes);
        }
    }

    /// Bytes of memory that were charged for it.
    pub(crate) fn charged(&self) -> usize {
        self.charged
    }

    /// Ids in the window, and producers.
    pub(crate) fn len(&self) -> (u64, usize) {
        (self.window.len(), self.producers.len())
    }

    /// Takes over what a start found in the store, and waits for the disk. Returns the change of memory held.
    pub(crate) fn restore(&mut self, store: &Store, queue: u64, last: u64, now_unix_ms: u64) -> i64 {
        let Some(journal) = &mut self.journal else { return 0 };
        journal.restored_through(last);
        let mut turns = std::collections::HashMap::<u128, u64>::new();
        let (mut after, mut senseless) = (0, 0_u64);
        // Ids of batches are younger than those of all pages: they wait for these. There are never very many of them.
        let mut batches: Vec<(u64, Record)> = Vec::new();
        while after < u64::MAX {
            let request = LoadRequest {
                queue,
                lanes: &[HIDDEN_LANE],
                after,
                messages_max: LOAD_RECORDS,
                bytes_max: LOAD_BYTES,
            };
            let end = store.load(request, &mut |found| {
                let Some(record) = record::decode(found.payload) else {
                    senseless += 1;
                    return;
                };
                self.key = record.key;
                if record.form == Form::Page {
                    self.window.restore(&record.ids, now_unix_ms);
                    return journal.restore_page(found.position, self.window.next());
                }
                for p in &record.producers {
                    let turn = turns.entry(p.hash).or_default();
                    if *turn <= p.turn {
                        *turn = p.turn;
                        let refused = p.refused.clone();
                        let (next, used_unix_ms) = (p.next, p.used_unix_ms);
                        let open = p.open;
                        self.producers.restore(p.hash, Producer { next, used_unix_ms, refused, open });
                    }
                }
                batches.push((found.position, record));
            });
            after = end.through;
            senseless += end.unreadable;
        }
        for (position, record) in batches {
            let from = self.window.next();
            self.window.restore(&record.ids, now_unix_ms);
            journal.restore(position, (from, self.window.next()), record.producers);
        }
        if senseless > 0 {
            tracing::error!(
                queue,
                records = senseless,
                "what was seen cannot be read; duplicates of it are let in"
            );
        }
        let mut nothing = Outcome::default();
        self.finish(now_unix_ms, &mut nothing)
    }
}

#[cfg(test)]
mod tests;

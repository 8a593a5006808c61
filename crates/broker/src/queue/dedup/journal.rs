//! Which records in the store make up a window, which can go, and when small ones are put together into a page.
//!
//! Every batch of publishings leaves a record of its own, appended with its messages. Once there are many of them, those known to be
//! appended become pages: an id costs about 24 bytes of disk then, and as good as no memory. A record goes when the window has moved
//! past its ids, and when each of its producers stands in a later one.
//!
//! Pages are made of the oldest, each behind those before it, and whatever is in no page is younger: so a start knows the order of all
//! ids, though a page stands behind records that are younger.

use super::line::Line;
use super::producers::Producers;
use super::record::{Form, StoredProducer, decode, encode};
use super::sighting::Sighting;
use super::siphash::Key;
use super::window::Window;
use crate::queue::stored::{Change, HIDDEN_LANE};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Records from which on small ones are put together.
const LOOSE_MAX: usize = if cfg!(test) { 16 } else { 1024 };
/// Ids in small records from which on these are put together, so that it never takes long.
const LOOSE_IDS_MAX: u64 = if cfg!(test) { 100 } else { 65_536 };
/// Ids of a page that small records are put together into, about.
const PAGE_IDS: u64 = 4096;

/// A record that is to be appended.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) position: u64,
    pub(crate) payload: Vec<u8>,
    /// What is told when it was appended, and under which number. A page is not waited for.
    pub(crate) number: Option<(Arc<Line>, u64)>,
}

impl Seen {
    /// Messages of the batch were refused after all.
    pub(super) fn take_back(&mut self, refused: &[Sighting]) {
        let Some(mut record) = decode(&self.payload).filter(|_| self.number.is_some()) else { return };
        for sighting in refused.iter().filter(|sighting| !sighting.is_known) {
            record.ids.retain(|(hash, _)| sighting.id.is_none_or(|(id, _)| id != *hash));
        }
        for (hash, sequence) in refused.iter().filter_map(|sighting| sighting.producer) {
            let producer = record.producers.iter_mut().find(|producer| producer.hash == hash);
            producer.into_iter().for_each(|producer| producer.refuse(sequence));
        }
        self.payload = encode(Form::Batch, &record.key, record.ids.into_iter(), &record.producers);
    }
}

#[derive(Debug)]
struct Loose {
    position: u64,
    number: u64,
    /// Numbers of its ids in the window.
    from: u64,
    to: u64,
    producers: Vec<StoredProducer>,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// The last that was used.
    position: u64,
    turn: u64,
    loose: VecDeque<Loose>,
    loose_ids: u64,
    /// Position of each, and the number behind its last id.
    pages: VecDeque<(u64, u64)>,
    /// Where each producer stands, and how many stand there.
    stands: HashMap<u128, u64, foldhash::fast::RandomState>,
    rosters: HashMap<u64, u32, foldhash::fast::RandomState>,
    line: Arc<Line>,
}

impl Journal {
    pub(super) fn new(line: Arc<Line>) -> Self {
        Self { line, ..Self::default() }
    }

    /// Whether there are so many small records that they should be put together.
    pub(super) fn is_crowded(&self) -> bool {
        self.loose.len() >= LOOSE_MAX || self.loose_ids >= LOOSE_IDS_MAX
    }

    fn place(&mut self) -> u64 {
        self.position += 1;
        self.position
    }

    pub(super) fn turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    /// Records what a batch brought: the window's ids from a number on, and producers.
    pub(super) fn record(
        &mut self,
        key: &Key,
        window: &Window,
        from: u64,
        producers: Vec<StoredProducer>,
    ) -> Seen {
        let (position, to) = (self.place(), window.next());
        let payload = encode(Form::Batch, key, window.lasting(from, to), &producers);
        let number = self.line.issue();
        self.loose_ids += to - from;
        self.loose.push_back(Loose { position, number, from, to, producers });
        Seen { position, payload, number: Some((self.line.clone(), number)) }
    }

    /// Takes over a record that a start found. It is in the store.
    pub(super) fn restore(&mut self, position: u64, (from, to): (u64, u64), producers: Vec<StoredProducer>) {
        self.position = self.position.max(position);
        self.loose_ids += to - from;
        self.turn = producers.iter().map(|producer| producer.turn).fold(self.turn, u64::max);
        self.loose.push_back(Loose { position, number: 0, from, to, producers });
    }

    /// The same of a page; pages come first.
    pub(super) fn restore_page(&mut self, position: u64, end: u64) {
        self.position = self.position.max(position);
        self.pages.push_back((position, end));
    }

    /// Position of the last record.
    pub(super) fn last(&self) -> u64 {
        self.position
    }

    pub(super) fn restored_through(&mut self, position: u64) {
        self.position = self.position.max(position);
    }

    /// Producers that were forgotten: what is stored of them may go.
    pub(super) fn forget(&mut self, gone: &[u128], changes: &mut Vec<Change>) {
        gone.iter().for_each(|hash| self.leave(*hash, changes));
    }

    fn leave(&mut self, hash: u128, changes: &mut Vec<Change>) {
        let Some(position) = self.stands.remove(&hash) else { return };
        if let Some(count) = self.rosters.get_mut(&position) {
            *count -= 1;
            if *count == 0 {
                self.rosters.remove(&position);
                changes.push(settle(position));
            }
        }
    }

    /// Lets go of what the window has moved past.
    pub(super) fn settle_old(&mut self, first: u64, changes: &mut Vec<Change>) {
        while let Some((position, _)) = self.pages.pop_front_if(|(_, end)| *end <= first) {
            changes.push(settle(position));
        }
        let is_over = |loose: &mut Loose| loose.to <= first && loose.producers.is_empty();
        while let Some(loose) = self.loose.pop_front_if(is_over) {
            self.loose_ids -= loose.to - loose.from;
            changes.push(settle(loose.position));
        }
    }

    /// Puts small records together when there are many. What becomes of it is appended in one go with the changes.
    pub(super) fn tidy(
        &mut self,
        key: &Key,
        window: &Window,
        producers: &Producers,
        changes: &mut Vec<Change>,
        seen: &mut Vec<Seen>,
    ) {
        // Not before most of them are in the store: an id must not be there without its message.
        let done = self.line.done();
        if !self.is_crowded() || self.loose.get(self.loose.len() / 2).is_some_and(|loose| loose.number > done)
        {
            return;
        }
        let mut run: Option<(u64, u64)> = None;
        let mut latest: HashMap<u128, StoredProducer> = HashMap::new();
        while let Some(loose) = self.loose.pop_front_if(|loose| loose.number <= done) {
            self.loose_ids -= loose.to - loose.from;
            for producer in loose.producers {
                match latest.get(&producer.hash) {
                    Some(known) if known.turn > producer.turn => {}
                    _ => drop(latest.insert(producer.hash, producer)),
                }
            }
            changes.push(settle(loose.position));
            let from = run.map_or(loose.from, |(from, _)| from);
            run = Some((from, loose.to));
            if loose.to - from >= PAGE_IDS {
                self.end_run(&mut run, key, window, seen);
            }
        }
        self.end_run(&mut run, key, window, seen);
        self.write_roster(key, latest, producers, changes, seen);
    }

    fn end_run(&mut self, run: &mut Option<(u64, u64)>, key: &Key, window: &Window, seen: &mut Vec<Seen>) {
        let Some((from, to)) = run.take() else { return };
        if window.lasting(from, to).next().is_none() {
            return;
        }
        let position = self.place();
        seen.push(Seen {
            position,
            payload: encode(Form::Page, key, window.lasting(from, to), &[]),
            number: None,
        });
        self.pages.push_back((position, to));
    }

    fn write_roster(
        &mut self,
        key: &Key,
        latest: HashMap<u128, StoredProducer>,
        producers: &Producers,
        changes: &mut Vec<Change>,
        seen: &mut Vec<Seen>,
    ) {
        let all: Vec<_> =
            latest.into_values().filter(|producer| producers.get(producer.hash).is_some()).collect();
        if all.is_empty() {
            return;
        }
        let position = self.place();
        for producer in &all {
            self.leave(producer.hash, changes);
            self.stands.insert(producer.hash, position);
        }
        self.rosters.insert(position, all.len() as u32);
        seen.push(Seen {
            position,
            payload: encode(Form::Batch, key, std::iter::empty(), &all),
            number: None,
        });
    }

    #[cfg(test)]
    pub(super) fn records(&self) -> usize {
        self.loose.len() + self.pages.len() + self.rosters.len()
    }
}

fn settle(position: u64) -> Change {
    Change::Settle { lane: HIDDEN_LANE, position, weight: 0 }
}

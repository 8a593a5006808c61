//! A file's bytes, as programs see them and as they would be after a power failure.
//!
//! The stored bytes are those seen, except in pages that were written since the last sync: of each of these the stored version is
//! kept (`undo`). A sync takes a snapshot when it begins and stores that when it ends, for what is written meanwhile is not promised
//! to be stored by it. Several syncs may be under way; an older snapshot never replaces a younger one.

use super::Loss;
use crate::random::Random;
use std::collections::BTreeMap;

pub(super) const PAGE: usize = 4096;
const SECTOR: usize = 512;

/// The stored version of a page that was written since; `None` for zeros.
#[derive(Debug)]
struct Undo {
    bytes: Option<Box<[u8]>>,
    /// The sync that stored it, or the last one begun before the page was written.
    sync: u64,
}

/// A file.
#[derive(Debug, Default)]
pub(super) struct File {
    now: Vec<u8>,
    undo: BTreeMap<u64, Undo>,
    stored_len: usize,
    len_sync: u64,
}

/// What was unsynced when a sync began.
#[derive(Debug)]
pub(super) struct Snapshot {
    sync: u64,
    len: usize,
    pages: Vec<(u64, Option<Box<[u8]>>)>,
}

/// How many unsynced pages a power failure met, and how many of them it took, in whole or in part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) unsynced: u64,
    pub(crate) lost: u64,
}

fn page_of(bytes: &[u8], page: u64) -> Option<Box<[u8]>> {
    let start = page as usize * PAGE;
    if start >= bytes.len() {
        return None;
    }
    let slice = &bytes[start..bytes.len().min(start + PAGE)];
    if slice.iter().all(|byte| *byte == 0) {
        return None;
    }
    let mut whole = vec![0; PAGE];
    whole[..slice.len()].copy_from_slice(slice);
    Some(whole.into_boxed_slice())
}

impl File {
    pub(super) fn len(&self) -> usize {
        self.now.len()
    }

    pub(super) fn read(&self, offset: usize, count: usize) -> &[u8] {
        let start = offset.min(self.now.len());
        &self.now[start..self.now.len().min(start.saturating_add(count))]
    }

    /// Keeps the stored version of these bytes' pages. `sync`: the last sync begun.
    fn remember(&mut self, from: usize, to: usize, sync: u64) {
        for page in (from / PAGE) as u64..to.div_ceil(PAGE) as u64 {
            let now = &self.now;
            self.undo.entry(page).or_insert_with(|| Undo { bytes: page_of(now, page), sync });
        }
    }

    pub(super) fn write(&mut self, offset: usize, data: &[u8], sync: u64) {
        let end = offset + data.len();
        self.remember(offset, end, sync);
        if end > self.now.len() {
            self.now.resize(end, 0);
        }
        self.now[offset..end].copy_from_slice(data);
    }

    pub(super) fn set_len(&mut self, len: usize, sync: u64) {
        if len < self.now.len() {
            self.remember(len, self.now.len(), sync);
        }
        self.now.resize(len, 0);
    }

    /// A sync begins, with a number higher than all before.
    pub(super) fn begin_sync(&self, sync: u64) -> Snapshot {
        let pages = self.undo.keys().map(|page| (*page, page_of(&self.now, *page))).collect();
        Snapshot { sync, len: self.now.len(), pages }
    }

    /// It ends: what it saw is stored.
    pub(super) fn end_sync(&mut self, snapshot: Snapshot) {
        let Snapshot { sync, len, pages } = snapshot;
        for (page, bytes) in pages {
            let Some(undo) = self.undo.get_mut(&page) else { continue };
            if undo.sync >= sync {
                continue;
            }
            if page_of(&self.now, page) == bytes {
                self.undo.remove(&page);
            } else {
                *undo = Undo { bytes, sync };
            }
        }
        if self.len_sync < sync {
            (self.stored_len, self.len_sync) = (len, sync);
        }
    }

    /// The power fails: what is left is all there is.
    pub(super) fn lose(&mut self, loss: Loss, random: &mut Random, lost: &mut Lost) {
        let (low, high) = (self.stored_len.min(self.now.len()), self.stored_len.max(self.now.len()));
        let len = match random.below(3) {
            _ if loss == Loss::All => self.stored_len,
            0 => self.stored_len,
            1 => self.now.len(),
            _ => random.between(low as u64, high as u64) as usize,
        };
        let seen = self.now.len();
        let share = random.below(101);
        self.now.resize(high, 0);
        for (page, undo) in std::mem::take(&mut self.undo) {
            let start = page as usize * PAGE;
            let end = (start + PAGE).min(self.now.len());
            let mut this = false;
            let mut at = start;
            while at < end {
                let next = end.min(if loss == Loss::Torn { at + SECTOR } else { end });
                // (what a cut took away is there again when the cut is lost)
                if loss == Loss::All || at >= seen || random.percent(share) {
                    match &undo.bytes {
                        Some(bytes) => self.now[at..next].copy_from_slice(&bytes[at - start..next - start]),
                        None => self.now[at..next].fill(0),
                    }
                    this = true;
                }
                at = next;
            }
            lost.unsynced += 1;
            lost.lost += u64::from(this);
        }
        self.now.resize(len, 0);
        self.stored_len = len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that is synced at once.
    fn synced(file: &mut File, number: &mut u64) {
        *number += 1;
        let snapshot = file.begin_sync(*number);
        file.end_sync(snapshot);
    }

    fn lose(file: &mut File, loss: Loss, seed: u64) -> Lost {
        let mut lost = Lost::default();
        file.lose(loss, &mut Random::new(seed), &mut lost);
        lost
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_goes() {
        let (mut file, mut sync) = (File::default(), 0);
        file.write(0, &[1; 10_000], sync);
        synced(&mut file, &mut sync);
        file.write(5000, &[2; 10_000], sync);
        assert_eq!(file.read(5000, 3), [2; 3]);
        let lost = lose(&mut file, Loss::All, 1);
        assert_eq!(file.read(0, usize::MAX), [1; 10_000]);
        assert_eq!(lost, Lost { unsynced: 3, lost: 3 });
        assert_eq!(lose(&mut file, Loss::All, 1), Lost::default(), "nothing is left to lose");
    }

    #[test]
    fn a_sync_stores_what_was_there_when_it_began() {
        let mut file = File::default();
        file.write(0, b"one", 0);
        let snapshot = file.begin_sync(1);
        file.write(0, b"two", 1);
        file.write(3, b"more", 1);
        file.end_sync(snapshot);
        assert_eq!(file.read(0, 99), b"twomore");
        lose(&mut file, Loss::All, 1);
        assert_eq!(file.read(0, 99), b"one");
    }

    #[test]
    fn an_older_sync_that_ends_later_takes_nothing_back() {
        let mut file = File::default();
        file.write(0, b"one", 0);
        let older = file.begin_sync(1);
        file.write(0, b"two+", 1);
        let younger = file.begin_sync(2);
        file.write(0, b"three", 2);
        file.end_sync(younger);
        file.end_sync(older);
        lose(&mut file, Loss::All, 1);
        assert_eq!(file.read(0, 99), b"two+");
    }

    #[test]
    fn a_cut_that_was_not_synced_is_undone() {
        let (mut file, mut sync) = (File::default(), 0);
        file.write(0, &[7; 9000], sync);
        synced(&mut file, &mut sync);
        file.set_len(100, sync);
        file.set_len(9000, sync);
        assert_eq!(file.read(100, 1), [0]);
        file.set_len(0, sync);
        lose(&mut file, Loss::All, 1);
        assert_eq!(file.read(0, usize::MAX), [7; 9000]);
    }

    #[test]
    fn growing_is_zeros_and_is_lost_as_well() {
        let (mut file, mut sync) = (File::default(), 0);
        file.set_len(50_000, sync);
        synced(&mut file, &mut sync);
        file.set_len(90_000, sync);
        file.write(49_999, &[1, 1], sync);
        lose(&mut file, Loss::All, 1);
        assert_eq!(file.read(0, usize::MAX), [0; 50_000]);
    }

    /// Every page is as it was stored or as it was written, every sector when torn; over many seeds both happen.
    #[test]
    fn pages_and_sectors_are_old_or_new() {
        for (loss, unit) in [(Loss::Pages, PAGE), (Loss::Torn, SECTOR)] {
            let mut seen = [false; 2];
            let mut mixed = false;
            for seed in 0..200 {
                let (mut file, mut sync) = (File::default(), 0);
                file.write(0, &[1; 4 * PAGE], sync);
                synced(&mut file, &mut sync);
                file.write(PAGE, &[2; 2 * PAGE], sync);
                lose(&mut file, loss, seed);
                let bytes = file.read(0, usize::MAX);
                assert_eq!(bytes.len(), 4 * PAGE);
                for (at, chunk) in bytes.chunks(unit).enumerate() {
                    let written = (PAGE..3 * PAGE).contains(&(at * unit));
                    let new = chunk.iter().all(|byte| *byte == 2);
                    assert!(chunk.iter().all(|byte| *byte == 1) || written && new, "seed {seed} unit {at}");
                    if written {
                        seen[usize::from(new)] = true;
                    }
                }
                let first = &bytes[PAGE..2 * PAGE];
                mixed |= first.contains(&1) && first.contains(&2);
            }
            assert_eq!((seen, mixed), ([true; 2], loss == Loss::Torn), "{loss:?}");
        }
    }

    /// The file against two plain vectors: what is seen, and what is stored after a loss of everything.
    #[test]
    fn any_sequence_agrees_with_a_model() {
        for seed in 0..300 {
            let mut random = Random::new(seed);
            let (mut file, mut sync) = (File::default(), 0);
            let (mut seen, mut stored): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
            for step in 0..60 {
                match random.below(10) {
                    0..=5 => {
                        let (offset, count) = (random.below(20_000) as usize, random.below(9000) as usize);
                        let data = vec![random.next() as u8; count];
                        file.write(offset, &data, sync);
                        seen.resize(seen.len().max(offset + count), 0);
                        seen[offset..offset + count].copy_from_slice(&data);
                    }
                    6 => {
                        let len = random.below(25_000) as usize;
                        file.set_len(len, sync);
                        seen.resize(len, 0);
                    }
                    7 | 8 => {
                        synced(&mut file, &mut sync);
                        stored.clone_from(&seen);
                    }
                    _ => {
                        lose(&mut file, Loss::All, seed);
                        seen.clone_from(&stored);
                    }
                }
                assert!(file.read(0, usize::MAX) == seen, "seed {seed} step {step}");
            }
        }
    }
}

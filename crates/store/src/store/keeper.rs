//! Keeping the folder small and a start short: closed files are sealed where they lie or emptied, checkpoints made, emptied files used
//! again.

use super::Store;
use super::api::Urgency;
use super::checkpoint::{self, CheckpointHead};
use super::load::Reader;
use crate::disk::write_all;
use crate::index::{Found, SealedBlock, Spot, cut};
use crate::log::block::{self, BlockEntry};
use crate::log::{self, align};
use crate::record::{Batch, Op, Place, parse};
use crate::types::{LaneId, Target};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, IoSlice};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Bytes moved in one append.
const MOVE_BYTES: usize = 256 * 1024;
/// How often the keeper looks, if nobody wakes it.
const LOOK: Duration = Duration::from_millis(500);
/// Spare files prepared before they are needed.
const PREPARED: usize = 2;
/// They are prepared once this part of a file was written since the start: a store of a few messages needs no next file, and its
/// folder stays small.
const PREPARED_FROM: u64 = 8;

/// What the keeper remembers.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    /// Number of the last checkpoint.
    pub(super) checkpoint: u64,
    /// Its bytes.
    pub(super) checkpoint_bytes: u64,
    /// The file that was written then, and its last group.
    pub(super) last_file: u32,
    pub(super) last_group: u64,
    pub(super) made: Option<Instant>,
    /// Files nobody refers to, and from which checkpoint on they may be used again.
    pub(super) retired: Vec<(u32, u64)>,
    /// Files with messages that cannot be read: they stay.
    stuck: HashSet<u32>,
}

impl Keeping {
    /// As it is when checkpoint `checkpoint` is the last.
    pub(super) fn behind(checkpoint: u64) -> Self {
        Self { checkpoint, ..Self::default() }
    }
}

impl Store {
    /// The keeper's thread.
    pub(super) fn keep(&self) {
        loop {
            {
                let mut closing = self.keeper_lock.lock();
                if !*closing {
                    self.rolled.wait_for(&mut closing, LOOK);
                }
                if *closing {
                    return;
                }
            }
            if self.is_failed() {
                continue;
            }
            self.tidy();
            self.prepare_spares();
        }
    }

    /// One round of the keeper.
    pub fn tidy(&self) {
        if self.is_failed() {
            return;
        }
        if let Err(error) = self.try_tidy() {
            tracing::warn!(%error, "the store could not be tidied; it is tried again");
        }
    }

    fn try_tidy(&self) -> io::Result<()> {
        let active = self.log.lock().number;
        let files: Vec<_> = self.index.lock().files().filter(|(number, _)| *number < active).collect();
        let mut dead = false;
        for (number, file) in files {
            dead |= file.live == 0;
            if file.live == 0 || self.keeping.lock().stuck.contains(&number) {
                continue;
            }
            let is_mostly_live = file.live_bytes * 2 >= file.bytes;
            // What was closed last may still be on its way to its consumers.
            let is_settled = number + 1 < active || !self.options.threads;
            if is_mostly_live && !file.sealed && is_settled {
                self.seal_file(number, file.bytes)?;
            } else if !is_mostly_live && is_settled {
                self.empty_file(number)?;
                dead = true;
            }
        }
        self.checkpoint_if_due(dead)
    }

    /// Writes the places of a file's live messages behind its last group, and lets go of them in memory.
    fn seal_file(&self, number: u32, bytes: u64) -> io::Result<()> {
        let Some(file) = self.files.lock().get(number) else { return Ok(()) };
        let live = self.index.lock().live_in(number);
        let mut out = Vec::new();
        let mut blocks = Vec::new();
        let base = align(bytes);
        let mut start = 0;
        while start < live.len() {
            let id = live[start].0;
            let count = live[start..].iter().take_while(|(other, ..)| *other == id).count();
            let lane = &live[start..start + count];
            let positions: Vec<u64> = lane.iter().map(|(_, position, _)| *position).collect();
            for range in cut(&positions) {
                let entries: Vec<BlockEntry> = lane[range.clone()].iter().filter_map(entry).collect();
                let record_bytes =
                    entries.iter().map(|e| u64::from(e.len)).sum::<u64>() / entries.len().max(1) as u64;
                let at = (base + out.len() as u64) as u32;
                block::encode(&entries, &mut out);
                let positions = positions[range].to_vec();
                blocks.push(SealedBlock { id, at, positions, record_bytes: record_bytes as u32 });
            }
            start += count;
        }
        write_all(&*file, base, &mut [IoSlice::new(&out)])?;
        file.sync()?;
        self.index.lock().seal(number, &blocks);
        Ok(())
    }

    /// Appends what lives in a file again, sorted, so that nothing refers to it any more.
    fn empty_file(&self, number: u32) -> io::Result<()> {
        let live = self.index.lock().live_in(number);
        let found: Vec<Found> = live
            .iter()
            .map(|(id, position, spot)| Found { lane: id.lane, position: *position, spot: *spot })
            .collect();
        let places = self.places(&found);
        let mut wanted: BTreeMap<u32, Vec<LaneIdAt>> = BTreeMap::new();
        let mut order: Vec<Option<Place>> = Vec::new();
        let mut stuck = false;
        for ((id, position, _), place) in live.iter().zip(&places) {
            let Some(place) = place else {
                stuck = true;
                continue;
            };
            let at = wanted.entry(place.offset).or_default();
            if at.is_empty() {
                order.push(Some(*place));
            }
            at.push((*id, *position));
        }
        let mut reader = Reader::new(self);
        let mut batch = Batch::new();
        for (at, place) in order.iter().enumerate() {
            let Some(place) = place else { continue };
            let Some(content) = reader.record(*place, &order[at..]) else {
                stuck = true;
                continue;
            };
            let Some(Op::Message { targets, weight, payload, .. }) = parse(content) else { continue };
            let at = wanted.get(&place.offset).map(Vec::as_slice).unwrap_or_default();
            let is_wanted = |t: &Target| at.contains(&(LaneId { queue: t.queue, lane: t.lane }, t.position));
            let targets: Vec<Target> = targets.into_iter().filter(is_wanted).collect();
            batch.moved(&targets, weight, payload);
            if batch.bytes.len() >= MOVE_BYTES {
                self.append_moved(&mut batch);
            }
        }
        self.append_moved(&mut batch);
        self.commit();
        if stuck {
            tracing::error!(file = %crate::log::name(number), "some messages in it cannot be read; the file is kept");
            self.keeping.lock().stuck.insert(number);
        }
        Ok(())
    }

    fn append_moved(&self, batch: &mut Batch) {
        let bytes = batch.bytes.len() as u64;
        if bytes == 0 || self.append(batch, Urgency::Later, None).is_err() {
            return;
        }
        self.figures.moved_bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.options.threads {
            std::thread::sleep(Duration::from_micros(
                bytes * 1_000_000 / self.options.move_bytes_per_s.max(1),
            ));
        }
    }

    fn checkpoint_if_due(&self, dead: bool) -> io::Result<()> {
        let mut keeping = self.keeping.lock();
        let newest = keeping.last_group;
        let (group, tail) = {
            let log = self.log.lock();
            (
                log.group,
                u64::from(log.number.saturating_sub(keeping.last_file)) * u64::from(self.options.file_bytes),
            )
        };
        if group == newest && keeping.retired.is_empty() {
            return Ok(());
        }
        let is_soon = keeping.made.is_some_and(|made| made.elapsed() < LOOK) && self.options.threads;
        let is_small = tail < keeping.checkpoint_bytes.saturating_mul(8);
        let forced = tail >= self.options.tail_bytes_max;
        let wanted = dead || !keeping.retired.is_empty() || tail > 0;
        if !forced && (!wanted || is_soon || is_small) {
            return Ok(());
        }
        self.checkpoint(&mut keeping)
    }

    /// Makes a checkpoint of what is synced, and lets files go that neither of the last two needs.
    pub(super) fn checkpoint(&self, keeping: &mut Keeping) -> io::Result<()> {
        let number = keeping.checkpoint + 1;
        let (bytes, head, dead) = {
            let mut log = self.log.lock();
            if log.unsynced.is_some() {
                self.sync(&mut log);
            }
            if self.is_failed() {
                return Ok(());
            }
            let mut index = self.index.lock();
            let dead: Vec<u32> = index
                .files()
                .filter(|(number, file)| file.live == 0 && *number < log.number)
                .map(|(n, _)| n)
                .collect();
            dead.iter().for_each(|number| index.forget(*number));
            let head = CheckpointHead { first: log.number, group: log.group };
            keeping.last_file = log.number;
            (Self::encode_checkpoint(head, &index), head, dead)
        };
        keeping.checkpoint_bytes = self.put_checkpoint(number, &bytes)?;
        keeping.checkpoint = number;
        keeping.last_group = head.group;
        keeping.made = Some(Instant::now());
        // The checkpoint before this one may still be needed, and what it refers to with it.
        keeping.retired.extend(dead.into_iter().map(|file| (file, number + 1)));
        if number > 2 {
            let _ = self.disk.remove(&checkpoint::name(number - 2));
        }
        self.recycle(keeping)
    }

    fn recycle(&self, keeping: &mut Keeping) -> io::Result<()> {
        let now = keeping.checkpoint;
        let mut changed = false;
        for (number, _) in keeping.retired.extract_if(.., |(_, from)| *from <= now) {
            let mut files = self.files.lock();
            let in_use =
                files.open.remove(&number).is_some_and(|file| std::sync::Arc::strong_count(&file) > 1);
            // A file that somebody reads is not written again; it goes when they are done.
            if in_use || files.spares.len() >= self.options.spare_files_max as usize {
                self.disk.remove(&log::name(number))?;
            } else {
                self.disk.rename(&log::name(number), &log::spare_name(number))?;
                files.spares.push(number);
            }
            changed = true;
        }
        if changed { self.disk.sync_names() } else { Ok(()) }
    }

    /// Fills files with zeros ahead of their use: writing over blocks is what a sync is fastest at.
    fn prepare_spares(&self) {
        let written = self.figures.written_bytes.load(Ordering::Relaxed);
        if written < u64::from(self.options.file_bytes) / PREPARED_FROM {
            return;
        }
        while self.files.lock().spares.len() < PREPARED && !*self.keeper_lock.lock() {
            let number = {
                let files = self.files.lock();
                (0..u32::MAX).rev().find(|number| !files.spares.contains(number)).unwrap_or_default()
            };
            if let Err(error) = self.prepare(number) {
                tracing::debug!(%error, "no spare log file could be prepared");
                let _ = self.disk.remove(PREPARING);
                return;
            }
            self.files.lock().spares.insert(0, number);
        }
    }

    fn prepare(&self, number: u32) -> io::Result<()> {
        let _ = self.disk.remove(PREPARING);
        let file = self.disk.create(PREPARING)?;
        let zeros = vec![0; 1 << 20];
        let mut offset = 0;
        while offset < u64::from(self.options.file_bytes) {
            write_all(&*file, offset, &mut [IoSlice::new(&zeros)])?;
            offset += zeros.len() as u64;
        }
        file.sync()?;
        self.disk.rename(PREPARING, &log::spare_name(number))
    }
}

/// A spare file that is not ready yet.
pub(super) const PREPARING: &str = "spare-new";

type LaneIdAt = (LaneId, u64);

fn entry(live: &(LaneId, u64, Spot)) -> Option<BlockEntry> {
    let (_, position, Spot::At(place)) = live else { return None };
    Some(BlockEntry { position: *position, offset: place.offset, len: place.len })
}

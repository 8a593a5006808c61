//! What is alive in the log: a state machine over its records, without I/O. The same records in the same order give the same index,
//! whether they are applied while they are written or read again at a start.

mod codec;
mod lane;
mod run;

pub(crate) use lane::Spot;
pub(crate) use run::cut;

use crate::record::{Op, Place};
use crate::types::{History, Lane, LaneId};
use lane::LaneState;
use run::{Block, Run};
use std::collections::{BTreeMap, HashMap};

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// A log file as the index knows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FileState {
    /// Bytes of it that are used; 0 while it is written.
    pub(crate) bytes: u64,
    /// Bytes of records with a live message; an estimate once it is sealed.
    pub(crate) live_bytes: u64,
    /// Places that are alive.
    pub(crate) live: u64,
    pub(crate) sealed: bool,
}

/// Log files after which a settlement without a message is nobody's. A message follows its settlement in moments; what moves
/// messages out of old files may fill some of them in between.
const EARLY_FILES: u32 = 16;

/// A settlement that came before its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Early {
    /// In which file that was said.
    pub(super) file: u32,
    /// What was taken off the lane's weight for it, about.
    pub(super) weight: u64,
}

/// A live message where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) lane: Lane,
    pub(crate) position: u64,
    pub(crate) spot: Spot,
}

/// A block that was written behind a file's last group: the positions it names.
#[derive(Debug, Clone)]
pub(crate) struct SealedBlock {
    pub(crate) id: LaneId,
    pub(crate) at: u32,
    pub(crate) positions: Vec<u64>,
    pub(crate) record_bytes: u32,
}

/// See the module's documentation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Index {
    lanes: Map<LaneId, LaneState>,
    pub(crate) definitions: BTreeMap<Box<[u8]>, Box<[u8]>>,
    files: BTreeMap<u32, FileState>,
    /// Settled before they came.
    early: BTreeMap<(LaneId, u64), Early>,
    pub(crate) queue_max: u64,
    /// Number of the last group applied.
    pub(crate) group: u64,
}

impl Index {
    /// What a record says happened.
    pub(crate) fn apply(&mut self, op: &Op<'_>, place: Place) {
        match *op {
            Op::Message { targets, weight, moved, .. } => {
                for target in targets {
                    let id = LaneId { queue: target.queue, lane: target.lane };
                    if moved {
                        self.relocate(id, target.position, place)
                    } else {
                        self.insert(id, target.position, weight, place)
                    }
                }
            }
            Op::Settle { queue, lane, first, count, weight } => {
                let id = LaneId { queue, lane };
                let share = weight / u64::from(count.max(1));
                for position in first..first.saturating_add(count.into()) {
                    if !self.kill(id, position) {
                        self.early.insert((id, position), Early { file: place.file, weight: share });
                    }
                }
                self.lane(id).weight -= weight as i64;
                self.weigh_nothing(id);
            }
            Op::Clear { queue, lane, first, last } => self.clear(LaneId { queue, lane }, first, last),
            Op::Returned { queue, lane, position, history } => {
                self.lane(LaneId { queue, lane }).returned.insert(position, history);
            }
            Op::Delivering { queue, lane, through } => {
                let lane = self.lane(LaneId { queue, lane });
                lane.delivering = lane.delivering.max(through);
            }
            Op::Delivered { queue, lane, through } => self.lane(LaneId { queue, lane }).delivering = through,
            Op::DropQueue { queue } => self.drop_queue(queue),
            Op::Put { key, value } => drop(self.definitions.insert(key.into(), value.into())),
            Op::Remove { key } => drop(self.definitions.remove(key)),
        }
    }

    fn lane(&mut self, id: LaneId) -> &mut LaneState {
        self.queue_max = self.queue_max.max(id.queue);
        self.lanes.entry(id).or_default()
    }

    fn insert(&mut self, id: LaneId, position: u64, weight: u32, place: Place) {
        self.queue_max = self.queue_max.max(id.queue);
        let lane = self.lanes.entry(id).or_default();
        let is_new = position > lane.last;
        lane.last = lane.last.max(position);
        lane.weight += i64::from(weight);
        if !self.early.is_empty() && self.early.remove(&(id, position)).is_some() {
            return self.weigh_nothing(id);
        }
        // A position is used once; should it come again, the later message counts.
        if !is_new && lane.has(position) {
            if let Some(killed) = lane.displace(position) {
                release(&mut self.files, killed.file, killed.bytes);
            }
        } else {
            lane.live += 1;
        }
        lane.insert(position, place);
        let file = self.files.entry(place.file).or_default();
        file.live += 1;
        file.live_bytes += u64::from(place.len);
    }

    fn relocate(&mut self, id: LaneId, position: u64, place: Place) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let Some(killed) = lane.displace(position) else { return };
        release(&mut self.files, killed.file, killed.bytes);
        lane.insert(position, place);
        let file = self.files.entry(place.file).or_default();
        file.live += 1;
        file.live_bytes += u64::from(place.len);
    }

    fn kill(&mut self, id: LaneId, position: u64) -> bool {
        let Some(lane) = self.lanes.get_mut(&id) else { return false };
        let Some(killed) = lane.displace(position) else { return false };
        lane.live -= 1;
        if !lane.returned.is_empty() {
            lane.returned.remove(&position);
        }
        release(&mut self.files, killed.file, killed.bytes);
        true
    }

    fn clear(&mut self, id: LaneId, first: u64, last: u64) {
        let Some(lane) = self.lanes.get(&id) else { return };
        let before = lane.live;
        let early = self.early_weight(id);
        let weight = lane.weight + early;
        let files = &mut self.files;
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.clear(first, last, &mut |killed| release(files, killed.file, killed.bytes));
            // Which of the bytes went is not known; in proportion, and none are left of nothing.
            let share = i128::from(weight) * i128::from(lane.live) / i128::from(before.max(1));
            lane.weight = share as i64 - early;
        }
        self.weigh_nothing(id);
    }

    /// A lane with nothing in it weighs nothing, whatever was estimated before. While messages are yet to come that were settled already,
    /// what was taken off for them stays: what it was for each of them is not known, only for all that were settled together.
    fn weigh_nothing(&mut self, id: LaneId) {
        if self.lanes.get(&id).is_some_and(|lane| lane.live == 0 && lane.weight != 0)
            && self.early.range((id, 0)..=(id, u64::MAX)).next().is_none()
        {
            self.lane(id).weight = 0;
        }
    }

    fn early_weight(&self, id: LaneId) -> i64 {
        self.early.range((id, 0)..=(id, u64::MAX)).map(|(_, early)| early.weight as i64).sum()
    }

    fn drop_queue(&mut self, queue: u64) {
        let all: Vec<LaneId> = (0..=u8::MAX).map(|lane| LaneId { queue, lane }).collect();
        for id in all {
            self.drop_lane(id);
        }
    }

    fn drop_lane(&mut self, id: LaneId) {
        let Some(lane) = self.lanes.remove(&id) else { return };
        let open = lane.open.iter().filter(|open| open.len > 0).chain(lane.strays.values());
        open.for_each(|open| release(&mut self.files, open.file, open.len));
        for run in lane.all_runs() {
            (0..run.live).for_each(|_| release(&mut self.files, run.file, run.record_bytes));
        }
    }

    /// Live messages of the lanes behind `after`, at most `max`, in the order of their positions.
    pub(crate) fn plan(&self, queue: u64, lanes: &[Lane], after: u64, max: usize) -> Vec<Found> {
        let mut all = Vec::new();
        let mut found = Vec::new();
        for lane in lanes {
            let Some(state) = self.lanes.get(&LaneId { queue, lane: *lane }) else { continue };
            found.clear();
            state.find(after, max, &mut found);
            all.extend(found.iter().map(|(position, spot)| Found {
                lane: *lane,
                position: *position,
                spot: *spot,
            }));
        }
        all.sort_by_key(|found| found.position);
        all.truncate(max);
        all
    }

    /// Whether a message is alive there.
    pub(crate) fn is_live(&self, id: LaneId, position: u64) -> bool {
        self.lanes.get(&id).is_some_and(|lane| lane.has(position))
    }

    /// What became of a message so far, and whether it counts as redelivered.
    pub(crate) fn flags(&self, queue: u64, lane: Lane, position: u64) -> (History, bool) {
        let Some(state) = self.lanes.get(&LaneId { queue, lane }) else { return (History::default(), false) };
        let returned = state.returned.get(&position);
        (returned.copied().unwrap_or_default(), returned.is_some() || position <= state.redelivered_through)
    }

    /// The messages of a lane that are held until later than this moment, in the order of their positions.
    pub(crate) fn held(&self, id: LaneId, unix_ms: u64) -> Vec<u64> {
        let returned = self.lanes.get(&id).into_iter().flat_map(|lane| &lane.returned);
        let held = returned.filter(|(_, history)| history.held_until_unix_ms > unix_ms);
        held.map(|(position, _)| *position).collect()
    }

    /// No more records will come from this file, which has so many bytes.
    pub(crate) fn closed(&mut self, file: u32, bytes: u64) {
        self.files.entry(file).or_default().bytes = bytes;
        self.forget_early(|early| early.file + EARLY_FILES <= file);
    }

    /// They never came: what was taken off for them was nobody's.
    fn forget_early(&mut self, which: impl Fn(&Early) -> bool) {
        for ((id, _), early) in self.early.extract_if(.., |_, early| which(early)) {
            if let Some(lane) = self.lanes.get_mut(&id) {
                lane.weight += early.weight as i64;
            }
        }
    }

    /// Files in the order of their numbers.
    pub(crate) fn files(&self) -> impl Iterator<Item = (u32, FileState)> + '_ {
        self.files.iter().map(|(number, state)| (*number, *state))
    }

    /// The live messages in a file, by lane and position.
    pub(crate) fn live_in(&self, file: u32) -> Vec<(LaneId, u64, Spot)> {
        let mut all = Vec::new();
        for (id, lane) in &self.lanes {
            let open = lane.open.iter().filter(|open| open.len > 0).chain(lane.strays.values());
            all.extend(open.filter(|open| open.file == file).map(|open| {
                let place = Place { file, offset: open.offset, len: open.len };
                (*id, open.position, Spot::At(place))
            }));
            for run in lane.all_runs().filter(|run| run.file == file) {
                let spot = Spot::Block { file, at: run.at, entries: run.entries };
                all.extend(run.positions(0).map(|position| (*id, position, spot)));
            }
        }
        all.sort_unstable_by_key(|(id, position, _)| (*id, *position));
        all
    }

    /// The blocks of a file are on disk: what of their messages still lives is found through them from now on.
    pub(crate) fn seal(&mut self, file: u32, blocks: &[SealedBlock]) {
        for block in blocks {
            let Some(lane) = self.lanes.get_mut(&block.id) else { continue };
            let mut live = Vec::with_capacity(block.positions.len());
            let mut bytes = 0;
            for position in &block.positions {
                let is_here = |open: &lane::Open| open.len > 0 && open.file == file;
                let found = lane.strays.get(position).copied().filter(is_here).or_else(|| {
                    let at = lane.open.binary_search_by_key(position, |open| open.position).ok()?;
                    lane.open.get(at).copied().filter(is_here)
                });
                if let Some(open) = found {
                    lane.displace(*position);
                    bytes += u64::from(open.len);
                    live.push(*position);
                }
            }
            let (Some(first), Some(last)) = (block.positions.first(), block.positions.last()) else {
                continue;
            };
            let span = last - first + 1;
            if !live.is_empty() {
                // The estimate that dying messages take away has to add up to what is there.
                let total = live.len() as u64 * u64::from(block.record_bytes);
                let state = self.files.entry(file).or_default();
                state.live_bytes = (state.live_bytes + total).saturating_sub(bytes);
                let entries = block.positions.len() as u16;
                let record_bytes = block.record_bytes;
                lane.add_run(Run::new(
                    Block { file, at: block.at, entries, first: *first, span, record_bytes },
                    &live,
                ));
            }
        }
        self.files.entry(file).or_default().sealed = true;
    }

    /// The file is gone.
    pub(crate) fn forget(&mut self, file: u32) {
        self.files.remove(&file);
    }

    /// A start: what may have been seen counts as seen, and what was not to outlive the end is gone.
    pub(crate) fn start(&mut self) {
        let transient: Vec<LaneId> =
            self.lanes.keys().filter(|id| id.lane & LaneId::TRANSIENT != 0).copied().collect();
        transient.into_iter().for_each(|id| self.drop_lane(id));
        for lane in self.lanes.values_mut() {
            lane.redelivered_through = lane.redelivered_through.max(lane.delivering);
            lane.last = lane.last.max(lane.delivering);
        }
        self.forget_early(|_| true);
    }

    /// Every lane: messages, bytes of their bodies, lowest and highest position.
    pub(crate) fn summary(&self) -> Vec<(LaneId, u64, u64, u64, u64)> {
        let mut all: Vec<_> = self
            .lanes
            .iter()
            .map(|(id, lane)| {
                let mut first = Vec::new();
                lane.find(0, 1, &mut first);
                let first = first.first().map_or(0, |(position, _)| *position);
                (*id, lane.live, lane.weight.max(0) as u64, first, lane.last)
            })
            .collect();
        all.sort_unstable();
        all
    }

    /// Bytes it takes beside what its own fields do.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.lanes.capacity() * size_of::<(LaneId, LaneState)>()
            + self.lanes.values().map(LaneState::heap_bytes).sum::<usize>()
            + self.definitions.iter().map(|(key, value)| key.len() + value.len() + 64).sum::<usize>()
    }
}

fn release(files: &mut BTreeMap<u32, FileState>, file: u32, bytes: u32) {
    if let Some(state) = files.get_mut(&file) {
        state.live = state.live.saturating_sub(1);
        state.live_bytes = state.live_bytes.saturating_sub(bytes.into());
    }
}

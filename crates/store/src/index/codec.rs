//! The index as bytes: what a checkpoint holds.
//!
//! Little endian; a list is its length (u64) and its elements.
//!
//! ```text
//! queue_max u64
//! files        number u32, bytes u64, live_bytes u64, live u64, sealed u8
//! definitions  key (list of bytes), value (list of bytes)
//! early        queue u64, lane u8, position u64, file u32, weight u64
//! lanes        queue u64, lane u8, live u64, weight i64, last u64, delivering u64, redelivered_through u64,
//!              open      position u64, file u32, offset u32, len u32 (0: dead)
//!              strays    the same
//!              returned  position u64, history (as in its record); in format 1 a delivery count u32
//!              runs      first u64, span u32, file u32, at u32, entries u16, live u16, record_bytes u32, bits (list of u64; empty: all live)
//!              wide      the same with a span of u64 and the live positions (list of u64) in place of the bits; since format 2
//! ```

use super::lane::{LaneState, Open};
use super::run::{Members, Run, SPAN_MAX};
use super::{Early, FileState, Index};
use crate::record::{HISTORY_BYTES, encode_history, history};
use crate::types::{History, LaneId};

struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    fn len(&mut self, len: usize) {
        self.u64(len as u64);
    }
    fn bytes(&mut self, bytes: &[u8]) {
        self.len(bytes.len());
        self.0.extend_from_slice(bytes);
    }
    fn lane(&mut self, id: LaneId) {
        self.u64(id.queue);
        self.0.push(id.lane);
    }
    fn open(&mut self, open: &Open) {
        self.u64(open.position);
        self.u32(open.file);
        self.u32(open.offset);
        self.u32(open.len);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }
    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.u64()?).ok()?;
        self.take(len)
    }
    fn lane(&mut self) -> Option<LaneId> {
        Some(LaneId { queue: self.u64()?, lane: self.u8()? })
    }
    fn open(&mut self) -> Option<Open> {
        Some(Open { position: self.u64()?, file: self.u32()?, offset: self.u32()?, len: self.u32()? })
    }
    /// A list; its length is not believed before its elements are there.
    fn list(&mut self, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        for _ in 0..self.u64()? {
            each(self)?;
        }
        Some(())
    }
}

impl Index {
    /// Appends the index as bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut w = Writer(out);
        w.u64(self.queue_max);
        w.len(self.files.len());
        for (number, file) in &self.files {
            w.u32(*number);
            w.u64(file.bytes);
            w.u64(file.live_bytes);
            w.u64(file.live);
            w.0.push(file.sealed.into());
        }
        w.len(self.definitions.len());
        for (key, value) in &self.definitions {
            w.bytes(key);
            w.bytes(value);
        }
        w.len(self.early.len());
        for ((id, position), early) in &self.early {
            w.lane(*id);
            w.u64(*position);
            w.u32(early.file);
            w.u64(early.weight);
        }
        let mut lanes: Vec<_> = self.lanes.iter().collect();
        lanes.sort_unstable_by_key(|(id, _)| **id);
        w.len(lanes.len());
        for (id, lane) in lanes {
            w.lane(*id);
            encode_lane(lane, &mut w);
        }
    }

    /// `None`: these bytes are no index.
    pub(crate) fn decode(bytes: &[u8], format: u32) -> Option<Self> {
        let mut r = Reader(bytes);
        let mut index = Self { queue_max: r.u64()?, ..Self::default() };
        r.list(|r| {
            let number = r.u32()?;
            let (bytes, live_bytes, live) = (r.u64()?, r.u64()?, r.u64()?);
            index.files.insert(number, FileState { bytes, live_bytes, live, sealed: r.u8()? != 0 });
            Some(())
        })?;
        r.list(|r| {
            index.definitions.insert(r.bytes()?.into(), r.bytes()?.into());
            Some(())
        })?;
        r.list(|r| {
            let key = (r.lane()?, r.u64()?);
            index.early.insert(key, Early { file: r.u32()?, weight: r.u64()? });
            Some(())
        })?;
        r.list(|r| {
            let id = r.lane()?;
            index.lanes.insert(id, decode_lane(r, format)?);
            Some(())
        })?;
        r.0.is_empty().then_some(index)
    }
}

fn encode_lane(lane: &LaneState, w: &mut Writer<'_>) {
    w.u64(lane.live);
    w.u64(lane.weight as u64);
    w.u64(lane.last);
    w.u64(lane.delivering);
    w.u64(lane.redelivered_through);
    w.len(lane.open.len());
    lane.open.iter().for_each(|open| w.open(open));
    w.len(lane.strays.len());
    lane.strays.values().for_each(|open| w.open(open));
    w.len(lane.returned.len());
    for (position, history) in &lane.returned {
        w.u64(*position);
        w.0.extend_from_slice(&encode_history(history));
    }
    w.len(lane.runs.len());
    for run in &lane.runs {
        w.u64(run.first);
        w.u32(run.span as u32);
        encode_run(run, w);
    }
    w.len(lane.wide.len());
    for run in &lane.wide {
        w.u64(run.first);
        w.u64(run.span);
        encode_run(run, w);
    }
}

fn encode_run(run: &Run, w: &mut Writer<'_>) {
    w.u32(run.file);
    w.u32(run.at);
    w.0.extend_from_slice(&run.entries.to_le_bytes());
    w.0.extend_from_slice(&run.live.to_le_bytes());
    w.u32(run.record_bytes);
    let words = match &run.members {
        Members::All => &[][..],
        Members::Bits(words) => words,
        Members::List(list) => list,
    };
    w.len(words.len());
    words.iter().for_each(|word| w.u64(*word));
}

fn decode_run(r: &mut Reader<'_>, first: u64, span: u64, is_wide: bool) -> Option<Run> {
    let (file, at) = (r.u32()?, r.u32()?);
    let (entries, live, record_bytes) = (r.u16()?, r.u16()?, r.u32()?);
    let mut words = Vec::new();
    r.list(|r| {
        words.push(r.u64()?);
        Some(())
    })?;
    let members = if is_wide {
        let is_sorted = words.is_sorted() && words.len() == usize::from(live);
        let is_inside = words.iter().all(|p| p.checked_sub(first).is_some_and(|bit| bit < span));
        (is_sorted && is_inside).then_some(Members::List(words))?
    } else if words.is_empty() {
        Members::All
    } else {
        (words.len() as u64 == span.div_ceil(64)).then_some(Members::Bits(words.into()))?
    };
    (is_wide && span > 0 || span <= SPAN_MAX).then_some(Run {
        first,
        span,
        file,
        at,
        entries,
        live,
        record_bytes,
        members,
    })
}

fn decode_history(r: &mut Reader<'_>, format: u32) -> Option<History> {
    if format > 1 {
        return history(r.take(HISTORY_BYTES)?);
    }
    let delivery_count = r.u32()?;
    Some(History { delivery_count, acquired_count: delivery_count, ..History::default() })
}

fn decode_lane(r: &mut Reader<'_>, format: u32) -> Option<LaneState> {
    let mut lane =
        LaneState { live: r.u64()?, weight: r.u64()? as i64, last: r.u64()?, ..LaneState::default() };
    lane.delivering = r.u64()?;
    lane.redelivered_through = r.u64()?;
    r.list(|r| {
        lane.open.push_back(r.open()?);
        Some(())
    })?;
    r.list(|r| {
        let open = r.open()?;
        lane.strays.insert(open.position, open);
        Some(())
    })?;
    r.list(|r| {
        lane.returned.insert(r.u64()?, decode_history(r, format)?);
        Some(())
    })?;
    r.list(|r| {
        let (first, span) = (r.u64()?, r.u32()?.into());
        lane.runs.push_back(decode_run(r, first, span, false)?);
        Some(())
    })?;
    if format > 1 {
        r.list(|r| {
            let (first, span) = (r.u64()?, r.u64()?);
            lane.wide.push(decode_run(r, first, span, true)?);
            Some(())
        })?;
    }
    Some(lane)
}

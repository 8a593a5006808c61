//! Reading messages back.

use super::Store;
use super::api::{LoadEnd, LoadRequest, Loaded};
use crate::disk::{DiskFile, read_full};
use crate::index::{Found, Spot};
use crate::log::block;
use crate::record::{Op, Place, content, parse};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Bytes read at a time.
const READ_BYTES_MAX: u64 = 1 << 20;
/// Bytes between two messages that are read rather than skipped.
const GAP_BYTES_MAX: u64 = 64 * 1024;

impl Store {
    /// Visits live messages in the order of their positions. Waits until what was appended before has been applied, and for the
    /// disk: not for a thread that must not wait.
    pub fn load(&self, from: LoadRequest<'_>, visit: &mut dyn FnMut(Loaded<'_>)) -> LoadEnd {
        self.wait_applied();
        let (found, flags) = {
            let index = self.index.lock();
            let found = index.plan(from.queue, from.lanes, from.after, from.messages_max.max(1));
            let flags: Vec<_> = found.iter().map(|f| index.flags(from.queue, f.lane, f.position)).collect();
            (found, flags)
        };
        let is_all = found.len() < from.messages_max.max(1);
        let places = self.places(&found);
        let mut unreadable = 0;
        let mut bytes = 0;
        let mut reader = Reader::new(self);
        for (at, found) in found.iter().enumerate() {
            let upcoming = places.get(at..).unwrap_or_default();
            let read = match places.get(at) {
                Some(Some(place)) => reader.record(*place, upcoming),
                _ => None,
            };
            let Some((expires_unix_ms, payload)) =
                read.and_then(|content| target_in(content, from.queue, found))
            else {
                unreadable += 1;
                self.figures.unreadable.fetch_add(1, Ordering::Relaxed);
                tracing::error!(
                    queue = from.queue, position = found.position, place = ?places.get(at).copied().flatten(),
                    "a stored message cannot be read; it is left on disk"
                );
                continue;
            };
            let (history, redelivered) = flags.get(at).copied().unwrap_or_default();
            let (lane, position) = (found.lane, found.position);
            visit(Loaded { lane, position, expires_unix_ms, history, redelivered, payload });
            bytes += payload.len();
            if bytes >= from.bytes_max && at + 1 < places.len() {
                return LoadEnd { through: position, unreadable };
            }
        }
        let through = match found.last() {
            Some(last) if !is_all => last.position,
            _ => u64::MAX,
        };
        LoadEnd { through, unreadable }
    }

    /// Waits until everything appended so far is in the index.
    fn wait_applied(&self) {
        let wanted = self.pending.lock().next;
        if *self.applied.lock() >= wanted {
            return;
        }
        if !self.options.threads {
            self.commit();
            return;
        }
        // What is written without hurry is wanted now.
        {
            let mut pending = self.pending.lock();
            pending.group.urgency = pending.group.urgency.max(super::Urgency::Written);
        }
        self.filled.notify_one();
        let mut applied = self.applied.lock();
        while *applied < wanted && !self.is_failed() {
            self.advanced.wait_for(&mut applied, std::time::Duration::from_millis(100));
        }
    }

    /// Where the records lie; entries of sealed files are looked up in their blocks.
    pub(super) fn places(&self, found: &[Found]) -> Vec<Option<Place>> {
        let mut blocks: HashMap<(u32, u32), Option<Vec<block::BlockEntry>>> = HashMap::new();
        found
            .iter()
            .map(|found| match found.spot {
                Spot::At(place) => Some(place),
                Spot::Block { file, at, entries } => {
                    let block = blocks.entry((file, at)).or_insert_with(|| self.block(file, at, entries));
                    let block = block.as_ref()?;
                    let entry = block.binary_search_by_key(&found.position, |entry| entry.position).ok()?;
                    let entry = block.get(entry)?;
                    Some(Place { file, offset: entry.offset, len: entry.len })
                }
            })
            .collect()
    }

    fn block(&self, file: u32, at: u32, entries: u16) -> Option<Vec<block::BlockEntry>> {
        let handle = self.files.lock().get(file)?;
        let mut bytes = vec![0; block::bytes(entries.into())];
        let count = read_full(&*handle, at.into(), &mut bytes).ok()?;
        block::decode(&bytes[..count])
    }
}

/// A message's time of expiry in this lane, and its bytes.
fn target_in<'a>(content: &'a [u8], queue: u64, found: &Found) -> Option<(u64, &'a [u8])> {
    let Op::Message { targets, payload, .. } = parse(content)? else { return None };
    let is_this =
        |t: &crate::Target| t.queue == queue && t.lane == found.lane && t.position == found.position;
    targets.into_iter().find(is_this).map(|target| (target.expires_unix_ms, payload))
}

/// Reads records in big pieces.
pub(super) struct Reader<'a> {
    store: &'a Store,
    file: Option<(u32, Arc<dyn DiskFile>)>,
    start: u64,
    chunk: Vec<u8>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, file: None, start: 0, chunk: Vec::new() }
    }

    /// The content of a record, checked. `upcoming`: this one and those wanted next.
    pub(super) fn record(&mut self, place: Place, upcoming: &[Option<Place>]) -> Option<&[u8]> {
        let is_here = self.file.as_ref().is_some_and(|(number, _)| *number == place.file)
            && u64::from(place.offset) >= self.start
            && u64::from(place.offset) + u64::from(place.len) <= self.start + self.chunk.len() as u64;
        if !is_here {
            self.read(place, upcoming).ok()?;
        }
        let from = (u64::from(place.offset) - self.start) as usize;
        content(self.chunk.get(from..from + place.len as usize)?)
    }

    fn read(&mut self, place: Place, upcoming: &[Option<Place>]) -> io::Result<()> {
        if self.file.as_ref().is_none_or(|(number, _)| *number != place.file) {
            let handle = self.store.files.lock().get(place.file).ok_or(io::ErrorKind::NotFound)?;
            self.file = Some((place.file, handle));
        }
        let Some((_, file)) = &self.file else { return Err(io::ErrorKind::NotFound.into()) };
        self.start = place.offset.into();
        let mut end = self.start + u64::from(place.len);
        for next in upcoming.iter().flatten() {
            let (from, to) = (u64::from(next.offset), u64::from(next.offset) + u64::from(next.len));
            let is_near = next.file == place.file && from >= self.start && from <= end + GAP_BYTES_MAX;
            if !is_near || to - self.start > READ_BYTES_MAX.max(place.len.into()) {
                break;
            }
            end = end.max(to);
        }
        self.chunk.resize((end - self.start) as usize, 0);
        let count = read_full(&**file, self.start, &mut self.chunk)?;
        self.chunk.truncate(count);
        Ok(())
    }
}

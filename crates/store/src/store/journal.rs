//! Appending and group commit: one sync serves all that waited, while the next group fills.

use super::api::{LATER, State, StoreError, UNSYNCED, Urgency};
use super::group::Group;
use super::{Pending, Store};
use crate::disk::{DiskFile, write_all};
use crate::log::{self, ALIGNMENT, GroupHeader, align};
use crate::record::Batch;
use crate::types::{Notify, Ticket};
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The file that is written.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) file: Option<Arc<dyn DiskFile>>,
    pub(super) number: u32,
    pub(super) offset: u64,
    /// Number of the last group.
    pub(super) group: u64,
    /// Number of the last group known to be synced.
    pub(super) synced_group: u64,
    /// Last ticket written, and since when something written waits for a sync.
    pub(super) ticket: Ticket,
    pub(super) unsynced: Option<Instant>,
    /// The group that is written; kept to use its room again.
    pub(super) current: Group,
}

/// How long a full disk is left alone.
const FULL_RETRY: Duration = Duration::from_millis(100);
const PADDING: [u8; ALIGNMENT as usize] = [0; ALIGNMENT as usize];

impl Store {
    /// Appends a batch, all or nothing, and empties it. Does not wait: it is stored once [`synced`](Store::synced) has reached the
    /// ticket. `waiter` hears when that, or less if the urgency is less, is so.
    ///
    /// # Errors
    /// The store failed or is closed.
    pub fn append(
        &self,
        batch: &mut Batch,
        urgency: Urgency,
        waiter: Option<&Arc<dyn Notify>>,
    ) -> Result<Ticket, StoreError> {
        if self.is_failed()
            && let State::Failed { text } = self.state()
        {
            batch.clear();
            return Err(StoreError::Failed { text });
        }
        let len = batch.seal();
        if len == 0 {
            return Ok(0);
        }
        let (ticket, wake) = {
            let mut pending = self.pending.lock();
            if pending.closed {
                batch.clear();
                return Err(StoreError::Closed);
            }
            pending.next += 1;
            let ticket = pending.next;
            let was_empty = pending.group.is_empty();
            pending.group.push(batch, len, ticket, urgency);
            if let Some(waiter) = waiter {
                pending.group.wait(waiter);
            }
            self.pending_bytes.fetch_add(len, Ordering::Relaxed);
            // The first of a group starts the writer's moment of gathering.
            let wake = pending.sleeping && (was_empty || urgency > Urgency::Later);
            pending.sleeping &= !wake;
            (ticket, wake)
        };
        if wake {
            self.filled.notify_one();
        }
        batch.clear();
        Ok(ticket)
    }

    /// Has `waiter` told once everything up to `ticket` is on stable storage, or the store failed. The append asked for that itself.
    pub fn watch(&self, ticket: Ticket, waiter: &Arc<dyn Notify>) {
        self.watchers.lock().push((ticket, waiter.clone()));
        self.tell_watchers();
    }

    pub(super) fn tell_watchers(&self) {
        let mut watchers = self.watchers.lock();
        if watchers.is_empty() {
            return;
        }
        let (synced, failed) = (self.synced(), self.is_failed());
        let due: Vec<_> = watchers.extract_if(.., |(ticket, _)| *ticket <= synced || failed).collect();
        drop(watchers);
        due.iter().for_each(|(_, waiter)| waiter.notify());
    }

    /// The writer's thread.
    pub(super) fn write_on(&self) {
        loop {
            let unsynced = self.log.lock().unsynced.is_some();
            let closing = {
                let mut pending = self.pending.lock();
                let rest =
                    |pending: &Pending, urgency| pending.group.is_empty() || pending.group.urgency < urgency;
                if rest(&pending, Urgency::Written) && !pending.closing {
                    // What nobody waits for is written with what somebody does, or after a moment.
                    let wait = match (pending.group.is_empty(), unsynced) {
                        (true, false) => Duration::from_secs(3600),
                        (true, true) => UNSYNCED,
                        (false, _) => LATER,
                    };
                    let was_empty = pending.group.is_empty();
                    pending.sleeping = true;
                    self.filled.wait_for(&mut pending, wait);
                    if was_empty
                        && !pending.group.is_empty()
                        && rest(&pending, Urgency::Written)
                        && !pending.closing
                    {
                        pending.sleeping = true;
                        self.filled.wait_for(&mut pending, LATER);
                    }
                    pending.sleeping = false;
                }
                pending.closing
            };
            self.commit();
            if self.log.lock().unsynced.is_some_and(|since| since.elapsed() >= UNSYNCED) {
                self.sync_rest();
            }
            if closing || self.is_failed() {
                return;
            }
        }
    }

    /// Writes the pending group, syncs it if somebody waits for that, and tells who waits.
    pub fn commit(&self) {
        let mut log = self.log.lock();
        // One that found the disk full comes first.
        if !log.current.is_empty() && !self.commit_current(&mut log) {
            return;
        }
        {
            let mut pending = self.pending.lock();
            if pending.group.is_empty() || self.is_failed() {
                return;
            }
            std::mem::swap(&mut pending.group, &mut log.current);
        }
        self.commit_current(&mut log);
    }

    /// `false`: it was not written, because the store failed or the disk is full.
    fn commit_current(&self, log: &mut Log) -> bool {
        if self.is_failed() {
            return false;
        }
        let mut group = std::mem::take(&mut log.current);
        let (urgency, ticket) = (group.urgency, group.ticket);
        let place = self.write_group(log, &mut group);
        if place.is_none() && !self.is_failed() {
            log.current = group;
            return false;
        }
        self.pending_bytes.fetch_sub(group.len - log::GROUP_HEADER_BYTES, Ordering::Relaxed);
        if let Some((file, offset)) = place {
            self.written.store(ticket, Ordering::Release);
            log.ticket = ticket;
            log.unsynced.get_or_insert_with(Instant::now);
            if urgency == Urgency::Synced {
                self.sync(log);
            }
            group.waiters.iter().for_each(|waiter| waiter.notify());
            let mut index = self.index.lock();
            group.each(file, offset, &mut |op, place| index.apply(op, place));
            index.group = log.group;
            drop(index);
            *self.applied.lock() = ticket;
            self.advanced.notify_all();
        } else {
            group.waiters.iter().for_each(|waiter| waiter.notify());
            self.advanced.notify_all();
        }
        group.reset();
        log.current = group;
        place.is_some()
    }

    /// Where the group was written. `None`: the store failed; or the disk is full, and whoever calls this tries again.
    fn write_group(&self, log: &mut Log, group: &mut Group) -> Option<(u32, u64)> {
        let len = group.len as u64;
        loop {
            let written = self.room_for(log, len).and_then(|()| {
                let Some(file) = log.file.clone() else { return Err(io::ErrorKind::NotFound.into()) };
                let header = GroupHeader {
                    file: log.number,
                    len: len as u32,
                    number: log.group + 1,
                    synced: log.synced_group,
                };
                group.bytes[..log::GROUP_HEADER_BYTES].copy_from_slice(&header.encode());
                let padding = &PADDING[..(align(len) - len) as usize];
                let mut parts: Vec<IoSlice<'_>> = group.parts(padding);
                write_all(&*file, log.offset, &mut parts)
            });
            match written {
                Ok(()) => {
                    self.figures.written_bytes.fetch_add(len, Ordering::Relaxed);
                    let place = (log.number, log.offset);
                    log.offset = align(log.offset + len);
                    self.figures.open_bytes.store(log.offset, Ordering::Relaxed);
                    log.group += 1;
                    self.figures.groups.fetch_add(1, Ordering::Relaxed);
                    if !matches!(*self.state.lock(), State::Running) {
                        self.set_state(State::Running);
                    }
                    return Some(place);
                }
                Err(error) if is_full(&error) && !self.pending.lock().closing => {
                    self.set_state(State::Full { text: error.to_string() });
                    if !self.options.threads {
                        return None;
                    }
                    std::thread::sleep(FULL_RETRY);
                }
                Err(error) => {
                    self.fail("a write", &error);
                    return None;
                }
            }
        }
    }

    /// Closes the file and begins the next one if `len` more bytes do not fit.
    fn room_for(&self, log: &mut Log, len: u64) -> io::Result<()> {
        let is_fresh = log.offset == ALIGNMENT;
        if log.file.is_some() && (is_fresh || log.offset + align(len) <= u64::from(self.options.file_bytes)) {
            return Ok(());
        }
        if log.file.is_some() {
            // A group in the next file says by its place that this one is synced.
            self.sync(log);
            if self.is_failed() {
                return Err(io::Error::other("the sync before the next log file failed"));
            }
        }
        let (number, spare) = {
            let files = self.files.lock();
            (files.next, files.spares.last().copied())
        };
        let name = log::name(number);
        let file = match spare {
            Some(spare) => {
                self.disk.rename(&log::spare_name(spare), &name)?;
                self.files.lock().spares.pop();
                self.disk.open(&name)?
            }
            None => match self.disk.create(&name) {
                // Left over from an attempt that found the disk full.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.disk.open(&name)?,
                made => made?,
            },
        };
        write_all(&*file, 0, &mut [IoSlice::new(&log::file_header(number))])?;
        self.disk.sync_names()?;
        let mut files = self.files.lock();
        files.next = number + 1;
        files.open.insert(number, file.clone());
        drop(files);
        if log.file.is_some() {
            self.index.lock().closed(log.number, log.offset);
        }
        log.file = Some(file);
        log.number = number;
        log.offset = ALIGNMENT;
        self.figures.open_bytes.store(0, Ordering::Relaxed);
        self.rolled.notify_all();
        Ok(())
    }

    /// Makes what was written last; not after a failure, for a sync that follows a failed one stores nothing of what that one lost.
    pub(super) fn sync(&self, log: &mut Log) {
        let Some(file) = log.file.as_ref().filter(|_| !self.is_failed()) else { return };
        let began = Instant::now();
        match file.sync() {
            Ok(()) => {
                self.figures.sync_times.add(began.elapsed(), 1);
                log.unsynced = None;
                log.synced_group = log.group;
                self.figures.syncs.fetch_add(1, Ordering::Relaxed);
                self.synced.store(log.ticket, Ordering::Release);
                self.tell_watchers();
            }
            Err(error) => self.fail("a sync", &error),
        }
    }

    /// Syncs what was written and waits for nobody.
    pub(super) fn sync_rest(&self) {
        let mut log = self.log.lock();
        if log.unsynced.is_some() && !self.is_failed() {
            self.sync(&mut log);
        }
    }

    pub(super) fn fail(&self, what: &str, error: &io::Error) {
        let text = format!(
            "{what} of the message store failed ({error}): what is not confirmed may be lost; see to the disk and restart the broker"
        );
        self.set_state(State::Failed { text });
    }
}

pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

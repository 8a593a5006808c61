//! The store: one log that everything is appended to, an index of what in it is alive, and the threads that keep both.
//!
//! ```text
//!  append --(leaf lock)--> group being filled --(writer)--> write, sync --> tickets move, waiters hear
//!                                                                |
//!                                                                v
//!                             load <-- files, blocks <-- index (records applied in the order of the log)
//!                                                                ^
//!                                     keeper: seals, empties, checkpoints, recycles
//! ```
//! Locks, outermost first: log, index, files, pending. `append` takes the last one alone and never waits for the disk.

mod api;
mod checkpoint;
mod files;
mod group;
mod histogram;
mod inspect;
mod journal;
mod keeper;
mod load;
mod recovery;

pub use api::{
    Definition, LATER, LoadEnd, LoadRequest, Loaded, OpenError, Options, Progress, Recovered, RecoveredLane,
    Report, State, Stats, StoreError, UNSYNCED, Urgency,
};

pub use inspect::{InspectedFile, Inspection, RecordLine, inspect};

use crate::disk::Disk;
use crate::index::Index;
use crate::types::{Lane, LaneId, Notify, Ticket};
use files::Files;
use group::Group;
pub use histogram::{Histogram, LATENCY_BOUNDS_US, Latencies};
use journal::Log;
use keeper::Keeping;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// See the module's documentation.
#[derive(Debug)]
pub struct Store {
    disk: Arc<dyn Disk>,
    options: Options,
    log: Mutex<Log>,
    index: Mutex<Index>,
    files: Mutex<Files>,
    pending: Mutex<Pending>,
    /// The writer sleeps here while there is nothing to write.
    filled: Condvar,
    pending_bytes: AtomicUsize,
    written: AtomicU64,
    synced: AtomicU64,
    applied: Mutex<Ticket>,
    /// Loads sleep here until what was appended before them was applied.
    advanced: Condvar,
    state: Mutex<State>,
    failed: AtomicBool,
    listener: Mutex<Option<Arc<dyn Notify>>>,
    /// Who waits for a sync without having appended what is synced.
    watchers: Mutex<Vec<(Ticket, Arc<dyn Notify>)>>,
    keeping: Mutex<Keeping>,
    /// The keeper sleeps here.
    rolled: Condvar,
    keeper_lock: Mutex<bool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    figures: Figures,
}

/// The group being filled.
#[derive(Debug, Default)]
struct Pending {
    group: Group,
    next: Ticket,
    /// The writer sleeps and is to be woken.
    sleeping: bool,
    closing: bool,
    /// Nothing is taken any more: the folder may be somebody else's by now.
    closed: bool,
}

#[derive(Debug, Default)]
struct Figures {
    written_bytes: AtomicU64,
    /// Bytes of the file that is written: the index learns them when it is full.
    open_bytes: AtomicU64,
    sync_times: Histogram,
    groups: AtomicU64,
    syncs: AtomicU64,
    moved_bytes: AtomicU64,
    unreadable: AtomicU64,
    checkpoints: AtomicU64,
}

impl Store {
    /// Everything up to this ticket is on stable storage.
    #[inline]
    pub fn synced(&self) -> Ticket {
        self.synced.load(Ordering::Acquire)
    }

    /// Everything up to this ticket was handed to the operating system.
    #[inline]
    pub fn written(&self) -> Ticket {
        self.written.load(Ordering::Acquire)
    }

    /// How the store is.
    pub fn state(&self) -> State {
        self.state.lock().clone()
    }

    /// Whether a write or a sync failed.
    #[inline]
    pub fn is_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Whether a message is alive at this position, as far as what was written goes.
    pub fn is_live(&self, queue: u64, lane: Lane, position: u64) -> bool {
        self.index.lock().is_live(LaneId { queue, lane }, position)
    }

    /// Positions of the messages in a lane that are held until later than `unix_ms` (see [`History`](crate::History)), in their order,
    /// as far as what was written goes.
    pub fn held(&self, queue: u64, lane: Lane, unix_ms: u64) -> Vec<u64> {
        self.index.lock().held(LaneId { queue, lane }, unix_ms)
    }

    /// Bytes appended and not yet written.
    #[inline]
    pub fn pending_bytes(&self) -> usize {
        self.pending_bytes.load(Ordering::Relaxed)
    }

    /// Above this many, whoever appends should wait.
    #[inline]
    pub fn pending_bytes_max(&self) -> usize {
        self.options.pending_bytes_max
    }

    /// Who is told when [`state`](Self::state) changes.
    pub fn set_listener(&self, listener: Arc<dyn Notify>) {
        *self.listener.lock() = Some(listener);
    }

    fn set_state(&self, state: State) {
        self.failed.store(matches!(state, State::Failed { .. }), Ordering::Release);
        let changed = std::mem::replace(&mut *self.state.lock(), state.clone()) != state;
        if changed {
            match &state {
                State::Running => tracing::info!("the store works again"),
                State::Full { text } => tracing::error!("the store waits for space on the disk: {text}"),
                State::Failed { text } => tracing::error!("the store failed: {text}"),
            }
            if let Some(listener) = &*self.listener.lock() {
                listener.notify();
            }
            self.tell_watchers();
        }
    }

    /// Figures of this moment.
    pub fn stats(&self) -> Stats {
        let index = self.index.lock();
        let count = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let mut stats = Stats {
            index_bytes: index.heap_bytes(),
            groups: count(&self.figures.groups),
            syncs: count(&self.figures.syncs),
            moved_bytes: count(&self.figures.moved_bytes),
            unreadable: count(&self.figures.unreadable),
            checkpoints: count(&self.figures.checkpoints),
            written_bytes: count(&self.figures.written_bytes),
            sync_times: self.figures.sync_times.get(),
            file_bytes: count(&self.figures.open_bytes),
            ..Stats::default()
        };
        for (_, file) in index.files() {
            stats.files += 1;
            stats.sealed_files += usize::from(file.sealed);
            stats.file_bytes += file.bytes;
            stats.live_bytes += file.live_bytes;
            stats.messages += file.live;
        }
        stats
    }

    /// Writes and syncs what is pending and ends the threads. What is appended afterwards is refused, and the disk is left alone.
    pub fn close(&self) {
        {
            let mut pending = self.pending.lock();
            if pending.closing {
                return;
            }
            pending.closing = true;
            self.filled.notify_all();
        }
        *self.keeper_lock.lock() = true;
        self.rolled.notify_all();
        for thread in self.threads.lock().drain(..) {
            let _ = thread.join();
        }
        self.commit();
        self.sync_rest();
        // Whoever came between finds its batch written; whoever comes later is refused.
        self.pending.lock().closed = true;
        self.commit();
        self.sync_rest();
    }
}

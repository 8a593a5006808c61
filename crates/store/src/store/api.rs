//! What a store is told and what it tells.

use super::histogram::Latencies;
use crate::types::{History, Lane};
use std::time::Duration;

/// Settings of a store. Every field has a default that suits one machine.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes after which a log file is closed and the next begun. Default 64 MiB; at most 1 GiB.
    pub file_bytes: u32,
    /// Bytes appended and not yet written above which whoever appends should wait. Default 64 MiB.
    pub pending_bytes_max: usize,
    /// Emptied files kept to be written again. Default 4.
    pub spare_files_max: u32,
    /// Bytes of log behind the last checkpoint above which another is made at once. Default 256 MiB.
    pub tail_bytes_max: u64,
    /// Bytes per second that are moved out of files that are mostly dead. Default 64 MiB.
    pub move_bytes_per_s: u64,
    /// Runs its own threads. `false`: tests call [`Store::commit`](crate::Store::commit) and [`Store::tidy`](crate::Store::tidy).
    pub threads: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            file_bytes: 64 << 20,
            pending_bytes_max: 64 << 20,
            spare_files_max: 4,
            tail_bytes_max: 256 << 20,
            move_bytes_per_s: 64 << 20,
            threads: true,
        }
    }
}

/// How soon an append is to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    /// With the next group, or within [`LATER`].
    #[default]
    Later,
    /// Handed to the operating system at once; on stable storage within [`UNSYNCED`].
    Written,
    /// On stable storage at once.
    Synced,
}

/// How long an append that nobody waits for may stay in memory.
pub const LATER: Duration = Duration::from_millis(50);
/// How long what was written may stay without a sync.
pub const UNSYNCED: Duration = Duration::from_millis(100);

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It works.
    Running,
    /// The disk is full. What was appended waits and is tried again; nothing is lost.
    Full {
        /// What the disk said.
        text: String,
    },
    /// A write or a sync failed. Nothing is taken until the store is opened again.
    Failed {
        /// What failed and what to do.
        text: String,
    },
}

/// Why something was not appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It was closed: the broker stops.
    #[error("the store is closed: the broker stops")]
    Closed,
    /// See [`State::Failed`].
    #[error("{text}")]
    Failed {
        /// What failed and what to do.
        text: String,
    },
}

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The disk refused something.
    #[error("{what}: {error}")]
    Disk {
        /// What was tried.
        what: String,
        /// What the disk said.
        error: std::io::Error,
    },
    /// A later version wrote it.
    #[error(
        "it was written by a newer version (format {found}, this one reads {known}): start that version, or use another folder"
    )]
    Future {
        /// The format found.
        found: u32,
        /// The format this version reads.
        known: u32,
    },
    /// Something that must be there makes no sense.
    #[error("{0}")]
    Damaged(String),
}

/// Which messages to load.
#[derive(Debug, Clone, Copy)]
pub struct LoadRequest<'a> {
    /// Number of the queue.
    pub queue: u64,
    /// Lanes, merged by position.
    pub lanes: &'a [Lane],
    /// Only positions above this one; 0 for all.
    pub after: u64,
    /// Messages at most.
    pub messages_max: usize,
    /// Bytes at most, the message that reaches them included.
    pub bytes_max: usize,
}

/// A message that was loaded.
#[derive(Debug, Clone, Copy)]
pub struct Loaded<'a> {
    /// Its lane.
    pub lane: Lane,
    /// Its position.
    pub position: u64,
    /// As it was appended.
    pub expires_unix_ms: u64,
    /// As it was said when it was returned last.
    pub history: History,
    /// It was returned, or may have been delivered before the last start.
    pub redelivered: bool,
    /// Its bytes.
    pub payload: &'a [u8],
}

/// How far a load came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadEnd {
    /// Every live message up to this position was visited or cannot be read; `u64::MAX`: there are no more.
    pub through: u64,
    /// Messages that cannot be read; they stay on disk.
    pub unreadable: u64,
}

/// How far a start has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of log read.
    pub bytes: u64,
    /// Bytes of log to read.
    pub bytes_total: u64,
}

/// A definition: its key and its value.
pub type Definition = (Box<[u8]>, Box<[u8]>);

/// What a start found.
#[derive(Debug, Clone, Default)]
pub struct Recovered {
    /// Definitions by key.
    pub definitions: Vec<Definition>,
    /// Lanes that exist, by queue and lane.
    pub lanes: Vec<RecoveredLane>,
    /// Highest number of a queue ever seen.
    pub queue_max: u64,
    /// How it went.
    pub report: Report,
}

/// A lane that a start found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveredLane {
    /// Number of its queue.
    pub queue: u64,
    /// The lane.
    pub lane: Lane,
    /// Live messages.
    pub messages: u64,
    /// Bytes of their bodies.
    pub weight: u64,
    /// Lowest live position; 0 when there is none.
    pub first: u64,
    /// Highest position that was ever used.
    pub last: u64,
}

/// How a start went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Number of the checkpoint it started from, if there was one.
    pub checkpoint: Option<u64>,
    /// Records read behind it.
    pub records: u64,
    /// Bytes of them.
    pub replayed_bytes: u64,
    /// Bytes cut off because they were not written to the end.
    pub torn_bytes: u64,
    /// Records skipped because they were damaged.
    pub skipped_records: u64,
    /// Batches of which some records were skipped.
    pub incomplete_batches: u64,
    /// Files that should be there and are not.
    pub missing_files: Vec<String>,
    /// Files that are not the store's.
    pub foreign_files: Vec<String>,
    /// Milliseconds it took.
    pub millis: u64,
}

/// Figures of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Log files.
    pub files: usize,
    /// Those of them whose live messages are found through blocks in them.
    pub sealed_files: usize,
    /// Bytes in them.
    pub file_bytes: u64,
    /// Bytes of them that live messages take, about.
    pub live_bytes: u64,
    /// Live messages, counted once for each queue.
    pub messages: u64,
    /// Bytes of memory that the index takes.
    pub index_bytes: usize,
    /// Groups written since the start.
    pub groups: u64,
    /// Syncs since the start.
    pub syncs: u64,
    /// Bytes moved out of files that were mostly dead.
    pub moved_bytes: u64,
    /// Messages that could not be read since the start.
    pub unreadable: u64,
    /// Checkpoints made since the start.
    pub checkpoints: u64,
    /// Bytes of groups written since the start.
    pub written_bytes: u64,
    /// How long syncs took since the start.
    pub sync_times: Latencies,
}

//! Leveret's durable store: an append-only log with group commit, an index of what in it is alive, and recovery.
//!
//! It knows queues as numbers, messages as bytes with a place in a queue, and definitions as keys with values. Nothing here knows
//! AMQP. All file access goes through [`disk::Disk`].

pub mod disk;
mod index;
mod log;
mod record;
mod store;
mod types;

pub use record::Batch;
pub use store::{
    Definition, Histogram, InspectedFile, Inspection, LATENCY_BOUNDS_US, LATER, Latencies, LoadEnd,
    LoadRequest, Loaded, OpenError, Options, Progress, RecordLine, Recovered, RecoveredLane, Report, State,
    Stats, Store, StoreError, UNSYNCED, Urgency, inspect,
};
pub use types::{History, Lane, LaneId, Notify, Target, Ticket};

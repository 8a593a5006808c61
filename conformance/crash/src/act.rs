//! What a workload consists of.

use leveret_store::{Batch, History, Lane, Target, Urgency};
use std::sync::Arc;

/// One operation within a batch.
#[derive(Debug, Clone)]
pub enum Act {
    /// A message for some queues.
    Message {
        /// Where to.
        targets: Vec<Target>,
        /// Bytes of its body.
        weight: u32,
        /// What is stored.
        payload: Arc<[u8]>,
        /// Handed over in two pieces, the second by reference.
        split: Option<usize>,
    },
    /// A message has left its queue.
    Settle {
        /// Queue.
        queue: u64,
        /// Lane.
        lane: Lane,
        /// Place.
        position: u64,
        /// Bytes of its body.
        weight: u32,
    },
    /// Everything in a stretch of a lane has left.
    Clear {
        /// Queue.
        queue: u64,
        /// Lane.
        lane: Lane,
        /// First place.
        first: u64,
        /// Last place.
        last: u64,
    },
    /// A message was given back.
    Returned {
        /// Queue.
        queue: u64,
        /// Lane.
        lane: Lane,
        /// Place.
        position: u64,
        /// What became of it.
        history: History,
    },
    /// Messages up to a place may have been delivered.
    Delivering {
        /// Queue.
        queue: u64,
        /// Lane.
        lane: Lane,
        /// Last place.
        through: u64,
        /// Said at an orderly stop.
        exact: bool,
    },
    /// A queue is gone.
    DropQueue {
        /// Queue.
        queue: u64,
    },
    /// A definition.
    Put {
        /// Its key.
        key: Box<[u8]>,
        /// Its value.
        value: Arc<[u8]>,
    },
    /// A definition is gone.
    Remove {
        /// Its key.
        key: Box<[u8]>,
    },
}

/// One step of a workload.
#[derive(Debug, Clone)]
pub enum Step {
    /// Appended as one batch.
    Append(Arc<[Act]>, Urgency),
    /// One group commit.
    Commit,
    /// One round of the keeper.
    Tidy,
    /// An orderly stop and a start.
    Reopen,
    /// Everything is read and compared.
    Look,
}

/// Puts acts into a batch.
pub fn fill(batch: &mut Batch, acts: &[Act]) {
    for act in acts {
        match act {
            Act::Message { targets, weight, payload, split } => {
                let (head, tail) = payload.split_at(split.unwrap_or(payload.len()));
                let tail = split.map(|_| bytes::Bytes::copy_from_slice(tail));
                batch.message(targets, *weight, head, tail);
            }
            Act::Settle { queue, lane, position, weight } => batch.settle(*queue, *lane, *position, *weight),
            Act::Clear { queue, lane, first, last } => batch.clear_range(*queue, *lane, *first, *last),
            Act::Returned { queue, lane, position, history } => {
                batch.returned(*queue, *lane, *position, *history)
            }
            Act::Delivering { queue, lane, through, exact: false } => {
                batch.delivering(*queue, *lane, *through)
            }
            Act::Delivering { queue, lane, through, exact: true } => batch.delivered(*queue, *lane, *through),
            Act::DropQueue { queue } => batch.drop_queue(*queue),
            Act::Put { key, value } => batch.put(key, value),
            Act::Remove { key } => batch.remove(key),
        }
    }
}

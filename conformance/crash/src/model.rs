//! What the store is to hold, in the plainest words there are: maps.

use crate::act::Act;
use leveret_store::{History, Lane, LaneId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything in a store. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// Queues by number.
    pub queues: BTreeMap<u64, Arc<Queue>>,
    /// Definitions by key.
    pub definitions: BTreeMap<Box<[u8]>, Arc<[u8]>>,
    /// Highest number of a queue that a message went to.
    pub queue_max: u64,
}

/// A queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    /// Messages by position, lanes together.
    pub messages: BTreeMap<u64, Message>,
    /// Lanes that were ever told of deliveries.
    pub marks: BTreeMap<Lane, Marks>,
    /// Settled before they came.
    pub early: BTreeSet<(Lane, u64)>,
}

/// How far a lane was delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// Highest position that may have been delivered, as it was said last.
    pub said: u64,
    /// The same at the last start: up to here messages count as redelivered.
    pub redelivered: u64,
    /// A part of the lane was cleared, so that the bytes of the rest are not known exactly.
    pub estimated: bool,
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its lane.
    pub lane: Lane,
    /// When it is dead.
    pub expires_unix_ms: u64,
    /// Bytes of its body.
    pub weight: u32,
    /// What is stored.
    pub payload: Arc<[u8]>,
    /// What became of it, when it was given back.
    pub returned: Option<History>,
}

impl Model {
    /// Does what a batch says.
    pub fn apply(&mut self, acts: &[Act]) {
        for act in acts {
            self.act(act);
        }
    }

    fn queue(&mut self, queue: u64) -> &mut Queue {
        Arc::make_mut(self.queues.entry(queue).or_default())
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Message { targets, weight, payload, .. } => {
                for target in targets {
                    self.queue_max = self.queue_max.max(target.queue);
                    let queue = self.queue(target.queue);
                    if !queue.early.remove(&(target.lane, target.position)) {
                        let message = Message {
                            lane: target.lane,
                            expires_unix_ms: target.expires_unix_ms,
                            weight: *weight,
                            payload: payload.clone(),
                            returned: None,
                        };
                        queue.messages.insert(target.position, message);
                    }
                }
            }
            Act::Settle { queue, lane, position, .. } => {
                let queue = self.queue(*queue);
                if queue.messages.remove(position).is_none() {
                    queue.early.insert((*lane, *position));
                }
                queue.weigh(*lane);
            }
            Act::Clear { queue, lane, first, last } => {
                let queue = self.queue(*queue);
                let before = queue.messages.len();
                queue.messages.retain(|at, message| message.lane != *lane || !(*first..=*last).contains(at));
                if queue.messages.len() != before {
                    queue.marks.entry(*lane).or_default().estimated = true;
                    queue.weigh(*lane);
                }
            }
            Act::Returned { queue, position, history, .. } => {
                if let Some(message) = self.queue(*queue).messages.get_mut(position) {
                    message.returned = Some(*history);
                }
            }
            Act::Delivering { queue, lane, through, exact } => {
                let marks = self.queue(*queue).marks.entry(*lane).or_default();
                marks.said = if *exact { *through } else { marks.said.max(*through) };
            }
            Act::DropQueue { queue } => {
                self.queues.remove(queue);
            }
            Act::Put { key, value } => {
                self.definitions.insert(key.clone(), value.clone());
            }
            Act::Remove { key } => {
                self.definitions.remove(key);
            }
        }
    }

    /// What a start does, orderly or not: transient messages are gone, and what may have been delivered counts as redelivered.
    pub fn restart(&mut self) {
        for queue in self.queues.values_mut() {
            let queue = Arc::make_mut(queue);
            queue.messages.retain(|_, message| message.lane & LaneId::TRANSIENT == 0);
            queue.marks.retain(|lane, _| lane & LaneId::TRANSIENT == 0);
            for marks in queue.marks.values_mut() {
                marks.redelivered = marks.redelivered.max(marks.said);
            }
        }
    }
}

impl Queue {
    /// A lane with nothing in it has no bytes, which is exact.
    fn weigh(&mut self, lane: Lane) {
        if let Some(marks) = self.marks.get_mut(&lane).filter(|marks| marks.estimated) {
            marks.estimated = self.messages.values().any(|message| message.lane == lane);
        }
    }

    /// History and redelivered flag with which a message is read.
    #[must_use]
    pub fn flags(&self, position: u64, message: &Message) -> (History, bool) {
        let marked = self.marks.get(&message.lane).is_some_and(|marks| position <= marks.redelivered);
        (message.returned.unwrap_or_default(), marked || message.returned.is_some())
    }
}

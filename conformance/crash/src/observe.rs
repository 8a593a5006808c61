//! Everything a store gives back, read as a broker would: queue by queue, in pieces of all sizes.

use leveret_store::disk::faulty::Dice;
use leveret_store::{History, Lane, LaneId, LoadRequest, Store};

/// Lanes the generator uses.
const LANES: [Lane; 4] = [0, 1, 2, LaneId::TRANSIENT];

/// What was read.
#[derive(Debug, Default)]
pub struct Observed {
    /// Messages by queue and position, in the order in which they came.
    pub messages: Vec<Seen>,
    bytes: Vec<u8>,
    /// Messages the store could not read.
    pub unreadable: u64,
}

/// A message that was read.
#[derive(Debug, PartialEq)]
pub struct Seen {
    /// Queue.
    pub queue: u64,
    /// Lane.
    pub lane: Lane,
    /// Place.
    pub position: u64,
    /// When it is dead.
    pub expires_unix_ms: u64,
    /// What became of it.
    pub history: History,
    /// Redelivered.
    pub redelivered: bool,
    from: usize,
    len: usize,
}

impl Seen {
    /// How many bytes it has.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a message without bytes is a message like any other")]
    pub fn len(&self) -> usize {
        self.len
    }
}

impl Observed {
    /// The bytes of a message.
    #[must_use]
    pub fn payload(&self, seen: &Seen) -> &[u8] {
        &self.bytes[seen.from..seen.from + seen.len]
    }

    /// Reads queues 1 to `queue_max`.
    ///
    /// # Errors
    /// What breaks the contract of `load`: out of order, behind its own bound, no progress.
    pub fn read(store: &Store, queue_max: u64, dice: &mut Dice) -> Result<Self, String> {
        let mut observed = Self::default();
        for queue in 1..=queue_max {
            observed.queue(store, queue, dice)?;
        }
        Ok(observed)
    }

    fn queue(&mut self, store: &Store, queue: u64, dice: &mut Dice) -> Result<(), String> {
        let mut after = 0;
        loop {
            let bytes_max = 1 << dice.below(18);
            let request = LoadRequest {
                queue,
                lanes: &LANES,
                after,
                messages_max: 1 + dice.below(60) as usize,
                bytes_max,
            };
            let (begin, mut last) = (self.messages.len(), after);
            let mut problem = None;
            let end = store.load(request, &mut |loaded| {
                if loaded.position <= last {
                    problem =
                        Some(format!("position {} of queue {queue} comes after {last}", loaded.position));
                }
                last = loaded.position;
                let (from, len) = (self.bytes.len(), loaded.payload.len());
                self.bytes.extend_from_slice(loaded.payload);
                self.messages.push(Seen {
                    queue,
                    lane: loaded.lane,
                    position: loaded.position,
                    expires_unix_ms: loaded.expires_unix_ms,
                    history: loaded.history,
                    redelivered: loaded.redelivered,
                    from,
                    len,
                });
            });
            if let Some(problem) = problem {
                return Err(problem);
            }
            self.unreadable += end.unreadable;
            if last > end.through {
                return Err(format!(
                    "queue {queue}: position {last} was read, but only {} is said to be",
                    end.through
                ));
            }
            if end.through == u64::MAX {
                return Ok(());
            }
            if end.through <= after {
                return Err(format!(
                    "queue {queue}: no progress after {after}: through {}, {} messages",
                    end.through,
                    self.messages.len() - begin
                ));
            }
            after = end.through;
        }
    }
}

//! Where in the store a message stands, and what of a queue's changes goes there.

use leveret_store::{History, Lane, LaneId};

/// Levels of priority a queue has at most: a lane's number has seven bits, of which one value stands for "not stored", and one is the
/// hidden lane.
pub(crate) const LEVELS_MAX: usize = 126;
/// The lane of what was seen by a queue that drops duplicates. There are no messages in it.
pub(crate) const HIDDEN_LANE: Lane = 126;

/// The lane of the store that holds a message, or that none does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored(Lane);

impl Stored {
    /// In memory alone.
    pub(crate) const NO: Self = Self(0x7f);

    /// In the lane of a priority level; `lasting` when it is to outlive a restart.
    #[inline]
    pub(crate) fn at(level: usize, lasting: bool) -> Self {
        debug_assert!(level < LEVELS_MAX, "a level has a lane");
        Self(level as Lane | if lasting { 0 } else { LaneId::TRANSIENT })
    }

    /// The lane, if there is one.
    #[inline]
    pub(crate) fn lane(self) -> Option<Lane> {
        (self != Self::NO).then_some(self.0)
    }

    /// Whether the message is stored and outlives a restart.
    #[inline]
    pub(crate) fn is_lasting(self) -> bool {
        self != Self::NO && self.0 & LaneId::TRANSIENT == 0
    }
}

/// A change of a queue's messages, beside those that enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// A message left for good.
    Settle { lane: Lane, position: u64, weight: u32 },
    /// Everything between two positions left.
    Clear { lane: Lane, first: u64, last: u64 },
    /// A message came back; this is what became of it so far.
    Returned { lane: Lane, position: u64, history: History },
    /// Messages up to here may have been delivered.
    Delivering { lane: Lane, through: u64 },
}

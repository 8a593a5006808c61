//! The words the store and its user share.

use std::fmt::Debug;

/// Number of one append. Tickets grow; what was appended under a ticket is stored when the synced ticket has reached it.
/// 0 stands for nothing to wait for.
pub type Ticket = u64;

/// A line of messages within a queue; a queue with priorities has one for each. The top bit marks messages that do not outlive a
/// restart ([`LaneId::TRANSIENT`]).
pub type Lane = u8;

/// A queue's lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId {
    /// Number of the queue; never used again for another.
    pub queue: u64,
    /// The lane.
    pub lane: Lane,
}

impl LaneId {
    /// Added to a lane's number: its messages are forgotten at the next start.
    pub const TRANSIENT: Lane = 0x80;
}

/// One place a message goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Number of the queue.
    pub queue: u64,
    /// Lane of the queue.
    pub lane: Lane,
    /// Place in the queue: messages of a lane leave in the order of their positions. A queue uses a position once.
    pub position: u64,
    /// Milliseconds since 1970 after which it is dead; `u64::MAX` for never. The store keeps it and does not act on it.
    pub expires_unix_ms: u64,
}

/// What became of a message that was delivered and came back. The store keeps it with the message and does not act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct History {
    /// Deliveries that failed.
    pub delivery_count: u32,
    /// Deliveries, failed or not, after which it came back.
    pub acquired_count: u32,
    /// Milliseconds since 1970 before which it is not to be delivered again; 0: it may be at once.
    pub held_until_unix_ms: u64,
    /// Milliseconds since 1970 at which a delivery failed first; 0: none did.
    pub first_failed_unix_ms: u64,
    /// Why the last delivery failed, in its user's own numbers.
    pub reason: u8,
}

/// Somebody who waits for tickets.
pub trait Notify: Send + Sync + Debug {
    /// `written` or `synced` moved, or the store failed. Called from the store's thread: it must be quick and must not block.
    fn notify(&self);
}

//! What is decided about a delivery, the frame that tells it, and why it cannot be told.

/// What the application decided about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Settlement {
    /// Done; the broker forgets it.
    Ack,
    /// Not done: back to the queue, or away (dead-lettered if the queue says so). RabbitMQ 4.3 does not count it as a failure.
    Nack {
        /// Back to the queue.
        requeue: bool,
    },
    /// The same, counted as a failure against the queue's delivery limit.
    Reject {
        /// Back to the queue.
        requeue: bool,
    },
}

/// A frame to write: `basic.ack`, `basic.nack` or `basic.reject`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SettleFrame {
    /// Which method.
    pub kind: Settlement,
    /// The delivery tag.
    pub tag: u64,
    /// Everything outstanding up to the tag. Never with [`Settlement::Reject`], which has no such bit.
    pub multiple: bool,
}

/// Why a delivery cannot be settled. Nothing is written: the broker would close the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettleError {
    /// It is of a channel that is gone; the broker has requeued it and delivers it again, marked as redelivered.
    #[error(
        "delivery {tag} is of a channel that is gone (epoch {epoch}, now {now}); it will be delivered again"
    )]
    Stale {
        /// The delivery tag.
        tag: u64,
        /// The epoch it came in.
        epoch: u32,
        /// The epoch now.
        now: u32,
    },
    /// It was settled before.
    #[error("delivery {0} is settled already; settle each delivery once")]
    AlreadySettled(u64),
    /// No such delivery came on this channel.
    #[error("delivery {0} did not come on this channel; settle a delivery on the channel it came on")]
    Unknown(u64),
}

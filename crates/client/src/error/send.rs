//! What became of a message that is not known to be stored.

use std::sync::Arc;

use bytes::Bytes;
use leveret_protocol::Properties;

use super::Error;

/// A message the broker gave back, because no queue was bound for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Returned {
    /// AMQP's reply code, usually 312.
    pub code: u16,
    /// The broker's text, usually `NO_ROUTE`.
    pub text: String,
    /// The exchange it was published to.
    pub exchange: String,
    /// Its routing key.
    pub routing_key: String,
    /// Its properties.
    pub properties: Properties,
    /// Its body.
    pub body: Bytes,
}

/// Why a message is not known to be stored. The variants call for different actions.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No queue takes it. Bind one, correct the routing key, or publish without `mandatory`.
    #[error("no queue is bound for routing key {:?} on exchange {:?} ({} {}): declare or bind the queue first, or send with mandatory(false)", .0.routing_key, .0.exchange, .0.code, .0.text)]
    Unroutable(Box<Returned>),
    /// The broker refused to take responsibility (`basic.nack`): a full queue with `reject-publish`, or an error of its own.
    /// Not stored. Try again after a pause.
    #[error(
        "the broker rejected the message (nack): a queue is full or it had an error; try again after a pause"
    )]
    Rejected,
    /// Written, and no confirm came.
    #[error(
        "no confirm arrived; the message may be stored: send it again with the same message id, or look for it"
    )]
    Unconfirmed {
        /// Whether the broker may have it. Always true: a message that was never written is `Deadline` or `Closed`.
        maybe_stored: bool,
    },
    /// The deadline passed before it was written. Not stored.
    #[error(
        "the deadline passed before the message was written: it is not stored; the connection is blocked, slow or away"
    )]
    Deadline,
    /// The publisher or its connection is closed and the message was never written. Not stored.
    #[error("not sent: {0}")]
    Closed(Error),
    /// The broker closed the channel because of this very message. Not stored; sending it again ends the same way.
    #[error("the broker refused the message: {code} {text}")]
    Refused {
        /// AMQP's reply code: 404 for an exchange that does not exist, 403 for one that may not be written to, 406 for a bad property.
        code: u16,
        /// The broker's text.
        text: Arc<str>,
    },
    /// Exchange or routing key has more than 255 bytes.
    #[error(transparent)]
    TooLong(#[from] leveret_protocol::TooLong),
}

impl SendError {
    /// Whether sending the same message again may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Rejected | Self::Unconfirmed { .. } | Self::Deadline)
    }

    /// Whether the broker may have stored the message all the same.
    #[must_use]
    pub fn maybe_stored(&self) -> bool {
        matches!(self, Self::Unconfirmed { maybe_stored: true })
    }
}

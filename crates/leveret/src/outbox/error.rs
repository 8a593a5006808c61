//! What goes wrong with an outbox.

use crate::codec::CodecError;
use crate::sql::TableName;

/// Why the outbox could not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// The database says no, or is away. In a transaction of the caller's: roll it back.
    #[error("outbox: {0}")]
    Database(#[from] sqlx::Error),
    /// The name of its table.
    #[error(transparent)]
    Table(#[from] TableName),
    /// A message that goes nowhere: the default exchange, and no queue.
    #[error("the message says neither exchange nor queue: OutboxMessage::to_queue or to")]
    NoDestination,
    /// Exchange, routing key or message id are longer than AMQP's 255 bytes.
    #[error("{what} has {bytes} bytes; AMQP has room for 255")]
    TooLong {
        /// Which of them.
        what: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// No body can be made of the value.
    #[error(transparent)]
    Encode(#[from] CodecError),
}

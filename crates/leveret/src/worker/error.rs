//! Why a worker does not start, or has ended.

use leveret_client::{ConsumeError, Error};

/// Why a worker does not start, or has ended without being told to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// Nobody declared the queue with this handle, so nothing is known of its retries and dead letters.
    #[error(
        "queue '{0}' was not declared with this handle: call mq.declare(..) or mq.verify(..) first; with Queue::existing(\"{0}\") when \
         somebody else declares it"
    )]
    NotDeclared(String),
    /// There is nowhere to go for what cannot be handled.
    #[error(
        "queue '{0}' has no place for messages that cannot be handled: declare it with .dead_letter() to keep them, or with \
         .discard_failed() to throw them away"
    )]
    NoDeadLetters(String),
    /// An argument of the handler cannot be made.
    #[error("the handler of queue '{queue}' cannot be called: {text}")]
    Handler {
        /// The queue.
        queue: String,
        /// What is missing.
        text: String,
    },
    /// A setting has no meaning.
    #[error("{0}")]
    Invalid(String),
    /// The broker refused, or the connection is closed.
    #[error("queue '{queue}': {source}")]
    Start {
        /// The queue.
        queue: String,
        /// Why.
        source: Error,
    },
    /// The consumer has ended for good: its connection was closed.
    #[error("the consumer of queue '{queue}' has ended: {source}")]
    Ended {
        /// The queue.
        queue: String,
        /// Why.
        source: ConsumeError,
    },
}

//! What is called with messages: a handler, one behind layers, or one of batches.

use std::pin::Pin;
use std::sync::Arc;

use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

use crate::batch::BatchOutcome as _;
use crate::failure::{BoxError, Failure};
use crate::message::Incoming;

/// A handler behind all layers.
pub(crate) type Stack = BoxCloneSyncService<Incoming, (), BoxError>;

/// A handler of batches behind all layers.
pub(crate) type BatchStack = BoxCloneSyncService<Vec<Incoming>, Vec<Result<(), Failure>>, BoxError>;

/// What is called with a message.
pub(crate) enum Call {
    Handler(Arc<dyn Fn(Incoming) -> Handling + Send + Sync>),
    Stack(Stack),
    Batch(BatchCall),
}

pub(super) type Handled = Pin<Box<dyn Future<Output = Vec<Result<(), Failure>>> + Send>>;

/// What a stack of layers answers for each message of a batch.
pub(super) async fn through(stack: BatchStack, messages: Vec<Incoming>) -> Vec<Result<(), Failure>> {
    let count = messages.len();
    // A layer may have changed how many there are: what has no result of its own is not done.
    stack.oneshot(messages).await.map_or_else(
        |error| Err::<(), _>(Failure::unboxed(error)).for_each(count),
        |results| results.for_each(count),
    )
}

/// What is called with a batch.
pub(crate) struct BatchCall {
    pub(super) call: Box<dyn Fn(Vec<Incoming>) -> Handled + Send + Sync>,
}

pub(super) type Handling = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

impl Call {
    pub(super) async fn call(&self, message: Incoming) -> Result<(), Failure> {
        match self {
            Self::Handler(handler) => handler(message).await,
            Self::Stack(stack) => stack.clone().oneshot(message).await.map_err(Failure::unboxed),
            // Batches have a way of their own, in `batches`.
            Self::Batch(batch) => (batch.call)(vec![message]).await.pop().unwrap_or(Ok(())),
        }
    }
}

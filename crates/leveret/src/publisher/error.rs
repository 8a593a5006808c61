//! Why a value is not known to be stored.

use leveret_client::SendError;
use tokio::task::JoinError;

use crate::codec::CodecError;
use crate::failure::BoxError;
use crate::layers::{CircuitOpen, Overloaded, TimedOut};
use crate::metrics;

/// Whether what a layer says may be otherwise later.
pub(crate) fn may_pass(error: &BoxError) -> bool {
    error.is::<Overloaded>() || error.is::<CircuitOpen>() || error.is::<TimedOut>()
}

/// Why a value is not known to be stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// No body can be made of it. Nothing was sent.
    #[error(transparent)]
    Encode(#[from] CodecError),
    /// See [`SendError`].
    #[error(transparent)]
    Send(#[from] SendError),
    /// A [layer](crate::PublisherBuilder::layer) says so; those [here](crate::layers) with `Overloaded`, `CircuitOpen` or `TimedOut`.
    #[error(transparent)]
    Layer(BoxError),
}

impl PublishError {
    /// Whether sending the same value again may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Encode(_) => false,
            Self::Send(error) => error.is_transient(),
            Self::Layer(error) => may_pass(error),
        }
    }

    /// Whether the broker may have stored the message all the same.
    #[must_use]
    pub fn maybe_stored(&self) -> bool {
        match self {
            Self::Encode(_) => false,
            Self::Send(error) => error.maybe_stored(),
            // The task in which layers hold it up panicked, or ended with its runtime.
            Self::Layer(error) => error.is::<TimedOut>() || error.is::<JoinError>(),
        }
    }

    /// The kind of it in one word, for telemetry.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Send(error) => metrics::word(error),
            _ => "_OTHER",
        }
    }

    /// What a stack of layers answered.
    pub(crate) fn unboxed(error: BoxError) -> Self {
        match error.downcast() {
            Ok(error) => Self::Send(*error),
            Err(error) => Self::Layer(error),
        }
    }
}

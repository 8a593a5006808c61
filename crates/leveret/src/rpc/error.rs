//! Why a question has no answer.

use std::time::Duration;

use bytes::Bytes;
use leveret_client::Error;
use serde::de::DeserializeOwned;

use super::Reply;
use crate::codec::{CodecError, Decode as _, Json};
use crate::failure::BoxError;
use crate::publisher::may_pass;
use crate::retry::headers;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No body can be made of it. Nothing was sent.
    #[error(transparent)]
    Encode(CodecError),
    /// As many questions are out as may be, and none was answered before the deadline. Nothing was sent.
    #[error(
        "{0} questions are out, and none was answered within the deadline: raise outstanding_max, or ask less"
    )]
    Busy(usize),
    /// No queue takes it: nobody answers such questions. It was not carried out.
    #[error("{0}")]
    Unroutable(String),
    /// No answer in time. It may have been carried out, or not yet; a request that nobody has begun is not begun any more.
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    /// The connection was lost, or is away. The request may have been carried out; with
    /// [`repeat_when_lost`](super::RequesterBuilder::repeat_when_lost) it is sent again.
    #[error("{0}")]
    Lost(Error),
    /// Whoever answers says why there is no answer.
    #[error(transparent)]
    Refused(Refused),
    /// The answer is no such value.
    #[error("the answer: {0}")]
    Decode(CodecError),
    /// A [layer](super::RequesterBuilder::layer) says so; those [here](crate::layers) with `Overloaded` or `CircuitOpen`, and nothing was sent,
    /// or with `TimedOut`, and it may have been carried out.
    #[error(transparent)]
    Layer(BoxError),
}

impl CallError {
    /// Whether the same question may be answered later. (It may have been carried out already.)
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy(_) | Self::Deadline(_) => true,
            Self::Lost(error) => error.is_transient(),
            Self::Refused(refused) => refused.is_transient,
            Self::Layer(error) => may_pass(error),
            Self::Encode(_) | Self::Unroutable(_) | Self::Decode(_) => false,
        }
    }

    /// Whether a circuit breaker counts it: whoever answers is not there, or is in trouble. `None`: that is not known.
    pub(crate) fn is_trouble(&self) -> Option<bool> {
        match self {
            // It is there, and says no to this one.
            Self::Refused(refused) => refused.is_transient.then_some(true),
            Self::Encode(_) | Self::Decode(_) => None,
            _ => Some(true),
        }
    }

    /// The kind of it in one word, for telemetry; none where the question went its way.
    pub(super) fn word(&self) -> Option<&'static str> {
        match self {
            Self::Deadline(_) => Some("deadline"),
            Self::Lost(_) => Some("lost"),
            Self::Unroutable(_) => Some("unroutable"),
            Self::Refused(_) => None,
            _ => Some("_OTHER"),
        }
    }

    /// What a stack of layers answered.
    pub(super) fn unboxed(error: BoxError) -> Self {
        match error.downcast() {
            Ok(error) => *error,
            Err(error) => Self::Layer(error),
        }
    }
}

/// The error of a handler that was asked, as it told it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{text}")]
#[non_exhaustive]
pub struct Refused {
    /// The error and its causes.
    pub text: String,
    /// One word for machines: [`Failure::reason`](crate::Failure::reason).
    pub reason: String,
    /// Whether it may be gone later: the handler's retries are used up by now.
    pub is_transient: bool,
    details: Bytes,
}

impl Refused {
    /// What an answer says, if it is an error.
    pub(super) fn read(answer: &Reply) -> Option<Self> {
        let properties = &answer.properties;
        let text = headers::text(properties, headers::ERROR)?.to_owned();
        let reason = headers::text(properties, headers::REASON).unwrap_or("failed").to_owned();
        let is_transient = headers::text(properties, headers::CLASS) == Some("transient");
        Some(Self { text, reason, is_transient, details: answer.body.clone() })
    }

    /// The value that the handler gave with [`Failure::details`](crate::Failure::details); `None`: it gave none, or another.
    #[must_use]
    pub fn details<E: DeserializeOwned + Send>(&self) -> Option<E> {
        (!self.details.is_empty()).then(|| Json::<E>::decode(&self.details).ok()).flatten().map(|json| json.0)
    }
}

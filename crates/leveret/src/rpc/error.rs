//! Why a question has no answer.

use std::time::Duration;

use bytes::Bytes;
use leveret_client::{Delivery, Error};
use serde::de::DeserializeOwned;

use crate::codec::{CodecError, Decode as _, Json};
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
}

impl CallError {
    /// Whether the same question may be answered later. (It may have been carried out already.)
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy(_) | Self::Deadline(_) => true,
            Self::Lost(error) => error.is_transient(),
            Self::Refused(refused) => refused.is_transient,
            Self::Encode(_) | Self::Unroutable(_) | Self::Decode(_) => false,
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
    pub(super) fn read(answer: &Delivery) -> Option<Self> {
        let properties = answer.properties().ok()?;
        let text = headers::text(&properties, headers::ERROR)?.to_owned();
        let reason = headers::text(&properties, headers::REASON).unwrap_or("failed").to_owned();
        let is_transient = headers::text(&properties, headers::CLASS) == Some("transient");
        Some(Self { text, reason, is_transient, details: answer.body().clone() })
    }

    /// The value that the handler gave with [`Failure::details`](crate::Failure::details); `None`: it gave none, or another.
    #[must_use]
    pub fn details<E: DeserializeOwned + Send>(&self) -> Option<E> {
        (!self.details.is_empty()).then(|| Json::<E>::decode(&self.details).ok()).flatten().map(|json| json.0)
    }
}

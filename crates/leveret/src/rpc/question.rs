//! What goes through a requester's layers: a question on its way there, a reply on its way back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use leveret_client::{Message, Properties};
use tokio::time::Instant;

/// A question on its way through a requester's [layers](super::RequesterBuilder::layer). Asking a clone of it asks the same question again, with
/// the same message id, as long as there is time.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Question {
    /// The request: layers may give it headers. Its `expiration`, `correlation_id` and `reply_to` are written over when it is sent.
    pub message: Message,
    pub(super) until: Instant,
    pub(super) deadline: Duration,
    pub(super) out: Out,
}

impl Question {
    /// When its asker waits no longer. What layers hold up is ended then.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.until
    }
}

/// The answer to a [`Question`], as it came: no error, and not decoded yet. A layer may make one itself, from a cache for example.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Reply {
    /// Its properties; the `content_type` has to be that of the requester's codec, if it is there.
    pub properties: Properties,
    /// The value, encoded.
    pub body: Bytes,
}

impl Reply {
    /// With this body and no properties.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { properties: Properties::default(), body: body.into() }
    }
}

/// How many attempts of a question were sent and have had no end: what may be carried out still when nobody waits any more.
#[derive(Debug, Clone, Default)]
pub(super) struct Out(Arc<AtomicUsize>);

impl Out {
    /// One is about to be sent.
    pub(super) fn begin(&self) {
        self.0.fetch_add(1, SeqCst);
    }

    /// It is known what became of one.
    pub(super) fn ended(&self) {
        self.0.fetch_sub(1, SeqCst);
    }

    pub(super) fn is_left(&self) -> bool {
        self.0.load(SeqCst) > 0
    }
}

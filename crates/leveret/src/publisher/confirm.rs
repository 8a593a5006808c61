//! The outcome of one message.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use leveret_client::Receipt;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Span;

use super::PublishError;
use crate::metrics::PublisherMetrics;
use crate::trace;

pub(super) fn count(metrics: &PublisherMetrics, began: Instant, sent: &Result<Receipt, PublishError>) {
    match sent {
        Ok(_) => metrics.stored(began.elapsed()),
        Err(error) => count_failed(metrics, error),
    }
}

pub(super) fn count_failed(metrics: &PublisherMetrics, error: &PublishError) {
    match error {
        PublishError::Send(error) => metrics.failed(error),
        _ => metrics.stopped(),
    }
}

/// How far it has come.
pub(super) enum Way {
    Sent(leveret_client::Confirm),
    /// Held up by layers; counted there.
    Layered(JoinHandle<Result<Receipt, PublishError>>),
    Done(Option<Result<Receipt, PublishError>>),
}

/// The outcome of one message, to be awaited. Dropping it does not take the message back.
#[must_use = "the outcome is known only to who awaits it"]
pub struct Confirm {
    pub(super) way: Way,
    pub(super) metrics: Arc<PublisherMetrics>,
    pub(super) began: Instant,
    /// Open until this is dropped.
    pub(super) span: Span,
}

impl fmt::Debug for Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirm").finish_non_exhaustive()
    }
}

impl Confirm {
    fn told(&self, sent: Result<Receipt, PublishError>) -> Result<Receipt, PublishError> {
        sent.inspect_err(|error| trace::failed(&self.span, error.word()))
    }
}

impl Future for Confirm {
    type Output = Result<Receipt, PublishError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let sent = match &mut self.way {
            Way::Sent(confirm) => ready!(Pin::new(confirm).poll(cx)).map_err(PublishError::Send),
            Way::Layered(sending) => {
                let sent = ready!(Pin::new(sending).poll(cx));
                let sent = sent.unwrap_or_else(|panicked| Err(PublishError::Layer(panicked.into())));
                return Poll::Ready(self.told(sent));
            }
            Way::Done(sent) => match sent.take() {
                Some(sent) => sent,
                None => return Poll::Pending, // polled after its end
            },
        };
        count(&self.metrics, self.began, &sent);
        Poll::Ready(self.told(sent))
    }
}

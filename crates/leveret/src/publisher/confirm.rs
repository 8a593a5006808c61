//! The outcome of one message.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use leveret_client::Receipt;
use tokio::time::Instant;

use super::PublishError;
use crate::failure::BoxError;
use crate::metrics::PublisherMetrics;

pub(super) fn count(metrics: &PublisherMetrics, began: Instant, sent: &Result<Receipt, PublishError>) {
    match sent {
        Ok(_) => metrics.stored(began.elapsed()),
        Err(PublishError::Send(error)) => metrics.failed(error),
        Err(_) => metrics.stopped(),
    }
}

type Sending = Pin<Box<dyn Future<Output = Result<Receipt, BoxError>> + Send>>;

/// How far it has come.
pub(super) enum Way {
    Sent(leveret_client::Confirm),
    Layered(Sending),
    Done(Option<Result<Receipt, PublishError>>),
}

/// The outcome of one message, to be awaited. With [layers](crate::PublisherBuilder::layer) that make it wait, it goes on only while this is awaited.
#[must_use = "the outcome is known only to who awaits it"]
pub struct Confirm {
    pub(super) way: Way,
    pub(super) metrics: Arc<PublisherMetrics>,
    pub(super) began: Instant,
}

impl fmt::Debug for Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirm").finish_non_exhaustive()
    }
}

impl Future for Confirm {
    type Output = Result<Receipt, PublishError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let sent = match &mut self.way {
            Way::Sent(confirm) => ready!(Pin::new(confirm).poll(cx)).map_err(PublishError::Send),
            Way::Layered(sending) => ready!(sending.as_mut().poll(cx)).map_err(PublishError::unboxed),
            Way::Done(sent) => match sent.take() {
                Some(sent) => sent,
                None => return Poll::Pending, // polled after its end
            },
        };
        count(&self.metrics, self.began, &sent);
        Poll::Ready(sent)
    }
}

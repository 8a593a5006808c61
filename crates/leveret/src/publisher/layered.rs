//! Sending through layers, and the bound on what they hold up.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use leveret_client::{Message, PublisherOptions, Receipt, SendError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tower::{Service as _, ServiceExt as _};
use tracing::{Instrument as _, Span};

use super::confirm::{Way, count};
use super::{PublishError, SendStack};
use crate::deadline;
use crate::metrics::PublisherMetrics;

/// A publisher's layers.
#[derive(Clone)]
pub(super) struct Layered {
    stack: SendStack,
    /// Messages, and bytes of bodies, that were enqueued and are held up by layers.
    rooms: (Arc<Semaphore>, Arc<Semaphore>),
    bounds: (usize, usize),
    deadline: Duration,
}

impl Layered {
    /// With the bounds that hold for what is in flight, once more for what is on its way there.
    pub(super) fn new(stack: SendStack, options: &PublisherOptions) -> Self {
        let within = |bound: usize| bound.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        let bounds = (within(options.in_flight_max), within(options.in_flight_bytes_max));
        let rooms = (Arc::new(Semaphore::new(bounds.0)), Arc::new(Semaphore::new(bounds.1)));
        Self { stack, rooms, bounds, deadline: options.deadline }
    }

    pub(super) async fn send(&self, message: Message) -> Result<Receipt, PublishError> {
        self.stack.clone().oneshot(message).await.map_err(PublishError::unboxed)
    }

    /// On its way as far as layers let it, in order; what they hold up goes on by itself, whether somebody awaits it or not: others may
    /// wait for the place that it has in a layer.
    pub(super) async fn enqueue(
        &self,
        message: Message,
        metrics: &Arc<PublisherMetrics>,
        span: &Span,
    ) -> Result<Way, PublishError> {
        let (began, until) = (Instant::now(), deadline::after(Instant::now(), self.deadline));
        let room = timeout_at(until, self.room(message.body.len())).await;
        let room = room.map_err(|_| SendError::Deadline)?;
        let mut stack = self.stack.clone();
        let ready = timeout_at(until, stack.ready()).await.map_err(|_| SendError::Deadline)?;
        let mut sending = ready.map_err(PublishError::unboxed)?.call(message).instrument(span.clone());
        match poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut sending).poll(cx))).await {
            Poll::Ready(sent) => Ok(Way::Done(Some(sent.map_err(PublishError::unboxed)))),
            Poll::Pending => {
                let metrics = metrics.clone();
                Ok(Way::Layered(tokio::spawn(async move {
                    let sent = sending.await.map_err(PublishError::unboxed);
                    drop(room);
                    count(&metrics, began, &sent);
                    sent
                })))
            }
        }
    }

    async fn room(&self, bytes: usize) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let (count, room) = self.rooms.clone();
        let bytes = bytes.clamp(1, self.bounds.1) as u32;
        // They are never closed.
        Some((count.acquire_owned().await.ok()?, room.acquire_many_owned(bytes).await.ok()?))
    }

    /// Waits until layers hold up nothing that was enqueued.
    pub(super) async fn flush(&self) -> Result<(), SendError> {
        let all = timeout(self.deadline, self.rooms.0.acquire_many(self.bounds.0 as u32)).await;
        all.map(drop).map_err(|_| SendError::Unconfirmed { maybe_stored: true })
    }
}

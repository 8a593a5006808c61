//! A publisher as a [`Sink`], for streams that are forwarded to it.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_sink::Sink;
use leveret_protocol::ShortStr;
use tokio::time::Instant;

use super::{Confirm, Publisher};
use crate::deadline;
use crate::error::SendError;
use crate::message::Message;

/// A message whose outcome is not a confirm, and why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct SinkError {
    /// The message as it was to be sent: with exchange, routing key and message id.
    pub message: Box<Message>,
    /// What became of it.
    #[source]
    pub error: SendError,
}

type Room = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send>>;

/// Waits until there is room for it.
struct Waiting {
    message: Message,
    bytes: u32,
    deadline: Instant,
    room: Room,
}

/// Sends what it is given, pipelined: ready while the publisher's bounds on what is in flight leave room, flushed (and closed) when
/// everything is confirmed. An error tells of one message, in the order they were given, by whichever call comes to it; the others go
/// on, and so may the caller.
///
/// ```no_run
/// # async fn example<S>(publisher: leveret_client::Publisher, lines: S) -> Result<(), leveret_client::SinkError> {
/// let sink = publisher.sink();
/// // with futures::{StreamExt, SinkExt}: lines.map(Ok).forward(sink).await
/// # drop((sink, lines)); Ok(())
/// # }
/// ```
#[must_use = "a sink sends nothing by itself"]
pub struct PublisherSink {
    publisher: Publisher,
    waiting: Option<Waiting>,
    /// Oldest first; never more than may be in flight.
    confirms: VecDeque<Confirm>,
}

impl fmt::Debug for PublisherSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublisherSink").field("unconfirmed", &self.confirms.len()).finish_non_exhaustive()
    }
}

impl Publisher {
    /// Sends what a stream gives; a clone of this publisher, with the same channel and bounds.
    pub fn sink(&self) -> PublisherSink {
        PublisherSink { publisher: self.clone(), waiting: None, confirms: VecDeque::new() }
    }
}

impl PublisherSink {
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SinkError>> {
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(Ok(())) };
        let room = ready!(waiting.room.as_mut().poll(cx));
        let Some(Waiting { message, bytes, deadline, .. }) = self.waiting.take() else {
            return Poll::Ready(Ok(()));
        };
        Poll::Ready(match room {
            Ok(()) => self.admit(message, deadline, bytes),
            Err(error) => Err(SinkError { message: message.into(), error }),
        })
    }

    fn admit(&mut self, message: Message, deadline: Instant, bytes: u32) -> Result<(), SinkError> {
        match self.publisher.admit(message, deadline, bytes, false) {
            Ok(confirm) => self.confirms.push_back(confirm),
            // Names were looked at before; nothing else makes a message impossible.
            Err(error) => return Err(SinkError { message: Box::default(), error }),
        }
        Ok(())
    }

    /// Takes outcomes until one is not known yet.
    fn poll_oldest(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SinkError>> {
        while let Some(oldest) = self.confirms.front_mut() {
            let outcome = ready!(Pin::new(&mut *oldest).poll(cx));
            let failed = outcome.err().map(|error| SinkError { message: oldest.message().into(), error });
            self.confirms.pop_front();
            if let Some(failed) = failed {
                return Poll::Ready(Err(failed));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Sink<Message> for PublisherSink {
    type Error = SinkError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SinkError>> {
        ready!(self.poll_waiting(cx))?;
        match self.poll_oldest(cx) {
            Poll::Pending if self.confirms.len() >= self.publisher.0.channel.count_max => {
                self.publisher.0.channel.hurry();
                Poll::Pending
            }
            Poll::Pending => Poll::Ready(Ok(())),
            outcome => outcome,
        }
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), SinkError> {
        let name = |name: &Option<std::borrow::Cow<'_, str>>| {
            ShortStr::new(name.as_deref().unwrap_or_default()).map(drop).map_err(SendError::from)
        };
        if let Err(error) = name(&message.exchange).and_then(|()| name(&message.routing_key)) {
            return Err(SinkError { message: message.into(), error });
        }
        let publisher = self.publisher.clone();
        let deadline = deadline::after(Instant::now(), publisher.0.options.deadline);
        let bytes = publisher.permit_bytes(&message);
        if publisher.try_room(bytes) {
            return self.admit(message, deadline, bytes);
        }
        let room = Box::pin(async move { publisher.room(bytes, deadline).await });
        self.waiting = Some(Waiting { message, bytes, deadline, room });
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SinkError>> {
        ready!(self.poll_waiting(cx))?;
        let outcome = self.poll_oldest(cx);
        if outcome.is_pending() {
            self.publisher.0.channel.hurry();
        }
        outcome
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SinkError>> {
        self.poll_flush(cx)
    }
}

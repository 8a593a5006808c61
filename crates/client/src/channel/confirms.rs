//! Confirms and returns on a low-level channel, and the end of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll};

use bytes::Bytes;
use leveret_protocol::ShortStr;
use leveret_protocol::methods::confirm;
use tokio::time::{Instant, timeout};

use super::{Channel, PublishOptions, short};
use crate::deadline;
use crate::error::{Error, Returned, SendError};
use crate::io::{CallKind, Returns};
use crate::message::{Message, RawMessage};
use crate::publisher::InFlight;

/// What the broker said of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Confirmation {
    /// `basic.ack`: it is in every queue it was routed to; without `mandatory` these may be none.
    Ack,
    /// `basic.nack`: the broker does not take responsibility for it.
    Nack,
    /// `basic.return`: it was mandatory, and no queue took it.
    Returned(Box<Returned>),
}

/// What will be said of a message, to be awaited. Dropping it changes nothing.
///
/// The error is [`SendError::Refused`] when the broker closed the channel because of this message,
/// [`SendError::Unconfirmed`] when the channel or connection went before the broker said anything, or nothing came within
/// [`operation_timeout`](crate::ConnectOptions::operation_timeout), and [`SendError::Closed`] or [`SendError::Deadline`] when it was
/// not even written.
#[derive(Debug)]
#[must_use = "the outcome is known only to who awaits it"]
pub struct PublishConfirm(Arc<InFlight>);

impl Future for PublishConfirm {
    type Output = Result<Confirmation, SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.outcome.poll(cx).map(|outcome| match outcome {
            Ok(()) => Ok(Confirmation::Ack),
            Err(SendError::Rejected) => Ok(Confirmation::Nack),
            Err(SendError::Unroutable(returned)) => Ok(Confirmation::Returned(returned)),
            Err(error) => Err(error),
        })
    }
}

impl Channel {
    /// `confirm.select`: from here on the broker confirms what is published on the channel. Await it before publishing.
    ///
    /// # Errors
    /// 406 on a channel in transactions; connection lost.
    pub async fn confirm_select(&self) -> Result<(), Error> {
        self.mark();
        self.call(confirm::Select { no_wait: false }, CallKind::Confirm).await.map(drop)
    }

    /// `basic.publish` on a channel with confirms, and the future of its confirm. Waits only for room: 4,096 messages or 64 MiB may be
    /// unconfirmed. Unlike a [`Publisher`](crate::Publisher)'s, the message is not sent again when the channel or connection goes.
    ///
    /// # Errors
    /// [`Error::NotConfirming`] without [`confirm_select`](Self::confirm_select); names too long; channel closed; no room within the
    /// operation's deadline. Nothing was sent then.
    pub async fn basic_publish_confirmed(
        &self,
        message: impl Into<Message>,
        how: PublishOptions,
    ) -> Result<PublishConfirm, Error> {
        self.check_confirming()?;
        let Message { body, properties, exchange, routing_key, mandatory } = message.into();
        let how = PublishOptions { mandatory: mandatory.unwrap_or(how.mandatory) };
        let exchange = short(exchange.as_deref().unwrap_or_default())?;
        let routing_key = short(routing_key.as_deref().unwrap_or_default())?;
        let mut encoded = Vec::new();
        properties.encode(&mut encoded);
        self.publish_confirmed(exchange, routing_key, &encoded, body, how).await
    }

    /// The same of a message as it came from a broker, whose bytes stay what they are.
    ///
    /// # Errors
    /// As [`basic_publish_confirmed`](Self::basic_publish_confirmed).
    pub async fn basic_publish_raw_confirmed(
        &self,
        message: RawMessage<'_>,
        how: PublishOptions,
    ) -> Result<PublishConfirm, Error> {
        self.check_confirming()?;
        let RawMessage { exchange, routing_key, properties, body } = message;
        let (exchange, key) = (short(exchange)?, ShortStr::from_bytes(routing_key)?);
        self.publish_confirmed(exchange, key, properties.as_bytes(), body, how).await
    }

    async fn publish_confirmed(
        &self,
        exchange: ShortStr<'_>,
        routing_key: ShortStr<'_>,
        properties: &[u8],
        body: Bytes,
        how: PublishOptions,
    ) -> Result<PublishConfirm, Error> {
        let shared = &self.0.shared;
        let bytes = body.len().clamp(1, shared.bytes_max) as u32;
        let after = self.0.connection.0.operation_timeout;
        let deadline = Some(deadline::after(Instant::now(), after));
        let room = async {
            let one = shared.count.acquire().await?;
            let many = shared.bytes.acquire_many(bytes).await?;
            one.forget();
            many.forget();
            Ok::<(), tokio::sync::AcquireError>(())
        };
        let room = timeout(after, room).await;
        room.map_err(|_| Error::Timeout { what: "basic.publish", after })?.map_err(|_| self.why_closed())?;
        let message = InFlight::new(exchange, routing_key, properties, body, how.mandatory, deadline, bytes);
        let message = Arc::new(message);
        shared.publish(message.clone(), false);
        if let Some(error) = shared.closed.get() {
            message.give_up(SendError::Closed(error.clone()));
        }
        Ok(PublishConfirm(message))
    }

    /// Waits until everything published is confirmed. `false`: the broker nacked some of it since this was asked last.
    ///
    /// # Errors
    /// [`Error::NotConfirming`]; channel closed, and why; not within [`operation_timeout`](crate::ConnectOptions::operation_timeout).
    pub async fn wait_for_confirms(&self) -> Result<bool, Error> {
        let shared = &self.0.shared;
        self.check_confirming()?;
        let after = self.0.connection.0.operation_timeout;
        let all = timeout(after, shared.count.acquire_many(shared.count_max as u32)).await;
        let all = all.map_err(|_| Error::Timeout { what: "the confirms", after })?;
        drop(all.map_err(|_| self.why_closed())?);
        Ok(shared.nacked.swap(0, SeqCst) == 0)
    }

    /// The messages that the broker gives back on this channel from now on, confirmed or not. Replaces an earlier one. What is not
    /// taken is kept up to 1,024 messages and 16 MiB; beyond that it is dropped, and the log says so.
    #[must_use]
    pub fn returns(&self) -> Returns {
        self.mark();
        Returns::new(&self.0.shared)
    }

    /// Waits until the channel is closed, by whomever, and says why. Consumers end with the same error.
    pub async fn wait_closed(&self) -> Error {
        let shared = &self.0.shared;
        loop {
            let mut ended = std::pin::pin!(shared.ended.notified());
            ended.as_mut().enable();
            if let Some(error) = shared.closed.get() {
                return error.clone();
            }
            ended.await;
        }
    }

    pub(super) fn is_confirming(&self) -> bool {
        self.0.shared.confirming.load(SeqCst)
    }

    fn check_confirming(&self) -> Result<(), Error> {
        match self.0.shared.closed.get() {
            Some(error) => Err(error.clone()),
            None if self.is_confirming() => Ok(()),
            None => Err(Error::NotConfirming),
        }
    }

    fn why_closed(&self) -> Error {
        self.closed().unwrap_or_else(|| self.0.connection.why_closed())
    }
}

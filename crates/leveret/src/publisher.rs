//! Publishers of one type of message: values in, receipts out.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use leveret_client::{Connection, Error, Message, PublisherOptions, Receipt, SendError};

use tracing::Instrument as _;

use crate::codec::{Codec, CodecError, Encode};
use crate::trace;

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
}

impl PublishError {
    /// Whether sending the same value again may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Send(error) if error.is_transient())
    }

    /// Whether the broker may have stored the message all the same.
    #[must_use]
    pub fn maybe_stored(&self) -> bool {
        matches!(self, Self::Send(error) if error.maybe_stored())
    }
}

/// Settings of a [`Publisher`]; from [`Mq::publisher`](crate::Mq::publisher) and [`Mq::publisher_to`](crate::Mq::publisher_to).
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until build"]
pub struct PublisherBuilder {
    connection: Connection,
    options: PublisherOptions,
    kind: Option<String>,
}

impl PublisherBuilder {
    pub(crate) fn new(connection: Connection, exchange: impl Into<String>, routing_key: String) -> Self {
        Self { connection, options: PublisherOptions::to(exchange.into(), routing_key), kind: None }
    }

    /// Sets the messages' `type`, by which [`Routes`](crate::Routes) choose a handler. Default: none.
    pub fn message_type(self, kind: impl Into<String>) -> Self {
        Self { kind: Some(kind.into()), ..self }
    }

    /// How long a message may wait for others to be written with it; see [`PublisherOptions::linger`]. Default: 0.
    pub fn linger(self, linger: Duration) -> Self {
        self.options(|options| options.linger(linger))
    }

    /// From `send` to the receipt, at most. Default: 30 s.
    pub fn deadline(self, deadline: Duration) -> Self {
        self.options(|options| options.deadline(deadline))
    }

    /// Changes any option of the publisher underneath.
    pub fn options(mut self, change: impl FnOnce(PublisherOptions) -> PublisherOptions) -> Self {
        self.options = change(self.options);
        self
    }

    /// Opens it, for values in this codec: `build::<Json<Order>>()`.
    ///
    /// # Errors
    /// No channel can be opened; names of more than 255 bytes.
    pub async fn build<C: Encode>(self) -> Result<Publisher<C>, Error> {
        let (exchange, routing_key) = (self.options.exchange.clone(), self.options.routing_key.clone());
        let inner = self.connection.publisher(self.options).await?;
        Ok(Publisher { inner, exchange, routing_key, kind: self.kind, codec: PhantomData })
    }
}

/// Sends values in one codec; clones share one channel and its bounds. What is sent is persistent, confirmed and must reach a queue.
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::{Json, Message, PublishError, Queue, SendError};
///
/// # mq.declare(Queue::durable("invoices")).await?;
/// let invoices = mq.publisher("invoices").message_type("invoice.written").build::<Json<u32>>().await?;
/// invoices.send(&17).await?; // stored, or a typed error
/// let (first, second) = (invoices.enqueue(&18).await?, invoices.enqueue(&19).await?); // on their way
/// (first.await?, second.await?);
///
/// let lost = invoices.send_with(&20, |message| message.routing_key("nobody's").message_id("20")).await;
/// assert!(matches!(lost, Err(PublishError::Send(SendError::Unroutable(_)))));
/// # Ok(())
/// # }
/// # leveret::test::run_example(example);
/// ```
pub struct Publisher<C> {
    inner: leveret_client::Publisher,
    exchange: Cow<'static, str>,
    routing_key: Cow<'static, str>,
    kind: Option<String>,
    codec: PhantomData<fn() -> C>,
}

impl<C> Clone for Publisher<C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            exchange: self.exchange.clone(),
            routing_key: self.routing_key.clone(),
            kind: self.kind.clone(),
            codec: PhantomData,
        }
    }
}

impl<C: Codec> fmt::Debug for Publisher<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("content_type", &C::CONTENT_TYPE)
            .field("type", &self.kind)
            .finish_non_exhaustive()
    }
}

impl<C: Encode> Publisher<C> {
    /// Sends a value and waits until the broker has stored it.
    ///
    /// # Errors
    /// [`PublishError`] says what is known of it.
    pub async fn send(&self, value: &C::Value) -> Result<Receipt, PublishError> {
        self.send_message(self.message(value)?).await
    }

    /// The same with a message that was changed: other headers, another routing key.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_with(
        &self,
        value: &C::Value,
        change: impl FnOnce(Message) -> Message,
    ) -> Result<Receipt, PublishError> {
        self.send_message(change(self.message(value)?)).await
    }

    async fn send_message(&self, mut message: Message) -> Result<Receipt, PublishError> {
        trace::inherit(&mut message.properties);
        let exchange = message.exchange.as_deref().unwrap_or(&self.exchange);
        let routing_key = message.routing_key.as_deref().unwrap_or(&self.routing_key);
        let span = trace::publish_span(exchange, routing_key, &message.properties);
        let sent = self.inner.send(message).instrument(span.clone()).await;
        sent.map_err(|error| {
            trace::failed(&span, word(&error));
            error.into()
        })
    }

    /// Sends a value with a routing key of its own.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_to(
        &self,
        routing_key: impl Into<Cow<'static, str>>,
        value: &C::Value,
    ) -> Result<Receipt, PublishError> {
        self.send_with(value, |message| message.routing_key(routing_key)).await
    }

    /// Puts a value on its way, after those before it, and gives the future of its receipt.
    ///
    /// # Errors
    /// It does not encode; no room before the deadline; publisher closed. Nothing was sent then.
    pub async fn enqueue(&self, value: &C::Value) -> Result<Confirm, PublishError> {
        let mut message = self.message(value)?;
        trace::inherit(&mut message.properties);
        Ok(Confirm(self.inner.enqueue(message).await?))
    }

    /// Sends all, pipelined, and gives the outcomes in the same order.
    pub async fn send_all<'a>(
        &self,
        values: impl IntoIterator<Item = &'a C::Value>,
    ) -> Vec<Result<Receipt, PublishError>>
    where
        C::Value: 'a,
    {
        let mut confirms = Vec::new();
        for value in values {
            confirms.push(self.enqueue(value).await);
        }
        let mut outcomes = Vec::with_capacity(confirms.len());
        for confirm in confirms {
            outcomes.push(match confirm {
                Ok(confirm) => confirm.await.map_err(Into::into),
                Err(error) => Err(error),
            });
        }
        outcomes
    }

    /// Waits until nothing is in flight; see [`leveret_client::Publisher::flush`].
    ///
    /// # Errors
    /// The publisher is closed; a message that was written is not confirmed.
    pub async fn flush(&self) -> Result<(), SendError> {
        self.inner.flush().await
    }

    /// The publisher underneath.
    #[must_use]
    pub fn inner(&self) -> &leveret_client::Publisher {
        &self.inner
    }

    /// A value as a message, as it would be sent.
    ///
    /// # Errors
    /// [`CodecError::Encode`].
    pub fn message(&self, value: &C::Value) -> Result<Message, CodecError> {
        let mut message = Message::new(C::encode(value)?);
        message.properties.content_type = Some(C::CONTENT_TYPE.to_owned());
        message.properties.kind.clone_from(&self.kind);
        Ok(message)
    }
}

/// The kind of an error in one word, for telemetry.
pub(crate) fn word(error: &SendError) -> &'static str {
    match error {
        SendError::Unroutable(_) => "unroutable",
        SendError::Rejected => "rejected",
        SendError::Unconfirmed { .. } => "unconfirmed",
        SendError::Deadline => "deadline",
        SendError::Closed(_) => "closed",
        SendError::Refused { .. } => "refused",
        _ => "_OTHER",
    }
}

/// The outcome of one message, to be awaited.
#[derive(Debug)]
#[must_use = "the outcome is known only to who awaits it"]
pub struct Confirm(leveret_client::Confirm);

impl Future for Confirm {
    type Output = Result<Receipt, SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

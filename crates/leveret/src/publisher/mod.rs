//! Publishers of one type of message: values in, receipts out.

mod builder;
mod confirm;
mod error;
mod layered;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use leveret_client::{Message, Receipt, SendError};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use crate::codec::{Codec, CodecError, Encode};
use crate::metrics::PublisherMetrics;
use crate::schedule::Later;
use crate::trace;

pub use builder::PublisherBuilder;
pub(crate) use builder::SendStack;
pub use confirm::Confirm;
use confirm::{Way, count, count_failed};
pub use error::PublishError;
pub(crate) use error::may_pass;
use layered::Layered;

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
    stack: Option<Layered>,
    pub(crate) exchange: Cow<'static, str>,
    pub(crate) routing_key: Cow<'static, str>,
    kind: Option<String>,
    pub(crate) later: Arc<Later>,
    metrics: Arc<PublisherMetrics>,
    codec: PhantomData<fn() -> C>,
}

impl<C> Clone for Publisher<C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            stack: self.stack.clone(),
            exchange: self.exchange.clone(),
            routing_key: self.routing_key.clone(),
            kind: self.kind.clone(),
            later: self.later.clone(),
            metrics: self.metrics.clone(),
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

    /// A span around a message, if it is traced.
    fn span(&self, message: &Message) -> Span {
        if !trace::is_kept(&message.properties, self.later.mq().options().trace_share) {
            return Span::none();
        }
        let exchange = message.exchange.as_deref().unwrap_or(&self.exchange);
        let routing_key = message.routing_key.as_deref().unwrap_or(&self.routing_key);
        trace::publish_span(exchange, routing_key, &message.properties)
    }

    pub(crate) async fn send_message(&self, mut message: Message) -> Result<Receipt, PublishError> {
        trace::inherit(&mut message.properties);
        let span = self.span(&message);
        let began = Instant::now();
        let sent = async {
            match &self.stack {
                None => self.inner.send(message).await.map_err(PublishError::Send),
                Some(stack) => stack.send(message).await,
            }
        };
        let sent = sent.instrument(span.clone()).await;
        if let Err(error) = &sent {
            trace::failed(&span, error.word());
        }
        count(&self.metrics, began, &sent);
        sent
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
    /// It does not encode; no room, or a layer that is not ready, before the deadline; publisher closed; a layer says no. Nothing was sent then.
    pub async fn enqueue(&self, value: &C::Value) -> Result<Confirm, PublishError> {
        let mut message = self.message(value)?;
        trace::inherit(&mut message.properties);
        let span = self.span(&message);
        let began = Instant::now();
        let way = match &self.stack {
            None => self.inner.enqueue(message).await.map(Way::Sent).map_err(PublishError::Send),
            Some(stack) => stack.enqueue(message, &self.metrics, &span).await,
        };
        let way = way.inspect_err(|error| {
            count_failed(&self.metrics, error);
            trace::failed(&span, error.word());
        })?;
        Ok(Confirm { way, metrics: self.metrics.clone(), began, span })
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
                Ok(confirm) => confirm.await,
                Err(error) => Err(error),
            });
        }
        outcomes
    }

    /// Waits until nothing is in flight, nor held up by layers; see [`leveret_client::Publisher::flush`].
    ///
    /// # Errors
    /// The publisher is closed; a message that was written is not confirmed.
    pub async fn flush(&self) -> Result<(), SendError> {
        if let Some(stack) = &self.stack {
            stack.flush().await?;
        }
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

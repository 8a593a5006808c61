//! Publishers of one type of message: values in, receipts out.

mod confirm;
mod error;
mod layered;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use leveret_client::{Error, Message, PublisherOptions, Receipt, SendError};

use tokio::time::Instant;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceExt as _};
use tracing::{Instrument as _, Span};

use crate::codec::{Codec, CodecError, Encode};
use crate::failure::BoxError;
use crate::metrics::PublisherMetrics;
use crate::mq::Mq;
use crate::schedule::Later;
use crate::trace;

pub use confirm::Confirm;
use confirm::{Way, count, count_failed};
pub use error::PublishError;
pub(crate) use error::may_pass;
use layered::Layered;

/// A publisher behind all layers.
pub(crate) type SendStack = BoxCloneSyncService<Message, Receipt, BoxError>;

/// Settings of a [`Publisher`]; from [`Mq::publisher`](crate::Mq::publisher) and [`Mq::publisher_to`](crate::Mq::publisher_to).
#[derive(Clone)]
#[must_use = "a builder does nothing until build"]
pub struct PublisherBuilder {
    mq: Mq,
    options: PublisherOptions,
    kind: Option<String>,
    layers: Vec<Wrap>,
}

/// Puts one more layer around a publisher.
type Wrap = Arc<dyn Fn(SendStack) -> SendStack + Send + Sync>;

impl fmt::Debug for PublisherBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublisherBuilder")
            .field("options", &self.options)
            .field("type", &self.kind)
            .field("layers", &self.layers.len())
            .finish_non_exhaustive()
    }
}

impl PublisherBuilder {
    pub(crate) fn new(mq: Mq, exchange: impl Into<String>, routing_key: String) -> Self {
        Self {
            mq,
            options: PublisherOptions::to(exchange.into(), routing_key),
            kind: None,
            layers: Vec::new(),
        }
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

    /// Puts a `tower` layer around every send; the one added last is the outermost. Its service is called with a [`Message`] and may answer
    /// any error ([`PublishError::Layer`]). Those in [`layers`](crate::layers) and of `tower` fit. Every way of
    /// sending goes through them: one by one, many at a time, and what is sent [later](crate::schedule), when it is handed to the broker. What
    /// layers hold up after [`enqueue`](Publisher::enqueue) is bounded as what is in flight.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<SendStack> + Send + Sync + 'static,
        L::Service: Service<Message, Response = Receipt> + Clone + Send + Sync + 'static,
        <L::Service as Service<Message>>::Error: Into<BoxError>,
        <L::Service as Service<Message>>::Future: Send + 'static,
    {
        self.layers.push(Arc::new(move |inner| SendStack::new(layer.layer(inner).map_err(Into::into))));
        self
    }

    /// Opens it, for values in this codec: `build::<Json<Order>>()`.
    ///
    /// # Errors
    /// No channel can be opened; names of more than 255 bytes.
    pub async fn build<C: Encode>(self) -> Result<Publisher<C>, Error> {
        let (exchange, routing_key) = (self.options.exchange.clone(), self.options.routing_key.clone());
        let inner = self.mq.publishing().publisher(self.options.clone()).await?;
        let later = Arc::new(Later::new(self.mq));
        let metrics = Arc::new(PublisherMetrics::new(&exchange));
        let stack = (!self.layers.is_empty()).then(|| {
            let inner = inner.clone();
            let service = tower::service_fn(move |message| {
                let inner = inner.clone();
                async move { inner.send(message).await.map_err(BoxError::from) }
            });
            let stack = self.layers.iter().fold(SendStack::new(service), |inner, wrap| wrap(inner));
            Layered::new(stack, &self.options)
        });
        let kind = self.kind;
        Ok(Publisher { inner, stack, exchange, routing_key, kind, later, metrics, codec: PhantomData })
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

//! What a publisher can be told, and its layers.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use leveret_client::{Error, Message, PublisherOptions, Receipt};
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceExt as _};

use super::Publisher;
use super::layered::Layered;
use crate::codec::Encode;
use crate::failure::BoxError;
use crate::metrics::PublisherMetrics;
use crate::mq::Mq;
use crate::schedule::Later;

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
    /// any error ([`PublishError::Layer`](super::PublishError::Layer)). Those in [`layers`](crate::layers) and of `tower` fit. Every way of
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

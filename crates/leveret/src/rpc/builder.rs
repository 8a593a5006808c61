//! What a requester can be told.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use leveret_client::{Error, RpcClient};
use tokio::sync::Semaphore;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceExt as _};

use super::asker::Asker;
use super::given_up::{Teller, key};
use super::requester::Inner;
use super::{Question, Reply, Requester};
use crate::codec::{Decode, Encode};
use crate::failure::BoxError;
use crate::mq::Mq;

/// A requester behind all layers.
pub(crate) type AskStack = BoxCloneSyncService<Question, Reply, BoxError>;

/// Puts one more layer around a requester.
type Wrap = Arc<dyn Fn(AskStack) -> AskStack + Send + Sync>;

/// Settings of a [`Requester`]; from [`Mq::requester`] and [`Mq::requester_to`].
#[derive(Clone)]
#[must_use = "a builder does nothing until build"]
pub struct RequesterBuilder {
    pub(super) mq: Mq,
    pub(super) exchange: String,
    pub(super) routing_key: String,
    pub(super) deadline: Duration,
    pub(super) outstanding_max: usize,
    pub(super) repeats: bool,
    pub(super) kind: Option<String>,
    layers: Vec<Wrap>,
}

impl fmt::Debug for RequesterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequesterBuilder")
            .field("exchange", &self.exchange)
            .field("routing_key", &self.routing_key)
            .field("deadline", &self.deadline)
            .field("outstanding_max", &self.outstanding_max)
            .field("repeats", &self.repeats)
            .field("type", &self.kind)
            .field("layers", &self.layers.len())
            .finish_non_exhaustive()
    }
}

impl RequesterBuilder {
    pub(crate) fn new(mq: Mq, exchange: String, routing_key: String) -> Self {
        let (deadline, outstanding_max) = (Duration::from_secs(30), 1024);
        let (repeats, kind, layers) = (false, None, Vec::new());
        Self { mq, exchange, routing_key, deadline, outstanding_max, repeats, kind, layers }
    }

    /// From `call` to the answer, at most; what [layers](Self::layer) hold up included. A request that nobody has begun by then expires in the
    /// queue. Default: 30 s.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Questions that may be out at the same time; others wait for their turn. Default: 1024.
    pub fn outstanding_max(self, outstanding_max: usize) -> Self {
        Self { outstanding_max: outstanding_max.clamp(1, Semaphore::MAX_PERMITS), ..self }
    }

    /// Questions that were out when the connection was lost are asked again when it is back, within their deadline, with the same message
    /// id: for requests that do no harm twice. Default: they fail with [`CallError::Lost`](super::CallError::Lost).
    pub fn repeat_when_lost(self) -> Self {
        Self { repeats: true, ..self }
    }

    /// Sets the requests' `type`. Default: none.
    pub fn message_type(self, kind: impl Into<String>) -> Self {
        Self { kind: Some(kind.into()), ..self }
    }

    /// Puts a `tower` layer around every question and its answer; the one added last is the outermost. Its service is called with a
    /// [`Question`] and answers a [`Reply`], or any error ([`CallError::Layer`](super::CallError::Layer)); what the layers further in answer is a
    /// [`CallError`](super::CallError), and comes back as that. Those in [`layers`](crate::layers) and of `tower` fit.
    ///
    /// A layer ends when the answer is there, not when the question is sent: a limit is one on questions that wait, and a circuit
    /// breaker counts those that were not answered in time, whose connection was lost, that nobody takes, and that were refused
    /// as [transient](super::Refused::is_transient). (It hears of nothing that was dropped: a [`Timeout`](crate::layers::Timeout) belongs inside of
    /// it, added before.) A layer that gives up, as `Timeout` does, has the responder [told](super), as an asker has that does.
    ///
    /// ```
    /// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
    /// use leveret::layers::{CircuitOpen, TimedOut, Timeout};
    /// use leveret::rpc::CallError;
    /// use leveret::{CircuitBreaker, Json, Queue};
    /// use std::time::Duration;
    ///
    /// mq.declare(Queue::durable("stock").discard_failed()).await?;
    /// let stock = mq.requester("stock").layer(Timeout::new(Duration::from_millis(20))).layer(CircuitBreaker::new(2, 10));
    /// let stock = stock.build::<Json<u32>, Json<u32>>().await?;
    /// for _ in 0..2 {
    ///     let Err(CallError::Layer(error)) = stock.call(&7).await else { panic!("nobody answers") };
    ///     assert!(error.is::<TimedOut>());
    /// }
    /// let Err(CallError::Layer(error)) = stock.call(&7).await else { panic!("it is not asked") };
    /// assert!(error.is::<CircuitOpen>());
    /// # Ok(())
    /// # }
    /// # leveret::test::run_example(example);
    /// ```
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<AskStack> + Send + Sync + 'static,
        L::Service: Service<Question, Response = Reply> + Clone + Send + Sync + 'static,
        <L::Service as Service<Question>>::Error: Into<BoxError>,
        <L::Service as Service<Question>>::Future: Send + 'static,
    {
        self.layers.push(Arc::new(move |inner| AskStack::new(layer.layer(inner).map_err(Into::into))));
        self
    }

    /// Opens it, for questions and answers in these codecs: `build::<Json<Order>, Json<Price>>()`.
    ///
    /// # Errors
    /// No channel can be opened.
    pub async fn build<Q: Encode, A: Decode>(self) -> Result<Requester<Q, A>, Error> {
        let rpc = RpcClient::new(self.mq.publishing()).await?;
        let teller = Teller::new(self.mq.publishing().clone(), key(&self.exchange, &self.routing_key));
        let asker = Arc::new(Asker::new(rpc, &self));
        let stack = (!self.layers.is_empty()).then(|| {
            let asker = asker.clone();
            let service = tower::service_fn(move |question| {
                let asker = asker.clone();
                async move { asker.ask(question).await.map_err(BoxError::from) }
            });
            self.layers.iter().fold(AskStack::new(service), |inner, wrap| wrap(inner))
        });
        Ok(Requester { inner: Arc::new(Inner { settings: self, asker, stack, teller }), codecs: PhantomData })
    }
}

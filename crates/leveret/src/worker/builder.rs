//! What a worker can be told.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use leveret_client::{FieldName, FieldValue};
use tower::{Layer, Service, ServiceExt as _};

use super::breaker::CircuitBreaker;
use super::call::{BatchStack, Stack};
use super::concurrency::Concurrency;
use super::settings::Settings;
use super::verdict::is_caused_by;
use crate::failure::{BoxError, Class, Failure};
use crate::idempotency::Idempotency;
use crate::message::Incoming;
use crate::mq::Mq;

/// Puts one more layer around a handler.
type Wrap<S> = Box<dyn FnOnce(S) -> S + Send>;

/// Settings of a worker; from [`Mq::worker`].
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::{Attempt, Failure, Json, Queue, State};
/// use std::time::Duration;
/// use tokio_util::sync::CancellationToken;
///
/// mq.declare(Queue::durable("orders").retry([5, 15, 30].map(Duration::from_secs)).dead_letter()).await?;
/// # mq.publisher("orders").build::<Json<u32>>().await?.send(&1).await?;
///
/// async fn handle(Json(order): Json<u32>, State(stop): State<CancellationToken>, _: Attempt) -> Result<(), Failure> {
///     println!("order {order}");
///     stop.cancel(); // enough for an example
///     Ok(())
/// }
///
/// let stop = CancellationToken::new();
/// let worker = mq.worker("orders").concurrency(8).deadline(Duration::from_secs(30)).state(stop.clone());
/// let report = worker.run(handle, stop).await?;
/// assert_eq!(report.acked, 1);
/// # Ok(())
/// # }
/// # leveret::test::run_example(example);
/// ```
#[must_use = "a worker does nothing until it runs"]
pub struct WorkerBuilder {
    pub(super) mq: Mq,
    pub(super) queue: String,
    pub(super) settings: Settings,
    pub(super) states: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    pub(super) layers: Vec<Wrap<Stack>>,
    pub(super) batch_layers: Vec<Wrap<BatchStack>>,
}

impl fmt::Debug for WorkerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerBuilder")
            .field("queue", &self.queue)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl WorkerBuilder {
    pub(crate) fn new(mq: Mq, queue: String) -> Self {
        let (settings, states) = (Settings::default(), HashMap::new());
        Self { mq, queue, settings, states, layers: Vec::new(), batch_layers: Vec::new() }
    }

    /// How many messages are handled at the same time: a number, or a range in which it adapts to what the handlers can take. Default: 8.
    pub fn concurrency(mut self, concurrency: impl Into<Concurrency>) -> Self {
        self.settings.concurrency = concurrency.into();
        self
    }

    /// Deliveries that are on their way or being handled, 1 to 65535. Default: derived from the concurrency, the round trip to the broker
    /// and [`handler_time`](Self::handler_time), see [`prefetch_for`](leveret_client::prefetch_for). More makes a quick handler wait
    /// less; fewer share a queue more evenly, and are less that a crash counts against.
    pub fn prefetch(mut self, prefetch: u16) -> Self {
        self.settings.prefetch = Some(prefetch.max(1));
        self
    }

    /// The prefetch follows what handlers take: every ten seconds it is derived anew from the time they took, and if it is half as much again
    /// or a third less the worker goes over to another consumer. What the old one has is handled first; of what the broker gives out while both
    /// are there, for a round trip, some may be overtaken (on RabbitMQ it was seen). Default: it stays as it was derived when the worker
    /// started. With [`prefetch`](Self::prefetch) it begins there; batches have theirs.
    pub fn adaptive_prefetch(mut self) -> Self {
        self.settings.adaptive_prefetch = true;
        self
    }

    /// How long a handler usually takes: what the prefetch is derived from. Default: 10 ms.
    pub fn handler_time(mut self, time: Duration) -> Self {
        self.settings.handler_time = time;
        self
    }

    /// Messages with the same key are handled one after the other, in the order of the queue. A message that waits for another attempt in
    /// the broker is overtaken all the same; attempts [in place](crate::Retry::in_place) are not. Default: no order.
    ///
    /// ```no_run
    /// # fn example(mq: leveret::Mq) {
    /// mq.worker("orders").order_by(|message| message.routing_key().to_owned());
    /// # }
    /// ```
    pub fn order_by(mut self, key: impl Fn(&Incoming) -> String + Send + Sync + 'static) -> Self {
        self.settings.order_by = Some(Box::new(key));
        self
    }

    /// After this time a handler is asked to stop ([`Cancelled`](crate::Cancelled)), and after the [`grace`](Self::grace) dropped where it
    /// waits; that attempt has failed. Attempts in place share it. Default: none. RabbitMQ has one of its own of 30 minutes, after which
    /// it closes the channel.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = Some(deadline);
        self
    }

    /// From the deadline to the end of a handler that does not stop by itself. Default: 5 s.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// When the worker is told to stop: the time in which handlers may finish. Those that have not are dropped then, and their messages go
    /// back to the queue. Default: 25 s.
    pub fn drain_within(mut self, time: Duration) -> Self {
        self.settings.drain = time;
        self
    }

    /// A message whose handling began so many times and ended without a word (a crash) goes to the dead letters with the reason
    /// `poison`, also when its retries are not used up. Leveret's queues and quorum queues count this; for other queues of RabbitMQ's the
    /// worker has to: what was delivered before is put to the end of the queue with a count in it. `None`: no such count. Default: 20.
    pub fn poison_after(mut self, deliveries: impl Into<Option<u32>>) -> Self {
        self.settings.poison_after = deliveries.into();
        self
    }

    /// What comes twice is handled once, within the window of its [`Idempotency`]. Default: everything that comes is handled.
    pub fn idempotent(mut self, idempotency: Idempotency) -> Self {
        self.settings.idempotency = Some(idempotency);
        self
    }

    /// Pauses the worker while most attempts fail. Default: it goes on.
    pub fn circuit_breaker(mut self, breaker: CircuitBreaker) -> Self {
        self.settings.breaker = Some(breaker);
        self
    }

    /// Gives errors that have no class of their own one. The first of all classifiers that does not pass decides; what none knows is
    /// transient.
    pub fn classify(
        mut self,
        classify: impl Fn(&(dyn Error + 'static)) -> Option<Class> + Send + Sync + 'static,
    ) -> Self {
        self.settings.classifiers.push(Box::new(classify));
        self
    }

    /// The same for errors of one type, also when they are the cause of another.
    pub fn classify_as<E: Error + 'static>(self, class: Class) -> Self {
        self.classify(move |error| is_caused_by::<E>(error).then_some(class))
    }

    /// Something that all calls share, as [`State<S>`](crate::State).
    pub fn state<S: Any + Send + Sync>(mut self, state: S) -> Self {
        self.states.insert(TypeId::of::<S>(), Box::new(state));
        self
    }

    /// Puts a `tower` layer around the handler; the one added last is the outermost. Its service is called with an [`Incoming`]
    /// for every attempt, also for those in place, and may answer any error.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Stack> + Send + 'static,
        L::Service: Service<Incoming, Response = ()> + Clone + Send + Sync + 'static,
        <L::Service as Service<Incoming>>::Error: Into<BoxError>,
        <L::Service as Service<Incoming>>::Future: Send + 'static,
    {
        self.layers.push(Box::new(move |inner| Stack::new(layer.layer(inner).map_err(Into::into))));
        self
    }

    /// The same around a handler of [batches](Self::batch): its service is called with a batch, and what it answers instead of a result
    /// for each message is each one's. All of [`layers`](crate::layers) fit; to them a batch is one call, which succeeded if the handler
    /// answered at all. Tracing, metrics, catching of panics, deadline, idempotency and [`circuit_breaker`](Self::circuit_breaker) need no layer.
    pub fn batch_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<BatchStack> + Send + 'static,
        L::Service:
            Service<Vec<Incoming>, Response = Vec<Result<(), Failure>>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Vec<Incoming>>>::Error: Into<BoxError>,
        <L::Service as Service<Vec<Incoming>>>::Future: Send + 'static,
    {
        self.batch_layers
            .push(Box::new(move |inner| BatchStack::new(layer.layer(inner).map_err(Into::into))));
        self
    }

    /// Consumer arguments, for example `x-priority`.
    pub fn argument(mut self, name: impl Into<FieldName>, value: impl Into<FieldValue>) -> Self {
        self.settings.arguments.insert(name, value);
        self
    }

    /// The consumer tag. Default: the broker makes one.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.settings.tag = tag.into();
        self
    }
}

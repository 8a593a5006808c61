//! A worker with what it calls: a handler, one of batches, or a responder; each inside of its layers.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::builder::WorkerBuilder;
use super::call::{BatchCall, BatchStack, Call, Handled, Stack, through};
use super::{DrainReport, Worker, WorkerError};
use crate::batch::BatchHandler;
use crate::extract::Given;
use crate::failure::{BoxError, Failure};
use crate::handler::Handler;
use crate::rpc::{Responder, Responding};

impl WorkerBuilder {
    /// With its handler, not yet running.
    pub fn handler<A: 'static, H: Handler<A>>(self, handler: H) -> Worker {
        let checked = match handler.check(&Given(&|wanted| self.states.contains_key(&wanted))) {
            Ok(()) if !self.batch_layers.is_empty() => {
                Err("batch_layer is for batches, and this handler takes single messages".to_owned())
            }
            checked => checked,
        };
        let call = if self.layers.is_empty() {
            Call::Handler(Arc::new(move |message| Box::pin(handler.clone().call(message))))
        } else {
            let service = tower::service_fn(move |message| {
                let handling = handler.clone().call(message);
                async move { handling.await.map_err(Failure::boxed) }
            });
            Call::Stack(self.layers.into_iter().fold(Stack::new(service), |inner, wrap| wrap(inner)))
        };
        let Self { mq, queue, settings, states, .. } = self;
        Worker { mq, queue, settings, states: Arc::new(states), call, checked, started: None }
    }

    /// With a handler of up to `max` messages at a time: called when so many are there, or `wait` after the first came. Each message is settled
    /// by its own result: acked, tried again, a dead letter. A place ([`concurrency`](Self::concurrency)) is one batch; 1 keeps batches in
    /// the order of the queue. The prefetch is so large that batches fill.
    ///
    /// Attempts in place are made with what failed of the batch; deadline, grace, circuit breaker and [`batch_layer`](Self::batch_layer)
    /// are the batch's. [`layer`](Self::layer) and [`order_by`](Self::order_by) are for single messages, and refused when the worker starts.
    ///
    /// ```
    /// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
    /// use leveret::{Failure, Json, Queue, State};
    /// use std::time::Duration;
    /// use tokio_util::sync::CancellationToken;
    ///
    /// mq.declare(Queue::durable("readings").retry([Duration::from_secs(5)]).dead_letter()).await?;
    /// # let readings = mq.publisher("readings").build::<Json<f64>>().await?;
    /// # for reading in [1.0, 2.0, -300.0] { readings.send(&reading).await?; }
    /// async fn store(readings: Vec<Json<f64>>, State(stop): State<CancellationToken>) -> Vec<Result<(), Failure>> {
    ///     println!("{} readings in one transaction", readings.len());
    ///     stop.cancel(); // enough for an example
    ///     let check = |Json(celsius): &Json<f64>| match celsius {
    ///         ..-273.15 => Err(Failure::permanent("colder than cold")),
    ///         _ => Ok(()),
    ///     };
    ///     readings.iter().map(check).collect()
    /// }
    ///
    /// let stop = CancellationToken::new();
    /// let worker = mq.worker("readings").concurrency(1).state(stop.clone()).batch(3, Duration::from_secs(10), store);
    /// let report = worker.run(stop).await?;
    /// assert_eq!((report.acked, report.dead_lettered), (2, 1));
    /// # Ok(())
    /// # }
    /// # leveret::test::run_example(example);
    /// ```
    pub fn batch<A: 'static, H: BatchHandler<A>>(mut self, max: u16, wait: Duration, handler: H) -> Worker {
        let given = handler.check(&Given(&|wanted| self.states.contains_key(&wanted)));
        let single =
            |what: &str| Err(format!("{what} is for single messages, and this handler takes batches"));
        let checked = match &self.settings {
            _ if !self.layers.is_empty() => single("layer (there is batch_layer)"),
            settings if settings.order_by.is_some() => single("order_by"),
            settings if settings.prefetch.is_some_and(|prefetch| prefetch < max) => {
                Err(format!("a batch of {max} never fills with a smaller prefetch"))
            }
            _ => given,
        };
        self.settings.batch = Some((max.max(1), wait));
        let call: Box<dyn Fn(_) -> Handled + Send + Sync> = if self.batch_layers.is_empty() {
            Box::new(move |messages| Box::pin(handler.clone().call(messages)))
        } else {
            let service = tower::service_fn(move |messages| {
                let handling = handler.clone().call(messages);
                async move { Ok::<_, BoxError>(handling.await) }
            });
            let stack =
                self.batch_layers.into_iter().fold(BatchStack::new(service), |inner, wrap| wrap(inner));
            Box::new(move |messages| Box::pin(through(stack.clone(), messages)))
        };
        let Self { mq, queue, settings, states, .. } = self;
        let call = Call::Batch(BatchCall { call });
        Worker { mq, queue, settings, states: Arc::new(states), call, checked, started: None }
    }

    /// With a handler whose value is the answer to who asked; see [`Requester`](crate::rpc::Requester). The answer is sent before the request
    /// is acked.
    ///
    /// A request is given up when its asker says that it no longer waits ([`rpc`](crate::rpc)), when it can no longer (its `expiration`, from
    /// when it is begun), or at the [`deadline`](Self::deadline) if that is nearer. A failure is tried again as the queue's retries say, while the asker waits; the
    /// last, and every permanent one, is told to the asker and is no dead letter. A duplicate that is not handled again is told as
    /// `duplicate`.
    pub fn responder<A: 'static, H: Responder<A>>(mut self, responder: H) -> Worker {
        self.settings.answers = true;
        self.handler(Responding(responder))
    }

    /// Runs with this handler until `stop` is cancelled, then lets what was begun finish.
    ///
    /// # Errors
    /// As [`Worker::run`].
    pub async fn run<A: 'static, H: Handler<A>>(
        self,
        handler: H,
        stop: CancellationToken,
    ) -> Result<DrainReport, WorkerError> {
        self.handler(handler).run(stop).await
    }
}

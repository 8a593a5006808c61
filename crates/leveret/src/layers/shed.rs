//! Too many calls at the same time are refused at once.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::Semaphore;
use tower::{Layer, Service};

use super::{Answer, ready};
use crate::failure::BoxError;

/// Refuses calls when so many are under way already, waiting in layers further in included. For publishers and requesters on the path of a request
/// that has somebody waiting for it: better an error now than an answer nobody wants any more.
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::layers::LoadShed;
/// use leveret::{Queue, Text};
///
/// # mq.declare(Queue::durable("orders")).await?;
/// let orders = mq.publisher("orders").layer(LoadShed::new(1)).build::<Text>().await?;
/// let outcomes = tokio::join!(orders.send("one coffee"), orders.send("one too many"));
/// assert!(outcomes.0.is_ok());
/// assert!(outcomes.1.is_err_and(|error| error.is_transient()));
/// # Ok(())
/// # }
/// # leveret::test::run_example(example);
/// ```
#[derive(Debug, Clone)]
pub struct LoadShed {
    places: Arc<Semaphore>,
    calls_max: usize,
}

/// Too many calls were under way; this one was not begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{calls_max} are under way already; not begun")]
pub struct Overloaded {
    /// As many as may be.
    pub calls_max: usize,
}

impl LoadShed {
    /// At least 1 at the same time.
    #[must_use]
    pub fn new(calls_max: usize) -> Self {
        let calls_max = calls_max.clamp(1, Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(calls_max)), calls_max }
    }
}

impl<S> Layer<S> for LoadShed {
    type Service = Shed<S>;

    fn layer(&self, inner: S) -> Shed<S> {
        Shed { inner, limit: self.clone() }
    }
}

/// The service of [`LoadShed`].
#[derive(Debug, Clone)]
pub struct Shed<S> {
    inner: S,
    limit: LoadShed,
}

impl<S, R> Service<R> for Shed<S>
where
    S: Service<R, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Answer<S::Response, BoxError>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let Ok(place) = self.limit.places.clone().try_acquire_owned() else {
            let error = Overloaded { calls_max: self.limit.calls_max };
            return Box::pin(std::future::ready(Err(error.into())));
        };
        let called = ready(&mut self.inner).call(request);
        Box::pin(async move {
            let _place = place;
            called.await
        })
    }
}

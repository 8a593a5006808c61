//! So many calls at the same time; others wait.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::Semaphore;
use tower::{Layer, Service};

use super::{Answer, ready};

/// So many calls at the same time: others wait for a place, in the order in which they came. A publisher whose messages wait here takes no
/// more memory than what was sent; bound that by [`LoadShed`](super::LoadShed) outside of it. Clones share the places.
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::layers::{InFlightLimit, LoadShed};
/// use leveret::{Queue, Text};
///
/// # mq.declare(Queue::durable("orders")).await?;
/// let orders = mq.publisher("orders").layer(InFlightLimit::new(100)).layer(LoadShed::new(1000)).build::<Text>().await?;
/// orders.send("one coffee").await?;
/// # Ok(())
/// # }
/// # leveret::test::run_example(example);
/// ```
#[derive(Debug, Clone)]
pub struct InFlightLimit(Arc<Semaphore>);

impl InFlightLimit {
    /// At least 1.
    #[must_use]
    pub fn new(calls: usize) -> Self {
        Self(Arc::new(Semaphore::new(calls.clamp(1, Semaphore::MAX_PERMITS))))
    }
}

impl<S> Layer<S> for InFlightLimit {
    type Service = InFlightLimited<S>;

    fn layer(&self, inner: S) -> InFlightLimited<S> {
        InFlightLimited { inner, places: self.0.clone() }
    }
}

/// The service of [`InFlightLimit`].
#[derive(Debug, Clone)]
pub struct InFlightLimited<S> {
    inner: S,
    places: Arc<Semaphore>,
}

impl<S, R> Service<R> for InFlightLimited<S>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Answer<S::Response, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let (mut inner, places) = (ready(&mut self.inner), self.places.clone());
        Box::pin(async move {
            // Never closed: `Err` cannot be, and would mean no bound.
            let _place = places.acquire_owned().await.ok();
            inner.call(request).await
        })
    }
}

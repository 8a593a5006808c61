//! The circuit breaker as a layer: while it is open calls fail at once, but for a probe.

use std::task::{Context, Poll};
use std::time::Duration;

use leveret_client::SendError;
use tower::{Layer, Service};

use super::{Answer, ready};
use crate::failure::{BoxError, Carried, Class};
use crate::rpc::CallError;
use crate::worker::CircuitBreaker;

/// The circuit breaker is open: not begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("most calls fail of late: not begun; the next is tried in {next:?}")]
pub struct CircuitOpen {
    /// From now to the next probe; zero while one is under way.
    pub next: Duration,
}

/// Around a publisher, so that a broker that is away is not waited for by every request; around a
/// [requester](crate::rpc::RequesterBuilder::layer), so that a responder that is away is not:
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::{CircuitBreaker, Queue, Text};
///
/// # mq.declare(Queue::durable("orders")).await?;
/// let orders = mq.publisher("orders").layer(CircuitBreaker::new(10, 20)).build::<Text>().await?;
/// orders.send("one coffee").await?;
/// # Ok(())
/// # }
/// # leveret::test::run_example(example);
/// ```
impl<S> Layer<S> for CircuitBreaker {
    type Service = Broken<S>;

    fn layer(&self, inner: S) -> Broken<S> {
        Broken { inner, breaker: self.clone() }
    }
}

/// The service of a [`CircuitBreaker`].
#[derive(Debug, Clone)]
pub struct Broken<S> {
    inner: S,
    breaker: CircuitBreaker,
}

impl<S, R> Service<R> for Broken<S>
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
        let ticket = match self.breaker.try_admit() {
            Ok(ticket) => ticket,
            Err(next) => return Box::pin(std::future::ready(Err(CircuitOpen { next }.into()))),
        };
        let called = ready(&mut self.inner).call(request);
        Box::pin(async move {
            let result = called.await;
            if let Some(failed) = failed(&result) {
                ticket.ended(failed);
            }
            result
        })
    }
}

/// Whether something that may pass was in the way; `None`: that is not known.
fn failed<T>(result: &Result<T, BoxError>) -> Option<bool> {
    let Err(error) = result else { return Some(false) };
    if let Some(Carried(failure)) = error.downcast_ref::<Carried>() {
        return matches!(failure.class(), None | Some(Class::Transient)).then_some(true);
    }
    if let Some(error) = error.downcast_ref::<CallError>() {
        return error.is_trouble();
    }
    match error.downcast_ref::<SendError>() {
        // The broker is there and says no to this one.
        Some(SendError::Unroutable(_) | SendError::TooLong(_)) => None,
        _ => Some(true),
    }
}

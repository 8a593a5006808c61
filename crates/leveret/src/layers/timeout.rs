//! Calls are given up after a time.

use std::task::{Context, Poll};
use std::time::Duration;

use tower::{Layer, Service};

use super::{Answer, ready};
use crate::failure::BoxError;

/// Drops a call that takes longer, waiting in layers further in included. Workers have [deadlines](crate::WorkerBuilder::deadline), which
/// ask a handler to stop before it is dropped, publishers [theirs](crate::PublisherBuilder::deadline), and so have
/// [requesters](crate::rpc::RequesterBuilder::deadline); this one is around other layers.
///
/// ```
/// use leveret::Json;
/// use leveret::layers::Timeout;
/// use std::time::Duration;
///
/// # fn example(mq: leveret::Mq) {
/// let worker = mq.worker("orders").layer(Timeout::new(Duration::from_secs(5))).handler(|_: Json<u32>| async {});
/// # let _ = worker; }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Timeout(Duration);

/// A call took longer than it may. A message that was being sent may have been stored, a question carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not done within {0:?}")]
pub struct TimedOut(pub Duration);

impl Timeout {
    /// So long.
    #[must_use]
    pub fn new(time: Duration) -> Self {
        Self(time)
    }
}

impl<S> Layer<S> for Timeout {
    type Service = Timed<S>;

    fn layer(&self, inner: S) -> Timed<S> {
        Timed { inner, time: self.0 }
    }
}

/// The service of [`Timeout`].
#[derive(Debug, Clone)]
pub struct Timed<S> {
    inner: S,
    time: Duration,
}

impl<S, R> Service<R> for Timed<S>
where
    S: Service<R, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Answer<S::Response, BoxError>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let (called, time) = (ready(&mut self.inner).call(request), self.time);
        Box::pin(async move { tokio::time::timeout(time, called).await.map_err(|_| TimedOut(time))? })
    }
}

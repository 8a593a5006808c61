//! So many calls in a time; others wait.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};
use tower::{Layer, Service};

use super::{Answer, ready};

use crate::deadline;

/// So many calls in a time, evenly: each waits for its turn, and its message is held meanwhile. The wait counts towards the message's
/// [deadline](crate::WorkerBuilder::deadline). Clones share the rate, also between workers.
///
/// ```
/// # fn example(mq: leveret::Mq) {
/// use leveret::RateLimit;
/// use std::time::Duration;
///
/// let limit = RateLimit::new(100, Duration::from_secs(1)); // a provider takes no more
/// let worker = mq.worker("payments").layer(limit.clone());
/// # let _ = worker;
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct RateLimit {
    /// When the next call has its turn.
    next: Arc<Mutex<Option<Instant>>>,
    interval: Duration,
}

impl RateLimit {
    /// `calls` in `time`; 0 is taken for 1.
    #[must_use]
    pub fn new(calls: u32, time: Duration) -> Self {
        Self { next: Arc::default(), interval: time / calls.max(1) }
    }

    fn turn(&self) -> Instant {
        let now = Instant::now();
        let mut next = self.next.lock();
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(deadline::after(turn, self.interval));
        turn
    }
}

impl<S> Layer<S> for RateLimit {
    type Service = RateLimited<S>;

    fn layer(&self, inner: S) -> RateLimited<S> {
        RateLimited { inner, limit: self.clone() }
    }
}

/// The service of [`RateLimit`].
#[derive(Debug, Clone)]
pub struct RateLimited<S> {
    inner: S,
    limit: RateLimit,
}

impl<S, R> Service<R> for RateLimited<S>
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
        let (mut inner, turn) = (ready(&mut self.inner), self.limit.turn());
        Box::pin(async move {
            sleep_until(turn).await;
            inner.call(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_have_their_turns_and_idle_time_is_not_saved_up() {
        let limit = RateLimit::new(10, Duration::from_secs(1));
        let began = Instant::now();
        let turns: Vec<_> = (0..3).map(|_| (limit.turn() - began).as_millis()).collect();
        assert_eq!(turns, [0, 100, 200]);
        tokio::time::advance(Duration::from_secs(5)).await;
        let turns: Vec<_> = (0..2).map(|_| (limit.turn() - began).as_millis()).collect();
        assert_eq!(turns, [5000, 5100]);
    }
}

//! So many calls in a time; others wait.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Mutex;
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
    /// When the next call has its turn; locked by the first in line while it waits for that.
    next: Arc<Mutex<Option<Instant>>>,
    interval: Duration,
}

impl RateLimit {
    /// `calls` in `time`; 0 is taken for 1.
    #[must_use]
    pub fn new(calls: u32, time: Duration) -> Self {
        Self { next: Arc::default(), interval: time / calls.max(1) }
    }

    /// Waits for a turn, in the order in which it is asked for. Whoever leaves the line takes no turn along.
    async fn turn(&self) {
        let mut next = self.next.lock().await;
        let now = Instant::now();
        let turn = next.map_or(now, |next| next.max(now));
        sleep_until(turn).await;
        *next = Some(deadline::after(turn, self.interval));
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
        let (mut inner, limit) = (ready(&mut self.inner), self.limit.clone());
        Box::pin(async move {
            limit.turn().await;
            inner.call(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn calls_have_their_turns_and_idle_time_is_not_saved_up() {
        let limit = RateLimit::new(10, Duration::from_secs(1));
        let (began, mut turns) = (Instant::now(), Vec::new());
        for idle_ms in [0, 0, 0, 5000, 0] {
            tokio::time::sleep(Duration::from_millis(idle_ms)).await;
            limit.turn().await;
            turns.push(began.elapsed().as_millis());
        }
        assert_eq!(turns, [0, 100, 200, 5200, 5300]);
    }

    /// The accident: callers that had a deadline left the line and their turns stayed taken. Nobody called, and everybody who came had to
    /// wait longer than before, for ever.
    #[tokio::test(start_paused = true)]
    async fn whoever_leaves_the_line_takes_no_turn_along() {
        let (second, limit) = (Duration::from_secs(1), RateLimit::new(1, Duration::from_secs(1)));
        limit.turn().await;
        let began = Instant::now();
        let lines = (0..100).map(|_| {
            let limit = limit.clone();
            tokio::spawn(async move { timeout(second / 2, limit.turn()).await.is_err() })
        });
        for left in lines.collect::<Vec<_>>() {
            assert!(left.await.unwrap());
        }
        limit.turn().await;
        assert_eq!(began.elapsed(), second);
    }
}

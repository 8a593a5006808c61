//! The consumer of a worker, and those it had before with another prefetch.

use std::time::Duration;

use leveret_client::{ConsumeError, Consumer, Delivery, DrainReport, Error};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::prefetch::{Follower, LOOK};
use super::run::{Running, subscription};

use crate::deadline;

/// How long a consumer that was left waits for its last handlers: RabbitMQ itself waits no longer for an ack.
const LEFT_TIME: Duration = Duration::from_secs(30 * 60);

/// One consumer, and for a while another before it.
pub(super) struct Consumers {
    pub(super) now: Consumer,
    /// Cancelled; what it has is handled before anything of the next.
    before: Option<Consumer>,
    /// Those that wait for their last handlers.
    left: JoinSet<Result<DrainReport, Error>>,
    follower: Option<Follower>,
    look: Instant,
}

impl Consumers {
    pub(super) fn new(now: Consumer, follower: Option<Follower>) -> Self {
        Self { now, before: None, left: JoinSet::new(), follower, look: Instant::now() + LOOK }
    }

    /// The next delivery. Cancel-safe, but for a change of consumers that is under way and begins anew.
    pub(super) async fn next(&mut self, running: &Running) -> Option<Result<Delivery, ConsumeError>> {
        loop {
            if let Some(before) = &mut self.before {
                // None and an error: nothing more is in it, or its connection was lost.
                if let Some(Ok(delivery)) = before.next().await {
                    return Some(Ok(delivery));
                }
                if let Some(before) = self.before.take() {
                    self.left.spawn(before.drain(LEFT_TIME));
                }
            }
            if self.follower.is_none() {
                return self.now.next().await;
            }
            tokio::select! {
                biased;
                () = sleep_until(self.look) => {}
                delivery = self.now.next() => return delivery,
            }
            self.look = Instant::now() + LOOK;
            while self.left.try_join_next().is_some() {}
            let wanted = self.follower.as_mut().and_then(|follower| follower.look(&running.calls));
            if let Some(prefetch) = wanted.filter(|_| self.left.is_empty()) {
                self.go_over(running, prefetch).await;
            }
        }
    }

    /// The new one first, so that there is no moment without; the old one has ended before the new one's first message is handled.
    async fn go_over(&mut self, running: &Running, prefetch: u16) {
        let queue = running.queue.name();
        let options = subscription(queue, prefetch, &running.settings);
        let next = match running.mq.consuming().consumer(options).await {
            Ok(next) => next,
            Err(error) => {
                tracing::debug!(queue, prefetch, %error, "the prefetch stays as it is for now");
                return;
            }
        };
        let before = self.before.insert(std::mem::replace(&mut self.now, next));
        self.follower.iter_mut().for_each(|follower| follower.went_over(prefetch));
        tracing::info!(queue, prefetch, "another prefetch, by what handlers take");
        // One that may still be subscribed would never end: what it has goes back to the queue.
        if before.cancel().await.is_err()
            && let Some(before) = self.before.take()
        {
            self.left.spawn(before.drain(LEFT_TIME));
        }
    }

    /// Takes back what was not begun.
    pub(super) fn put_back(&mut self, delivery: Delivery) {
        // One of the consumer before goes back to the queue at once.
        self.now.put_back(delivery);
    }

    /// Drains all.
    pub(super) async fn drain(mut self, time: Duration) -> Result<DrainReport, Error> {
        let until = deadline::after(Instant::now(), time);
        if let Some(before) = self.before.take() {
            self.left.spawn(before.drain(time));
        }
        let mut all = self.now.drain(time).await?;
        while let Ok(Some(left)) = tokio::time::timeout_at(until, self.left.join_next()).await {
            if let Ok(Ok(report)) = left {
                all.requeued += report.requeued;
                all.abandoned += report.abandoned;
            }
        }
        Ok(all)
    }
}

//! Places for messages that are handled at the same time, and how their number adapts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{MissedTickBehavior, interval};

use super::concurrency::{Adaptive, Seen};
use super::run::Running;

/// How often an adaptive concurrency is looked at.
const TICK: Duration = Duration::from_secs(1);

/// Places for messages that are handled at the same time.
#[derive(Clone)]
pub(super) struct Place {
    permits: Arc<Semaphore>,
    waited: Arc<AtomicBool>,
}

impl Place {
    /// The fewest to begin with.
    pub(super) fn new(running: &Running) -> Self {
        let places = running.settings.concurrency.min();
        Self { permits: Arc::new(Semaphore::new(places.into())), waited: Arc::default() }
    }

    /// A place, when there is one; `None`: the worker stops.
    pub(super) async fn take(&self, running: &Running) -> Option<OwnedSemaphorePermit> {
        if running.stop.is_cancelled() {
            return None;
        }
        if let Ok(place) = self.permits.clone().try_acquire_owned() {
            return Some(place);
        }
        self.waited.store(true, Relaxed);
        tokio::select! {
            biased;
            () = running.stop.cancelled() => None,
            place = self.permits.clone().acquire_owned() => place.ok(),
        }
    }

    /// Adapts their number for as long as it is polled.
    pub(super) async fn adapt(&self, running: &Running) {
        let mut adaptive = Adaptive::new(running.settings.concurrency);
        let (mut done, mut failed, mut owed) = (0, 0, 0);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let (done_now, failed_now) = (running.done.load(Relaxed), running.failed.load(Relaxed));
            let waited = self.waited.swap(false, Relaxed);
            let before = usize::from(adaptive.now());
            let now = adaptive.tick(Seen { done: done_now - done, failed: failed_now - failed, waited });
            (done, failed) = (done_now, failed_now);
            let now = usize::from(now);
            // Places that are taken cannot be taken away yet.
            owed += before.saturating_sub(now);
            let more = now.saturating_sub(before);
            self.permits.add_permits(more.saturating_sub(owed));
            owed = owed.saturating_sub(more);
            owed -= self.permits.forget_permits(owed);
        }
    }
}

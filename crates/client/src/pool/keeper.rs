//! What a pool does by itself: old items go, leaks are reported, a few items are kept ready.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

use tokio::time::{sleep, timeout};

use super::{Inner, Manage};

/// Looks again and again until the pool is closed or gone.
pub(super) async fn keep<M: Manage>(pool: Weak<Inner<M>>) {
    loop {
        let Some(inner) = pool.upgrade() else { return };
        if inner.closed.load(Relaxed) && inner.leases.count().0 == 0 {
            return;
        }
        inner.report_leaks();
        inner.drop_old();
        inner.keep_ready().await;
        let pause = inner.options.look_every();
        drop(inner);
        sleep(pause).await;
    }
}

impl<M: Manage> Inner<M> {
    fn report_leaks(&self) {
        let Some(threshold) = self.options.leak_threshold else { return };
        for held in self.leases.overdue(threshold) {
            let (pool, held_ms) = (&*self.options.name, held.time.as_millis() as u64);
            tracing::warn!(
                pool,
                borrowed_at = %held.place,
                held_ms,
                "held for longer than leak_threshold: give it back, or raise the threshold if that is as it should be"
            );
        }
    }

    fn drop_old(&self) {
        let old: Vec<_> = {
            let mut idle = self.idle.lock();
            let all = std::mem::take(&mut *idle);
            let (fresh, old): (Vec<_>, Vec<_>) = all.into_iter().partition(|entry| self.is_fresh(entry));
            idle.extend(fresh);
            old
        };
        // Outside of the lock: dropping may take a while.
        drop(old);
    }

    async fn keep_ready(self: &Arc<Self>) {
        while self.idle.lock().len() < self.options.idle_min {
            // Counts as lent while it is made, so that there are never more than size_max.
            let Ok(_permit) = self.permits.clone().try_acquire_owned() else { return };
            if self.idle.lock().len() + self.leases.count().0 >= self.options.size_max {
                return;
            }
            match timeout(self.options.wait_max, self.manage.create()).await {
                Ok(Ok(item)) => self.give_back(self.entry(item)),
                Ok(Err(error)) => {
                    tracing::debug!(pool = &*self.options.name, %error, "none could be kept ready");
                    return;
                }
                Err(_) => return,
            }
        }
    }
}

//! Batches with messages for the disk alone that were counted and are not appended yet: until then nobody finds them in the store.
//!
//! A load that comes meanwhile would find nothing and be asked for again at once, over and over; with a thousand queues that took
//! both processors from whoever was appending. So it waits until one of the batches was appended.

use super::Queue;
use super::load;
use super::state::Load;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Appending {
    batches: AtomicU32,
    waiting: Mutex<Vec<Load>>,
}

impl Appending {
    /// Messages were counted that are about to be appended; said under the queue's lock.
    pub(crate) fn begin(&self) {
        self.batches.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether there are such.
    pub(crate) fn is_under_way(&self) -> bool {
        self.batches.load(Ordering::SeqCst) > 0
    }

    /// Has a load wait; gives it back if nothing is under way.
    pub(crate) fn wait(&self, load: Load) -> Option<Load> {
        let mut waiting = self.waiting.lock();
        // Looked at under the lock: a batch that ends later finds the load.
        if !self.is_under_way() {
            return Some(load);
        }
        waiting.push(load);
        None
    }

    /// A batch was appended. Other batches may still be under way; what waited for one finds at least what this one brought.
    fn end(&self) -> Vec<Load> {
        self.batches.fetch_sub(1, Ordering::SeqCst);
        std::mem::take(&mut *self.waiting.lock())
    }
}

/// Queues whose messages a batch holds. They go on in any case, also when the batch is dropped.
#[derive(Debug, Default)]
pub(crate) struct Held(Vec<Arc<Queue>>);

impl Held {
    /// One that said [`Appending::begin`].
    pub(crate) fn push(&mut self, queue: Arc<Queue>) {
        self.0.push(queue);
    }

    /// The batch was appended.
    pub(crate) fn end(&mut self) {
        for queue in self.0.drain(..) {
            let waiting = queue.appending().end();
            let Some(vhost) = queue.vhost() else { continue };
            waiting.into_iter().for_each(|wanted| load::spawn(&vhost, &queue, wanted));
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load() -> Load {
        Load::of_all()
    }

    #[test]
    fn a_load_waits_for_the_next_batch_that_ends_and_no_longer() {
        let appending = Appending::default();
        assert!(appending.wait(load()).is_some(), "nothing is under way");
        appending.begin();
        appending.begin();
        assert!(appending.wait(load()).is_none());
        assert_eq!(
            appending.end().len(),
            1,
            "another is under way, and may be for as long as somebody publishes"
        );
        assert!(appending.wait(load()).is_none());
        assert_eq!(appending.end().len(), 1);
        assert!(!appending.is_under_way());
        assert!(appending.wait(load()).is_some());
    }
}

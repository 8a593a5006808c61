//! A bounded queue between whoever brings something and the task that sends it. Bringing never waits.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

/// So many are sent at once.
pub(crate) const BATCH: usize = 512;

/// What waits, and how many bytes of memory it takes, about.
pub(crate) trait Weigh {
    fn bytes(&self) -> usize;
}

#[derive(Debug)]
struct Held<T> {
    items: VecDeque<T>,
    bytes: usize,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    held: Mutex<Held<T>>,
    bytes_max: usize,
    dropped: AtomicU64,
    full_batch: Notify,
}

impl<T: Weigh> Queue<T> {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let held = Mutex::new(Held { items: VecDeque::new(), bytes: 0 });
        Self { held, bytes_max, dropped: AtomicU64::new(0), full_batch: Notify::new() }
    }

    /// Puts one in, or drops and counts it when there is no room.
    pub(crate) fn push(&self, item: T) {
        let bytes = item.bytes();
        let len = {
            let mut held = self.held.lock();
            if held.bytes + bytes > self.bytes_max {
                drop(held);
                self.dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
            held.bytes += bytes;
            held.items.push_back(item);
            held.items.len()
        };
        if len == BATCH {
            self.full_batch.notify_one();
        }
    }

    /// Takes the oldest out, at most [`BATCH`].
    pub(crate) fn take(&self) -> Vec<T> {
        let mut held = self.held.lock();
        let count = held.items.len().min(BATCH);
        let batch: Vec<T> = held.items.drain(..count).collect();
        held.bytes -= batch.iter().map(Weigh::bytes).sum::<usize>();
        if held.items.is_empty() && held.items.capacity() > 4 * BATCH {
            held.items = VecDeque::new();
        }
        batch
    }

    /// Returns once a batch is full.
    pub(crate) async fn fills(&self) {
        self.full_batch.notified().await;
    }

    pub(crate) fn len(&self) -> usize {
        self.held.lock().items.len()
    }

    /// How many found no room.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weigh for usize {
        fn bytes(&self) -> usize {
            *self
        }
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_counted() {
        let queue = Queue::new(10);
        [4, 4, 4, 2, 1].into_iter().for_each(|item| queue.push(item));
        assert_eq!((queue.len(), queue.dropped()), (3, 2));
        assert_eq!(queue.take(), [4, 4, 2], "the oldest stay, in order");
        queue.push(10);
        assert_eq!((queue.take(), queue.dropped()), (vec![10], 2), "there is room again");
        assert_eq!(queue.take(), [0; 0]);
    }

    #[tokio::test]
    async fn a_full_batch_is_heard_of() {
        let queue = Queue::new(usize::MAX);
        (0..BATCH + 1).for_each(|_| queue.push(1));
        queue.fills().await;
        assert_eq!(queue.take().len(), BATCH);
        assert_eq!(queue.take().len(), 1);
    }
}

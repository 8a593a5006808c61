//! Deliveries in the hands of the application, and the wait until there are none.

use tokio::sync::Notify;

use crate::sync::Ordering::SeqCst;
use crate::sync::{AtomicBool, AtomicUsize};

#[derive(Debug)]
pub(crate) struct Taken {
    count: AtomicUsize,
    /// Somebody waits.
    draining: AtomicBool,
    all_back: Notify,
}

impl Taken {
    pub(crate) fn new() -> Self {
        Self { count: AtomicUsize::new(0), draining: AtomicBool::new(false), all_back: Notify::new() }
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(SeqCst)
    }

    /// The application takes one.
    pub(crate) fn take(&self) {
        self.count.fetch_add(1, SeqCst);
    }

    /// It is done with one. To be called once the settlement is on its way.
    pub(crate) fn put_back(&self) {
        if self.count.fetch_sub(1, SeqCst) == 1 && self.draining.load(SeqCst) {
            self.all_back.notify_one();
        }
    }

    /// Waits until all are back. One waits at a time.
    pub(crate) async fn none(&self) {
        self.draining.store(true, SeqCst);
        while self.count() > 0 {
            self.all_back.notified().await;
        }
    }
}

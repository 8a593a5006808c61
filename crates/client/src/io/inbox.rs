//! Where the task leaves deliveries for their consumer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};

use atomic_waker::AtomicWaker;
use parking_lot::Mutex;

use super::shared::ConnectionShared;
use crate::consumer::Delivery;
use crate::error::Error;

/// Where deliveries wait for their consumer; bounded by the prefetch, and without acks by the connection's
/// [`holds_back`](ConnectionShared::holds_back).
#[derive(Debug)]
pub(crate) struct Inbox {
    pub(crate) deliveries: Mutex<VecDeque<Delivery>>,
    pub(crate) waker: AtomicWaker,
    pub(crate) ended: OnceLock<Error>,
    /// Why the broker does not deliver at the moment, if it said so.
    pub(crate) interrupted: Mutex<Option<Error>>,
    /// The consumer was dropped; changes under the lock of `deliveries`.
    gone: AtomicBool,
    connection: Arc<ConnectionShared>,
}

impl Inbox {
    pub(crate) fn new(connection: Arc<ConnectionShared>) -> Self {
        Self {
            deliveries: Mutex::default(),
            waker: AtomicWaker::new(),
            ended: OnceLock::new(),
            interrupted: Mutex::default(),
            gone: AtomicBool::new(false),
            connection,
        }
    }

    /// The consumer is dropped: takes out what is left for it.
    pub(crate) fn leave(&self, rest: &mut VecDeque<Delivery>) {
        let mut deliveries = self.deliveries.lock();
        self.gone.store(true, SeqCst);
        rest.append(&mut deliveries);
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(SeqCst)
    }

    /// Deliveries without acks come in.
    pub(crate) fn hold(&self, bytes: usize) {
        self.connection.hold(bytes);
    }

    /// They were taken.
    pub(crate) fn took(&self, bytes: usize) {
        self.connection.took(bytes);
    }

    pub(crate) fn end(&self, error: Error) {
        let _ = self.ended.set(error);
        self.waker.wake();
    }
}

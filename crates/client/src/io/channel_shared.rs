//! What the handles of a channel and the task share: queues without locks, and places in them.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};

use crossbeam_queue::ArrayQueue;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use super::asked::Settle;
use super::linger::Linger;
use super::quiet::Quiet;
use super::returns::ReturnsSender;
use super::shared::ConnectionShared;
use super::taken::Taken;
use crate::acks::Settlement;
use crate::error::Error;
use crate::publisher::InFlight;

/// Places for messages, at most: they are there from the beginning.
const IN_FLIGHT_MAX: usize = 1 << 20;

/// One channel, as its handles see it.
#[derive(Debug)]
pub(crate) struct ChannelShared {
    pub(crate) connection: Arc<ConnectionShared>,
    pub(crate) number: u16,
    /// Counts the channels that replaced each other under this number and handle.
    pub(crate) epoch: AtomicU32,
    publishes: OnceLock<ArrayQueue<Arc<InFlight>>>,
    /// Set if messages wait for company.
    pub(crate) linger: OnceLock<Linger>,
    settles: OnceLock<ArrayQueue<Settle>>,
    pub(super) quiet: Quiet,
    prefetch: usize,
    /// Settlements that found the queue full; rare.
    pub(crate) overflow: Mutex<Vec<Settle>>,
    pub(crate) count: Semaphore,
    pub(crate) bytes: Semaphore,
    pub(crate) count_max: usize,
    pub(crate) bytes_max: usize,
    pub(crate) closed: OnceLock<Error>,
    /// Told when it is.
    pub(crate) ended: Notify,
    /// `confirm.select` was called on it.
    pub(crate) confirming: AtomicBool,
    pub(crate) nacked: AtomicUsize,
    pub(crate) returns: Mutex<Option<ReturnsSender>>,
    /// The handle was dropped.
    pub(crate) released: AtomicBool,
    pub(crate) taken: Taken,
}

impl ChannelShared {
    pub(crate) fn new(
        connection: Arc<ConnectionShared>,
        number: u16,
        (count_max, bytes_max): (usize, usize),
        prefetch: u16,
    ) -> Self {
        let bytes_max = bytes_max.clamp(1, u32::MAX as usize);
        let count_max = count_max.clamp(1, IN_FLIGHT_MAX);
        Self {
            connection,
            number,
            epoch: AtomicU32::new(0),
            publishes: OnceLock::new(),
            linger: OnceLock::new(),
            settles: OnceLock::new(),
            quiet: Quiet::new(),
            prefetch: usize::from(prefetch).clamp(64, 4096),
            overflow: Mutex::default(),
            count: Semaphore::new(count_max),
            bytes: Semaphore::new(bytes_max),
            count_max,
            bytes_max,
            closed: OnceLock::new(),
            ended: Notify::new(),
            confirming: AtomicBool::new(false),
            nacked: AtomicUsize::new(0),
            returns: Mutex::default(),
            released: AtomicBool::new(false),
            taken: Taken::new(),
        }
    }

    /// The handle is gone: the task closes the channel once what is under way on it is done.
    pub(crate) fn let_go(&self) {
        self.released.store(true, SeqCst);
        self.connection.set_ready(self.number);
    }

    /// Hands a message to the task. The permit is held, so there is room. `waits`: the caller is going to wait for the outcome; if
    /// nothing else is in flight there is nothing to gather, and the message is written at once.
    pub(crate) fn publish(&self, message: Arc<InFlight>, waits: bool) {
        let queue = self.publishes.get_or_init(|| ArrayQueue::new(self.count_max));
        let linger = self.linger.get();
        let tell = linger.is_none_or(|linger| linger.add(message.frame_bytes()));
        if let Err(message) = queue.push(message) {
            debug_assert!(false, "a permit is a place in the queue");
            message.complete(Err(crate::SendError::Deadline));
        }
        if !tell {
            return; // the task was told of the first, and comes when its time is up
        }
        if waits && linger.is_none() && self.count.available_permits() + 1 == self.count_max {
            self.connection.set_ready_and_work(self.number);
        } else {
            self.connection.set_ready(self.number);
        }
    }

    pub(crate) fn next_publish(&self) -> Option<Arc<InFlight>> {
        let message = self.publishes.get()?.pop()?;
        if let Some(linger) = self.linger.get() {
            linger.took(message.frame_bytes());
        }
        Some(message)
    }

    /// What is queued is to be written without waiting for company.
    pub(crate) fn hurry(&self) {
        if let Some(linger) = self.linger.get() {
            linger.hurry();
            self.connection.set_ready(self.number);
        }
    }

    pub(crate) fn has_publishes(&self) -> bool {
        self.publishes.get().is_some_and(|queue| !queue.is_empty())
    }

    pub(crate) fn settle(&self, settle: Settle) {
        let queue = self.settles.get_or_init(|| ArrayQueue::new(self.prefetch));
        let acks = settle.kind == Settlement::Ack;
        let full = queue.push(settle);
        if let Err(settle) = full {
            self.overflow.lock().push(settle);
        }
        if self.quiet.is_to_be_told() || !acks || full.is_err() {
            self.connection.set_ready(self.number);
        }
    }

    pub(super) fn has_settles(&self) -> bool {
        self.settles.get().is_some_and(|queue| !queue.is_empty()) || !self.overflow.lock().is_empty()
    }

    pub(crate) fn next_settle(&self) -> Option<Settle> {
        self.settles.get()?.pop()
    }

    /// Gives places back, in one go per batch.
    pub(crate) fn release(&self, count: usize, bytes: usize) {
        if count > 0 {
            self.count.add_permits(count);
            self.bytes.add_permits(bytes);
        }
    }
}

//! What handles and the task share: queues without locks, and a bell.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};

use atomic_waker::AtomicWaker;
use crossbeam_queue::ArrayQueue;
use leveret_protocol::FieldTable;
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::bed::Bed;
use super::bell::Bell;
use super::linger::Linger;
use super::returns::ReturnsSender;
use super::serving::Serving;
use super::taken::Taken;
use crate::acks::Settlement;
use crate::consumer::Delivery;
use crate::error::Error;
use crate::options::ConnectOptions;
use crate::publisher::InFlight;
use crate::topology::{Change, RecoveryReport, Topology};

/// Answer to a method, owned.
#[derive(Debug)]
pub(crate) enum Reply {
    Done,
    Declared { queue: String, messages: u32, consumers: u32 },
    Count(u32),
    Consuming(String),
    Got(Option<(Box<Delivery>, u32)>),
}

pub(crate) type ReplySender = oneshot::Sender<Result<Reply, Error>>;

/// A consumer to be made, and made again after recovery.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(crate) queue: String,
    pub(crate) tag: String,
    pub(crate) no_ack: bool,
    pub(crate) exclusive: bool,
    pub(crate) no_local: bool,
    pub(crate) arguments: FieldTable,
    pub(crate) resubscribes_max: Option<u32>,
    pub(crate) inbox: Arc<Inbox>,
}

/// A channel that was opened for somebody. One that is not taken, because its asker has gone, is closed again.
pub(crate) struct Opened(Option<Arc<ChannelShared>>);

impl Opened {
    pub(crate) fn new(shared: Arc<ChannelShared>) -> Self {
        Self(Some(shared))
    }

    pub(crate) fn take(mut self) -> Option<Arc<ChannelShared>> {
        self.0.take()
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            shared.let_go();
        }
    }
}

/// What a handle asks the task to do.
pub(crate) enum Command {
    /// Open a channel. One that recovers comes back with its consumers, prefetch and unconfirmed messages.
    Open {
        recovers: bool,
        confirms: bool,
        bounds: (usize, usize),
        prefetch: u16,
        reply: oneshot::Sender<Result<Opened, Error>>,
    },
    /// A whole method frame, and who waits for the answer.
    Call {
        channel: u16,
        epoch: u32,
        frame: Vec<u8>,
        kind: CallKind,
        reply: ReplySender,
    },
    /// Frames without an answer.
    Cast {
        channel: u16,
        epoch: u32,
        frames: Vec<u8>,
        /// Room that is free again once they are taken.
        room: OwnedSemaphorePermit,
    },
    Consume {
        channel: u16,
        epoch: u32,
        subscription: Box<Subscription>,
        reply: ReplySender,
    },
}

/// What the task itself has to know of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CallKind {
    Other,
    /// Once it is answered, this is so.
    Change(Box<Change>),
    Get,
    Confirm,
    Qos(u16),
    Cancel(String),
    Close,
}

/// A settlement of one delivery.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settle {
    pub(crate) epoch: u32,
    pub(crate) tag: u64,
    pub(crate) kind: Settlement,
}

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
        self.connection.waiting_bytes.fetch_add(bytes, SeqCst);
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

/// What belongs to the whole connection.
#[derive(Debug)]
pub(crate) struct ConnectionShared {
    pub(crate) bell: Bell,
    pub(super) bed: Bed<Serving>,
    pub(crate) close_requested: AtomicBool,
    /// Whoever closes it has waited long enough.
    pub(crate) close_now: AtomicBool,
    pub(crate) frame_max: AtomicU32,
    pub(crate) dropped_unsettled: AtomicU64,
    /// What the broker said of itself when it was last connected to.
    pub(crate) server_properties: Mutex<Arc<FieldTable>>,
    /// What was declared on this connection, to be declared again.
    pub(crate) topology: Mutex<Topology>,
    /// Bytes of deliveries that need no ack and wait for their consumers.
    waiting_bytes: AtomicUsize,
    waiting_bytes_max: usize,
    /// Room for frames that low-level channels hand over.
    pub(crate) cast_room: Arc<Semaphore>,
    pub(crate) cast_bytes_max: usize,
    /// How the last time went.
    pub(crate) recovery: watch::Sender<Option<Arc<RecoveryReport>>>,
}

impl ConnectionShared {
    pub(crate) fn new(options: &ConnectOptions) -> Self {
        let channel_max = options.channel_max;
        let channels = if channel_max == 0 { usize::from(u16::MAX) } else { usize::from(channel_max) };
        Self {
            bell: Bell::new(channels),
            bed: Bed::new(),
            close_requested: AtomicBool::new(false),
            close_now: AtomicBool::new(false),
            frame_max: AtomicU32::new(0),
            dropped_unsettled: AtomicU64::new(0),
            server_properties: Mutex::default(),
            topology: Mutex::default(),
            waiting_bytes: AtomicUsize::new(0),
            waiting_bytes_max: options.waiting_bytes_max,
            cast_room: Arc::new(Semaphore::new(options.write.queue_bytes_max.min(u32::MAX as usize))),
            cast_bytes_max: options.write.queue_bytes_max.min(u32::MAX as usize),
            recovery: watch::Sender::new(None),
        }
    }

    fn took(&self, bytes: usize) {
        let half = self.waiting_bytes_max / 2;
        let before = self.waiting_bytes.fetch_sub(bytes, SeqCst);
        if before > half && before - bytes <= half {
            self.ring();
        }
    }

    /// Whether so much waits that nothing more is to be read; once that was so, until half of it is taken.
    pub(crate) fn holds_back(&self, held_back: bool) -> bool {
        let most = if held_back { self.waiting_bytes_max / 2 } else { self.waiting_bytes_max };
        self.waiting_bytes.load(SeqCst) > most
    }

    pub(crate) fn ring(&self) {
        self.bell.ring();
    }

    pub(crate) fn has_ready(&self) -> bool {
        self.bell.has_ready() || self.wants_close()
    }

    /// Something about closing was said that the task has not acted on.
    pub(crate) fn wants_close(&self) -> bool {
        self.close_requested.load(SeqCst) || self.close_now.load(SeqCst)
    }

    pub(crate) fn set_ready(&self, channel: u16) {
        self.bell.set_ready(channel);
    }

    pub(crate) fn take_ready(&self, each: impl FnMut(u16)) {
        self.bell.take_ready(each);
    }
}

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
        Self {
            connection,
            number,
            epoch: AtomicU32::new(0),
            publishes: OnceLock::new(),
            linger: OnceLock::new(),
            settles: OnceLock::new(),
            prefetch: usize::from(prefetch).clamp(64, 4096),
            overflow: Mutex::default(),
            count: Semaphore::new(count_max.max(1)),
            bytes: Semaphore::new(bytes_max),
            count_max: count_max.max(1),
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
        if let Err(settle) = queue.push(settle) {
            self.overflow.lock().push(settle);
        }
        self.connection.set_ready(self.number);
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

//! What all handles of a connection share with its task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst};

use leveret_protocol::FieldTable;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};

use super::bed::Bed;
use super::bell::Bell;
use super::serving::Serving;
use crate::options::ConnectOptions;
use crate::topology::{RecoveryReport, Topology};

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

    /// Deliveries without acks wait for their consumer.
    pub(super) fn hold(&self, bytes: usize) {
        self.waiting_bytes.fetch_add(bytes, SeqCst);
    }

    /// They were taken.
    pub(super) fn took(&self, bytes: usize) {
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

//! Messages that wait for company before they are written, as Kafka's `linger.ms` has it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::time::Instant;

use super::channel_state::ChannelState;

use crate::deadline;

/// How long the messages of one channel wait, and what ends it sooner.
#[derive(Debug)]
pub(crate) struct Linger {
    time: Duration,
    bytes: usize,
    /// Bytes queued and not taken by the task; counted before the message is to be found.
    queued: AtomicUsize,
    /// Somebody waits for what is queued.
    hurry: AtomicBool,
}

impl Linger {
    pub(crate) fn new(time: Duration, bytes: usize) -> Self {
        Self { time, bytes, queued: AtomicUsize::new(0), hurry: AtomicBool::new(false) }
    }

    /// Whether the task is to be told: of the first message, and when there are enough.
    pub(super) fn add(&self, bytes: usize) -> bool {
        let before = self.queued.fetch_add(bytes, SeqCst);
        before == 0 || before < self.bytes && before + bytes >= self.bytes
    }

    pub(super) fn took(&self, bytes: usize) {
        self.queued.fetch_sub(bytes, SeqCst);
    }

    pub(super) fn hurry(&self) {
        self.hurry.store(true, SeqCst);
    }
}

impl ChannelState {
    /// Whether what is queued waits on; then `linger_at` says until when.
    pub(super) fn lingers(&mut self, now: Instant, hurry: bool) -> bool {
        let Some(linger) = self.shared.linger.get() else { return false };
        let hurry = linger.hurry.swap(false, SeqCst) || hurry || !self.resend.is_empty();
        let queued = linger.queued.load(SeqCst);
        if hurry || queued == 0 || queued >= linger.bytes {
            self.linger_at = Some(now);
            return false;
        }
        *self.linger_at.get_or_insert(deadline::after(now, linger.time)) > now
    }

    /// All was written that could be. Who came since then waits from now on.
    pub(super) fn wrote_all(&mut self, now: Instant) {
        let Some(linger) = self.shared.linger.get() else { return };
        self.linger_at = (linger.queued.load(SeqCst) > 0).then(|| deadline::after(now, linger.time));
    }
}

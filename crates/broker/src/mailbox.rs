//! What other tasks leave for a connection: deliveries its consumers were given, and orders from the broker.
//!
//! Queues put deliveries in under their own lock, the connection's task takes everything at once. Bytes that were handed
//! over and not yet written to the socket are counted, so that a queue stops feeding a peer that does not read:
//! see [`Mailbox::is_full`].

use crate::inspect::AskUnacked;
use crate::message::Message;
use crate::queue::past::Past;
use crate::queue::stored::Stored;
use crate::queue::{ConsumerId, Queue};
use leveret_protocol::ReplyCode;
use leveret_store::{Notify, Ticket};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

/// A message on its way from a queue to a consumer.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) message: Message,
    /// Place in the queue, to which a requeue returns it.
    pub(crate) position: u64,
    /// When it dies if it goes back; `u64::MAX` for never.
    pub(crate) expires_ms: u64,
    /// The connection's own number for the consumer.
    pub(crate) consumer: u32,
    /// What became of it before.
    pub(crate) past: Past,
    pub(crate) redelivered: bool,
    /// Where the store holds it.
    pub(crate) stored: Stored,
}

impl Delivery {
    /// What it counts against the connection's bound on outstanding bytes.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        delivery_bytes(&self.message)
    }
}

/// What a message counts on its way to one consumer: its body and about what goes around it.
#[inline]
pub(crate) fn delivery_bytes(message: &Message) -> usize {
    message.body_len() + 256
}

/// An order to a connection's task.
#[derive(Debug)]
pub(crate) enum Command {
    /// The queue went away: tell the consumer, if the client wants to know.
    ConsumerCancelled { consumer: u32, queue: u64 },
    /// A reply for a direct reply-to consumer.
    Reply { channel: u16, message: Message },
    /// Close with this reply code and text.
    Close { code: ReplyCode, text: String },
    /// Somebody looks at what consumers hold.
    TellUnacked(AskUnacked),
    /// The broker stops: consumers are cancelled, settlements are still taken.
    Drain,
}

#[derive(Default)]
struct Inner {
    deliveries: Vec<Delivery>,
    commands: Vec<Command>,
    /// Consumers that wait for room here.
    stalled: Vec<(Arc<Queue>, ConsumerId)>,
    waker: Option<Waker>,
    /// Publishers that wait until so many bytes were written in all.
    publishers: Vec<(u64, Waker)>,
    closed: bool,
}

/// See the module's documentation.
pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
    /// There is something to take.
    filled: AtomicBool,
    outstanding_bytes: AtomicUsize,
    outstanding_bytes_max: usize,
    written_bytes: AtomicU64,
    /// Batches under way that have to be appended to the store before anything more is written.
    blocked: AtomicUsize,
    /// What is to be stored before anything more is written.
    hold: AtomicU64,
    /// The peer does not read: waiting for it would let a slow consumer stop its producers.
    write_blocked: AtomicBool,
}

impl Mailbox {
    pub(crate) fn new(outstanding_bytes_max: usize) -> Self {
        Self {
            inner: Mutex::default(),
            filled: AtomicBool::new(false),
            outstanding_bytes: AtomicUsize::new(0),
            outstanding_bytes_max,
            written_bytes: AtomicU64::new(0),
            blocked: AtomicUsize::new(0),
            hold: AtomicU64::new(0),
            write_blocked: AtomicBool::new(false),
        }
    }

    /// Whether the connection has as much as it may before it writes some of it; `staged` bytes are about to be added.
    #[inline]
    pub(crate) fn is_full(&self, staged: usize) -> bool {
        self.outstanding_bytes.load(Ordering::Relaxed) + staged >= self.outstanding_bytes_max
    }

    /// Hands deliveries over (the vector keeps its room). `false`: the connection is gone, they stay with the caller.
    pub(crate) fn deliver(&self, deliveries: &mut Vec<Delivery>, bytes: usize) -> bool {
        let waker = {
            let mut inner = self.inner.lock();
            if inner.closed {
                return false;
            }
            self.outstanding_bytes.fetch_add(bytes, Ordering::Relaxed);
            inner.deliveries.append(deliveries);
            self.filled.store(true, Ordering::Release);
            inner.waker.take()
        };
        waker.inspect(Waker::wake_by_ref);
        true
    }

    /// Bytes that were handed over and are not written yet.
    pub(crate) fn outstanding_bytes(&self) -> usize {
        self.outstanding_bytes.load(Ordering::Relaxed)
    }

    /// Puts deliveries back that were taken and whose turn has not come: before those that came meanwhile.
    pub(crate) fn put_back(&self, deliveries: &mut Vec<Delivery>) {
        if deliveries.is_empty() {
            return;
        }
        let waker = {
            let mut inner = self.inner.lock();
            deliveries.append(&mut inner.deliveries);
            std::mem::swap(deliveries, &mut inner.deliveries);
            self.filled.store(true, Ordering::Release);
            inner.waker.take()
        };
        waker.inspect(Waker::wake_by_ref);
    }

    /// Nothing more is written until [`unblock`](Self::unblock) says what it depends on; said before what depends on it is delivered.
    pub(crate) fn block(&self) {
        self.blocked.fetch_add(1, Ordering::AcqRel);
    }

    /// The batch was appended: what was delivered may be written once this ticket is stored.
    pub(crate) fn unblock(&self, ticket: Ticket) {
        self.hold.fetch_max(ticket, Ordering::AcqRel);
        self.blocked.fetch_sub(1, Ordering::AcqRel);
        self.wake();
    }

    /// What is to be stored before anything more is written; `None`: that is not known yet.
    #[inline]
    pub(crate) fn hold(&self) -> Option<Ticket> {
        if self.blocked.load(Ordering::Acquire) > 0 {
            return None;
        }
        Some(self.hold.load(Ordering::Acquire))
    }

    /// Leaves an order. `false`: the connection is gone.
    pub(crate) fn order(&self, command: Command) -> bool {
        let waker = {
            let mut inner = self.inner.lock();
            if inner.closed {
                return false;
            }
            inner.commands.push(command);
            self.filled.store(true, Ordering::Release);
            inner.waker.take()
        };
        waker.inspect(Waker::wake_by_ref);
        true
    }

    /// Leaves a direct reply of `bytes`, unless the connection has as much as it may.
    pub(crate) fn reply(&self, command: Command, bytes: usize) -> bool {
        if self.is_full(0) {
            return false;
        }
        // Counted before it can be taken, so that the count never goes below what was taken.
        self.outstanding_bytes.fetch_add(bytes, Ordering::Relaxed);
        let taken = self.order(command);
        if !taken {
            self.outstanding_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        taken
    }

    /// Notes a consumer that found no room; `false` when room came meanwhile, so that it can go on at once.
    pub(crate) fn stall(&self, queue: &Arc<Queue>, consumer: ConsumerId) -> bool {
        let mut inner = self.inner.lock();
        // The mirror image of `written`: whoever comes second under this lock sees the other's work.
        if !inner.closed && self.outstanding_bytes.load(Ordering::Relaxed) <= self.outstanding_bytes_max / 2 {
            return false;
        }
        inner.stalled.push((queue.clone(), consumer));
        true
    }

    /// Takes all that was left, into vectors whose old content the caller has dealt with.
    pub(crate) fn take(&self, deliveries: &mut Vec<Delivery>, commands: &mut Vec<Command>) {
        if !self.filled.load(Ordering::Acquire) {
            return;
        }
        let mut inner = self.inner.lock();
        self.filled.store(false, Ordering::Release);
        if deliveries.is_empty() {
            std::mem::swap(deliveries, &mut inner.deliveries);
        } else {
            deliveries.append(&mut inner.deliveries);
        }
        commands.append(&mut inner.commands);
    }

    /// Says that `bytes` left for the socket; returns the consumers that may go on.
    pub(crate) fn written(&self, bytes: usize) -> Vec<(Arc<Queue>, ConsumerId)> {
        let before = self.outstanding_bytes.fetch_sub(bytes, Ordering::Relaxed);
        // Half of the bound: resuming for every few bytes would cost more than it brings.
        let resume = before - bytes <= self.outstanding_bytes_max / 2;
        self.written_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if resume { std::mem::take(&mut self.inner.lock().stalled) } else { Vec::new() }
    }

    /// Lets publishers go on that need not wait any longer; to be said after the consumers that `written` named were resumed.
    pub(crate) fn caught_up(&self) {
        let mut inner = self.inner.lock();
        let Inner { publishers, stalled, .. } = &mut *inner;
        publishers
            .extract_if(.., |(target, _)| !self.is_behind(stalled.is_empty(), *target))
            .for_each(|(_, waker)| waker.wake());
    }

    /// Whether there is work for this connection's task that its peer would take, up to so many bytes written in all.
    fn is_behind(&self, nobody_stalled: bool, target: u64) -> bool {
        let outstanding = self.outstanding_bytes.load(Ordering::Relaxed);
        self.written_bytes() < target
            && !self.write_blocked.load(Ordering::Relaxed)
            && (!nobody_stalled || outstanding > self.outstanding_bytes_max / 2)
    }

    /// Says whether the socket takes no more; then nobody waits for this connection.
    pub(crate) fn set_write_blocked(&self, blocked: bool) {
        if self.write_blocked.load(Ordering::Relaxed) != blocked {
            self.write_blocked.store(blocked, Ordering::Relaxed);
            if blocked {
                self.release_publishers(&mut self.inner.lock());
            }
        }
    }

    fn release_publishers(&self, inner: &mut Inner) {
        inner.publishers.drain(..).for_each(|(_, waker)| waker.wake());
    }

    /// Bytes written so far, to which a publisher adds what it put in to know what to wait for.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    /// Pending while this connection's task is behind with work that its peer would take: a publisher that feeds it pauses until
    /// as much was written as it put in, or nothing is left to write, so that its queues do not grow for want of a turn on
    /// the processor. A peer that does not read holds nobody up.
    pub(crate) fn poll_written(&self, target: u64, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.inner.lock();
        if inner.closed || !self.is_behind(inner.stalled.is_empty(), target) {
            return Poll::Ready(());
        }
        if !inner.publishers.iter().any(|(_, waker)| waker.will_wake(cx.waker())) {
            inner.publishers.push((target, cx.waker().clone()));
        }
        Poll::Pending
    }

    /// Ready when there is something to take; the task is woken when that changes.
    pub(crate) fn poll_filled(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.filled.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        let mut inner = self.inner.lock();
        if self.filled.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        match &inner.waker {
            Some(waker) if waker.will_wake(cx.waker()) => {}
            _ => inner.waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// The task is woken when something is left here, or there is news from the store.
    pub(crate) fn register(&self, cx: &mut Context<'_>) {
        let mut inner = self.inner.lock();
        match &inner.waker {
            Some(waker) if waker.will_wake(cx.waker()) => {}
            _ => inner.waker = Some(cx.waker().clone()),
        }
    }

    /// Ready when the connection is to be closed; everything else stays where it is.
    pub(crate) fn poll_close(&self, cx: &mut Context<'_>) -> Poll<(ReplyCode, String)> {
        let mut inner = self.inner.lock();
        let found = inner.commands.extract_if(.., |command| matches!(command, Command::Close { .. })).next();
        if let Some(Command::Close { code, text }) = found {
            return Poll::Ready((code, text));
        }
        inner.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Wakes the connection's task to look around.
    pub(crate) fn wake(&self) {
        let waker = {
            let mut inner = self.inner.lock();
            self.filled.store(true, Ordering::Release);
            inner.waker.take()
        };
        waker.inspect(Waker::wake_by_ref);
    }

    /// Closes the box and returns the deliveries nobody took.
    pub(crate) fn close(&self) -> Vec<Delivery> {
        let mut inner = self.inner.lock();
        inner.closed = true;
        inner.stalled.clear();
        inner.commands.clear();
        self.release_publishers(&mut inner);
        std::mem::take(&mut inner.deliveries)
    }
}

/// The store has news for whoever waits in this connection.
impl Notify for Mailbox {
    fn notify(&self) {
        self.wake();
    }
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailbox").field("outstanding_bytes", &self.outstanding_bytes).finish_non_exhaustive()
    }
}

//! The outcome of one message: decided once, by whoever comes first, and told to who waits.

use std::task::{Context, Poll};

use crate::error::SendError;
use crate::sync::{AtomicU8, AtomicWaker, Mutex, Ordering};

const QUEUED: u8 = 0;
const WRITTEN: u8 = 1;
/// Somebody decides the outcome, and nobody else may any more.
const CLAIMED: u8 = 2;
const STORED: u8 = 3;
const FAILED: u8 = 4;

#[derive(Debug)]
pub(crate) struct Outcome {
    state: AtomicU8,
    waker: AtomicWaker,
    problem: Mutex<Option<SendError>>,
}

impl Outcome {
    pub(crate) fn new() -> Self {
        Self { state: AtomicU8::new(QUEUED), waker: AtomicWaker::new(), problem: Mutex::new(None) }
    }

    /// To be asked before it is written, first or again. `false`: its outcome is decided, and who was told that it was not sent is to
    /// be right.
    pub(crate) fn begin_write(&self) -> bool {
        match self.state.compare_exchange(QUEUED, WRITTEN, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(state) => state == WRITTEN,
        }
    }

    /// Takes the right to decide the outcome. `Some`: whether it was written before; `None`: it is decided.
    fn claim(&self) -> Option<bool> {
        let mut state = self.state.load(Ordering::Acquire);
        while state < CLAIMED {
            match self.state.compare_exchange_weak(state, CLAIMED, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(state == WRITTEN),
                Err(now) => state = now,
            }
        }
        None
    }

    fn decide(&self, outcome: Result<(), SendError>) {
        match outcome {
            Ok(()) => self.state.store(STORED, Ordering::Release),
            Err(error) => {
                *self.problem.lock() = Some(error);
                self.state.store(FAILED, Ordering::Release);
            }
        }
        self.waker.wake();
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) >= CLAIMED
    }

    pub(crate) fn was_written(&self) -> bool {
        self.state.load(Ordering::Acquire) == WRITTEN
    }

    /// Decides the outcome; only the first decision counts.
    pub(crate) fn complete(&self, outcome: Result<(), SendError>) {
        if self.claim().is_some() {
            self.decide(outcome);
        }
    }

    /// The connection is gone or the time is up.
    pub(crate) fn give_up(&self, unwritten: SendError) {
        match self.claim() {
            Some(true) => self.decide(Err(SendError::Unconfirmed { maybe_stored: true })),
            Some(false) => self.decide(Err(unwritten)),
            None => {}
        }
    }

    /// The outcome, once it is known.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        for attempt in 0..2 {
            match self.state.load(Ordering::Acquire) {
                STORED => return Poll::Ready(Ok(())),
                FAILED => {
                    let problem = self.problem.lock().clone();
                    let unknown = SendError::Unconfirmed { maybe_stored: true };
                    return Poll::Ready(Err(problem.unwrap_or(unknown)));
                }
                _ if attempt == 0 => self.waker.register(cx.waker()),
                _ => {}
            }
        }
        Poll::Pending
    }
}

//! Stopping a message at a step of its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use leveret::idempotency::{Answer, Claim, Committed, IdempotencyStore};
use leveret::{BoxError, SqlStore};
use sqlx::Sqlite;
use tokio::sync::Semaphore;

/// Where on its way a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Delivered, nothing more.
    Received,
    /// Claimed, and the worker does not know it yet.
    Claimed,
    /// The handler has begun.
    Handling,
    /// The handler has done it, and has not said so. (With an inbox: not committed.)
    Done,
    /// Committed, and the worker does not know it yet.
    Committed,
    /// Acked, and the broker does not know it yet.
    Acked,
}

/// What ends there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Its handler, by an error, a panic or not at all.
    Handler(Bad),
    /// Its process, by kill -9.
    Worker,
    Broker,
    Connection,
    /// What the store was asked is not done (or not answered, where it is done already).
    Store,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    Error,
    Panic,
    Hang,
}

/// How a message is handled once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// [`Idempotency`] around the handler.
    Store,
    /// The mark in the handler's transaction.
    Inbox,
}

/// Stops a message at a step, once.
#[derive(Clone)]
pub(super) struct Trap(Arc<Inner>);

struct Inner {
    part: Part,
    step: Step,
    armed: AtomicBool,
    reached: Semaphore,
    go: Semaphore,
}

impl Trap {
    pub(super) fn new(part: Part, step: Step) -> Self {
        let (reached, go) = (Semaphore::new(0), Semaphore::new(0));
        Self(Arc::new(Inner { part, step, armed: AtomicBool::new(true), reached, go }))
    }

    /// Nothing stops there any more.
    pub(super) fn disarmed(self) -> Self {
        self.0.armed.store(false, SeqCst);
        self
    }

    pub(super) fn step(&self) -> Step {
        self.0.step
    }

    pub(super) fn part(&self) -> Part {
        self.0.part
    }

    /// Until the message is there.
    pub(super) async fn reached(&self) {
        self.0.reached.acquire().await.unwrap().forget();
    }

    /// Lets it go on, to what is to happen to it.
    pub(super) fn go(&self) {
        self.0.go.add_permits(1);
    }

    pub(super) async fn pass(&self, step: Step) -> Result<(), BoxError> {
        if step != self.0.step || !self.0.armed.swap(false, SeqCst) {
            return Ok(());
        }
        self.0.reached.add_permits(1);
        self.0.go.acquire().await?.forget();
        match self.0.part {
            Part::Handler(Bad::Error) | Part::Store => Err("out of order".into()),
            Part::Handler(Bad::Panic) => panic!("out of order"),
            Part::Handler(Bad::Hang) => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

/// The store, with the steps of a message at it.
pub(super) struct Steps {
    pub(super) store: SqlStore<Sqlite>,
    pub(super) trap: Trap,
}

impl IdempotencyStore for Steps {
    fn claim<'a>(&'a self, key: &'a str, lease: Duration) -> Answer<'a, Claim> {
        Box::pin(async move {
            self.trap.pass(Step::Received).await?;
            let claim = self.store.claim(key, lease).await?;
            self.trap.pass(Step::Claimed).await?;
            Ok(claim)
        })
    }

    fn commit<'a>(&'a self, key: &'a str, token: u64, window: Duration) -> Answer<'a, Committed> {
        Box::pin(async move {
            if self.trap.0.part == Part::Store {
                self.trap.pass(Step::Done).await?;
            }
            let committed = self.store.commit(key, token, window).await?;
            self.trap.pass(Step::Committed).await?;
            Ok(committed)
        })
    }

    fn release<'a>(&'a self, key: &'a str, token: u64) -> Answer<'a, ()> {
        self.store.release(key, token)
    }
}

//! Sweeps: a queue is gone through once, and what is meant of it goes elsewhere, dies or is copied, at a rate.
//!
//! A sweep takes a step at a time (`step`): it reads some messages, decides for each where it goes (`rewrite`), takes them out, lets them
//! enter, and has the store take both at once: after a crash a message is in one queue or the other. Between steps it waits for the disk
//! and for its rate, on the broker's clock (`pace`). It holds the messages of one step and no more, sees what was in the queue when it
//! began, waits as publishers do while a resource alarm lasts (but for deleting and expiring), and does not outlive the broker: what it has not come to stays where it is.

mod pace;
mod rewrite;
mod run;
mod step;

pub use rewrite::To;
pub(super) use rewrite::deaths;
pub(crate) use run::start;

use super::Queue;
use super::select::{Filter, Place};
use crate::name::Name;
use crate::vhost::Actor;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Places one sweep can be given.
pub const PLACES_MAX: usize = 100_000;

/// Which messages of a queue a sweep means, and how fast it goes.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// These, in this order, as far as they are still there; [`PLACES_MAX`] at most. `None`: all that are in the queue when the sweep begins,
    /// in the order in which they would leave.
    pub places: Option<Vec<Place>>,
    /// Of these, the ones that the filter wants.
    pub filter: Filter,
    /// Messages a second at most. `None`: as fast as it goes.
    pub per_second: Option<u32>,
}

impl From<Filter> for Selection {
    fn from(filter: Filter) -> Self {
        Self { filter, ..Self::default() }
    }
}

/// How a sweep stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SweepState {
    /// It goes on.
    #[default]
    Running,
    /// It came to its end.
    Done,
    /// It was cancelled.
    Cancelled,
    /// It cannot go on: its queue or the broker is gone, or the store failed. [`Progress::problem`] says which.
    Stopped,
}

/// How far a sweep came. What is counted here is on stable storage, if it is to be stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// How it stands.
    pub state: SweepState,
    /// Messages that were moved, replayed, copied, deleted or expired.
    pub moved: u64,
    /// Messages that were meant and could not go where they should; they stay where they are.
    pub failed: u64,
    /// Messages that were meant and were gone when their turn came: delivered, settled or expired meanwhile.
    pub skipped: u64,
    /// Messages to be looked at yet, by the count of when it began.
    pub remaining: u64,
    /// Why the last one failed, or why the sweep stopped.
    pub problem: Option<String>,
}

/// What a sweep does with the messages it means.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Replay(To),
    Move(Arc<Queue>),
    Copy(Arc<Queue>),
    Expire,
    Delete,
}

/// A sweep that runs or has run. Dropping it changes nothing.
#[derive(Debug)]
pub struct Sweep {
    id: u64,
    queue: Arc<Queue>,
    action: Action,
    selection: Selection,
    actor: Actor,
    progress: Mutex<Progress>,
    cancelled: AtomicBool,
    changed: Notify,
}

impl Sweep {
    pub(crate) fn new(
        id: u64,
        actor: &Actor,
        queue: Arc<Queue>,
        action: Action,
        selection: Selection,
    ) -> Arc<Self> {
        let actor = actor.clone();
        let (progress, cancelled, changed) = (Mutex::default(), AtomicBool::new(false), Notify::new());
        Arc::new(Self { id, queue, action, selection, actor, progress, cancelled, changed })
    }

    /// Its number in its virtual host.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The queue it goes through.
    #[must_use]
    pub fn queue(&self) -> &Name {
        self.queue.name()
    }

    /// What it does: `replay`, `move`, `copy`, `expire` or `delete`.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self.action {
            Action::Replay(_) => "replay",
            Action::Move(_) => "move",
            Action::Copy(_) => "copy",
            Action::Expire => "expire",
            Action::Delete => "delete",
        }
    }

    /// How far it came.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.lock().clone()
    }

    /// Ends it after the step it is in; what was moved stays moved.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Whether it has ended, in whatever way.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.progress.lock().state != SweepState::Running
    }

    /// Waits until it is over.
    pub async fn finished(&self) -> Progress {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let progress = self.progress();
            if progress.state != SweepState::Running {
                return progress;
            }
            changed.await;
        }
    }

    fn end(&self, state: SweepState, problem: Option<String>) {
        let mut progress = self.progress.lock();
        progress.state = state;
        if problem.is_some() {
            progress.problem = problem;
        }
        drop(progress);
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;

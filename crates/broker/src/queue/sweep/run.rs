//! The task of a sweep: step by step, at its rate, until it is over.

use super::pace::Pace;
use super::step::{Position, STEP_MESSAGES_MAX, Stepped};
use super::{Action, Sweep, SweepState};
use crate::vhost::VirtualHost;
use leveret_store::{Store, Ticket};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a step waits for the disk at most before it looks again whether it was cancelled.
const STORE_LOOK: Duration = Duration::from_secs(1);

/// How often a sweep that a resource alarm holds back looks whether it is over.
const ALARM_LOOK: Duration = Duration::from_millis(200);

/// Somebody who waits for the store.
#[derive(Debug, Default)]
struct Waiter(Notify);

impl leveret_store::Notify for Waiter {
    fn notify(&self) {
        self.0.notify_one();
    }
}

/// Begins a sweep; it runs by itself from now on.
pub(crate) fn start(vhost: &Arc<VirtualHost>, sweep: &Arc<Sweep>) {
    let (ready, through) = {
        let state = sweep.queue.lock();
        (state.ready() + state.waiting(), state.last_position())
    };
    let places = sweep.selection.places.as_ref().map(Vec::len);
    sweep.progress.lock().remaining = places.unwrap_or(ready) as u64;
    let at = Position { from: None, next: 0, through };
    vhost.runtime().spawn(run(Arc::downgrade(vhost), sweep.clone(), at));
}

async fn run(vhost: Weak<VirtualHost>, sweep: Arc<Sweep>, mut at: Position) {
    let mut pace = None;
    loop {
        if sweep.is_cancelled() {
            return sweep.end(SweepState::Cancelled, None);
        }
        let Some(vhost) = vhost.upgrade() else {
            return sweep.end(SweepState::Stopped, Some("the broker is gone".to_owned()));
        };
        if sweep.queue.lock().is_deleted() {
            return sweep.end(SweepState::Stopped, Some("the queue is gone".to_owned()));
        }
        let clock = vhost.clock().clone();
        if sweep.fills() && !vhost.memory().alarms().is_empty() {
            drop(vhost);
            wait(&sweep, clock.sleep(ALARM_LOOK)).await;
            continue;
        }
        let mut quota = STEP_MESSAGES_MAX;
        if let Some(per_second) = sweep.selection.per_second {
            let pace = pace.get_or_insert_with(|| Pace::new(per_second, clock.now_ms()));
            quota = quota.min(pace.allowed(clock.now_ms()) as usize);
            if quota == 0 {
                // The broker may go meanwhile.
                drop(vhost);
                wait(&sweep, clock.sleep_until(pace.next_ms())).await;
                continue;
            }
        }
        let (stepping, host) = (sweep.clone(), vhost.clone());
        let step = move || (stepping.step(&host, &mut at, quota), at);
        let stepped = match tokio::task::spawn_blocking(step).await {
            Ok((stepped, there)) => {
                at = there;
                stepped
            }
            Err(error) => return sweep.end(SweepState::Stopped, Some(format!("a step failed: {error}"))),
        };
        let stepped = match stepped {
            Ok(stepped) => stepped,
            Err(problem) => return sweep.end(SweepState::Stopped, Some(problem)),
        };
        if let Some(pace) = &mut pace {
            pace.went(stepped.moved + stepped.failed);
        }
        if let Some(store) = vhost.store()
            && let Err(problem) = stored(store, stepped.ticket).await
        {
            return sweep.end(SweepState::Stopped, Some(problem));
        }
        let is_last = stepped.is_last;
        sweep.note(stepped);
        if is_last {
            return sweep.end(SweepState::Done, None);
        }
    }
}

/// Waits for what comes first: this, or the sweep's being cancelled.
async fn wait(sweep: &Sweep, end: impl Future<Output = ()>) {
    let changed = sweep.changed.notified();
    tokio::pin!(changed);
    changed.as_mut().enable();
    if !sweep.is_cancelled() {
        tokio::select! {
            () = changed => {}
            () = end => {}
        }
    }
}

/// Waits until a step is on stable storage.
async fn stored(store: &Arc<Store>, ticket: Ticket) -> Result<(), String> {
    let waiter = Arc::new(Waiter::default());
    let watcher: Arc<dyn leveret_store::Notify> = waiter.clone();
    while store.synced() < ticket {
        if let leveret_store::State::Failed { text } = store.state() {
            return Err(text);
        }
        store.watch(ticket, &watcher);
        // A full disk may last; the time is only there to look again.
        let _ = tokio::time::timeout(STORE_LOOK, waiter.0.notified()).await;
    }
    Ok(())
}

impl Sweep {
    /// Whether queues get messages by it, so that it waits as publishers do while a resource runs short.
    fn fills(&self) -> bool {
        match self.action {
            Action::Replay(_) | Action::Move(_) | Action::Copy(_) => true,
            Action::Expire | Action::Delete => false,
        }
    }

    fn note(&self, stepped: Stepped) {
        let mut progress = self.progress.lock();
        progress.moved += stepped.moved;
        progress.failed += stepped.failed;
        progress.skipped += stepped.skipped;
        progress.remaining = progress.remaining.saturating_sub(stepped.looked);
        progress.problem = stepped.problem.or_else(|| progress.problem.take());
        drop(progress);
        self.changed.notify_waiters();
    }
}

//! One sorted list of moments at which a queue wants to be looked at: expiry of messages, of the queue itself.

use crate::clock::Clock;
use crate::queue::Queue;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use tokio::sync::Notify;

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Timers {
    clock: Clock,
    due: Mutex<BTreeMap<(u64, u64), Weak<Queue>>>,
    earlier: Notify,
}

impl Timers {
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, due: Mutex::default(), earlier: Notify::new() })
    }

    /// Looks at `queue` once `due_ms` has come.
    pub(crate) fn schedule(&self, due_ms: u64, queue: &Arc<Queue>) {
        let mut due = self.due.lock();
        let first = due.first_key_value().map(|((ms, _), _)| *ms);
        due.insert((due_ms, queue.id()), Arc::downgrade(queue));
        if first.is_none_or(|first| due_ms < first) {
            self.earlier.notify_one();
        }
    }

    /// Forgets a queue that asked for `due_ms` and is gone.
    pub(crate) fn cancel(&self, due_ms: u64, queue: &Queue) {
        self.due.lock().remove(&(due_ms, queue.id()));
    }

    /// Serves the list for ever; ends when its task is dropped.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let next = self.due.lock().first_key_value().map(|((ms, _), _)| *ms);
            match next {
                None => self.earlier.notified().await,
                Some(ms) if ms > self.clock.now_ms() => {
                    tokio::select! {
                        () = self.clock.sleep_until(ms) => {}
                        () = self.earlier.notified() => {}
                    }
                }
                Some(_) => self.fire(),
            }
        }
    }

    fn fire(&self) {
        let now_ms = self.clock.now_ms();
        let due = {
            let mut due = self.due.lock();
            let later = due.split_off(&(now_ms + 1, 0));
            std::mem::replace(&mut *due, later)
        };
        for queue in due.into_values().filter_map(|queue| queue.upgrade()) {
            queue.with(|state, queue, outcome| state.on_timer(queue, now_ms, outcome));
        }
    }
}

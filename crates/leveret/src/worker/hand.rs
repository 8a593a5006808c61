//! Beginning to handle messages: those whose handling ends at once cost no task of their own, and no future either: one future handles
//! one message after the other, and only what is handled is moved.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::task::TaskTracker;

/// A first step that takes longer holds up the reading of others: they get tasks, which run on any thread.
const STEP_MAX: Duration = Duration::from_micros(50);
/// So many in a row that did not end at once, and the next get tasks from the beginning.
const PENDING_MAX: u32 = 8;
/// One step in so many is timed, and so many that took long in a row count: a single one may have been interrupted.
const TIMED_EVERY: u32 = 16;
const LONG_MAX: u32 = 3;
/// For so many messages nothing is tried here, after it was of no use.
const REST: u32 = 256;

/// What a future that handles messages is given, one after the other.
pub(super) struct Work<T>(Arc<Given<T>>);

struct Given<T> {
    next: Mutex<Option<T>>,
    /// What was given is done.
    idle: AtomicBool,
    /// It is a task of its own, and is given nothing more.
    left: AtomicBool,
}

impl<T> Work<T> {
    /// The next; `None`: there will be no other, the future is to end.
    pub(super) async fn next(&self) -> Option<T> {
        // Nobody is woken: whoever gives something polls.
        std::future::poll_fn(|_| {
            if let Some(next) = self.0.next.lock().take() {
                return Poll::Ready(Some(next));
            }
            if self.0.left.load(Relaxed) {
                return Poll::Ready(None);
            }
            self.0.idle.store(true, Relaxed);
            Poll::Pending
        })
        .await
    }
}

type Handling = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Takes the first step of each message's handling where messages are read. What has not ended then goes on in a task.
pub(super) struct Hand<T, M> {
    /// Makes a future that handles what it is given.
    make: M,
    /// One that has done what it was given.
    idle: Option<(Handling, Arc<Given<T>>)>,
    pending: u32,
    rest: u32,
    steps: u32,
    long: u32,
}

impl<T, F, M> Hand<T, M>
where
    T: Send + 'static,
    F: Future<Output = ()> + Send + 'static,
    M: Fn(Work<T>) -> F,
{
    pub(super) fn new(make: M) -> Self {
        Self { make, idle: None, pending: 0, rest: 0, steps: 0, long: 0 }
    }

    fn handling(&self) -> (Handling, Arc<Given<T>>) {
        let given = Arc::new(Given {
            next: Mutex::new(None),
            idle: AtomicBool::new(true),
            left: AtomicBool::new(false),
        });
        (Box::pin((self.make)(Work(given.clone()))), given)
    }

    pub(super) fn begin(&mut self, next: T, tasks: &TaskTracker) {
        let (mut handling, given) = self.idle.take().unwrap_or_else(|| self.handling());
        *given.next.lock() = Some(next);
        given.idle.store(false, Relaxed);
        if self.rest > 0 {
            self.rest -= 1;
            given.left.store(true, Relaxed);
            tasks.spawn(handling);
            return;
        }
        self.steps = self.steps.wrapping_add(1);
        // One that took long is followed by timed ones.
        let began = (self.long > 0 || self.steps.is_multiple_of(TIMED_EVERY)).then(Instant::now);
        // Whoever it waits for will wake the task, which polls it again.
        let step = handling.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if step.is_pending() && given.idle.load(Relaxed) {
            self.pending = 0;
            self.idle = Some((handling, given));
        } else if step.is_pending() {
            self.pending += 1;
            given.left.store(true, Relaxed);
            tasks.spawn(handling);
        }
        if let Some(began) = began {
            self.long = if began.elapsed() > STEP_MAX { self.long + 1 } else { 0 };
        }
        if self.pending >= PENDING_MAX || self.long >= LONG_MAX {
            (self.pending, self.long, self.rest) = (0, 0, REST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    #[tokio::test]
    async fn what_ends_at_once_needs_no_task_and_what_waits_gets_one() {
        let (tasks, done, made) = (TaskTracker::new(), Arc::new(AtomicU32::new(0)), AtomicU32::new(0));
        let mut hand = Hand::new(|work: Work<bool>| {
            made.fetch_add(1, SeqCst);
            let done = done.clone();
            async move {
                while let Some(waits) = work.next().await {
                    if waits {
                        tokio::task::yield_now().await;
                    }
                    done.fetch_add(1, SeqCst);
                }
            }
        });
        for _ in 0..3 {
            hand.begin(false, &tasks);
        }
        assert_eq!((done.load(SeqCst), tasks.len(), made.load(SeqCst)), (3, 0, 1));
        for _ in 0..PENDING_MAX {
            hand.begin(true, &tasks);
        }
        assert_eq!((tasks.len(), hand.rest), (PENDING_MAX as usize, REST), "enough of trying");
        hand.begin(false, &tasks);
        assert_eq!(done.load(SeqCst), 3, "in a task as well");
        tasks.close();
        tasks.wait().await;
        assert_eq!(done.load(SeqCst), 3 + PENDING_MAX + 1);
        assert_eq!(made.load(SeqCst), PENDING_MAX + 1, "each task ended with what it had");
    }
}

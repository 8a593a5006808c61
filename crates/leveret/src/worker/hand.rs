//! Beginning to handle messages: those whose handling ends at once cost no task of their own.

use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio_util::sync::ReusableBoxFuture;
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

/// Takes the first step of each message's handling where messages are read. What has not ended then goes on in a task.
#[derive(Default)]
pub(super) struct Hand {
    /// Of the last that ended at once: its memory serves the next.
    idle: Option<ReusableBoxFuture<'static, ()>>,
    pending: u32,
    rest: u32,
    steps: u32,
    long: u32,
}

impl Hand {
    pub(super) fn begin(&mut self, handling: impl Future<Output = ()> + Send + 'static, tasks: &TaskTracker) {
        if self.rest > 0 {
            self.rest -= 1;
            tasks.spawn(handling);
            return;
        }
        let mut step = match self.idle.take() {
            Some(mut idle) => {
                idle.set(handling);
                idle
            }
            None => ReusableBoxFuture::new(handling),
        };
        self.steps = self.steps.wrapping_add(1);
        // One that took long is followed by timed ones.
        let began = (self.long > 0 || self.steps.is_multiple_of(TIMED_EVERY)).then(Instant::now);
        // Whoever it waits for will wake the task, which polls it again.
        match step.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(()) => {
                self.pending = 0;
                self.idle = Some(step);
            }
            Poll::Pending => {
                self.pending += 1;
                tasks.spawn(step);
            }
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    #[tokio::test]
    async fn what_ends_at_once_needs_no_task_and_what_waits_gets_one() {
        let (mut hand, tasks, done) = (Hand::default(), TaskTracker::new(), Arc::new(AtomicU32::new(0)));
        let step = |waits: bool| {
            let done = done.clone();
            async move {
                if waits {
                    tokio::task::yield_now().await;
                }
                done.fetch_add(1, SeqCst);
            }
        };
        for _ in 0..3 {
            hand.begin(step(false), &tasks);
        }
        assert_eq!((done.load(SeqCst), tasks.len()), (3, 0));
        for _ in 0..PENDING_MAX {
            hand.begin(step(true), &tasks);
        }
        assert_eq!((tasks.len(), hand.rest), (PENDING_MAX as usize, REST), "enough of trying");
        hand.begin(step(false), &tasks);
        assert_eq!(done.load(SeqCst), 3, "in a task as well");
        tasks.close();
        tasks.wait().await;
        assert_eq!(done.load(SeqCst), 3 + PENDING_MAX + 1);
    }
}

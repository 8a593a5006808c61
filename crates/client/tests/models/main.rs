//! What handles and the task of a connection share, under every order of events that a scheduler can think of: the very files of the
//! client, with the atomics of a model checker (shuttle). Shuttle's memory is sequentially consistent: it finds lost wake-ups and wrong
//! orders, not a missing fence.

#![allow(clippy::unwrap_used, clippy::expect_used)]

/// In the place of `src/sync.rs`. The waker and the mutex are the real ones: nothing yields inside them, so they are one step.
mod sync {
    pub(crate) use atomic_waker::AtomicWaker;
    pub(crate) use parking_lot::Mutex;
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
}

mod error {
    pub(crate) use leveret_client::SendError;
}

#[path = "../../src/io/bell.rs"]
mod bell;
#[path = "../../src/publisher/outcome.rs"]
mod outcome;
#[path = "../../src/io/taken.rs"]
mod taken;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use shuttle::future::block_on;
use shuttle::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use shuttle::thread;

use error::SendError;

/// Schedules per model: random ones, and as many that change threads at few, well chosen places.
const SCHEDULES: usize = 3_000;

fn check(model: impl Fn() + Send + Sync + 'static) {
    let model = Arc::new(model);
    let again = model.clone();
    shuttle::check_random(move || model(), SCHEDULES);
    shuttle::check_pct(move || again(), SCHEDULES, 3);
}

/// The task of a connection sleeps and is woken as `Link::event` does it; a wake-up that is lost is a deadlock, which shuttle tells.
#[test]
fn whatever_handles_hand_over_wakes_the_task() {
    check(|| {
        let bell = Arc::new(bell::Bell::new(100));
        let given: Arc<Vec<AtomicUsize>> = Arc::new((0..3).map(|_| AtomicUsize::new(0)).collect());
        // Two handles of one channel, one of another word of bits.
        let handles: Vec<_> = [(0, 5), (0, 5), (1, 70)]
            .into_iter()
            .map(|(at, channel)| {
                let (bell, given) = (bell.clone(), given.clone());
                thread::spawn(move || {
                    for _ in 0..2 {
                        given[at].fetch_add(1, SeqCst);
                        bell.set_ready(channel);
                    }
                })
            })
            .collect();
        let mut seen = [0, 0];
        while seen != [4, 2] {
            bell.take_ready(|channel| {
                let at = usize::from(channel == 70);
                seen[at] = given[at].load(SeqCst);
            });
            if seen == [4, 2] {
                break;
            }
            block_on(poll_fn(|cx| {
                bell.sleep(cx);
                if bell.has_ready() { Poll::Ready(()) } else { Poll::Pending }
            }));
            bell.awake();
        }
        handles.into_iter().for_each(|handle| handle.join().unwrap());
    });
}

/// A message is written while its sender finds the channel closed and its deadline passes: who waits is told once, and the truth.
#[test]
fn an_outcome_is_decided_once_and_told_to_who_waits() {
    check(|| {
        let message = Arc::new(outcome::Outcome::new());
        let task = thread::spawn({
            let message = message.clone();
            move || {
                let written = message.begin_write();
                if written {
                    thread::yield_now();
                    message.complete(Ok(()));
                }
                written
            }
        });
        let sender = thread::spawn({
            let message = message.clone();
            move || message.give_up(SendError::Deadline)
        });
        let first = block_on(poll_fn(|cx| message.poll(cx)));
        let written = task.join().unwrap();
        sender.join().unwrap();
        match &first {
            Ok(()) | Err(SendError::Unconfirmed { maybe_stored: true }) => assert!(written),
            Err(SendError::Deadline) => assert!(!written, "told not to be sent, and written"),
            other => panic!("{other:?}"),
        }
        assert!(message.is_done() && !message.was_written() && !message.begin_write());
        let again = block_on(poll_fn(|cx| message.poll(cx)));
        assert_eq!(format!("{first:?}"), format!("{again:?}"), "told otherwise the second time");
    });
}

/// A drain begins while deliveries are being settled, and ends when the last one is.
#[test]
fn a_drain_ends_with_the_last_settlement() {
    check(|| {
        let deliveries = Arc::new(taken::Taken::new());
        let settled = Arc::new(AtomicUsize::new(0));
        (0..3).for_each(|_| deliveries.take());
        let workers: Vec<_> = [1, 2]
            .into_iter()
            .map(|count| {
                let (deliveries, settled) = (deliveries.clone(), settled.clone());
                thread::spawn(move || {
                    for _ in 0..count {
                        settled.fetch_add(1, SeqCst);
                        deliveries.put_back();
                    }
                })
            })
            .collect();
        block_on(deliveries.none());
        assert_eq!(settled.load(SeqCst), 3, "it did not wait");
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}

//! What handles and the task of a connection share, under every order of events that a scheduler can think of: the very files of the
//! client, with the atomics of a model checker (shuttle). Shuttle's memory is sequentially consistent: it finds lost wake-ups and wrong
//! orders, not a missing fence.

#![allow(clippy::unwrap_used, clippy::expect_used)]

/// In the place of `src/sync.rs`. The waker is the real one: nothing yields inside it, so it is one step.
mod sync {
    pub(crate) use atomic_waker::AtomicWaker;
    pub(crate) use shuttle::sync::atomic::{
        AtomicBool, AtomicIsize, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence,
    };

    use shuttle::sync::MutexGuard;

    /// The model checker's, with the methods of `parking_lot`.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(shuttle::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }
}

mod error {
    pub(crate) use leveret_client::SendError;
}

#[path = "../../src/io/bed.rs"]
mod bed;
#[path = "../../src/io/bell.rs"]
mod bell;
#[path = "../../src/publisher/outcome.rs"]
mod outcome;
#[path = "../../src/io/quiet.rs"]
mod quiet;
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

/// The task of a connection sleeps and is woken as `Link::poll_event` does it; a wake-up that is lost is a deadlock, which shuttle tells.
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

/// What lies in the bed: what was seen.
struct Serving {
    seen: [usize; 2],
    /// Something is left that only the task can do.
    left: bool,
}

impl Serving {
    fn round(&mut self, bell: &bell::Bell, given: &[AtomicUsize]) {
        bell.take_ready(|channel| {
            let at = usize::from(channel == 70);
            self.seen[at] = given[at].load(SeqCst);
        });
    }
}

/// A caller that finds the task asleep does its work, as `Serving::work`, and hands it what it cannot do; others hand over and ring
/// meanwhile, and the task wakes by itself (a read) in the middle of it. `Sleep` gets up and lies down as here. Nothing stays undone:
/// that would be a task that sleeps for ever, a deadlock.
#[test]
fn who_works_while_the_task_sleeps_leaves_nothing_undone() {
    check(|| {
        let bell = Arc::new(bell::Bell::new(100));
        let bed = Arc::new(bed::Bed::<Serving>::new());
        let given: Arc<Vec<AtomicUsize>> = Arc::new((0..2).map(|_| AtomicUsize::new(0)).collect());
        let read = Arc::new(AtomicUsize::new(0));
        let mut threads = Vec::new();
        for (works, at, channel) in [(true, 0, 5), (true, 1, 70), (false, 0, 5)] {
            let (bell, bed, given) = (bell.clone(), bed.clone(), given.clone());
            threads.push(thread::spawn(move || {
                given[at].fetch_add(1, SeqCst);
                if !works {
                    return bell.set_ready(channel);
                }
                bell.mark_ready(channel);
                bed.ring_or_work(
                    &bell,
                    || bell.has_ready(),
                    |serving| {
                        serving.round(&bell, &given);
                        serving.left = serving.seen == [2, 1];
                        !serving.left
                    },
                );
            }));
        }
        // The socket: it wakes the task whether that sleeps or not, with the waker of its last look.
        threads.push(thread::spawn({
            let (bell, read) = (bell.clone(), read.clone());
            move || {
                read.store(1, SeqCst);
                bell.wake();
            }
        }));
        let mut up = Some(Box::new(Serving { seen: [0, 0], left: false }));
        let mut was_read = false;
        while let Some(mut serving) = up.take() {
            serving.round(&bell, &given);
            if serving.seen == [2, 1] && was_read {
                break;
            }
            let mut lying = Some(serving);
            let got_up = block_on(poll_fn(|cx| {
                let Some(serving) = lying.take().or_else(|| bed.get_up(&bell, cx)) else {
                    return Poll::Pending;
                };
                bell.sleep(cx);
                was_read |= read.load(SeqCst) == 1;
                if bell.has_ready() || serving.left || was_read && serving.seen == [2, 1] {
                    bell.awake();
                    return Poll::Ready(serving);
                }
                bed.lie_down(serving);
                Poll::Pending
            }));
            up = Some(Box::new(Serving { left: false, ..*got_up }));
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(bed.clear().is_none(), "it lies in two places");
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

/// Acks that need not be told are handed over while the task says how many those are, looks, and sleeps. The first must be heard (it is
/// written by a deadline), and so must the last (nothing comes after it); a task that sleeps although all are there is a deadlock.
#[test]
fn acks_that_are_not_told_are_seen_when_the_last_comes() {
    const ACKS: usize = 6;
    check(|| {
        let bell = Arc::new(bell::Bell::new(1));
        let quiet = Arc::new(quiet::Quiet::new());
        let queue = Arc::new(AtomicUsize::new(0));
        let handles: Vec<_> = (0..2)
            .map(|_| {
                let (bell, quiet, queue) = (bell.clone(), quiet.clone(), queue.clone());
                thread::spawn(move || {
                    for _ in 0..ACKS / 2 {
                        queue.fetch_add(1, SeqCst);
                        if quiet.is_to_be_told() {
                            bell.set_ready(1);
                        }
                    }
                })
            })
            .collect();
        let mut taken = 0;
        while taken < ACKS {
            bell.take_ready(|_| ());
            // As `ChannelState::settle` does it.
            taken += queue.swap(0, SeqCst);
            loop {
                quiet.until(if taken == 0 { 1 } else { (ACKS - taken).max(1) });
                match queue.swap(0, SeqCst) {
                    0 => break,
                    more => taken += more,
                }
            }
            if taken == ACKS {
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

//! The one handle to time. Everything in the broker that waits or asks what time it is asks here.
//!
//! A real clock follows the machine's monotonic clock. A virtual clock stands still until [`Clock::advance`] moves it, and
//! wakes what became due, in order; tests use it to pass hours in microseconds.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Time in whole milliseconds since the clock was made. Cheap to clone; all clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Kind>);

#[derive(Debug)]
enum Kind {
    Real { origin: Instant, origin_unix_ms: u64 },
    Virtual(Virtual),
}

#[derive(Debug, Default)]
struct Virtual {
    now_ms: AtomicU64,
    origin_unix_ms: u64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    wakers: BTreeMap<(u64, u64), Waker>,
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(Arc::new(Kind::Real { origin: Instant::now(), origin_unix_ms: unix.as_millis() as u64 }))
    }

    /// A clock that stands at `unix_ms` milliseconds after 1970 until it is moved.
    pub fn virtual_at(unix_ms: u64) -> Self {
        Self(Arc::new(Kind::Virtual(Virtual { origin_unix_ms: unix_ms, ..Virtual::default() })))
    }

    /// Milliseconds since this clock was made; never goes back.
    pub fn now_ms(&self) -> u64 {
        match &*self.0 {
            Kind::Real { origin, .. } => origin.elapsed().as_millis() as u64,
            Kind::Virtual(v) => v.now_ms.load(Ordering::Acquire),
        }
    }

    /// Milliseconds since 1970, for what people and other programs read.
    pub fn unix_ms(&self) -> u64 {
        match &*self.0 {
            Kind::Real { origin_unix_ms, .. } => origin_unix_ms + self.now_ms(),
            Kind::Virtual(v) => v.origin_unix_ms + self.now_ms(),
        }
    }

    /// Nanoseconds since 1970; of a virtual clock whole milliseconds.
    pub fn unix_ns(&self) -> u64 {
        match &*self.0 {
            Kind::Real { origin, origin_unix_ms } => {
                origin_unix_ms * 1_000_000 + origin.elapsed().as_nanos() as u64
            }
            Kind::Virtual(_) => self.unix_ms() * 1_000_000,
        }
    }

    /// Whether [`advance`](Self::advance) moves this clock.
    pub fn is_virtual(&self) -> bool {
        matches!(&*self.0, Kind::Virtual(_))
    }

    /// Moves a virtual clock and wakes every wait that became due. A real clock cannot be moved: returns `false`.
    pub fn advance(&self, by: Duration) -> bool {
        let Kind::Virtual(v) = &*self.0 else { return false };
        let now = v.now_ms.fetch_add(by.as_millis() as u64, Ordering::AcqRel) + by.as_millis() as u64;
        let due = {
            let mut waiting = v.waiting.lock();
            let later = waiting.wakers.split_off(&(now + 1, 0));
            std::mem::replace(&mut waiting.wakers, later)
        };
        due.into_values().for_each(Waker::wake);
        true
    }

    /// When the next wait on a virtual clock ends, of [`now_ms`](Self::now_ms). `None`: nobody waits, or the clock is real.
    ///
    /// Moving from one to the next, rather than far at once, lets what one wait sets off set its own in time.
    pub fn next_due_ms(&self) -> Option<u64> {
        let Kind::Virtual(v) = &*self.0 else { return None };
        v.waiting.lock().wakers.first_key_value().map(|((due_ms, _), _)| *due_ms)
    }

    /// A timer on this clock, not yet set.
    pub fn timer(&self) -> Timer {
        Timer { clock: self.clone(), deadline_ms: None, wait: Wait::None }
    }

    /// Waits until `deadline_ms` (of [`now_ms`](Self::now_ms)) has come.
    pub async fn sleep_until(&self, deadline_ms: u64) {
        let mut timer = self.timer();
        timer.set(Some(deadline_ms));
        std::future::poll_fn(|cx| timer.poll_due(cx)).await;
    }

    /// Waits for `duration` on this clock.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now_ms() + duration.as_millis() as u64).await;
    }
}

/// A re-settable alarm on a [`Clock`].
#[derive(Debug)]
pub struct Timer {
    clock: Clock,
    deadline_ms: Option<u64>,
    wait: Wait,
}

#[derive(Debug)]
enum Wait {
    None,
    Real(Pin<Box<tokio::time::Sleep>>),
    Virtual((u64, u64)),
}

impl Timer {
    /// Sets, moves or (with `None`) clears the alarm. An alarm already standing there is left as it is.
    pub fn set(&mut self, deadline_ms: Option<u64>) {
        if self.deadline_ms == deadline_ms {
            return;
        }
        self.forget();
        self.deadline_ms = deadline_ms;
    }

    /// When it is set to go off.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }

    /// Ready once the alarm is due; it is then cleared. Pending, and woken later, while it is set and not due.
    pub fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline_ms else { return Poll::Pending };
        let now = self.clock.now_ms();
        if now >= deadline {
            self.set(None);
            return Poll::Ready(());
        }
        match &*self.clock.0 {
            Kind::Real { .. } => {
                if !matches!(self.wait, Wait::Real(_)) {
                    // One millisecond on top, because now_ms rounds down.
                    let sleep = tokio::time::sleep(Duration::from_millis(deadline - now + 1));
                    self.wait = Wait::Real(Box::pin(sleep));
                }
                if let Wait::Real(sleep) = &mut self.wait
                    && sleep.as_mut().poll(cx).is_ready()
                {
                    self.wait = Wait::None;
                    cx.waker().wake_by_ref();
                }
            }
            Kind::Virtual(v) => {
                let mut waiting = v.waiting.lock();
                let key = match self.wait {
                    Wait::Virtual(key) => key,
                    _ => {
                        waiting.next += 1;
                        (deadline, waiting.next)
                    }
                };
                waiting.wakers.insert(key, cx.waker().clone());
                self.wait = Wait::Virtual(key);
                drop(waiting);
                // The clock may have moved between the look and the registration.
                if self.clock.now_ms() >= deadline {
                    self.set(None);
                    return Poll::Ready(());
                }
            }
        }
        Poll::Pending
    }

    fn forget(&mut self) {
        if let (Wait::Virtual(key), Kind::Virtual(v)) = (&self.wait, &*self.clock.0) {
            v.waiting.lock().wakers.remove(key);
        }
        self.wait = Wait::None;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_virtual_sleep_ends_when_the_clock_is_moved_past_it_and_not_before() {
        let clock = Clock::virtual_at(1_000);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(3600)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_millis(3_599_999));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        assert_eq!(clock.next_due_ms(), Some(3_600_000));
        clock.advance(Duration::from_millis(1));
        sleeper.await.unwrap();
        assert_eq!((clock.unix_ms(), clock.next_due_ms()), (3_601_000, None));
    }

    #[tokio::test]
    async fn a_real_sleep_ends() {
        let clock = Clock::real();
        let before = clock.now_ms();
        clock.sleep(Duration::from_millis(5)).await;
        assert!(clock.now_ms() >= before + 5);
        assert!(!clock.advance(Duration::from_secs(1)));
    }
}

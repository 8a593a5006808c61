//! A circuit breaker: when most attempts fail, the worker pauses instead of burning the retries of everything in the queue.
//!
//! The decisions are in [`State`], which is told times and outcomes and knows no clock.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::deadline;

/// Pauses a worker while what its handler depends on is down; for
/// [`WorkerBuilder::circuit_breaker`](crate::WorkerBuilder::circuit_breaker). Clones are the same: workers that share one pause together.
/// As a [layer](crate::layers) of a publisher it makes sends fail at once instead.
///
/// Closed, it looks at the last attempts. When enough of them failed in a way that may pass
/// ([transient](crate::Class::Transient); permanent failures are the messages' own) it opens: nothing is begun for a while, and
/// what was prefetched is held, without an attempt being counted. Then one message is let through as a probe. If its handler
/// succeeds everything goes on, else the pause begins again.
///
/// ```
/// use leveret::CircuitBreaker;
/// use std::time::Duration;
///
/// let breaker = CircuitBreaker::new(10, 20).pause(Duration::from_secs(15)); // 10 failures among the last 20 attempts
/// assert!(!breaker.is_open());
/// ```
#[derive(Clone)]
pub struct CircuitBreaker(Arc<Inner>);

struct Inner {
    failures: usize,
    attempts: usize,
    pause: Duration,
    state: Mutex<State>,
    /// A probe has ended.
    probed: Notify,
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { failures, attempts, pause, .. } = &*self.0;
        f.debug_struct("CircuitBreaker")
            .field("failures", failures)
            .field("attempts", attempts)
            .field("pause", pause)
            .field("is_open", &self.is_open())
            .finish()
    }
}

impl CircuitBreaker {
    /// Opens when so many of the last so many attempts failed. Both are at least 1; more failures than attempts are taken for as many.
    #[must_use]
    pub fn new(failures: usize, attempts: usize) -> Self {
        let attempts = attempts.max(1);
        let state = Mutex::new(State::default());
        let failures = failures.clamp(1, attempts);
        Self(Arc::new(Inner {
            failures,
            attempts,
            pause: Duration::from_secs(30),
            state,
            probed: Notify::new(),
        }))
    }

    /// How long nothing is begun before a probe. Default: 30 s. The breaker is a new one, closed.
    #[must_use]
    pub fn pause(self, pause: Duration) -> Self {
        let Inner { failures, attempts, .. } = *self.0;
        let state = Mutex::new(State::default());
        Self(Arc::new(Inner { failures, attempts, pause, state, probed: Notify::new() }))
    }

    /// Whether nothing is begun at the moment, but for a probe.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.state.lock().open.is_some()
    }

    /// Waits until a message may be begun. Cancel-safe.
    pub(super) async fn admit(&self) -> Ticket {
        loop {
            let probed = self.0.probed.notified();
            let admitted = self.0.state.lock().admit(Instant::now());
            match admitted {
                Admitted::Yes => return Ticket { breaker: self.clone(), probe: false, told: false },
                Admitted::Probe => return Ticket { breaker: self.clone(), probe: true, told: false },
                Admitted::At(until) => sleep_until(until).await,
                Admitted::AfterProbe => probed.await,
            }
        }
    }
}

impl CircuitBreaker {
    /// The same at once: the time to the next probe if nothing may be begun.
    pub(crate) fn try_admit(&self) -> Result<Ticket, Duration> {
        let now = Instant::now();
        let probe = match self.0.state.lock().admit(now) {
            Admitted::Yes => false,
            Admitted::Probe => true,
            Admitted::At(until) => return Err(until - now),
            Admitted::AfterProbe => return Err(Duration::ZERO),
        };
        Ok(Ticket { breaker: self.clone(), probe, told: false })
    }
}

/// One message's way through. Dropped without an outcome it was neither a success nor a failure.
pub(crate) struct Ticket {
    breaker: CircuitBreaker,
    probe: bool,
    told: bool,
}

impl Ticket {
    /// How its attempt ended.
    pub(crate) fn ended(mut self, failed: bool) {
        self.told = true;
        self.tell(Some(failed));
    }

    fn tell(&self, failed: Option<bool>) {
        let Inner { failures, attempts, pause, state, probed } = &*self.breaker.0;
        let changed = state.lock().ended(
            self.probe,
            failed,
            (*failures, *attempts),
            deadline::after(Instant::now(), *pause),
        );
        match changed {
            Some(true) => tracing::warn!(?pause, "the circuit breaker opens: nothing is begun for a while"),
            Some(false) => tracing::info!("the circuit breaker closes: everything goes on"),
            None => {}
        }
        if self.probe {
            probed.notify_waiters();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.told {
            self.tell(None);
        }
    }
}

#[derive(Debug, PartialEq)]
enum Admitted {
    Yes,
    Probe,
    At(Instant),
    AfterProbe,
}

#[derive(Debug, Default)]
struct State {
    /// The last attempts while closed: whether each failed.
    last: VecDeque<bool>,
    /// Until when nothing is begun, while open.
    open: Option<Instant>,
    probing: bool,
}

impl State {
    fn admit(&mut self, now: Instant) -> Admitted {
        match self.open {
            None => Admitted::Yes,
            Some(until) if until > now => Admitted::At(until),
            Some(_) if self.probing => Admitted::AfterProbe,
            Some(_) => {
                self.probing = true;
                Admitted::Probe
            }
        }
    }

    /// `Some(true)`: it has opened, or opened again; `Some(false)`: it has closed.
    fn ended(
        &mut self,
        probe: bool,
        failed: Option<bool>,
        (failures, attempts): (usize, usize),
        until: Instant,
    ) -> Option<bool> {
        if probe {
            self.probing = false;
            self.open = match failed {
                Some(true) => Some(until),
                Some(false) => None,
                None => return None, // the next is the probe
            };
            return Some(self.open.is_some());
        }
        // What was begun before it opened tells nothing new.
        let failed = failed.filter(|_| self.open.is_none())?;
        self.last.push_back(failed);
        if self.last.len() > attempts {
            self.last.pop_front();
        }
        if self.last.iter().filter(|failed| **failed).count() < failures {
            return None;
        }
        self.last.clear();
        self.open = Some(until);
        Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_opens_at_the_bound_lets_one_probe_through_and_closes_when_that_succeeds() {
        let (bounds, pause) = ((2, 3), Duration::from_secs(10));
        let mut state = State::default();
        let now = Instant::now();
        for (failed, opens) in [(true, None), (false, None), (false, None), (true, None), (true, Some(true))]
        {
            assert_eq!(state.admit(now), Admitted::Yes);
            assert_eq!(state.ended(false, Some(failed), bounds, now + pause), opens);
        }
        assert_eq!(state.admit(now), Admitted::At(now + pause));
        assert_eq!(
            state.ended(false, Some(true), bounds, now + pause * 9),
            None,
            "begun before: no longer pause"
        );
        let later = now + pause;
        assert_eq!((state.admit(later), state.admit(later)), (Admitted::Probe, Admitted::AfterProbe));
        assert_eq!(state.ended(true, None, bounds, later + pause), None);
        assert_eq!(state.admit(later), Admitted::Probe, "a probe without an outcome makes room for another");
        assert_eq!(state.ended(true, Some(true), bounds, later + pause), Some(true));
        assert_eq!(state.admit(later), Admitted::At(later + pause));
        assert_eq!(state.admit(later + pause), Admitted::Probe);
        assert_eq!(state.ended(true, Some(false), bounds, later + pause * 2), Some(false));
        assert_eq!(state.admit(later + pause), Admitted::Yes);
    }
}

//! When to try again: exponential, jittered, limited. No clock and no randomness of its own: both are handed in.

use std::time::Duration;

use rand::Rng;

use crate::options::{BackoffOptions, Jitter, RecoveryOptions};

/// No delay is shorter: a client that comes back at once meets its own ghost (exclusive queues still locked).
const DELAY_MIN: Duration = Duration::from_millis(1);

/// The attempts after one loss.
///
/// ```
/// use std::time::Duration;
/// use leveret_client::backoff::{Backoff, GaveUp};
/// use leveret_client::options::RecoveryOptions;
///
/// let mut backoff = Backoff::new(RecoveryOptions::default().attempts_max(2));
/// let mut rng = rand::rng();
/// let first = backoff.next_delay(Duration::ZERO, &mut rng)?;
/// assert!(first > Duration::ZERO && first <= Duration::from_millis(250));
/// backoff.next_delay(Duration::from_secs(1), &mut rng)?;
/// assert_eq!(backoff.next_delay(Duration::from_secs(3), &mut rng), Err(GaveUp::Attempts(2)));
/// # Ok::<(), GaveUp>(())
/// ```
#[derive(Debug, Clone)]
pub struct Backoff {
    options: RecoveryOptions,
    attempts: u32,
    /// The delay before jitter and bound, in seconds; grows until it is above the bound and then stays.
    next: f64,
}

/// Why there is no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GaveUp {
    /// Recovery is off.
    #[error("recovery is switched off")]
    Off,
    /// All attempts are used up.
    #[error("gave up after {0} attempts; RecoveryOptions::attempts_max is the limit")]
    Attempts(u32),
    /// The time is used up, or would be before the next attempt begins.
    #[error("gave up after {0:?}; RecoveryOptions::time_max is the limit")]
    Time(Duration),
}

impl Backoff {
    /// Begins with the first attempt. Works with any values, also with those that `ConnectOptions::check` refuses.
    #[must_use]
    pub fn new(options: RecoveryOptions) -> Self {
        Self { options, attempts: 0, next: options.backoff.first.as_secs_f64() }
    }

    /// How long to wait before the next attempt, given the time since the loss.
    ///
    /// # Errors
    /// [`GaveUp`] when there is none: recovery is off, or a limit is reached.
    pub fn next_delay(&mut self, elapsed: Duration, rng: &mut impl Rng) -> Result<Duration, GaveUp> {
        let RecoveryOptions { enabled, backoff, attempts_max, time_max } = self.options;
        if !enabled {
            return Err(GaveUp::Off);
        }
        if attempts_max.is_some_and(|most| self.attempts >= most) {
            return Err(GaveUp::Attempts(self.attempts));
        }
        let delay = jittered(backoff, self.next, rng);
        if time_max.is_some_and(|most| elapsed.saturating_add(delay) > most) {
            return Err(GaveUp::Time(elapsed));
        }
        self.attempts = self.attempts.saturating_add(1);
        if self.next < backoff.max.as_secs_f64() {
            self.next *= if backoff.factor.is_finite() { backoff.factor.max(1.0) } else { 1.0 };
        }
        Ok(delay)
    }

    /// Attempts begun so far.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// A connection was open for as long as this before it was lost. The count of attempts begins again; the delays do only if it was
    /// open for at least the longest of them ([`BackoffOptions::max`]): who is thrown out as soon as it is in is not to
    /// come back at once for ever.
    pub fn was_open(&mut self, open: Duration) {
        self.attempts = 0;
        if open >= self.options.backoff.max {
            *self = Self::new(self.options);
        }
    }
}

fn jittered(options: BackoffOptions, seconds: f64, rng: &mut impl Rng) -> Duration {
    let most = seconds.min(options.max.as_secs_f64());
    // 53 bits: what fits into a double; from 0 up to but without 1.
    let random = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let seconds = match options.jitter {
        Jitter::None => most,
        Jitter::Equal => most / 2.0 + random * most / 2.0,
        Jitter::Full => random * most,
    };
    Duration::try_from_secs_f64(seconds).unwrap_or(options.max).max(DELAY_MIN)
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn delays(options: RecoveryOptions, count: usize, seed: u64) -> Vec<Duration> {
        let (mut backoff, mut rng) = (Backoff::new(options), StdRng::seed_from_u64(seed));
        (0..count).map(|_| backoff.next_delay(Duration::ZERO, &mut rng).unwrap()).collect()
    }

    fn with(jitter: Jitter) -> RecoveryOptions {
        RecoveryOptions::default()
            .backoff(BackoffOptions::default().first(SECOND).max(SECOND * 5).jitter(jitter))
    }

    #[test]
    fn delays_double_up_to_the_bound() {
        assert_eq!(
            delays(with(Jitter::None), 5, 0),
            [SECOND, SECOND * 2, SECOND * 4, SECOND * 5, SECOND * 5]
        );
        let many = delays(with(Jitter::None), 5000, 0);
        assert_eq!(many.last(), Some(&(SECOND * 5)));
    }

    #[test]
    fn jitter_keeps_to_its_bounds_and_spreads() {
        for (jitter, least) in [(Jitter::Equal, 0.5), (Jitter::Full, 0.0)] {
            let firsts: Vec<f64> =
                (0..1000).map(|seed| delays(with(jitter), 1, seed)[0].as_secs_f64()).collect();
            assert!(firsts.iter().all(|delay| (least..=1.0).contains(delay) && *delay > 0.0));
            let (low, high) = firsts.iter().fold((f64::MAX, 0.0_f64), |(l, h), d| (l.min(*d), h.max(*d)));
            assert!(low < least + 0.02 && high > 0.98, "{jitter:?}: {low} to {high}");
        }
    }

    #[test]
    fn the_same_random_numbers_give_the_same_delays() {
        assert_eq!(delays(with(Jitter::Full), 9, 7), delays(with(Jitter::Full), 9, 7));
        assert_ne!(delays(with(Jitter::Full), 9, 7), delays(with(Jitter::Full), 9, 8));
    }

    #[test]
    fn limits_end_it_and_a_connection_renews_it() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut backoff = Backoff::new(with(Jitter::None).attempts_max(2));
        assert_eq!(backoff.next_delay(Duration::ZERO, &mut rng), Ok(SECOND));
        assert_eq!(backoff.next_delay(Duration::ZERO, &mut rng), Ok(SECOND * 2));
        assert_eq!(backoff.next_delay(Duration::ZERO, &mut rng), Err(GaveUp::Attempts(2)));
        backoff.was_open(SECOND * 5);
        assert_eq!((backoff.attempts(), backoff.next_delay(Duration::ZERO, &mut rng)), (0, Ok(SECOND)));
        backoff.was_open(SECOND * 4);
        assert_eq!((backoff.attempts(), backoff.next_delay(Duration::ZERO, &mut rng)), (0, Ok(SECOND * 2)));

        let mut backoff = Backoff::new(with(Jitter::None).time_max(SECOND * 3));
        assert_eq!(
            backoff.next_delay(SECOND * 2, &mut rng),
            Ok(SECOND),
            "the attempt begins in the last moment"
        );
        assert_eq!(backoff.next_delay(SECOND * 2, &mut rng), Err(GaveUp::Time(SECOND * 2)));
        assert_eq!(Backoff::new(RecoveryOptions::off()).next_delay(SECOND, &mut rng), Err(GaveUp::Off));
    }

    #[test]
    fn no_value_makes_it_panic_or_come_back_at_once() {
        for factor in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300] {
            for max in [Duration::ZERO, Duration::MAX] {
                let backoff = BackoffOptions { first: Duration::ZERO, max, factor, jitter: Jitter::Full };
                let slow = BackoffOptions { first: Duration::MAX, ..backoff };
                for options in [backoff, slow] {
                    let all = delays(RecoveryOptions::default().backoff(options), 50, 3);
                    assert!(all.iter().all(|delay| *delay >= DELAY_MIN));
                }
            }
        }
    }
}

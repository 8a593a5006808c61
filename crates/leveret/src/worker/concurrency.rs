//! How many messages are handled at the same time, and how that number adapts. Pure: what was seen is handed in.

use std::ops::RangeInclusive;

/// How many messages a worker handles at the same time.
///
/// Adaptive, it begins at the least. While messages wait for a place it grows, as long as growing brings more messages per second; when
/// it does not, it goes back. When most attempts fail it is halved: what fails is often what is overloaded. When places stay
/// empty it shrinks.
///
/// ```
/// use leveret::Concurrency;
///
/// assert_eq!(Concurrency::from(8).max(), 8);
/// assert_eq!(Concurrency::from(2..=64).max(), 64);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    min: u16,
    max: u16,
}

impl Concurrency {
    /// The least.
    #[must_use]
    pub fn min(self) -> u16 {
        self.min
    }

    /// The most.
    #[must_use]
    pub fn max(self) -> u16 {
        self.max
    }
}

impl From<u16> for Concurrency {
    /// 0 is taken for 1.
    fn from(count: u16) -> Self {
        Self { min: count.max(1), max: count.max(1) }
    }
}

impl From<RangeInclusive<u16>> for Concurrency {
    fn from(range: RangeInclusive<u16>) -> Self {
        let min = (*range.start()).max(1);
        Self { min, max: (*range.end()).max(min) }
    }
}

/// What was seen in one tick.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// Messages whose handling ended.
    pub(crate) done: u64,
    /// Of those, how many failed in a way that may pass.
    pub(crate) failed: u64,
    /// Whether a message waited for a place.
    pub(crate) waited: bool,
}

/// Ticks after a step back in which it does not try again.
const REST_TICKS: u32 = 10;
/// More messages per tick, in percent, that make a step forward worth it.
const WORTH_PERCENT: u64 = 3;

/// The number, from tick to tick.
#[derive(Debug)]
pub(crate) struct Adaptive {
    bounds: Concurrency,
    now: u16,
    /// What was done per tick before the last step forward, and where from.
    before: Option<(u16, u64)>,
    rest: u32,
}

impl Adaptive {
    pub(crate) fn new(bounds: Concurrency) -> Self {
        Self { bounds, now: bounds.min, before: None, rest: 0 }
    }

    pub(crate) fn now(&self) -> u16 {
        self.now
    }

    /// The number for the next tick.
    pub(crate) fn tick(&mut self, seen: Seen) -> u16 {
        self.rest = self.rest.saturating_sub(1);
        let next = if seen.failed * 2 > seen.done && seen.done > 1 {
            self.step_back(self.now / 2)
        } else if let Some((from, done)) = self.before.take()
            && seen.done * 100 < done * (100 + WORTH_PERCENT)
        {
            self.step_back(from)
        } else if seen.waited && self.rest == 0 && self.now < self.bounds.max {
            self.before = Some((self.now, seen.done));
            self.now.saturating_add((self.now / 4).max(1))
        } else if !seen.waited {
            self.now - (self.now / 8).max(1)
        } else {
            self.now
        };
        self.now = next.clamp(self.bounds.min, self.bounds.max);
        self.now
    }

    fn step_back(&mut self, to: u16) -> u16 {
        self.rest = REST_TICKS;
        to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks against something that can do `best` messages at a time, 10 per tick each.
    fn settle(adaptive: &mut Adaptive, best: u64, ticks: u32) -> u16 {
        for _ in 0..ticks {
            let done = u64::from(adaptive.now()).min(best) * 10;
            adaptive.tick(Seen { done, failed: 0, waited: true });
        }
        adaptive.now()
    }

    #[test]
    fn it_grows_to_what_helps_and_stays_there() {
        let mut adaptive = Adaptive::new((2..=64).into());
        let found = settle(&mut adaptive, 20, 100);
        assert!((16..=28).contains(&found), "with a step forward that is being tried: {found}");
        assert_eq!(settle(&mut Adaptive::new((2..=10).into()), 1000, 50), 10, "the bound holds");
    }

    #[test]
    fn failures_halve_it_and_silence_shrinks_it() {
        let mut adaptive = Adaptive::new((2..=64).into());
        let before = settle(&mut adaptive, 1000, 40);
        assert!(before >= 60, "{before}");
        let halved = adaptive.tick(Seen { done: 10, failed: 6, waited: true });
        assert_eq!(halved, before / 2);
        for _ in 0..40 {
            adaptive.tick(Seen::default());
        }
        assert_eq!(adaptive.now(), 2);
    }

    #[test]
    fn odd_bounds_make_sense() {
        assert_eq!(Concurrency::from(0), Concurrency::from(1..=1));
        assert_eq!(Concurrency::from(RangeInclusive::new(9, 3)), Concurrency::from(9));
    }
}

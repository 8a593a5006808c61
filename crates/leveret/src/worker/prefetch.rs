//! A prefetch that follows what handlers take: looked at every few seconds, and changed by another consumer. Pure, but for the counting.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use leveret_client::prefetch_for;

/// How often it is looked at.
pub(super) const LOOK: Duration = Duration::from_secs(10);
/// Calls between two looks that say something.
const CALLS_MIN: u64 = 20;

/// What calls took, added up.
#[derive(Debug, Default)]
pub(super) struct Calls {
    count: AtomicU64,
    micros: AtomicU64,
}

impl Calls {
    pub(super) fn add(&self, took: Duration) {
        self.count.fetch_add(1, Relaxed);
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }
}

/// Follows the calls from look to look.
#[derive(Debug)]
pub(super) struct Follower {
    workers: u16,
    round_trip: Duration,
    now: u16,
    seen: (u64, u64),
}

impl Follower {
    pub(super) fn new(workers: u16, round_trip: Duration, now: u16) -> Self {
        Self { workers, round_trip, now, seen: (0, 0) }
    }

    /// The prefetch to go over to, if it is worth it: half as much again, or a third less.
    pub(super) fn look(&mut self, calls: &Calls) -> Option<u16> {
        let (count, micros) = (calls.count.load(Relaxed), calls.micros.load(Relaxed));
        let (calls, took) = (count - self.seen.0, micros - self.seen.1);
        if calls < CALLS_MIN {
            return None;
        }
        self.seen = (count, micros);
        let each = Duration::from_micros(took / calls);
        let wanted = prefetch_for(self.workers, self.round_trip, each).max(self.workers);
        let (now, then) = (u32::from(self.now), u32::from(wanted));
        (then * 2 >= now * 3 || then * 3 <= now * 2).then_some(wanted)
    }

    pub(super) fn went_over(&mut self, to: u16) {
        self.now = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_what_calls_take_and_leaves_small_differences_alone() {
        let (calls, ms) = (Calls::default(), Duration::from_millis);
        // 8 workers, 4 ms to the broker and back, made for calls of 10 ms.
        let mut follower = Follower::new(8, ms(4), prefetch_for(8, ms(4), ms(10)));
        let mut look = |took: Duration, count: u32| {
            (0..count).for_each(|_| calls.add(took));
            let wanted = follower.look(&calls);
            wanted.into_iter().for_each(|wanted| follower.went_over(wanted));
            wanted
        };
        assert_eq!(look(ms(1), 19), None, "too few to say anything");
        assert_eq!(look(ms(1), 1), Some(40));
        assert_eq!(look(ms(1), 100), None);
        assert_eq!(look(Duration::from_micros(900), 100), None, "a little more is not worth it");
        assert_eq!(look(Duration::from_secs(2), 100), Some(9), "long calls: one more than workers");
        assert_eq!(look(Duration::from_secs(3), 100), None);
    }
}

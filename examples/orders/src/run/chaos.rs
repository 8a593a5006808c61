//! What is killed, and when: a function of the seed.

use std::time::{Duration, Instant};

use crate::chance::draw;
use crate::settings::{Chaos, Settings};

/// Between two kills, so that what was killed gets to work again.
const GAP: Duration = Duration::from_millis(150);
/// From the order that a kill waits for to the kill, at most.
const LATER_MS: u64 = 120;

/// The kills that are to come, spread over all orders.
#[derive(Debug)]
pub(crate) struct Plan {
    /// So many orders have ended, then after this time, this victim. The next is the last of them.
    kills: Vec<(i64, Duration, usize)>,
    due_at: Option<Instant>,
    last: Option<Instant>,
}

impl Plan {
    /// `victims` is how many there are to choose from.
    pub(crate) fn of(settings: &Settings, chaos: &Chaos, victims: usize) -> Self {
        let count = if chaos.chaos { u64::from(chaos.kills) } else { 0 };
        let kill = |number: u64| {
            let at = settings.orders.unsigned_abs() * number / (count + 1);
            let later = Duration::from_millis(draw(settings.seed, "when", number) % LATER_MS);
            // In turn, but for chance: all are killed about as often.
            let victim = if draw(settings.seed, "turn", number).is_multiple_of(3) {
                draw(settings.seed, "victim", number) as usize % victims.max(1)
            } else {
                number as usize % victims.max(1)
            };
            (i64::try_from(at).unwrap_or(i64::MAX), later, victim)
        };
        Self { kills: (0..count).rev().map(kill).collect(), due_at: None, last: None }
    }

    /// Whom to kill now, given how many orders have ended.
    pub(crate) fn due(&mut self, ended: i64) -> Option<usize> {
        let (at, later, victim) = *self.kills.last()?;
        if ended < at || self.last.is_some_and(|last| last.elapsed() < GAP) {
            return None;
        }
        let due_at = *self.due_at.get_or_insert_with(|| Instant::now() + later);
        if Instant::now() < due_at {
            return None;
        }
        self.kills.pop();
        (self.due_at, self.last) = (None, Some(Instant::now()));
        Some(victim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_spread_over_all_orders_and_victims_and_are_the_seeds() {
        let settings = Settings { orders: 200, seed: 4, ..Settings::default() };
        let plan =
            |seed| Plan::of(&Settings { seed, ..settings.clone() }, &Chaos { chaos: true, kills: 20 }, 5);
        let kills = plan(4).kills;
        assert_eq!(kills, plan(4).kills);
        assert_ne!(kills, plan(5).kills);
        assert_eq!((kills.len(), kills[19].0, kills[0].0), (20, 0, 180));
        for victim in 0..5 {
            assert!(kills.iter().any(|kill| kill.2 == victim), "{victim} is spared: {kills:?}");
        }
        assert_eq!(Plan::of(&settings, &Chaos { chaos: false, kills: 20 }, 5).kills, []);
    }
}

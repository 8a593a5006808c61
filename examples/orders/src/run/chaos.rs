//! What is killed, and when: a function of the seed.

use std::time::{Duration, Instant};

use crate::chance::draw;
use crate::settings::{Chaos, Settings};

/// Between two kills, so that what was killed gets to work again.
const GAP: Duration = Duration::from_millis(100);
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
        let victims = victims.max(1) as u64;
        let kill = |number: u64| {
            let at = settings.orders.unsigned_abs() * number / (count + 1);
            let later = Duration::from_millis(draw(settings.seed, "when", number) % LATER_MS);
            // Round by round, each in an order of its own: all are killed equally often.
            let (round, turn) = (number / victims, (number % victims) as usize);
            let mut order: Vec<usize> = (0..victims as usize).collect();
            order.sort_by_key(|victim| draw(settings.seed, &format!("turn of {victim}"), round));
            let victim = order.get(turn).copied().unwrap_or_default();
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
        let is_late = self.kills.iter().rev().nth(1).is_some_and(|next| ended >= next.0);
        if Instant::now() < due_at && !is_late {
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
            assert_eq!(kills.iter().filter(|kill| kill.2 == victim).count(), 4, "{victim}: {kills:?}");
        }
        assert_eq!(Plan::of(&settings, &Chaos { chaos: false, kills: 20 }, 5).kills, []);
    }
}

//! Samples over time: fine for the last minutes, coarser for hours, as far as anybody may ask back.

use std::collections::VecDeque;

/// What of the past is asked for: RabbitMQ's `..._age` and `..._incr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) age_ms: u64,
    pub(crate) step_ms: u64,
}

/// Samples answered at most.
const ANSWERED_MAX: u64 = 1_000;

/// How far apart samples are, in milliseconds, and how many are kept.
pub(crate) type Tier = (u64, usize);

/// Ten minutes, an hour and a day: RabbitMQ's retention for what is global, in less detail.
pub(crate) const GLOBAL: &[Tier] = &[(5_000, 121), (60_000, 61), (600_000, 145)];
/// For virtual hosts: ten minutes and an hour.
pub(crate) const BASIC: &[Tier] = &[(5_000, 121), (60_000, 61)];
/// For single objects, while somebody looks at them.
pub(crate) const DETAILED: &[Tier] = &[(5_000, 121)];

/// One sample: when, in milliseconds since 1970, and the figures.
pub(crate) type Sample<const N: usize> = (u64, [u64; N]);

/// See the module's documentation. It takes room as it fills.
#[derive(Debug)]
pub(crate) struct History<const N: usize> {
    tiers: &'static [Tier],
    samples: Vec<VecDeque<Sample<N>>>,
}

impl<const N: usize> History<N> {
    pub(crate) fn new(tiers: &'static [Tier]) -> Self {
        Self { tiers, samples: tiers.iter().map(|_| VecDeque::new()).collect() }
    }

    pub(crate) fn add(&mut self, unix_ms: u64, values: [u64; N]) {
        for ((step_ms, keep), samples) in self.tiers.iter().zip(&mut self.samples) {
            // One for each stretch of the clock, so that steps do not drift.
            let is_due = samples.back().is_none_or(|(last, _)| unix_ms / step_ms > last / step_ms);
            if is_due {
                if samples.len() == *keep {
                    samples.pop_front();
                }
                samples.push_back((unix_ms, values));
            }
        }
    }

    /// What is known of a window that ends with the newest sample before now, newest first.
    pub(crate) fn look(&self, window: Window, unix_ms: u64) -> Vec<Sample<N>> {
        let covers = |(step_ms, keep): &Tier| step_ms * (*keep as u64 - 1) >= window.age_ms;
        let at = self.tiers.iter().position(covers).unwrap_or(self.tiers.len() - 1);
        let step_ms = window.step_ms.max(1);
        // A step that no round has seen yet would repeat the one before it: a counter that stands still, and so a rate of 0.
        let newest_ms = self.samples[at].back().map_or(unix_ms, |(newest_ms, _)| *newest_ms).min(unix_ms);
        let end_ms = newest_ms - newest_ms % step_ms;
        let mut answer = Vec::new();
        let mut samples = self.samples[at].iter().rev().peekable();
        for step in 0..=(window.age_ms / step_ms).min(ANSWERED_MAX) {
            let Some(moment) = end_ms.checked_sub(step * step_ms) else { break };
            while samples.peek().is_some_and(|(at, _)| *at >= moment + step_ms) {
                samples.next();
            }
            // What was true at that moment: the newest sample that is not younger.
            let Some((_, values)) = samples.peek() else { break };
            answer.push((moment, *values));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Charts of steady traffic fell to 0 at their right end, for as long as the round of a new step was still to come.
    #[test]
    fn a_step_without_a_sample_yet_is_left_out() {
        let mut history = History::new(DETAILED);
        for round in 0..4 {
            history.add(round * 5_000 + 3_000, [round]);
        }
        let window = Window { age_ms: 10_000, step_ms: 5_000 };
        let known = [(15_000, [3]), (10_000, [2]), (5_000, [1])];
        for now_ms in [18_000, 19_999, 20_000, 22_999] {
            assert_eq!(history.look(window, now_ms), known, "at {now_ms}");
        }
        history.add(23_000, [4]);
        assert_eq!(history.look(window, 23_000)[..2], [(20_000, [4]), (15_000, [3])]);
    }

    #[test]
    fn the_past_is_answered_as_far_as_it_is_known_and_not_without_end() {
        let mut history = History::new(GLOBAL);
        for second in (0..=7_200).step_by(5) {
            history.add(second * 1_000, [second]);
        }
        let look = |age_s: u64, step_s: u64| {
            let window = Window { age_ms: age_s * 1_000, step_ms: step_s * 1_000 };
            history
                .look(window, 7_201_000)
                .iter()
                .map(|(at, [value])| (at / 1_000, *value))
                .collect::<Vec<_>>()
        };
        assert_eq!(look(15, 5), [(7_200, 7_200), (7_195, 7_195), (7_190, 7_190), (7_185, 7_185)]);
        assert_eq!(look(3_600, 60).len(), 61);
        assert_eq!(look(3_600, 60)[60], (3_600, 3_600));
        assert_eq!(look(86_400, 1_800).first(), Some(&(7_200, 7_200)));
        assert_eq!(look(86_400, 1_800).len(), 5, "it goes back no further than there are samples");
        assert!(history.samples.iter().zip(GLOBAL).all(|(kept, (_, keep))| kept.len() <= *keep));
    }
}

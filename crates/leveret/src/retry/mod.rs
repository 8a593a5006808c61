//! How often and after what pauses a message whose handling failed is tried again.
//!
//! Pure values. What the pauses become in the broker stands in [`topology`](crate::topology), what happens to a message that failed in
//! the worker.

pub(crate) mod headers;

use std::time::Duration;

/// Rungs a ladder may have: what Leveret's broker takes for `x-retry-delays`.
pub const RUNGS_MAX: usize = 100;

const MILLI: Duration = Duration::from_millis(1);

/// A retry policy: pauses in the broker, one for each attempt after the first, and then the dead letters.
///
/// While it pauses a message is in the broker, not in the worker: it survives both, and holds nobody up. Others overtake it.
/// [`in_place`](Self::in_place) adds quick attempts in the worker, before the pauses.
///
/// ```
/// use leveret::Retry;
/// use std::time::Duration;
///
/// let retry = Retry::ladder([5, 15, 30].map(Duration::from_secs)).jitter(20).in_place(2, Duration::from_millis(50));
/// assert_eq!(retry.attempts_max(), 4); // the first and one after each pause; each may be made of three calls of the handler
/// let doubling = Retry::exponential(Duration::from_secs(1), 2.0, 5).at_most(Duration::from_secs(10));
/// assert_eq!(doubling.delays(), [1, 2, 4, 8, 10].map(Duration::from_secs));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    delays: Vec<Duration>,
    jitter_percent: u8,
    in_place: u32,
    in_place_pause: Duration,
    linear: Option<Linear>,
}

/// What RabbitMQ 4.3 keeps by itself: `min` after the first failed attempt, twice that after the second, and so on, at most `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Linear {
    pub(crate) min: Duration,
    pub(crate) max: Duration,
}

impl Retry {
    /// These pauses, in this order, in whole milliseconds. More than [`RUNGS_MAX`] are refused when the queue is declared.
    pub fn ladder(delays: impl IntoIterator<Item = Duration>) -> Self {
        let delays =
            delays.into_iter().map(|delay| Duration::from_millis(delay.as_millis() as u64)).collect();
        Self { delays, jitter_percent: 0, in_place: 0, in_place_pause: Duration::ZERO, linear: None }
    }

    /// `rungs` pauses, each `factor` times the one before.
    #[must_use]
    pub fn exponential(first: Duration, factor: f64, rungs: usize) -> Self {
        let factor = if factor.is_finite() { factor.max(1.0) } else { 1.0 };
        // A year is more than anybody waits for, and no number of milliseconds that a broker could not take.
        let most = 365.0 * 24.0 * 3600.0;
        let seconds = |rung: usize| (first.as_secs_f64() * factor.powi(rung as i32)).min(most);
        Self::ladder((0..rungs).map(|rung| Duration::from_secs_f64(seconds(rung))))
    }

    /// `rungs` pauses: `min`, twice that, three times, at most `max`. A quorum queue with these (and without
    /// [`jitter`](Self::jitter)) has its retries by RabbitMQ 4.3's own `x-delayed-retry-min` and `-max`, on Leveret as well: nothing is
    /// published again, and both brokers have the same queue. Elsewhere it is a ladder like any other.
    ///
    /// ```
    /// use leveret::Retry;
    /// use std::time::Duration;
    ///
    /// let retry = Retry::linear(Duration::from_secs(10), Duration::from_secs(25), 4);
    /// assert_eq!(retry.delays(), [10, 20, 25, 25].map(Duration::from_secs));
    /// ```
    #[must_use]
    pub fn linear(min: Duration, max: Duration, rungs: usize) -> Self {
        let max = max.max(min);
        let delay = |rung: usize| min.saturating_mul(u32::try_from(rung).unwrap_or(u32::MAX)).min(max);
        Self { linear: Some(Linear { min, max }), ..Self::ladder((1..=rungs).map(delay)) }
    }

    /// What a quorum queue can keep by itself, if it can.
    pub(crate) fn as_linear(&self) -> Option<Linear> {
        self.linear
            .filter(|linear| self.jitter_percent == 0 && !self.delays.is_empty() && linear.min >= MILLI)
    }

    /// No pause in the broker: one attempt, then the dead letters.
    #[must_use]
    pub fn never() -> Self {
        Self::ladder([])
    }

    /// No pause is longer than this.
    #[must_use]
    pub fn at_most(mut self, delay: Duration) -> Self {
        self.delays.iter_mut().for_each(|each| *each = delay.min(*each));
        self.linear =
            self.linear.map(|linear| Linear { min: linear.min.min(delay), max: linear.max.min(delay) });
        self
    }

    /// Makes each pause longer by a random part, up to so many percent of it, 0 to 100, so that what failed together does not come back
    /// together.
    #[must_use]
    pub fn jitter(self, percent: u8) -> Self {
        Self { jitter_percent: percent.min(100), ..self }
    }

    /// Calls the handler up to `times` more before an attempt counts as failed, `pause` apart (the second time twice that, and so on).
    /// The message is held meanwhile and so is one of the worker's places: for what is over within moments. Nothing is waited for once
    /// the message's deadline has passed or the worker stops.
    #[must_use]
    pub fn in_place(self, times: u32, pause: Duration) -> Self {
        Self { in_place: times, in_place_pause: pause, ..self }
    }

    /// The pauses, without jitter.
    #[must_use]
    pub fn delays(&self) -> &[Duration] {
        &self.delays
    }

    /// The percentage of [`jitter`](Self::jitter).
    #[must_use]
    pub fn jitter_percent(&self) -> u8 {
        self.jitter_percent
    }

    /// Attempts at most, those [in place](Self::in_place) not counted.
    #[must_use]
    pub fn attempts_max(&self) -> u32 {
        self.delays.len() as u32 + 1
    }

    /// The pause after this attempt, counted from 1; `None`: it was the last.
    #[must_use]
    pub fn delay_after(&self, attempt: u32) -> Option<Duration> {
        self.delays.get(attempt.saturating_sub(1) as usize).copied()
    }

    /// The pause before the next call in place, given how many were made; `None`: enough.
    pub(crate) fn pause_in_place(&self, calls: u32) -> Option<Duration> {
        (calls <= self.in_place).then(|| self.in_place_pause.saturating_mul(1 << (calls - 1).min(16)))
    }

    /// A pause with its jitter; `random` is between 0 and 1.
    pub(crate) fn jittered(&self, delay: Duration, random: f64) -> Duration {
        let ms = delay.as_millis() as f64;
        Duration::from_millis((ms + ms * f64::from(self.jitter_percent) / 100.0 * random) as u64)
    }
}

impl<const LEN: usize> From<[Duration; LEN]> for Retry {
    fn from(delays: [Duration; LEN]) -> Self {
        Self::ladder(delays)
    }
}

impl From<Vec<Duration>> for Retry {
    fn from(delays: Vec<Duration>) -> Self {
        Self::ladder(delays)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failed_attempt_has_its_pause_and_the_last_has_none() {
        let retry = Retry::ladder([5, 15].map(Duration::from_secs));
        let pauses = [1, 2, 3, 4].map(|attempt| retry.delay_after(attempt).map(|pause| pause.as_secs()));
        assert_eq!(pauses, [Some(5), Some(15), None, None]);
        assert_eq!(Retry::never().delay_after(1), None);
    }

    #[test]
    fn growth_has_an_end_however_it_is_asked_for() {
        let wild = Retry::exponential(Duration::from_secs(1), f64::INFINITY, 3);
        assert_eq!(wild.delays(), [Duration::from_secs(1); 3]);
        let huge = Retry::exponential(Duration::from_secs(1), 1e9, RUNGS_MAX);
        assert_eq!(huge.delays()[99], Duration::from_secs(365 * 24 * 3600));
    }

    #[test]
    fn jitter_only_makes_longer() {
        let retry = Retry::ladder([Duration::from_secs(10)]).jitter(50);
        let ms = [0.0, 0.5, 1.0].map(|random| retry.jittered(Duration::from_secs(10), random).as_millis());
        assert_eq!(ms, [10_000, 12_500, 15_000]);
    }

    #[test]
    fn calls_in_place_pause_longer_each_time() {
        let retry = Retry::never().in_place(2, Duration::from_millis(10));
        let ms = [1, 2, 3].map(|calls| retry.pause_in_place(calls).map(|pause| pause.as_millis()));
        assert_eq!(ms, [Some(10), Some(20), None]);
        assert_eq!(Retry::never().pause_in_place(1), None);
    }
}

//! What was confirmed, what came, and how long nothing did.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Numbers of messages, and the longest silence between two of them.
#[derive(Default)]
pub(crate) struct Tally(Mutex<State>);

#[derive(Default)]
struct State {
    /// How often each number was noted.
    counts: Vec<u32>,
    last: Option<Instant>,
    silence: Duration,
}

impl Tally {
    pub(crate) fn note(&self, number: u64) {
        let mut state = self.lock();
        let place = number as usize;
        if place >= state.counts.len() {
            state.counts.resize(place + 1, 0);
        }
        state.counts[place] += 1;
        let now = Instant::now();
        if let Some(last) = state.last.replace(now) {
            state.silence = state.silence.max(now - last);
        }
    }

    /// The longest silence since this was asked last; one that goes on counts up to now.
    pub(crate) fn take_silence(&self) -> Duration {
        let mut state = self.lock();
        let going_on = state.last.map_or(Duration::ZERO, |last| last.elapsed());
        std::mem::take(&mut state.silence).max(going_on)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().counts.iter().filter(|count| **count > 0).count()
    }

    /// Numbers noted more than once, and how often in all.
    pub(crate) fn repeats(&self) -> (usize, u64) {
        let state = self.lock();
        let repeated = state.counts.iter().filter(|count| **count > 1);
        (repeated.clone().count(), repeated.map(|count| u64::from(count - 1)).sum())
    }

    /// Numbers that are here and not there.
    pub(crate) fn missing_in(&self, other: &Self) -> Vec<usize> {
        let (here, there) = (self.lock(), other.lock());
        let is_there = |number: usize| there.counts.get(number).is_some_and(|count| *count > 0);
        let numbers =
            here.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(number, _)| number);
        numbers.filter(|number| !is_there(*number)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

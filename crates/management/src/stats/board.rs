//! The figures of one kind of object, as they were at the last round, and how fast they changed. History is kept of what somebody looks at.

use super::history::{DETAILED, History, Sample, Window};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;

/// Objects worked on between two breaths.
const CHUNK: usize = 1_024;
/// Objects of a kind that are watched at once.
const WATCHED_MAX: usize = 200;
/// How long an object is watched after it was last asked for, in milliseconds.
const WATCH_MS: u64 = 600_000;

#[derive(Debug)]
struct Entry<const N: usize> {
    round: u32,
    unix_ms: u64,
    values: [u64; N],
    /// Per second.
    rates: [f32; N],
    watch: Option<Box<Watch<N>>>,
}

#[derive(Debug)]
struct Watch<const N: usize> {
    asked_ms: u64,
    history: History<N>,
}

/// What is answered of one object.
#[derive(Debug, Clone)]
pub(crate) struct Look<const N: usize> {
    /// Per second, between the last two rounds.
    pub(crate) rates: [f64; N],
    /// Newest first; only if asked for.
    pub(crate) samples: Option<Vec<Sample<N>>>,
}

impl<const N: usize> Look<N> {
    /// Of an object that no round has seen.
    pub(crate) fn nothing(window: Option<Window>) -> Self {
        Self { rates: [0.0; N], samples: window.map(|_| Vec::new()) }
    }
}

#[derive(Debug)]
struct Inner<K, const N: usize> {
    round: u32,
    watched: usize,
    entries: HashMap<K, Entry<N>>,
}

/// See the module's documentation. Figures that never moved from 0 take no room.
#[derive(Debug)]
pub(crate) struct Board<K, const N: usize>(Mutex<Inner<K, N>>);

impl<K, const N: usize> Default for Board<K, N> {
    fn default() -> Self {
        Self(Mutex::new(Inner { round: 0, watched: 0, entries: HashMap::new() }))
    }
}

impl<K: Hash + Eq, const N: usize> Board<K, N> {
    /// A round: objects that are not among `all` are forgotten.
    pub(crate) fn sample(&self, unix_ms: u64, mut all: impl Iterator<Item = (K, [u64; N])>) {
        let round = {
            let mut inner = self.0.lock();
            inner.round = inner.round.wrapping_add(1);
            inner.round
        };
        loop {
            // Figures are read without the lock, so that nobody who asks waits for a whole round.
            let chunk: Vec<_> = all.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                break;
            }
            let mut inner = self.0.lock();
            for (key, values) in chunk {
                inner.update(key, round, unix_ms, values);
            }
        }
        let mut inner = self.0.lock();
        inner.entries.retain(|_, entry| {
            let is_stale = |watch: &Watch<N>| watch.asked_ms + WATCH_MS < unix_ms;
            entry.watch.take_if(|watch| is_stale(watch));
            entry.round == round
        });
        inner.watched = inner.entries.values().filter(|entry| entry.watch.is_some()).count();
    }

    /// What is known of an object. Who asks for the past has it watched from now on, unless too many are.
    pub(crate) fn look(&self, key: &K, unix_ms: u64, window: Option<Window>) -> Look<N> {
        let mut inner = self.0.lock();
        let inner = &mut *inner;
        let Some(entry) = inner.entries.get_mut(key) else { return Look::nothing(window) };
        let rates = entry.rates.map(f64::from);
        let Some(window) = window else { return Look { rates, samples: None } };
        if entry.watch.is_none() && inner.watched < WATCHED_MAX {
            inner.watched += 1;
            let mut history = History::new(DETAILED);
            history.add(entry.unix_ms, entry.values);
            entry.watch = Some(Box::new(Watch { asked_ms: unix_ms, history }));
        }
        let samples = entry.watch.as_mut().map(|watch| {
            watch.asked_ms = unix_ms;
            watch.history.look(window, unix_ms)
        });
        Look { rates, samples: Some(samples.unwrap_or_default()) }
    }

    /// How fast one figure of an object changed.
    pub(crate) fn rate(&self, key: &K, at: usize) -> f64 {
        let inner = self.0.lock();
        inner.entries.get(key).and_then(|entry| entry.rates.get(at)).copied().map_or(0.0, f64::from)
    }

    pub(crate) fn clear(&self) {
        self.0.lock().entries.clear();
    }
}

impl<K: Hash + Eq, const N: usize> Inner<K, N> {
    fn update(&mut self, key: K, round: u32, unix_ms: u64, values: [u64; N]) {
        match self.entries.get_mut(&key) {
            None if values.iter().all(|value| *value == 0) => {}
            None => {
                let entry = Entry { round, unix_ms, values, rates: [0.0; N], watch: None };
                self.entries.insert(key, entry);
            }
            Some(entry) => {
                entry.rates = rates(&entry.values, &values, unix_ms.saturating_sub(entry.unix_ms));
                (entry.round, entry.unix_ms, entry.values) = (round, unix_ms, values);
                if let Some(watch) = &mut entry.watch {
                    watch.history.add(unix_ms, values);
                }
            }
        }
    }
}

/// Changes per second; lengths may shrink.
pub(crate) fn rates<const N: usize>(before: &[u64; N], after: &[u64; N], passed_ms: u64) -> [f32; N] {
    std::array::from_fn(|at| match passed_ms {
        0 => 0.0,
        passed_ms => (after[at] as f64 - before[at] as f64) as f32 * 1_000.0 / passed_ms as f32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_round_and_what_is_gone_is_forgotten() {
        let board = Board::<u64, 2>::default();
        board.sample(1_000, [(1, [0, 0]), (2, [10, 5])].into_iter());
        assert_eq!(board.0.lock().entries.len(), 1, "what never moved takes no room");
        assert_eq!(board.look(&2, 1_000, None).rates, [0.0, 0.0]);
        board.sample(6_000, [(1, [3, 0]), (2, [60, 0])].into_iter());
        assert_eq!(board.look(&2, 6_000, None).rates, [10.0, -1.0]);
        board.sample(11_000, [(1, [8, 0])].into_iter());
        assert_eq!(board.look(&1, 11_000, None).rates, [1.0, 0.0]);
        assert_eq!(board.look(&2, 11_000, None).rates, [0.0, 0.0]);
        assert_eq!(board.0.lock().entries.len(), 1);
    }

    #[test]
    fn history_begins_when_somebody_asks_and_ends_when_nobody_does() {
        let window = Some(Window { age_ms: 60_000, step_ms: 5_000 });
        let board = Board::<u64, 1>::default();
        board.sample(5_000, [(1, [1])].into_iter());
        assert_eq!(board.look(&1, 5_000, window).samples, Some(vec![(5_000, [1])]));
        board.sample(10_000, [(1, [2])].into_iter());
        assert_eq!(board.look(&1, 10_000, window).samples, Some(vec![(10_000, [2]), (5_000, [1])]));
        board.sample(10_000 + WATCH_MS + 1, [(1, [2])].into_iter());
        assert_eq!(board.0.lock().watched, 0);
    }

    #[test]
    fn only_so_many_are_watched() {
        let window = Some(Window { age_ms: 60_000, step_ms: 5_000 });
        let board = Board::<u64, 1>::default();
        let all = || (0..WATCHED_MAX as u64 + 5).map(|key| (key, [1]));
        board.sample(5_000, all());
        all().for_each(|(key, _)| _ = board.look(&key, 5_000, window));
        assert_eq!(board.0.lock().watched, WATCHED_MAX);
        assert_eq!(board.look(&(WATCHED_MAX as u64 + 1), 5_000, window).samples, Some(Vec::new()));
    }
}

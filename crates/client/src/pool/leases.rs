//! Who holds what, since when, and borrowed where.

use std::collections::BTreeMap;
use std::panic::Location;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

#[derive(Debug)]
struct Lease {
    since: Instant,
    place: &'static Location<'static>,
    reported: bool,
}

/// A borrowing that is over or was found to be too long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) place: &'static Location<'static>,
    pub(super) time: Duration,
    pub(super) reported: bool,
}

#[derive(Debug, Default)]
struct State {
    /// By number, so the oldest first.
    all: BTreeMap<u64, Lease>,
    next: u64,
    leaked: usize,
    leaks: u64,
}

#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<State>);

impl Leases {
    pub(super) fn begin(&self, place: &'static Location<'static>) -> u64 {
        let mut state = self.0.lock();
        state.next += 1;
        let number = state.next;
        state.all.insert(number, Lease { since: Instant::now(), place, reported: false });
        number
    }

    pub(super) fn end(&self, number: u64) -> Option<Held> {
        let mut state = self.0.lock();
        let lease = state.all.remove(&number)?;
        state.leaked -= usize::from(lease.reported);
        Some(Held { place: lease.place, time: lease.since.elapsed(), reported: lease.reported })
    }

    /// Those that are held for longer than `threshold` and were not reported yet. They count as reported now.
    pub(super) fn overdue(&self, threshold: Duration) -> Vec<Held> {
        let mut state = self.0.lock();
        let mut found = Vec::new();
        for lease in state.all.values_mut() {
            let time = lease.since.elapsed();
            if time < threshold {
                break;
            }
            if !std::mem::replace(&mut lease.reported, true) {
                found.push(Held { place: lease.place, time, reported: true });
            }
        }
        state.leaked += found.len();
        state.leaks += found.len() as u64;
        found
    }

    /// Lent, leaked now, leaks so far.
    pub(super) fn count(&self) -> (usize, usize, u64) {
        let state = self.0.lock();
        (state.all.len(), state.leaked, state.leaks)
    }
}

//! Whether what was seen is on its way into the store: records are appended after the queue's lock was released, and a duplicate is
//! not to be confirmed before the message that it repeats.

use leveret_store::Ticket;
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeSet;
use std::time::Duration;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Line {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    issued: u64,
    /// All up to here were appended.
    done: u64,
    early: BTreeSet<u64>,
    /// Under which everything done is stored.
    ticket: Ticket,
}

impl Line {
    /// Number of a record that will be appended.
    pub(super) fn issue(&self) -> u64 {
        let mut state = self.state.lock();
        state.issued += 1;
        state.issued
    }

    /// Number of the last record.
    pub(super) fn issued(&self) -> u64 {
        self.state.lock().issued
    }

    pub(super) fn done(&self) -> u64 {
        self.state.lock().done
    }

    /// A record was appended. [`Ticket::MAX`]: it never will be.
    pub(crate) fn appended(&self, number: u64, ticket: Ticket) {
        let mut state = self.state.lock();
        state.ticket = state.ticket.max(ticket);
        state.early.insert(number);
        while let Some(first) = state.early.first().copied()
            && first == state.done + 1
        {
            state.early.pop_first();
            state.done = first;
        }
        self.moved.notify_all();
    }

    /// Waits until everything up to a number was appended, and says under which ticket. The thread that does it has begun.
    pub(crate) fn wait(&self, number: u64, at_most: Duration) -> Option<Ticket> {
        let mut state = self.state.lock();
        let _ = self.moved.wait_while_for(&mut state, |state| state.done < number, at_most);
        (state.done >= number).then_some(state.ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_done_when_all_before_it_are() {
        let line = Line::default();
        let numbers: Vec<u64> = (0..3).map(|_| line.issue()).collect();
        assert_eq!((&*numbers, line.issued()), (&[1, 2, 3][..], 3));
        line.appended(2, 8);
        assert_eq!(line.wait(1, Duration::ZERO), None);
        line.appended(1, 7);
        assert_eq!((line.done(), line.wait(2, Duration::ZERO)), (2, Some(8)));
        std::thread::scope(|scope| {
            scope.spawn(|| line.appended(3, 9));
            assert_eq!(line.wait(3, Duration::from_secs(60)), Some(9));
        });
    }
}

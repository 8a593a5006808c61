//! How far messages of a queue may have been delivered, said to the store ahead of time.
//!
//! After a crash the store must know which messages a consumer may have seen. Writing that down for each delivery would cost
//! as much as the messages; so a position is named that lies ahead of the last delivery, and moved on when deliveries come near it.
//! The price: after a crash some messages that nobody saw carry the flag `redelivered` as well.
//!
//! What counts is what is stored. A delivery behind the last position that is known to be stored says it again, and is held until
//! that is stored; a message that was published in the same batch is not held, for a crash leaves both or neither.

use leveret_store::Ticket;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Positions between the last delivery and what was said, at first; doubled each time, up to [`STEP_MAX`].
const STEP_MIN: u64 = 32;
const STEP_MAX: u64 = 65_536;

/// An announcement on its way into the store: 0 until it was appended, then its ticket.
#[derive(Debug, Default, Clone)]
pub(crate) struct Announcement(Arc<AtomicU64>);

impl Announcement {
    /// It was appended; `u64::MAX` when it was not taken.
    pub(crate) fn appended(&self, ticket: Ticket) {
        self.0.store(ticket, Ordering::Release);
    }

    fn ticket(&self) -> Ticket {
        self.0.load(Ordering::Acquire)
    }
}

/// See the module's documentation.
#[derive(Debug, Default, Clone)]
pub(crate) struct Ahead {
    /// Up to here it is stored that messages may have been delivered.
    stored: u64,
    step: u64,
    /// What is being stored: up to where, and how far that is.
    pending: Option<(u64, Announcement)>,
    /// What this operation said.
    said: u64,
}

/// What a delivery asks for.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// The position to name to the store.
    pub(crate) through: Option<u64>,
    /// Who wants to know when that is stored.
    pub(crate) announcement: Option<Announcement>,
    /// The delivery must not be seen before it is.
    pub(crate) hold: bool,
}

impl Ahead {
    /// A message is handed out; `is_new`: it enters the store in the same batch. `synced`: what is stored by now.
    #[inline]
    pub(crate) fn deliver(&mut self, position: u64, is_new: bool, synced: impl Fn() -> Ticket) -> Said {
        if position + self.step / 2 < self.stored {
            return Said::default();
        }
        self.deliver_near_the_end(position, is_new, synced())
    }

    fn deliver_near_the_end(&mut self, position: u64, is_new: bool, synced: Ticket) -> Said {
        let appended = self.pending.as_ref().map(|(through, announcement)| (*through, announcement.ticket()));
        if let Some((through, ticket)) = appended
            && (1..=synced).contains(&ticket)
        {
            (self.stored, self.pending) = (through, None);
        }
        if position + self.step / 2 < self.stored {
            return Said::default();
        }
        let is_covered = position <= self.stored;
        let is_pending = self.pending.as_ref().is_some_and(|(through, _)| *through >= position);
        let hold = !is_covered && !is_new;
        if is_pending {
            // It may be appended later than this batch, or not at all: who depends on it says it as well.
            let is_certain = is_covered || is_new && appended.is_some_and(|(_, ticket)| ticket > 0);
            let through = self.pending.as_ref().map_or(0, |(through, _)| *through);
            let is_said = std::mem::replace(&mut self.said, through) == through;
            return Said { through: (!is_certain && !is_said).then_some(through), announcement: None, hold };
        }
        self.step = (self.step * 2).clamp(STEP_MIN, STEP_MAX);
        let through = position + self.step;
        self.said = through;
        let announcement = Announcement::default();
        self.pending = Some((through, announcement.clone()));
        Said { through: Some(through), announcement: Some(announcement), hold }
    }

    /// The operation is over; what the next one says goes into another batch.
    #[inline]
    pub(crate) fn end(&mut self) {
        self.said = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_delivered_was_announced_before_and_seldom() {
        let mut ahead = Ahead::default();
        let (mut stored, mut times, mut held) = (0, 0, 0);
        for position in 1..=1_000_000 {
            let said = ahead.deliver(position, false, || times);
            held += u64::from(said.hold);
            assert_eq!(said.hold, position > stored, "held until it is stored");
            ahead.end();
            if let (Some(through), Some(announcement)) = (said.through, said.announcement) {
                assert!(through > position && through > stored);
                times += 1;
                announcement.appended(times);
                stored = through;
            }
        }
        assert!(times < 60 && held == 1, "{times} {held}");
    }

    #[test]
    fn until_it_is_stored_everybody_says_it_and_waits() {
        let mut ahead = Ahead::default();
        let first = ahead.deliver(1, false, || 0);
        let announcement = first.announcement.unwrap();
        assert_eq!((first.through, first.hold), (Some(33), true));
        let same = ahead.deliver(2, false, || 0);
        assert_eq!((same.through, same.hold), (None, true), "once in a batch");
        ahead.end();
        let other = ahead.deliver(3, false, || 0);
        assert_eq!((other.through, other.hold), (Some(33), true), "in the next batch again");
        ahead.end();
        let new = ahead.deliver(4, true, || 0);
        assert_eq!((new.through, new.hold), (Some(33), false), "not appended yet: with the new message");
        ahead.end();
        announcement.appended(7);
        let new = ahead.deliver(5, true, || 6);
        assert_eq!((new.through, new.hold), (None, false), "appended before the new message");
        let known = ahead.deliver(6, false, || 7);
        assert_eq!((known.through, known.hold), (None, false), "stored");
    }

    #[test]
    fn what_the_store_did_not_take_is_never_stored() {
        let mut ahead = Ahead::default();
        ahead.deliver(1, false, || 0).announcement.unwrap().appended(u64::MAX);
        ahead.end();
        assert!(ahead.deliver(2, false, || 1000).hold);
    }
}

//! Where a session meets the store: work is placed and recorded, publishers are answered when it is stored, and what must not be seen
//! before is held back.

use super::Session;
use crate::channel::Mode;
use crate::channel::confirms::Stored;
use crate::recorder::Recorded;
use leveret_store::{State, StoreError, Ticket};
use std::task::{Context, Poll};

impl Session {
    /// Does the collected work of this batch and answers publishers.
    #[inline]
    pub(crate) fn finish_batch(&mut self, out: &mut Vec<u8>) {
        self.flush_queues();
        self.runs.hand_in();
        if !self.waiting.is_empty() {
            self.answer_publishers(out);
        }
    }

    /// Gives the collected work to the queues and what they changed to the store.
    pub(super) fn flush_queues(&mut self) {
        if !self.pending.is_empty() {
            self.place_pending();
        }
        if !(self.recorder.is_empty() && self.confirming.is_empty()) {
            self.record();
        }
    }

    /// Gives the collected work to the queues; what is for the store is left with the recorder.
    pub(super) fn place_pending(&mut self) {
        let Self { pending, recorder, channels, now_ms, .. } = self;
        pending.flush(recorder, *now_ms, |channel, confirm| {
            let Some(Some(channel)) = channels.get_mut(usize::from(channel)) else { return };
            match &mut channel.mode {
                Mode::Confirm(confirms) => confirms.refuse(confirm),
                Mode::Transaction(transaction) => transaction.refused = true,
                Mode::Plain => {}
            }
        });
    }

    /// Appends what was recorded. Publishings of this batch are answered when it is stored, or refused when it cannot be.
    pub(super) fn record(&mut self) {
        let awaited = !self.confirming.is_empty();
        if !awaited && !self.recorder.holds() {
            self.recorder.make_unhurried();
        }
        let recorded = self.record_for(awaited);
        for number in self.confirming.drain(..) {
            let Some(Some(channel)) = self.channels.get_mut(usize::from(number)) else { continue };
            let Mode::Confirm(confirms) = &mut channel.mode else { continue };
            match &recorded {
                Ok(recorded) => confirms.place(recorded.ticket, recorded.durability),
                Err(_) => confirms.refuse_unplaced(),
            }
            if !self.waiting.contains(&number) {
                self.waiting.push(number);
            }
        }
    }

    pub(super) fn record_for(&mut self, awaited: bool) -> Result<Recorded, StoreError> {
        if self.recorder.is_empty() {
            return Ok(Recorded::default());
        }
        let Self { recorder, store, waiter, .. } = self;
        let full = store.as_ref().is_some_and(|store| store.pending_bytes() > store.pending_bytes_max());
        let recorded = recorder.commit(store.as_ref(), (awaited || full).then_some(&*waiter))?;
        if full {
            self.ahead_of_store = recorded.ticket;
        }
        Ok(recorded)
    }

    fn stored(&self) -> Stored {
        let Some(store) = &self.store else { return Stored::default() };
        // Failure first: what was stored before it is then known.
        let failed = matches!(store.state(), State::Failed { .. });
        Stored { written: store.written(), synced: store.synced(), failed }
    }

    pub(super) fn answer_publishers(&mut self, out: &mut Vec<u8>) {
        let stored = self.stored();
        let Self { waiting, channels, vhost, trace, .. } = self;
        let times = vhost.confirm_times();
        waiting.retain(|number| match channels.get_mut(usize::from(*number)) {
            Some(Some(channel)) => match &mut channel.mode {
                Mode::Confirm(confirms) => {
                    let waited = &mut |took, count| times.add(took, count);
                    let answered = confirms.answer(stored, *number, out, waited, |through, refused| {
                        if let Some(trace) = trace {
                            trace.answered(*number, through, refused);
                        }
                    });
                    channel.figures.confirm.add(answered.acked);
                    channel.figures.refuse.add(answered.refused);
                    confirms.is_waiting()
                }
                _ => false,
            },
            _ => false,
        });
    }

    /// Nothing more is sent on this connection before everything up to `ticket` is on stable storage; 0 waits for nothing.
    pub(crate) fn hold_output_until(&mut self, ticket: Ticket) {
        if let Some(store) = &self.store
            && ticket > self.hold
            && ticket > store.synced()
        {
            self.hold = ticket;
            store.watch(ticket, &self.waiter);
        }
    }

    /// Nothing more is sent before the entities are stored as they are now. If one of the changes since `lost` of them were lost was
    /// lost too, that is never: the connection ends with what the store failed with.
    pub(super) fn hold_until_changes_are_stored(&mut self, lost: u64) {
        let is_lost = self.vhost.changes_lost() != lost;
        self.hold_output_until(if is_lost { Ticket::MAX } else { self.vhost.changes_ticket() });
    }

    /// What the output is to be held for from now on; 0 for nothing.
    pub(crate) fn take_hold(&mut self) -> Ticket {
        std::mem::take(&mut self.hold)
    }

    /// Pending while a consumer's connection, or the store, has to catch up with what this one published.
    pub(crate) fn poll_caught_up(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ahead_of_store > 0 {
            // Registered before the look, so that what comes between is not missed.
            self.mailbox.register(cx);
            let stored = self.stored();
            if stored.written < self.ahead_of_store && !stored.failed {
                return Poll::Pending;
            }
            self.ahead_of_store = 0;
        }
        self.pending.poll_caught_up(cx)
    }
}

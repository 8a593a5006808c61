//! The state of a delayed exchange's timetable: messages come in, wait, and leave when they are due. It has no consumers.

use super::leave::forget;
use super::{Load, Looked, Outcome, QueueState};
use crate::exchange::own_delay_ms;
use crate::queue::backlog::Entry;
use crate::queue::stored::{Change, Stored};
use crate::queue::timetable::{Keep, Timetable};
use crate::queue::{Incoming, Queue};
use crate::trace::{Told, What};
use std::sync::Arc;

/// Messages that leave in one go; what else is due comes right after.
const DUE_MAX: usize = 1024;

/// What is known of a scheduled message that is asked for.
#[derive(Debug)]
pub(crate) enum Scheduled {
    Taken(Entry),
    /// It may be on disk, and is to be looked for there.
    OnDisk,
    /// Messages are being fetched; ask again.
    Busy,
    No,
}

impl QueueState {
    pub(super) fn schedule(
        &mut self,
        queue: &Queue,
        incoming: &mut Vec<Incoming>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        let now_unix_ms = now_ms + self.unix_origin_ms;
        let Some(mut table) = self.timetable.take() else { return };
        for publishing in incoming.drain(..) {
            let message = publishing.message;
            let delay_ms = match own_delay_ms(message.properties()) {
                Some(own) if table.heeds_messages => own,
                _ => table.delay_ms,
            };
            let position = table.place(now_unix_ms + delay_ms);
            let mut entry = super::publish::fresh(position, u64::MAX, message);
            self.keep(&mut entry, outcome);
            match table.choose(position) {
                Keep::Memory => {
                    self.charge += entry.message.charge() as i64;
                    self.is_appended_later(queue, &entry, outcome);
                    table.keep(entry);
                    self.evict(queue, &mut table, outcome);
                }
                Keep::Disk => {
                    if entry.stored == Stored::NO {
                        self.store(&mut entry, false, outcome);
                    }
                    self.is_appended_later(queue, &entry, outcome);
                    table.keep_far(entry.message.body_len());
                }
            }
        }
        self.timetable = Some(table);
    }

    /// A message may go from memory to disk, in the eyes of others, before it was appended: loads are told.
    fn is_appended_later(&self, queue: &Queue, entry: &Entry, outcome: &mut Outcome) {
        if entry.stored != Stored::NO && !std::mem::replace(&mut outcome.cold, true) {
            queue.appending().begin();
        }
    }

    fn evict(&mut self, queue: &Queue, table: &mut Timetable, outcome: &mut Outcome) {
        while let Some(mut entry) = table.evict() {
            self.uncharge(&entry.message);
            if entry.stored == Stored::NO {
                self.store(&mut entry, false, outcome);
                self.is_appended_later(queue, &entry, outcome);
            }
        }
    }

    /// What is due leaves; what will be soon is fetched.
    pub(super) fn leave_when_due(&mut self, now_ms: u64, outcome: &mut Outcome) {
        let Some(table) = &mut self.timetable else { return };
        while outcome.due.len() < DUE_MAX
            && let Some(entry) = table.pop_due(now_ms + self.unix_origin_ms)
        {
            self.charge -= entry.message.charge() as i64;
            self.counters.delivered_no_ack += 1;
            outcome.due.push(entry);
        }
        if table.begin_load() {
            let after = table.horizon();
            outcome.load = Some(self.load_of(0, super::load::LOAD_MESSAGES_MAX).from(after));
        }
    }

    pub(super) fn next_due_ms(&self) -> Option<u64> {
        let due = self.timetable.as_ref()?.next_due_unix_ms()?;
        Some(due.saturating_sub(self.unix_origin_ms))
    }

    pub(super) fn scheduled_loaded(
        &mut self,
        entries: Vec<Entry>,
        looked: Looked,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> u64 {
        let Some(mut table) = self.timetable.take() else { return 0 };
        let charges: i64 = entries.iter().map(|entry| entry.message.charge() as i64).sum();
        let count = entries.len();
        let (new, lost) = table.loaded(entries, looked.through, looked.raced);
        // Almost always all of them are new.
        self.charge += if new == count { charges } else { charges * new as i64 / count.max(1) as i64 };
        self.timetable = Some(table);
        self.leave_when_due(now_ms, outcome);
        lost
    }

    /// Takes a scheduled message out before it is due.
    pub(crate) fn take_scheduled(&mut self, position: u64) -> Scheduled {
        let Some(table) = &mut self.timetable else { return Scheduled::No };
        match table.take(position) {
            Some(entry) => {
                self.uncharge(&entry.message);
                Scheduled::Taken(entry)
            }
            None if position <= table.horizon() => Scheduled::No,
            None if table.is_loading() => Scheduled::Busy,
            None => Scheduled::OnDisk,
        }
    }

    /// The same for one that was found on disk. `false`: somebody else took it, or it is in memory by now.
    pub(crate) fn take_scheduled_on_disk(&mut self, position: u64, body_len: usize) -> bool {
        self.timetable.as_mut().is_some_and(|table| table.take_far(position, body_len))
    }

    /// Says to the store that a scheduled message is gone for good.
    pub(crate) fn cancelled(&mut self, mut entry: Entry, outcome: &mut Outcome) {
        self.counters.purged += 1;
        forget(&mut entry, outcome);
        outcome.charge += std::mem::take(&mut self.charge);
    }

    /// One that was taken out leaves before it is due.
    pub(crate) fn send_now(&mut self, queue: &Arc<Queue>, entry: Entry, outcome: &mut Outcome) {
        self.counters.delivered_no_ack += 1;
        outcome.due.push(entry);
        self.finish(queue, 0, outcome);
    }

    /// What to load to see scheduled messages behind a position.
    pub(crate) fn load_scheduled(&self, after: u64, messages_max: usize) -> Load {
        self.load_of(0, messages_max).from(after).whole()
    }

    /// How long a message waits from now on that says nothing of its own.
    pub(crate) fn set_delay(&mut self, delay_ms: u64) {
        if let Some(table) = &mut self.timetable {
            table.delay_ms = delay_ms;
        }
    }

    pub(crate) fn timetable(&self) -> Option<&Timetable> {
        self.timetable.as_deref()
    }

    /// Takes every scheduled message out of memory and store. Returns how many. Who follows messages hears of those in memory.
    pub(super) fn empty_timetable(
        &mut self,
        queue: &Queue,
        why: &'static str,
        outcome: &mut Outcome,
    ) -> usize {
        let Some(table) = &mut self.timetable else { return 0 };
        let (near, far) = table.clear();
        let count = near.len() + far as usize;
        for mut entry in near {
            self.charge -= entry.message.charge() as i64;
            if queue.is_watched(&entry.message) {
                outcome.told.push(Told::of(&entry, What::Purged { why }));
            }
            forget(&mut entry, outcome);
        }
        if far > 0 {
            for lane in [true, false].into_iter().filter_map(|lasting| Stored::at(0, lasting).lane()) {
                outcome.changes.push(Change::Clear { lane, first: 0, last: u64::MAX });
            }
        }
        count
    }
}

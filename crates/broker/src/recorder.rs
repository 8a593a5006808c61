//! What a batch of work changes in the store, gathered from the queues it touched and appended as one: all or nothing.
//!
//! Messages are gathered first and written at the end, so that one that went to several queues is written once.

use crate::mailbox::Mailbox;
use crate::message::Message;
use crate::queue::appending;
use crate::queue::dedup::Seen;
use crate::queue::dedup::line::Line;
use crate::queue::settings::Durability;
use crate::queue::state::{Announcement, Outcome};
use crate::queue::stored::{Change, HIDDEN_LANE};
use crate::queue::stream::commit;
use crate::queue::{Queue, Settled};
use leveret_store::{Batch, Notify, Store, StoreError, Target, Ticket, Urgency};
use std::sync::Arc;
use std::time::Duration;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    batch: Batch,
    entered: Vec<(Message, Target)>,
    /// Strongest wish of what was gathered; `None` when nothing was.
    urgency: Option<Wish>,
    /// Strongest promise of the queues that messages entered.
    durability: Durability,
    /// Queues that nobody is to look for in the store before the batch was appended.
    appending: appending::Held,
    /// Connections that show nothing more before this is stored.
    held: Held,
    /// Who wants to know what ticket it got.
    announcements: Vec<Announcement>,
    /// Streams that messages entered, each with its first offset of the batch.
    logged: Vec<(Arc<Queue>, u64)>,
    /// Consumers of a stream wait for it.
    awaited: bool,
    announces: bool,
    /// Records of what was seen, to be told when they were appended.
    seen: Vec<(Arc<Line>, u64)>,
    /// Publishings that a queue refused which they came to by way of an exchange's gate: channel and confirm number.
    refused: Vec<(u16, u64)>,
    /// Exchanges' gates that are being passed, one behind the other.
    depth: u8,
    /// Records of others that duplicates of this batch wait for.
    awaits: Vec<(Arc<Line>, u64)>,
}

/// How long others may take to append what they have begun; they do nothing meanwhile that waits.
const OTHERS_WAIT: Duration = Duration::from_secs(10);
/// The same for somebody whom others may wait for in turn.
const OTHERS_WAIT_SHORT: Duration = Duration::from_millis(20);

/// Connections that are blocked until what they were given is in the store. They are let go in any case.
#[derive(Debug, Default)]
struct Held(Vec<Arc<Mailbox>>);

impl Held {
    fn release(&mut self, ticket: Ticket) {
        self.0.drain(..).for_each(|mailbox| mailbox.unblock(ticket));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release(0);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Later,
    Written,
    Synced,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Recorded {
    /// What to wait for; 0 for nothing.
    pub(crate) ticket: Ticket,
    /// When it counts as stored.
    pub(crate) durability: Durability,
    /// It says that messages may be seen that nobody saw before: they are not to be seen before it is stored.
    pub(crate) announces: bool,
}

impl Recorder {
    /// Takes what an operation left for the store.
    pub(crate) fn take(&mut self, queue: &Arc<Queue>, outcome: &mut Outcome) {
        if outcome.cold {
            outcome.cold = false;
            self.appending.push(queue.clone());
        }
        self.held.0.append(&mut outcome.held);
        self.announcements.append(&mut outcome.announcements);
        if !outcome.entered.is_empty() {
            self.durability = self.durability.max(queue.durability());
            self.wish(match queue.durability() {
                Durability::Synced => Wish::Synced,
                _ => Wish::Written,
            });
            if self.entered.is_empty() {
                std::mem::swap(&mut self.entered, &mut outcome.entered);
            } else {
                self.entered.append(&mut outcome.entered);
            }
        }
        if let Some(logged) = outcome.logged.take() {
            for (target, summary) in &logged.summaries {
                self.batch.message(std::slice::from_ref(target), 0, summary, None);
            }
            self.awaited |= logged.awaited;
            self.logged.push((queue.clone(), logged.first));
        }
        for change in outcome.changes.drain(..) {
            self.change(queue.id(), change);
        }
        for seen in outcome.seen.drain(..) {
            self.see(queue, seen);
        }
        if let Some(awaited) = outcome.awaits.take() {
            self.durability = self.durability.max(queue.durability());
            match self.awaits.iter_mut().find(|(line, _)| Arc::ptr_eq(line, &awaited.0)) {
                Some((_, number)) => *number = awaited.1.max(*number),
                None => self.awaits.push(awaited),
            }
        }
    }

    fn see(&mut self, queue: &Arc<Queue>, seen: Seen) {
        if !seen.payload.is_empty() {
            let (position, lane) = (seen.position, HIDDEN_LANE);
            let target = Target { queue: queue.id(), lane, position, expires_unix_ms: u64::MAX };
            self.batch.message(&[target], 0, &seen.payload, None);
        }
        let Some(number) = seen.number else { return self.wish(Wish::Later) };
        self.seen.push(number);
        self.durability = self.durability.max(queue.durability());
        self.wish(match queue.durability() {
            Durability::Synced => Wish::Synced,
            _ => Wish::Written,
        });
    }

    /// A queue refused a publishing that somebody else than its session brought.
    pub(crate) fn refuse(&mut self, channel: u16, confirm: u64) {
        self.refused.push((channel, confirm));
    }

    /// Another gate is passed, unless there are so many before it.
    pub(crate) fn go_deeper(&mut self, max: u8) -> bool {
        let may = self.depth < max;
        self.depth += u8::from(may);
        may
    }

    pub(crate) fn come_back(&mut self) {
        self.depth -= 1;
    }

    pub(crate) fn refused(&self) -> &[(u16, u64)] {
        &self.refused
    }

    /// Who is to hear that a publishing was refused; channel 0 for nobody.
    pub(crate) fn take_refused(&mut self) -> Vec<(u16, u64)> {
        std::mem::take(&mut self.refused)
    }

    /// Waits, with others, for what duplicates of this batch repeat; what this batch brings itself cannot be waited for. Two that wait
    /// for each other append in the end, and wait afterwards.
    fn await_others_first(&self) -> Ticket {
        let at_most = if self.seen.is_empty() { OTHERS_WAIT } else { OTHERS_WAIT_SHORT };
        let of_others = |(line, number): &(Arc<Line>, u64)| {
            let own =
                self.seen.iter().filter(|(own, _)| Arc::ptr_eq(own, line)).map(|(_, own)| own - 1).min();
            line.wait(own.map_or(*number, |own| own.min(*number)), at_most)
        };
        self.awaits.iter().filter_map(of_others).max().unwrap_or(0)
    }

    /// The same when this batch was appended. [`Ticket::MAX`]: it does not come.
    fn await_others(&mut self) -> Ticket {
        let wait = |(line, number): (Arc<Line>, u64)| line.wait(number, OTHERS_WAIT).unwrap_or(Ticket::MAX);
        self.awaits.drain(..).map(wait).max().unwrap_or(0)
    }

    /// A message left a queue for good.
    #[inline]
    pub(crate) fn settle(&mut self, queue: u64, settled: &Settled) {
        if let Some(lane) = settled.stored.lane() {
            self.wish(Wish::Later);
            self.batch.settle(queue, lane, settled.position, settled.weight);
        }
    }

    fn change(&mut self, queue: u64, change: Change) {
        match change {
            Change::Settle { lane, position, weight } => {
                self.wish(Wish::Later);
                self.batch.settle(queue, lane, position, weight);
            }
            Change::Clear { lane, first, last } => {
                self.wish(Wish::Later);
                self.batch.clear_range(queue, lane, first, last);
            }
            Change::Returned { lane, position, history } => {
                self.wish(Wish::Later);
                self.batch.returned(queue, lane, position, history);
            }
            Change::Delivering { lane, through } => {
                self.announces = true;
                self.wish(Wish::Written);
                self.batch.delivering(queue, lane, through);
            }
        }
    }

    #[inline]
    fn wish(&mut self, wish: Wish) {
        self.urgency = self.urgency.max(Some(wish));
    }

    /// Whether somebody's deliveries wait for this.
    pub(crate) fn holds(&self) -> bool {
        !self.held.0.is_empty()
    }

    /// Whether messages may be seen that nobody saw before.
    pub(crate) fn announces(&self) -> bool {
        self.announces
    }

    /// Somebody waits until it is on stable storage, whatever the queues ask for.
    pub(crate) fn make_synced(&mut self) {
        if self.urgency.is_some() {
            self.urgency = Some(Wish::Synced);
        }
        if !self.is_empty() {
            self.durability = Durability::Synced;
        }
    }

    /// No publisher waits for it: unless somebody else does, it need not be synced at once.
    pub(crate) fn make_unhurried(&mut self) {
        if !self.awaited {
            self.urgency = self.urgency.min(Some(Wish::Written));
        }
    }

    /// Whether there is nothing to append.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.urgency.is_none() && self.awaits.is_empty() && !self.holds()
    }

    /// Appends everything. `waiter` hears when it is stored.
    ///
    /// # Errors
    /// The store failed; what was gathered is dropped.
    pub(crate) fn commit(
        &mut self,
        store: Option<&Arc<Store>>,
        waiter: Option<&Arc<dyn Notify>>,
    ) -> Result<Recorded, StoreError> {
        if self.is_empty() {
            return Ok(Recorded::default());
        }
        let durability = std::mem::take(&mut self.durability);
        let announces = std::mem::take(&mut self.announces);
        if !self.awaits.is_empty() && self.urgency == Some(Wish::Later) {
            // The publisher of a duplicate waits for all of the batch, also for records that are put together on the way.
            self.urgency = Some(if durability == Durability::Synced { Wish::Synced } else { Wish::Written });
        }
        let mut others = self.await_others_first();
        if self.holds() && self.urgency.is_some() {
            self.urgency = Some(Wish::Synced);
        }
        self.write_messages();
        let appended = match (store, self.urgency.take()) {
            (Some(store), Some(wish)) => store.append(&mut self.batch, wish.into(), waiter),
            _ => Ok(0),
        };
        self.batch.clear();
        // Of a store that took nothing nothing may be seen: a ticket that never comes.
        let ticket = appended.as_ref().copied().unwrap_or(Ticket::MAX);
        self.announcements.drain(..).for_each(|announcement| announcement.appended(ticket));
        self.held.release(ticket);
        self.seen.drain(..).for_each(|(line, number)| line.appended(number, ticket));
        others = others.max(self.await_others());
        self.appending.end();
        self.awaited = false;
        for (queue, first) in self.logged.drain(..) {
            if let (Some(store), Ok(ticket)) = (store, &appended) {
                commit::appended(&queue, first, *ticket, store);
            }
        }
        let ticket = appended?;
        if let (Some(store), Some(waiter), true) = (store, waiter, others > ticket) {
            store.watch(others, waiter);
        }
        Ok(Recorded { ticket: ticket.max(others), durability, announces })
    }

    fn write_messages(&mut self) {
        let mut at = 0;
        let mut shared: Vec<(Message, Vec<Target>)> = Vec::new();
        while at < self.entered.len() {
            let (message, target) = &self.entered[at];
            at += 1;
            if message.copies() <= 1 {
                write(&mut self.batch, message, std::slice::from_ref(target));
                continue;
            }
            match shared.iter_mut().rev().find(|(known, _)| known.is_same(message)) {
                Some((_, targets)) => targets.push(*target),
                None => shared.push((message.clone(), vec![*target])),
            }
        }
        for (message, targets) in shared {
            write(&mut self.batch, &message, &targets);
        }
        self.entered.clear();
        if self.entered.capacity() > 4096 {
            self.entered = Vec::new();
        }
    }
}

fn write(batch: &mut Batch, message: &Message, targets: &[Target]) {
    let (head, tail) = message.stored_form();
    batch.message(targets, message.body_len() as u32, head, tail);
}

impl From<Wish> for Urgency {
    fn from(wish: Wish) -> Self {
        match wish {
            Wish::Later => Self::Later,
            Wish::Written => Self::Written,
            Wish::Synced => Self::Synced,
        }
    }
}

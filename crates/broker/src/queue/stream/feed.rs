//! Giving the consumers of a stream what they can take: from memory at the end of the log, else from what was read for them.

use super::log::Log;
use super::read::Read;
use super::reader::Reader;
use super::{Stream, read};
use crate::mailbox::Delivery;
use crate::message::Message;
use crate::queue::state::Outcome;
use crate::queue::{ConsumerId, Queue};
use std::sync::Arc;

/// Messages read ahead below which more are read.
const READ_BELOW: usize = 2048;

/// Why a consumer gets no more for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// It has no credit, its connection no room, or there is nothing to give.
    Waits,
    /// What comes next has to be read.
    Hungry,
}

impl Stream {
    /// Feeds everybody. Who is first changes, so that nobody always is.
    pub(super) fn feed_all(&mut self, queue: &Arc<Queue>, outcome: &mut Outcome) {
        let count = self.readers.len();
        for n in 0..count {
            self.feed_slot((self.turn + n) % count, queue, outcome);
        }
        self.turn = self.turn.wrapping_add(1) % count.max(1);
    }

    pub(super) fn feed(&mut self, id: ConsumerId, queue: &Arc<Queue>, outcome: &mut Outcome) {
        if self.reader(id).is_some() {
            self.feed_slot(id.slot as usize, queue, outcome);
        }
    }

    fn feed_slot(&mut self, slot: usize, queue: &Arc<Queue>, outcome: &mut Outcome) {
        let committed = self.committed();
        let Some(reader) = self.readers.get_mut(slot).and_then(Option::as_mut) else { return };
        let mut staged = std::mem::take(&mut self.staged);
        let mut given = Given { queue, staged: &mut staged, bytes: 0, count: 0, given_back: 0 };
        let rest = loop {
            if !reader.window.is_empty() {
                if !given.window(reader) {
                    break Rest::Waits;
                }
            } else if !reader.advance(&self.log, committed) {
                break Rest::Waits;
            } else {
                let Some(tail) = self.log.tail_from(reader.next) else { break Rest::Hungry };
                let (mut goes_on, mut through) = (true, committed);
                for kept in tail.take_while(|kept| kept.offset < committed) {
                    if reader.wants(kept.unix_ms, &kept.message) {
                        goes_on = given.give(reader, kept.offset, &kept.message);
                    }
                    if !goes_on {
                        break;
                    }
                    reader.next = kept.offset + 1;
                    if !reader.is_promising() {
                        through = reader.next;
                        break;
                    }
                }
                if !goes_on {
                    break Rest::Waits;
                }
                // Offsets that a crash took have no message to go past.
                reader.next = reader.next.max(through);
            }
        };
        given.hand_over(reader);
        let (count, given_back) = (given.count, given.given_back);
        self.counters.delivered += count;
        self.unacked += count;
        self.staged = staged;
        self.charge -= given_back as i64;
        if let Some(read) = want_read(reader, rest, &self.log, committed) {
            outcome.reads.push(read);
        }
    }
}

/// What is to be read for a consumer, if it is time.
fn want_read(reader: &mut Reader, rest: Rest, log: &Log, committed: u64) -> Option<Read> {
    let is_low = reader.window.len() < READ_BELOW && reader.has_credit();
    if reader.reading || !(rest == Rest::Hungry || !reader.window.is_empty() && is_low) {
        return None;
    }
    if !reader.advance(log, committed) || log.tail_from(reader.next).is_some() {
        return None;
    }
    reader.reading = true;
    Some(Read {
        reader: reader.id,
        from: reader.next,
        through: reader.worth_reading_through(committed),
        filter: reader.filter.clone(),
        since_ms: reader.since_ms(),
        bytes_max: read::BYTES_MAX,
        messages_max: read::MESSAGES_MAX,
    })
}

/// Deliveries to one consumer, staged.
struct Given<'a> {
    queue: &'a Arc<Queue>,
    staged: &'a mut Vec<Delivery>,
    bytes: usize,
    count: u64,
    /// What the window was charged for what was given.
    given_back: usize,
}

impl Given<'_> {
    /// Gives what was read ahead. `false`: not all of it.
    fn window(&mut self, reader: &mut Reader) -> bool {
        while let Some(kept) = reader.window.pop_front() {
            if !self.give(reader, kept.offset, &kept.message) {
                reader.window.push_front(kept);
                return false;
            }
            let charge = kept.message.charge();
            reader.window_charge -= charge;
            self.given_back += charge;
        }
        true
    }

    /// `false`: it cannot take it now, and will be resumed.
    fn give(&mut self, reader: &mut Reader, offset: u64, message: &Message) -> bool {
        if !reader.has_credit() {
            return false;
        }
        while reader.subscription.mailbox.is_full(self.bytes) {
            self.hand_over(reader);
            // Room may have come meanwhile.
            if reader.subscription.mailbox.stall(self.queue, reader.id) {
                return false;
            }
        }
        let limiter = &reader.subscription.limiter;
        if !limiter.as_ref().is_none_or(|limiter| limiter.take(self.queue, reader.id)) {
            return false;
        }
        let delivery = reader.delivery(offset, message.clone());
        self.bytes += delivery.bytes();
        self.staged.push(delivery);
        self.count += 1;
        reader.unacked += 1;
        true
    }

    fn hand_over(&mut self, reader: &Reader) {
        if !self.staged.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            // A connection that is gone takes its consumers away; what was meant for it stays in the log.
            reader.subscription.mailbox.deliver(self.staged, bytes);
            self.staged.clear();
        }
    }
}

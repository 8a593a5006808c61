//! Publisher confirms of one channel: numbers from 1, each confirmed once, as few frames as the order allows.
//!
//! Source: RabbitMQ, "Consumer Acknowledgements and Publisher Confirms". `multiple` is only used below the smallest number
//! that is undecided and below every refused one.

use leveret_protocol::methods::basic;

use crate::queue::Durability;
use leveret_store::Ticket;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How far the store has come, by what a queue calls stored.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stored {
    pub(crate) written: Ticket,
    pub(crate) synced: Ticket,
    /// It failed: what is not stored by now never will be.
    pub(crate) failed: bool,
}

impl Stored {
    fn has(&self, span: &Span) -> bool {
        span.ticket
            <= match span.durability {
                Durability::Memory => return true,
                Durability::Written => self.written,
                Durability::Synced => self.synced,
            }
    }
}

/// Publishings that wait for the same append.
#[derive(Debug)]
struct Span {
    /// Number of the last one.
    through: u64,
    ticket: Ticket,
    durability: Durability,
    placed: Instant,
}

/// How many publishings were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Answered {
    pub(crate) acked: u64,
    pub(crate) refused: u64,
}

/// Told how long publishings waited for their answer, and how many.
pub(crate) type Waited<'f> = &'f mut dyn FnMut(Duration, u64);

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Confirms {
    /// Number of the publishing taken last.
    last: u64,
    /// All up to here were answered.
    answered: u64,
    /// All up to here were given to their queues and the store.
    placed: u64,
    waiting: VecDeque<Span>,
    /// Numbers above `answered` that queues refused.
    refused: Vec<u64>,
}

impl Confirms {
    /// The next publishing's number.
    #[inline]
    pub(crate) fn take(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(crate) fn refuse(&mut self, number: u64) {
        if self.refused.last() != Some(&number) {
            self.refused.push(number);
        }
    }

    /// Whether all that was taken was placed.
    #[inline]
    pub(crate) fn is_placed(&self) -> bool {
        self.placed == self.last
    }

    /// Whether answers are owed.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Everything taken so far is with its queues, and is stored once the store has come to `ticket`; 0 if there is nothing to store.
    pub(crate) fn place(&mut self, ticket: Ticket, durability: Durability) {
        if self.is_placed() {
            return;
        }
        self.placed = self.last;
        self.waiting.push_back(Span { through: self.last, ticket, durability, placed: Instant::now() });
    }

    /// Everything taken and not placed is refused.
    pub(crate) fn refuse_unplaced(&mut self) {
        for number in self.placed + 1..=self.last {
            self.refused.push(number);
        }
        self.place(0, Durability::Memory);
    }

    /// Answers what is stored, in order. `waited` hears how long publishers waited, `told` up to where, and which of it were refused.
    pub(crate) fn answer(
        &mut self,
        stored: Stored,
        channel: u16,
        out: &mut Vec<u8>,
        waited: Waited<'_>,
        told: impl FnOnce(u64, &[u64]),
    ) -> Answered {
        let mut through = self.answered;
        while let Some(span) = self.waiting.front() {
            if !stored.has(span) {
                if !stored.failed {
                    break;
                }
                self.refused.extend(through + 1..=span.through);
            }
            waited(span.placed.elapsed(), span.through - through);
            through = span.through;
            self.waiting.pop_front();
        }
        if through > self.answered {
            self.answer_through(through, channel, out, told)
        } else {
            Answered::default()
        }
    }

    fn answer_through(
        &mut self,
        through: u64,
        channel: u16,
        out: &mut Vec<u8>,
        told: impl FnOnce(u64, &[u64]),
    ) -> Answered {
        self.refused.sort_unstable();
        self.refused.dedup();
        let due = self.refused.partition_point(|number| *number <= through);
        told(through, &self.refused[..due]);
        let first_refused = self.refused[..due].first().copied().unwrap_or(through + 1);
        if first_refused > self.answered + 1 {
            let delivery_tag = first_refused - 1;
            let multiple = delivery_tag > self.answered + 1;
            basic::Ack { delivery_tag, multiple }.write(channel, out);
        }
        let mut refused = self.refused.drain(..due).peekable();
        for delivery_tag in first_refused..=through {
            if refused.next_if_eq(&delivery_tag).is_some() {
                basic::Nack { delivery_tag, multiple: false, requeue: false }.write(channel, out);
            } else {
                basic::Ack { delivery_tag, multiple: false }.write(channel, out);
            }
        }
        drop(refused);
        let count = through - self.answered;
        self.answered = through;
        Answered { acked: count - due as u64, refused: due as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leveret_protocol::{Method, parse_frame};

    fn answers(confirms: &mut Confirms, stored: Stored) -> Vec<String> {
        let mut out = Vec::new();
        let mut waited = 0;
        let answered = confirms.answer(stored, 7, &mut out, &mut |_, count| waited += count, |_, _| ());
        assert_eq!(waited, answered.acked + answered.refused);
        let mut all = Vec::new();
        let mut rest = &out[..];
        while let Some((frame, used)) = parse_frame(rest, 0).unwrap() {
            assert_eq!(frame.channel, 7);
            all.push(match Method::decode(frame.payload).unwrap() {
                Method::BasicAck(a) => format!("+{}{}", a.delivery_tag, if a.multiple { "*" } else { "" }),
                Method::BasicNack(n) => format!("-{}{}", n.delivery_tag, if n.multiple { "*" } else { "" }),
                other => panic!("{other:?}"),
            });
            rest = &rest[used..];
        }
        all
    }

    #[test]
    fn answers_are_coalesced_and_stay_exact_around_refusals() {
        let table: &[(u64, &[u64], &[&str])] = &[
            (0, &[], &[]),
            (1, &[], &["+1"]),
            (3, &[], &["+4*"]),
            (3, &[6], &["+5", "-6", "+7"]),
            (2, &[8], &["-8", "+9"]),
            (4, &[13, 12, 12], &["+11*", "-12", "-13"]),
            (2, &[], &["+15*"]),
        ];
        let mut confirms = Confirms::default();
        for (count, refused, expected) in table {
            (0..*count).for_each(|_| {
                confirms.take();
            });
            refused.iter().for_each(|n| confirms.refuse(*n));
            confirms.place(0, Durability::Memory);
            assert_eq!(answers(&mut confirms, Stored::default()), *expected);
            assert!(confirms.is_placed() && !confirms.is_waiting());
        }
    }

    #[test]
    fn answers_wait_for_the_store_and_keep_their_order() {
        let mut confirms = Confirms::default();
        let batch = |confirms: &mut Confirms, count, ticket, durability| {
            (0..count).for_each(|_| {
                confirms.take();
            });
            confirms.place(ticket, durability);
        };
        batch(&mut confirms, 2, 5, Durability::Synced);
        batch(&mut confirms, 1, 0, Durability::Memory);
        batch(&mut confirms, 2, 6, Durability::Written);
        batch(&mut confirms, 3, 9, Durability::Synced);
        confirms.refuse(7);
        let at = |written, synced, failed| Stored { written, synced, failed };
        assert!(answers(&mut confirms, at(6, 4, false)).is_empty());
        assert_eq!(answers(&mut confirms, at(6, 5, false)), ["+5*"]);
        assert!(answers(&mut confirms, at(9, 8, false)).is_empty());
        assert_eq!(answers(&mut confirms, at(9, 9, false)), ["+6", "-7", "+8"]);
        batch(&mut confirms, 2, 10, Durability::Synced);
        batch(&mut confirms, 1, 11, Durability::Synced);
        assert_eq!(
            answers(&mut confirms, at(11, 10, true)),
            ["+10*", "-11"],
            "a failed store refuses the rest"
        );
        confirms.take();
        confirms.refuse_unplaced();
        assert_eq!(answers(&mut confirms, at(11, 10, true)), ["-12"]);
    }
}

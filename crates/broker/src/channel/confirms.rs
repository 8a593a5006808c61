//! Publisher confirms of one channel: numbers from 1, each confirmed once, as few frames as the order allows.
//!
//! Source: RabbitMQ, "Consumer Acknowledgements and Publisher Confirms". `multiple` is only used below the smallest number
//! that is undecided and below every refused one.

use leveret_protocol::methods::basic;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Confirms {
    /// Number of the publishing taken last.
    last: u64,
    /// All up to here were answered.
    answered: u64,
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

    /// Numbers taken and not answered.
    pub(crate) fn open(&self) -> u64 {
        self.last - self.answered
    }

    /// Answers everything taken so far: its queues have it, or refused it.
    pub(crate) fn answer(&mut self, channel: u16, out: &mut Vec<u8>) {
        if self.answered == self.last {
            return;
        }
        self.refused.sort_unstable();
        self.refused.dedup();
        let first_refused = self.refused.first().copied().unwrap_or(self.last + 1);
        if first_refused > self.answered + 1 {
            let delivery_tag = first_refused - 1;
            let multiple = delivery_tag > self.answered + 1;
            basic::Ack { delivery_tag, multiple }.write(channel, out);
        }
        let mut refused = self.refused.drain(..).peekable();
        for delivery_tag in first_refused..=self.last {
            if refused.next_if_eq(&delivery_tag).is_some() {
                basic::Nack { delivery_tag, multiple: false, requeue: false }.write(channel, out);
            } else {
                basic::Ack { delivery_tag, multiple: false }.write(channel, out);
            }
        }
        self.answered = self.last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leveret_protocol::{Method, parse_frame};

    fn answers(confirms: &mut Confirms) -> Vec<String> {
        let mut out = Vec::new();
        confirms.answer(7, &mut out);
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
            assert_eq!(answers(&mut confirms), *expected);
            assert_eq!(confirms.open(), 0);
        }
    }
}

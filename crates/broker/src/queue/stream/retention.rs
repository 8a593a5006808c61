//! What a stream lets go of: whole segments, oldest first, never the newest. Looked at when a segment is full and, for age, when the
//! oldest is due. Source: RabbitMQ, "Streams", "Data Retention".

use super::{MESSAGES, SUMMARIES, Stream, position};
use crate::queue::state::Outcome;
use crate::queue::stored::Change;

/// How long to wait when what is to go is not stored yet.
const RETRY_MS: u64 = 100;

/// What a stream keeps, from its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Retention {
    /// `x-max-length-bytes`.
    pub(crate) bytes_max: Option<u64>,
    /// `x-max-age`.
    pub(crate) age_ms_max: Option<u64>,
}

impl Stream {
    /// Lets go of what is too much or too old, and asks for the time of the next look.
    pub(super) fn retain(&mut self, now_ms: u64, outcome: &mut Outcome) {
        let unix_ms = now_ms + self.unix_origin_ms;
        let since_ms = self.retention.age_ms_max.map(|age| unix_ms.saturating_sub(age));
        // A removal must not overtake, on its way into the store, the messages it is about.
        let before = self.commits.as_ref().map_or(self.log.next(), |commits| commits.appended_end());
        let charged = self.log.tail_charge();
        if let Some(first) = self.log.trim(self.retention.bytes_max, since_ms, before) {
            self.charge -= (charged - self.log.tail_charge()) as i64;
            if self.commits.is_some() {
                let (first, last) = (position(first), position(self.log.first()) - 1);
                for lane in [MESSAGES, SUMMARIES] {
                    outcome.changes.push(Change::Clear { lane, first, last });
                }
            }
        }
        let is_over = self.retention.bytes_max.is_some_and(|max| self.log.bytes() > max);
        let Some(oldest_ms) = self.log.oldest_segment_ms() else { return };
        let due =
            self.retention.age_ms_max.map(|age| (oldest_ms + age + 1).saturating_sub(self.unix_origin_ms));
        let due = due.into_iter().chain(is_over.then_some(now_ms)).min();
        if let Some(due) = due.map(|due| due.max(now_ms + RETRY_MS))
            && due < self.timer_ms
        {
            self.timer_ms = due;
            outcome.timer_ms = Some(due);
        }
    }
}

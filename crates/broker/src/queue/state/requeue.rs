//! Messages coming back: to their places at once, after a while, or not at all because they were tried often enough.

use super::{Outcome, QueueState};
use crate::queue::backlog::Entry;
use crate::queue::past::Return;
use crate::queue::retry::Verdict;
use crate::queue::stored::Change;
use crate::queue::waiting::Then;
use crate::queue::{DeathReason, Queue, Settled};
use crate::trace::{Told, What};
use std::sync::Arc;

/// After so many milliseconds a dead letter that no queue took is tried again (`x-dead-letter-strategy: at-least-once`).
const DEAD_AGAIN_MS: u64 = 1000;

impl QueueState {
    /// Messages that consumers give back, each with the reason.
    pub(crate) fn requeue(
        &mut self,
        queue: &Arc<Queue>,
        returned: Vec<(Settled, Entry, Return)>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        for (settled, mut entry, why) in returned {
            self.release(std::slice::from_ref(&settled));
            if self.deleted {
                self.charge -= if settled.held { settled.charge as i64 } else { 0 };
                continue;
            }
            if !settled.held {
                self.charge += settled.charge as i64;
                // It had left the store when it was sent to a consumer that acknowledges nothing.
                self.keep(&mut entry, outcome);
            }
            entry.redelivered = true;
            entry.past.came_back(why, now_ms + self.unix_origin_ms);
            match self.verdict(&entry, why) {
                Verdict::Never => {
                    self.charge -= settled.charge as i64;
                    self.bury(entry, DeathReason::DeliveryLimit, outcome);
                }
                Verdict::Now => {
                    note(&entry, outcome);
                    self.may_expire |= entry.expires_ms != u64::MAX;
                    self.backlog.put_back(entry);
                }
                Verdict::In(ms) => {
                    self.counters.retried += 1;
                    let due_ms = now_ms.saturating_add(ms);
                    entry.past.hold_until(due_ms.saturating_add(self.unix_origin_ms));
                    note(&entry, outcome);
                    self.waiting.hold(due_ms, entry, Then::Ready { since_ms: now_ms });
                }
            }
        }
        if self.settings.bounded {
            self.drop_overflow(outcome);
        }
        self.finish(queue, now_ms, outcome);
    }

    fn verdict(&self, entry: &Entry, why: Return) -> Verdict {
        let failures = entry.past.delivery_count();
        if self.settings.delivery_limit.is_some_and(|limit| failures > limit) {
            return Verdict::Never;
        }
        let Some(retry) = &self.settings.retry else { return Verdict::Now };
        let seed = self.number.rotate_left(32) ^ entry.position;
        retry.verdict(&entry.message, &entry.past, why, seed)
    }

    /// What has waited long enough is ready again, in its place.
    #[inline]
    pub(super) fn release_waiting(&mut self, queue: &Queue, now_ms: u64, outcome: &mut Outcome) {
        while let Some((entry, then)) = self.waiting.pop_due(now_ms) {
            match then {
                Then::Ready { since_ms } => {
                    if queue.is_watched(&entry.message) {
                        outcome.told.push(Told::of(&entry, What::Retried { since_ms }));
                    }
                    self.ready_again(entry);
                }
                Then::Die(reason) => {
                    self.uncharge(&entry.message);
                    outcome.dead.push((entry, reason));
                }
            }
        }
    }

    /// Puts one that has waited into its place, which after a restart may lie among those that are still on disk, or were just loaded.
    fn ready_again(&mut self, entry: Entry) {
        let level = self.backlog.level_of(&entry.message);
        let body_len = entry.message.body_len();
        let cold = self.backlog.cold_mut(level);
        if cold.is_gone(entry.position) {
            if cold.len() == 0 {
                // What came since is in memory, behind it.
                cold.gone_for_good(entry.position);
            } else if self.backlog.put_back_on_disk(level, entry.position, body_len) {
                self.uncharge(&entry.message);
                self.may_expire = true;
                return;
            }
        }
        self.may_expire |= entry.expires_ms != u64::MAX;
        self.backlog.put_back_in_place(level, entry);
    }

    /// A dead letter found no place; it is tried again later. (A queue that is gone keeps nothing.)
    pub(crate) fn keep_dead(
        &mut self,
        queue: &Arc<Queue>,
        entry: Entry,
        reason: DeathReason,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        if self.deleted {
            return;
        }
        self.charge += entry.message.charge() as i64;
        self.waiting.hold(now_ms + DEAD_AGAIN_MS, entry, Then::Die(reason));
        self.finish(queue, now_ms, outcome);
    }
}

/// Has the store remember what became of a message that outlives a restart.
fn note(entry: &Entry, outcome: &mut Outcome) {
    if let Some(lane) = entry.stored.lane().filter(|_| entry.stored.is_lasting()) {
        let (position, history) = (entry.position, entry.past.history());
        outcome.changes.push(Change::Returned { lane, position, history });
    }
}

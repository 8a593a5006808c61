//! What must hold when every queue has been emptied: nothing that was confirmed is missing, and nothing was done by half.

use super::record::{Copy, Record, State, Transaction, TxState};
use super::{CopyRef, Ledger};
use crate::message::Id;
use crate::topology::{self, DEAD_FROM, delivery_limit};

impl Record {
    fn confirmed(&self) -> bool {
        self.state == State::Confirmed
    }

    /// It was seen in a later life than the one it was published in: it is stored.
    fn survived(&self, copy: &Copy) -> bool {
        copy.deliveries > 0 && copy.last > self.generation
            || self.dead_of(copy).is_some_and(|d| d.last > self.generation)
    }

    /// It can only have been lost with the life it was published in.
    fn vanished(&self, copy: &Copy) -> bool {
        !self.survived(copy) && !copy.left_in(self.generation) && self.dead_of(copy).is_none()
    }

    /// It must not be lost.
    fn stored(&self, copy: &Copy) -> bool {
        self.message.persistent && (self.confirmed() || self.survived(copy))
    }

    fn dead_of(&self, copy: &Copy) -> Option<&Copy> {
        self.copy(copy.queue + DEAD_FROM)
    }

    /// What is wrong with one copy, now that no more will come.
    fn end_of(&self, copy: &Copy) -> Option<(&'static str, String)> {
        let dead = self.dead_of(copy);
        if let Some(dead) = dead
            && copy.acked()
            && dead.last > copy.last
            // An ack that was lost brings it back, and lost consumers may use up its attempts without having read it.
            && (copy.certain || delivery_limit(copy.queue).is_none())
        {
            return Some((
                "dead and alive",
                "it was acked, and its dead letter came in a later life".to_owned(),
            ));
        }
        if !self.stored(copy) {
            return None;
        }
        if copy.deliveries == 0 {
            return Some(("LOST", "it was confirmed and never delivered".to_owned()));
        }
        let buried = dead.is_some_and(|dead| dead.last >= copy.last && dead.acked());
        if copy.acked() || buried {
            return None;
        }
        let text = if topology::dead_letters(copy.queue) {
            "its last delivery was not acked; neither it nor a dead letter came again"
        } else {
            "its last delivery was not acked, and it did not come again"
        };
        // (rejected without a dead-letter exchange it would be gone; the load does not do that)
        Some(("LOST", text.to_owned()))
    }

    /// A message for several queues enters all of them or none.
    fn half_stored(&self) -> Option<String> {
        if self.confirmed() || self.tx.is_some() || !self.message.persistent {
            return None;
        }
        let survived = self.originals().find(|copy| self.survived(copy))?;
        let vanished = self.originals().find(|copy| self.vanished(copy))?;
        let (here, there) = (topology::name(survived.queue), topology::name(vanished.queue));
        Some(format!("it survived in {here} and not in {there}"))
    }
}

impl Ledger {
    /// All queues are empty, and what was delivered last is settled for certain. Everything published so far is judged and must
    /// never be seen again.
    pub(crate) fn verdict(&mut self) {
        let mut found: Vec<(&'static str, Id, String)> = Vec::new();
        for (id, record) in &self.records {
            for copy in record.originals() {
                if let Some((rule, text)) = record.end_of(copy) {
                    found.push((rule, *id, format!("{}: {text}", topology::name(copy.queue))));
                }
                self.totals.proven += u64::from(copy.settlement_stored(&self.stored));
            }
            if let Some(text) = record.half_stored() {
                found.push(("done by half", *id, text));
            }
        }
        for transaction in self.transactions.values() {
            found.extend(self.half_done(transaction).map(|(id, text)| ("done by half", id, text)));
        }
        found.sort_by_key(|(_, id, _)| *id);
        for (rule, id, text) in found {
            self.accuse(rule, Some(id), text);
        }
        self.finished.clone_from(&self.next);
        self.previous = std::mem::take(&mut self.records);
        self.transactions.clear();
        self.ends.clear();
    }

    /// A transaction whose commit was sent and not answered is done or not done, but not both.
    fn half_done(&self, transaction: &Transaction) -> Option<(Id, String)> {
        if transaction.state != TxState::Committing {
            return None;
        }
        let (mut done, mut undone) = (None, None);
        for id in &transaction.published {
            let Some(record) = self.records.get(id).filter(|record| record.message.persistent) else {
                continue;
            };
            for copy in record.originals() {
                let at = CopyRef { id: *id, queue: copy.queue };
                if record.survived(copy) {
                    done = Some((at, "the message is there"));
                } else if record.vanished(copy) {
                    undone = Some((at, "the message is not there"));
                }
            }
        }
        for at in &transaction.settled {
            let Some(record) = self.records.get(&at.id) else { continue };
            let Some(copy) = record.copy(at.queue) else { continue };
            if copy.last > transaction.generation {
                undone = Some((*at, "the settled message came again"));
            } else if record.stored(copy) {
                done = Some((*at, "the settled message did not come again"));
            }
        }
        let ((done, how_done), (undone, how_undone)) = (done?, undone?);
        let text = format!(
            "of its transaction {how_undone}; but of {} in {}: {how_done}",
            done.id,
            topology::name(done.queue)
        );
        Some((undone.id, format!("{}: {text}", topology::name(undone.queue))))
    }
}

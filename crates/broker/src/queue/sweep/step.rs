//! One step of a sweep: some messages leave and enter, and the store takes it as one.

use super::rewrite::Way;
use super::{Action, Sweep};
use crate::queue::select::{Place, page};
use crate::queue::state::{Seen, Taken};
use crate::queue::{Incoming, dead_letter};
use crate::recorder::Recorder;
use crate::vhost::VirtualHost;
use leveret_store::Ticket;
use std::sync::Arc;

/// Messages of one step at most.
pub(super) const STEP_MESSAGES_MAX: usize = 256;
/// Bytes of their bodies, the message that reaches them included.
const STEP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Where a sweep stands in its queue.
#[derive(Debug)]
pub(super) struct Position {
    /// Behind which message it goes on; or which of the places it was given is next.
    pub(super) from: Option<Place>,
    pub(super) next: usize,
    /// What entered later is not part of it.
    pub(super) through: u64,
}

/// What a step did.
#[derive(Debug, Default)]
pub(super) struct Stepped {
    pub(super) moved: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
    pub(super) looked: u64,
    pub(super) problem: Option<String>,
    pub(super) is_last: bool,
    pub(super) ticket: Ticket,
}

impl Sweep {
    /// Goes on by at most `quota` messages that are meant. Waits for the disk. `Err`: the store does not take it.
    pub(super) fn step(
        &self,
        vhost: &Arc<VirtualHost>,
        at: &mut Position,
        quota: usize,
    ) -> Result<Stepped, String> {
        // Between the look and the store's knowing, nobody else may take messages out of the middle.
        let _one_at_a_time = self.queue.surgery();
        let mut stepped = Stepped::default();
        let meant = self.meant(vhost, at, quota.clamp(1, STEP_MESSAGES_MAX), &mut stepped);
        let mut going = Vec::new();
        for seen in meant {
            match self.way(vhost, &seen.entry.message) {
                Ok(way) => going.push((seen, way)),
                Err(problem) => (stepped.failed, stepped.problem) = (stepped.failed + 1, Some(problem)),
            }
        }
        let places: Vec<Place> = going.iter().map(|(seen, _)| seen.place).collect();
        let mut recorder = Recorder::default();
        match &self.action {
            Action::Copy(_) => {
                going.iter().for_each(|(_, way)| stepped.count(enter(vhost, way, &mut recorder)));
            }
            Action::Expire | Action::Delete => self.drop_all(vhost, going, &mut recorder, &mut stepped),
            Action::Move(_) | Action::Replay(_) => self.carry(vhost, going, &mut recorder, &mut stepped),
        }
        recorder.make_synced();
        let recorded = recorder.commit(vhost.store(), None).map_err(|error| error.to_string())?;
        self.queue.lock().taken_for_good(places.into_iter());
        stepped.ticket = recorded.ticket;
        Ok(stepped)
    }

    /// The next messages that are meant, `quota` at most.
    fn meant(
        &self,
        vhost: &VirtualHost,
        at: &mut Position,
        quota: usize,
        stepped: &mut Stepped,
    ) -> Vec<Seen> {
        let wanted = |seen: &Seen| self.selection.filter.matches(&seen.entry.message);
        let mut meant = Vec::new();
        if let Some(places) = &self.selection.places {
            for place in places.iter().skip(at.next).take(quota) {
                stepped.looked += 1;
                match page::find(vhost, &self.queue, *place) {
                    Some(seen) if wanted(&seen) => meant.push(seen),
                    Some(_) => {}
                    None => stepped.skipped += 1,
                }
            }
            at.next += stepped.looked as usize;
            stepped.is_last = at.next >= places.len();
            return meant;
        }
        let mut bytes = 0;
        while (stepped.looked as usize) < STEP_MESSAGES_MAX {
            let piece = page::read(vhost, &self.queue, at.from, STEP_MESSAGES_MAX);
            for seen in piece.seen {
                if meant.len() >= quota || bytes >= STEP_BYTES_MAX {
                    return meant;
                }
                let place = seen.place;
                if place.position > at.through {
                    // Positions grow: so do those of the rest of this level.
                    at.from = Some(Place { position: u64::MAX, ..place });
                    stepped.is_last = place.waits;
                    return meant;
                }
                at.from = Some(place);
                stepped.looked += 1;
                if wanted(&seen) {
                    bytes += seen.entry.message.body_len();
                    meant.push(seen);
                }
            }
            at.from = piece.end;
            stepped.is_last = piece.end.is_none();
            if stepped.is_last {
                break;
            }
        }
        meant
    }

    /// Takes messages out and puts them where they go.
    fn carry(
        &self,
        vhost: &Arc<VirtualHost>,
        going: Vec<(Seen, Way)>,
        recorder: &mut Recorder,
        stepped: &mut Stepped,
    ) {
        let now_ms = vhost.clock().now_ms();
        let (seen, ways): (Vec<Seen>, Vec<Way>) = going.into_iter().unzip();
        let taken: Vec<Option<Taken>> = self.queue.record(recorder, |state, queue, outcome| {
            let taken = state.take_out(&seen);
            state.taken(queue, now_ms, outcome);
            taken
        });
        let mut moved = 0;
        for (taken, way) in taken.into_iter().zip(ways) {
            let Some(taken) = taken else {
                stepped.skipped += 1;
                continue;
            };
            let entered = enter(vhost, &way, recorder);
            if entered.is_ok() {
                moved += 1;
                dead_letter::settle(&self.queue, &taken.entry, recorder);
            } else {
                self.queue.record(recorder, |state, queue, outcome| {
                    state.put_back_taken(queue, taken, now_ms, outcome);
                });
            }
            stepped.count(entered);
        }
        self.queue.lock().count_moved(moved);
    }

    /// Takes messages out for good, or has them die.
    fn drop_all(
        &self,
        vhost: &Arc<VirtualHost>,
        going: Vec<(Seen, Way)>,
        recorder: &mut Recorder,
        stepped: &mut Stepped,
    ) {
        let now_ms = vhost.clock().now_ms();
        self.queue.record(recorder, |state, queue, outcome| {
            let seen: Vec<Seen> = going.into_iter().map(|(seen, _)| seen).collect();
            for taken in state.take_out(&seen) {
                let Some(mut taken) = taken else {
                    stepped.skipped += 1;
                    continue;
                };
                match self.action {
                    Action::Expire => state.expire_taken(taken, outcome),
                    _ => state.drop_taken(&mut taken, outcome),
                }
                stepped.moved += 1;
            }
            state.taken(queue, now_ms, outcome);
        });
    }
}

impl Stepped {
    fn count(&mut self, entered: Result<(), String>) {
        match entered {
            Ok(()) => self.moved += 1,
            Err(problem) => (self.failed, self.problem) = (self.failed + 1, Some(problem)),
        }
    }
}

/// Puts a message into its queues. `Err`: none of them took it.
fn enter(vhost: &VirtualHost, way: &Way, recorder: &mut Recorder) -> Result<(), String> {
    let now_ms = vhost.clock().now_ms();
    let mut result = Err("it leads nowhere".to_owned());
    for target in &way.targets {
        let entered = target.record(recorder, |state, queue, outcome| {
            if state.is_deleted() {
                return Err(format!("queue '{}' is gone", queue.name()));
            }
            // It had room when the way was chosen; what is refused now must not be lost.
            if state.would_refuse(&way.message) {
                return Err(format!("queue '{}' is full", queue.name()));
            }
            let mut incoming =
                vec![Incoming { message: way.message.clone(), channel: 0, confirm: 0, moved: true }];
            state.publish(queue, &mut incoming, &mut Vec::new(), now_ms, outcome);
            Ok(())
        });
        if result.is_err() {
            result = entered;
        }
    }
    result
}

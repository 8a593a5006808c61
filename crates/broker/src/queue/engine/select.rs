//! Looking into a backlog and taking single messages out of it. A stream is not looked into like this: it is read from any offset.

use super::Engine;
use crate::message::Message;
use crate::queue::Queue;
use crate::queue::select::Place;
use crate::queue::state::{Load, Outcome, Seen, Taken};
use std::sync::Arc;

impl Engine {
    /// Whether deliveries are stopped.
    pub(crate) fn is_paused(&self) -> bool {
        self.backlog().is_some_and(|state| state.is_paused())
    }

    /// Stops deliveries, or lets them go on with the next operation. Returns whether that is a change.
    pub(crate) fn set_paused(&mut self, paused: bool) -> bool {
        self.backlog_mut().is_some_and(|state| state.set_paused(paused))
    }

    pub(crate) fn look_behind(&self, from: Option<Place>, messages_max: usize) -> (Vec<Seen>, Option<Load>) {
        self.backlog().map(|state| state.look_behind(from, messages_max)).unwrap_or_default()
    }

    pub(crate) fn look_at(&self, place: Place) -> (Option<Seen>, Option<Load>) {
        self.backlog().map(|state| state.look_at(place)).unwrap_or_default()
    }

    pub(crate) fn last_position(&self) -> u64 {
        self.backlog().map_or(0, |state| state.last_position())
    }

    pub(crate) fn take_out(&mut self, seen: &[Seen]) -> Vec<Option<Taken>> {
        match self.backlog_mut() {
            Some(state) => state.take_out(seen),
            None => seen.iter().map(|_| None).collect(),
        }
    }

    pub(crate) fn taken(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) {
        if let Some(state) = self.backlog_mut() {
            state.taken(queue, now_ms, outcome);
        }
    }

    pub(crate) fn drop_taken(&mut self, taken: &mut Taken, outcome: &mut Outcome) {
        if let Some(state) = self.backlog_mut() {
            state.drop_taken(taken, outcome);
        }
    }

    pub(crate) fn expire_taken(&mut self, taken: Taken, outcome: &mut Outcome) {
        if let Some(state) = self.backlog_mut() {
            state.expire_taken(taken, outcome);
        }
    }

    pub(crate) fn count_moved(&mut self, messages: u64) {
        if let Some(state) = self.backlog_mut() {
            state.count_moved(messages);
        }
    }

    pub(crate) fn put_back_taken(
        &mut self,
        queue: &Arc<Queue>,
        taken: Taken,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        if let Some(state) = self.backlog_mut() {
            state.put_back_taken(queue, taken, now_ms, outcome);
        }
    }

    pub(crate) fn taken_for_good(&mut self, places: impl Iterator<Item = Place>) {
        if let Some(state) = self.backlog_mut() {
            state.taken_for_good(places);
        }
    }

    /// Whether the queue would refuse a message because it is full. A stream drops from its front instead.
    pub(crate) fn would_refuse(&self, message: &Message) -> bool {
        self.backlog().is_some_and(|state| state.would_refuse(message))
    }
}

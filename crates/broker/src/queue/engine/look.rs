//! What a queue of either kind shows of itself.

use super::Engine::{self, Backlog, Stream as Log};
use crate::inspect::QueuedMessage;
use crate::queue::Counters;
use crate::queue::consumers::Subscription;
use crate::queue::settings::Settings;
use crate::queue::state::Load;

impl Engine {
    pub(crate) fn is_deleted(&self) -> bool {
        match self {
            Backlog(state) => state.is_deleted(),
            Log(stream) => stream.is_deleted(),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        match self {
            Backlog(state) => state.settings(),
            Log(stream) => stream.settings(),
        }
    }

    /// Messages that can be had.
    pub(crate) fn ready(&self) -> usize {
        match self {
            Backlog(state) => state.ready(),
            Log(stream) => stream.messages(),
        }
    }

    pub(crate) fn ready_bytes(&self) -> u64 {
        match self {
            Backlog(state) => state.ready_bytes(),
            Log(stream) => stream.bytes(),
        }
    }

    pub(crate) fn unacked(&self) -> u64 {
        match self {
            Backlog(state) => state.unacked(),
            Log(stream) => stream.unacked(),
        }
    }

    pub(crate) fn counters(&self) -> Counters {
        match self {
            Backlog(state) => state.counters(),
            Log(stream) => stream.counters(),
        }
    }

    pub(crate) fn consumer_count(&self) -> usize {
        match self {
            Backlog(state) => state.consumers().len(),
            Log(stream) => stream.consumers().count(),
        }
    }

    /// Its consumers, with the unacked messages of each, and whether it may get any.
    pub(crate) fn each_consumer(&self, mut each: impl FnMut(&Subscription, u32, bool)) {
        match self {
            Backlog(state) => state
                .consumers()
                .iter_with_unacked()
                .for_each(|(s, unacked, active)| each(s, unacked, active)),
            Log(stream) => stream.consumers().for_each(|(s, unacked)| each(s, unacked, true)),
        }
    }

    /// What is in memory of each level of a backlog, and what to load of it to see the rest.
    pub(crate) fn levels_for_browsing(&self, messages_max: usize) -> Vec<(Vec<QueuedMessage>, Option<Load>)> {
        match self {
            Backlog(state) => state.levels_for_browsing(messages_max),
            Log(_) => Vec::new(),
        }
    }
}

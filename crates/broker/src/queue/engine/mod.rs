//! The two kinds of state a queue can have, behind the operations that all queues have: a backlog that consuming empties
//! ([`QueueState`]), or a log that it does not ([`Stream`]).

mod look;
mod select;

use super::arguments::QueueArguments;
use super::backlog::Entry;
use super::consumers::Subscription;
use super::past::Return;
use super::settings::Settings;
use super::state::{Got, Load, Looked, Outcome, QueueState};
use super::stream::read::Read;
use super::stream::{Kept, Stream};
use super::{ConsumerId, Incoming, Queue, Settled};
use crate::limiter::ChannelLimiter;
use crate::refusal::Refusal;
use leveret_store::RecoveredLane;
use std::sync::Arc;

/// See the module's documentation.
#[derive(Debug)]
pub(crate) enum Engine {
    Backlog(Box<QueueState>),
    Stream(Box<Stream>),
}

use Engine::{Backlog, Stream as Log};

impl Engine {
    /// Takes publishings in, in order; those that an overflowing queue refuses are moved to `rejected`.
    pub(crate) fn publish(
        &mut self,
        queue: &Arc<Queue>,
        incoming: &mut Vec<Incoming>,
        rejected: &mut Vec<Incoming>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        match self {
            Backlog(state) => state.publish(queue, incoming, rejected, now_ms, outcome),
            Log(stream) => stream.publish(queue, incoming, now_ms, outcome),
        }
    }

    /// `basic.get`. A stream has nothing for it; whoever asks refuses before.
    pub(crate) fn get(
        &mut self,
        queue: &Arc<Queue>,
        no_ack: bool,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> Got {
        match self {
            Backlog(state) => state.get(queue, no_ack, now_ms, outcome),
            Log(_) => Got::Empty,
        }
    }

    /// Messages that consumers are done with. (Their leaving the store is recorded by the caller.)
    pub(crate) fn settle(
        &mut self,
        queue: &Arc<Queue>,
        settled: &[Settled],
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        match self {
            Backlog(state) => state.settle(queue, settled, now_ms, outcome),
            Log(stream) => stream.ack(queue, settled, outcome),
        }
    }

    /// Messages that consumers refused for good. A stream keeps them.
    pub(crate) fn discard(
        &mut self,
        queue: &Arc<Queue>,
        refused: Vec<(Settled, Entry)>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        match self {
            Backlog(state) => state.discard(queue, refused, now_ms, outcome),
            Log(stream) => stream.settle(queue, refused.iter().map(|(settled, _)| settled), outcome),
        }
    }

    /// Messages that come back to their places. Those of a stream never left them.
    pub(crate) fn requeue(
        &mut self,
        queue: &Arc<Queue>,
        returned: Vec<(Settled, Entry, Return)>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        match self {
            Backlog(state) => state.requeue(queue, returned, now_ms, outcome),
            Log(stream) => stream.settle(queue, returned.iter().map(|(settled, ..)| settled), outcome),
        }
    }

    /// Drops all ready messages. A stream is not purged; whoever asks refuses before.
    pub(crate) fn purge(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) -> usize {
        match self {
            Backlog(state) => state.purge(queue, now_ms, outcome),
            Log(_) => 0,
        }
    }

    pub(crate) fn subscribe(
        &mut self,
        queue: &Arc<Queue>,
        subscription: Subscription,
        now_ms: u64,
    ) -> Result<ConsumerId, Refusal> {
        match self {
            Backlog(state) => state.subscribe(queue, subscription, now_ms),
            Log(stream) => stream.subscribe(queue, subscription),
        }
    }

    /// Delivers what waits; called after `subscribe` once the consumer's channel has written its `consume-ok`.
    pub(crate) fn dispatch(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) {
        match self {
            Backlog(state) => state.dispatch(queue, now_ms, outcome),
            Log(stream) => stream.dispatch(queue, now_ms, outcome),
        }
    }

    /// Takes consumers out. [`unsubscribed`](Self::unsubscribed) is to follow, once what they held came back: nobody gets what lies behind
    /// that before. `false`: none of them was there.
    pub(crate) fn unsubscribe(&mut self, ids: &[ConsumerId]) -> bool {
        let gone = |id: &&ConsumerId| match &mut *self {
            Backlog(state) => state.unsubscribe(**id),
            Log(stream) => stream.unsubscribe(**id),
        };
        ids.iter().filter(gone).count() > 0
    }

    /// Consumers were taken out.
    pub(crate) fn unsubscribed(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) {
        match self {
            Backlog(state) => state.unsubscribed(queue, now_ms, outcome),
            Log(stream) => stream.unsubscribed(queue, outcome),
        }
    }

    /// Puts a consumer under its channel's limit from now on.
    pub(crate) fn set_limiter(&mut self, id: ConsumerId, limiter: &Arc<ChannelLimiter>) {
        match self {
            Backlog(state) => state.set_limiter(id, limiter),
            Log(stream) => stream.set_limiter(id, limiter),
        }
    }

    pub(crate) fn resume(&mut self, queue: &Arc<Queue>, id: ConsumerId, now_ms: u64, outcome: &mut Outcome) {
        match self {
            Backlog(state) => state.resume(queue, id, now_ms, outcome),
            Log(stream) => stream.resume(queue, id, outcome),
        }
    }

    /// The timer came.
    pub(crate) fn on_timer(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) {
        match self {
            Backlog(state) => state.on_timer(queue, now_ms, outcome),
            Log(stream) => stream.on_timer(queue, now_ms, outcome),
        }
    }

    /// When the timer service was asked to come, if it was.
    pub(crate) fn timer_ms(&self) -> Option<u64> {
        match self {
            Backlog(state) => state.timer_ms(),
            Log(stream) => stream.timer_ms(),
        }
    }

    /// Marks the queue as gone. Returns its consumers and how many ready messages went with it; of a stream 0, as RabbitMQ says.
    pub(crate) fn delete(&mut self, queue: &Queue, outcome: &mut Outcome) -> (Vec<Subscription>, usize) {
        match self {
            Backlog(state) => state.delete(queue, outcome),
            Log(stream) => (stream.delete(outcome), 0),
        }
    }

    /// Puts other settings in force.
    pub(crate) fn apply_settings(
        &mut self,
        queue: &Arc<Queue>,
        arguments: &QueueArguments,
        settings: Settings,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        match self {
            Backlog(state) => state.apply_settings(queue, settings, now_ms, outcome),
            Log(stream) => stream.apply_settings(queue, arguments, settings, now_ms, outcome),
        }
    }

    /// Somebody used the queue.
    pub(crate) fn touch(&mut self, now_ms: u64) {
        if let Backlog(state) = self {
            state.touch(now_ms);
        }
    }

    /// Takes over what a restart found of a backlog's lane.
    pub(crate) fn adopt(&mut self, level: usize, lane: &RecoveredLane) {
        if let Backlog(state) = self {
            state.adopt(level, lane.messages, lane.weight, lane.last);
        }
    }

    /// Messages of a backlog came from the disk. Returns how many that should have been there could not be found.
    pub(crate) fn loaded(
        &mut self,
        queue: &Arc<Queue>,
        load: &Load,
        entries: Vec<Entry>,
        looked: Looked,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> u64 {
        match self {
            Backlog(state) => state.loaded(queue, load, entries, looked, now_ms, outcome),
            Log(_) => 0,
        }
    }

    /// A piece of a stream was read for one of its consumers.
    pub(crate) fn read(
        &mut self,
        queue: &Arc<Queue>,
        read: &Read,
        found: Vec<Kept>,
        next: u64,
        outcome: &mut Outcome,
    ) {
        if let Log(stream) = self {
            stream.read(queue, read, found, next, outcome);
        }
    }

    /// More of a stream is on stable storage.
    pub(crate) fn committed(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) {
        if let Log(stream) = self {
            stream.committed_more(queue, now_ms, outcome);
        }
    }

    /// Messages that came back and wait for their next delivery.
    pub(crate) fn waiting(&self) -> usize {
        self.backlog().map_or(0, |state| state.waiting().len())
    }

    /// The backlog, if it is one.
    pub(crate) fn backlog(&self) -> Option<&QueueState> {
        match self {
            Backlog(state) => Some(state),
            Log(_) => None,
        }
    }

    /// The same, to change it.
    pub(crate) fn backlog_mut(&mut self) -> Option<&mut QueueState> {
        match self {
            Backlog(state) => Some(state),
            Log(_) => None,
        }
    }

    /// The stream, if it is one.
    pub(crate) fn stream_mut(&mut self) -> Option<&mut Stream> {
        match self {
            Backlog(_) => None,
            Log(stream) => Some(stream),
        }
    }
}

//! The consumers of a stream: coming, going, and what they say of what they were given.

use super::Stream;
use super::log::Kept;
use super::read::Read;
use super::reader::Reader;
use crate::limiter::ChannelLimiter;
use crate::queue::consumers::Subscription;
use crate::queue::state::Outcome;
use crate::queue::{ConsumerId, Queue, Settled};
use crate::refusal::Refusal;
use std::sync::Arc;

impl Stream {
    pub(super) fn reader(&self, id: ConsumerId) -> Option<&Reader> {
        self.readers.get(id.slot as usize)?.as_ref().filter(|reader| reader.id == id)
    }

    pub(super) fn reader_mut(&mut self, id: ConsumerId) -> Option<&mut Reader> {
        self.readers.get_mut(id.slot as usize)?.as_mut().filter(|reader| reader.id == id)
    }

    /// Any number of consumers, each at its own place; being exclusive means nothing.
    pub(crate) fn subscribe(
        &mut self,
        queue: &Arc<Queue>,
        subscription: Subscription,
    ) -> Result<ConsumerId, Refusal> {
        if self.deleted {
            return Err(Refusal::NoQueue { queue: queue.name().clone(), vhost: queue.vhost_name().clone() });
        }
        self.generation += 1;
        let slot = self.readers.iter().position(Option::is_none).unwrap_or_else(|| {
            self.readers.push(None);
            self.readers.len() - 1
        });
        let id = ConsumerId { slot: slot as u32, generation: self.generation };
        self.readers[slot] = Some(Reader::new(id, subscription, &self.log, self.committed()));
        Ok(id)
    }

    pub(crate) fn dispatch(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) {
        self.feed_all(queue, outcome);
        self.retain(now_ms, outcome);
        self.finish(queue, outcome);
    }

    /// Takes a consumer out. `false`: it was not there.
    pub(crate) fn unsubscribe(&mut self, id: ConsumerId) -> bool {
        if self.reader(id).is_none() {
            return false;
        }
        if let Some(reader) = self.readers[id.slot as usize].take() {
            self.charge -= reader.window_charge as i64;
        }
        true
    }

    pub(crate) fn unsubscribed(&mut self, queue: &Arc<Queue>, outcome: &mut Outcome) {
        self.finish(queue, outcome);
    }

    pub(crate) fn set_limiter(&mut self, id: ConsumerId, limiter: &Arc<ChannelLimiter>) {
        if let Some(reader) = self.reader_mut(id) {
            reader.subscription.limiter = Some(limiter.clone());
        }
    }

    pub(crate) fn resume(&mut self, queue: &Arc<Queue>, id: ConsumerId, outcome: &mut Outcome) {
        self.feed(id, queue, outcome);
        self.finish(queue, outcome);
    }

    /// Consumers are done with messages: that gives credit and changes nothing else. So does a channel that ends with some unsettled.
    pub(crate) fn settle<'a>(
        &mut self,
        queue: &Arc<Queue>,
        settled: impl Iterator<Item = &'a Settled>,
        outcome: &mut Outcome,
    ) {
        let mut last = None;
        for s in settled {
            self.unacked = self.unacked.saturating_sub(1);
            if last.is_some() && last != s.consumer {
                self.feed_if(last, queue, outcome);
            }
            last = s.consumer;
            if let Some(reader) = s.consumer.and_then(|id| self.reader_mut(id)) {
                reader.unacked = reader.unacked.saturating_sub(1);
            }
        }
        self.feed_if(last, queue, outcome);
        self.finish(queue, outcome);
    }

    /// Messages that consumers acknowledged.
    pub(crate) fn ack(&mut self, queue: &Arc<Queue>, settled: &[Settled], outcome: &mut Outcome) {
        self.counters.acked += settled.len() as u64;
        self.settle(queue, settled.iter(), outcome);
    }

    fn feed_if(&mut self, id: Option<ConsumerId>, queue: &Arc<Queue>, outcome: &mut Outcome) {
        if let Some(id) = id {
            self.feed(id, queue, outcome);
        }
    }

    /// A piece was read; `next` is the offset behind it.
    pub(crate) fn read(
        &mut self,
        queue: &Arc<Queue>,
        read: &Read,
        found: Vec<Kept>,
        next: u64,
        outcome: &mut Outcome,
    ) {
        let Some(reader) = self.reader_mut(read.reader) else { return };
        reader.reading = false;
        let charge: usize = found.iter().map(|kept| kept.message.charge()).sum();
        reader.window_charge += charge;
        reader.window.extend(found);
        reader.next = reader.next.max(next);
        self.charge += charge as i64;
        self.feed(read.reader, queue, outcome);
        self.finish(queue, outcome);
    }
}

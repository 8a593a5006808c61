//! Streams: queues of type `stream`. A log of messages, each with an offset from 0, which consuming does not shorten: every consumer has
//! a place of its own in it, and retention alone takes messages out. Source: RabbitMQ, "Streams".
//!
//! In the store a stream is a queue of two lanes: its messages, at positions one above their offsets, and the summaries of its chunks
//! (ADR 0010). Like the state of any queue this is plain state: no lock, no socket, no clock.

pub(crate) mod age;
mod chunk;
pub(crate) mod commit;
mod feed;
mod filter;
mod log;
mod look;
mod offset;
pub(crate) mod read;
mod reader;
pub(crate) mod request;
mod restore;
mod retention;

pub(crate) use log::Kept;
pub(crate) use reader::Start;
pub(crate) use restore::restore;

use super::arguments::QueueArguments;
use super::consumers::Subscription;
use super::settings::Settings;
use super::state::{Outcome, StoreUse};
use super::{ConsumerId, Counters, Incoming, Queue, Settled};
use crate::limiter::ChannelLimiter;
use crate::mailbox::Delivery;
use crate::refusal::Refusal;
use commit::Commits;
use leveret_store::{Lane, Target};
use log::Log;
use read::Read;
use reader::Reader;
use retention::Retention;
use std::sync::Arc;

/// The lane of a stream's messages.
pub(crate) const MESSAGES: Lane = 0;
/// The lane of the summaries of its chunks, each at the position of the chunk's first message.
pub(crate) const SUMMARIES: Lane = 1;

/// Bytes of a segment unless `x-stream-max-segment-size-bytes` says otherwise: as large as a file of the store. (RabbitMQ: 500 MB.)
const SEGMENT_BYTES: u64 = 64 << 20;
/// What the messages in memory may be charged while there are consumers, while there are none, and when memory is short.
const TAIL_CHARGE_READ: usize = 4 << 20;
const TAIL_CHARGE_IDLE: usize = 256 << 10;
const TAIL_CHARGE_SHORT: usize = 64 << 10;

/// The position of an offset in the store.
pub(crate) fn position(offset: u64) -> u64 {
    offset + 1
}

/// The offset at a position.
pub(crate) fn offset(position: u64) -> u64 {
    position - 1
}

/// What a batch of publishings adds to a stream in the store, beside the messages.
#[derive(Debug)]
pub(crate) struct Logged {
    /// Its first offset.
    pub(crate) first: u64,
    /// Summaries of chunks that it filled.
    pub(crate) summaries: Vec<(Target, Box<[u8]>)>,
    /// Consumers wait for it.
    pub(crate) awaited: bool,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Stream {
    log: Log,
    /// `None`: there is no store, and what came is there.
    commits: Option<Arc<Commits>>,
    readers: Vec<Option<Reader>>,
    generation: u32,
    /// Who is fed first.
    turn: usize,
    /// Kept to use its room again.
    staged: Vec<Delivery>,
    settings: Settings,
    retention: Retention,
    unacked: u64,
    deleted: bool,
    timer_ms: u64,
    charge: i64,
    counters: Counters,
    number: u64,
    unix_origin_ms: u64,
}

impl Stream {
    pub(crate) fn new(
        arguments: &QueueArguments,
        settings: Settings,
        store: StoreUse,
        commits: Option<Arc<Commits>>,
    ) -> Self {
        let segment_bytes = arguments.stream_segment_bytes().unwrap_or(SEGMENT_BYTES);
        let summary_bytes = arguments.stream_filter_bytes().unwrap_or(filter::SUMMARY_BYTES);
        Self {
            log: Log::new(segment_bytes, summary_bytes),
            commits,
            readers: Vec::new(),
            generation: 0,
            turn: 0,
            staged: Vec::new(),
            retention: Retention {
                bytes_max: arguments.max_length_bytes(),
                age_ms_max: arguments.max_age_ms(),
            },
            settings,
            unacked: 0,
            deleted: false,
            timer_ms: u64::MAX,
            charge: 0,
            counters: Counters::default(),
            number: store.number,
            unix_origin_ms: store.unix_origin_ms,
        }
    }

    /// Puts other settings in force: retention follows at once, the size of segments from the next one on.
    pub(crate) fn apply_settings(
        &mut self,
        queue: &Arc<Queue>,
        arguments: &QueueArguments,
        settings: Settings,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        if self.deleted {
            return;
        }
        self.settings = settings;
        self.retention =
            Retention { bytes_max: arguments.max_length_bytes(), age_ms_max: arguments.max_age_ms() };
        self.log.set_segment_bytes(arguments.stream_segment_bytes().unwrap_or(SEGMENT_BYTES));
        self.on_timer(queue, now_ms, outcome);
    }

    /// Everything before this offset may be seen.
    fn committed(&self) -> u64 {
        self.commits.as_ref().map_or(self.log.next(), |commits| commits.end())
    }

    /// Takes publishings in, in order. Whatever their delivery mode, they are stored.
    pub(crate) fn publish(
        &mut self,
        queue: &Arc<Queue>,
        incoming: &mut Vec<Incoming>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        if self.deleted || incoming.is_empty() {
            incoming.clear();
            return;
        }
        self.counters.published += incoming.len() as u64;
        let (unix_ms, first, charged) =
            (now_ms + self.unix_origin_ms, self.log.next(), self.log.tail_charge());
        let mut summaries = Vec::new();
        let target = |lane, offset, unix_ms| Target {
            queue: self.number,
            lane,
            position: position(offset),
            expires_unix_ms: unix_ms,
        };
        for publishing in incoming.drain(..) {
            if self.commits.is_some() {
                outcome
                    .entered
                    .push((publishing.message.clone(), target(MESSAGES, self.log.next(), unix_ms)));
            }
            if let Some(chunk) = self.log.append(publishing.message, unix_ms) {
                summaries.push((target(SUMMARIES, chunk.first, chunk.last_ms), chunk.encode()));
            }
        }
        self.charge += (self.log.tail_charge() - charged) as i64;
        let rolled = !summaries.is_empty();
        if let Some(commits) = &self.commits {
            commits.begin(first, self.log.next());
            let committed = commits.end();
            let awaited =
                self.readers.iter().flatten().any(|reader| reader.next >= committed && reader.has_credit());
            outcome.logged = Some(Box::new(Logged { first, summaries, awaited }));
        } else {
            self.feed_all(queue, outcome);
        }
        if rolled {
            self.retain(now_ms, outcome);
        }
        self.finish(queue, outcome);
    }

    /// More of the log is on stable storage.
    pub(crate) fn committed_more(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) {
        self.feed_all(queue, outcome);
        // What could not go before may go now.
        if self.retention.bytes_max.is_some_and(|max| self.log.bytes() > max) {
            self.retain(now_ms, outcome);
        }
        self.finish(queue, outcome);
    }

    /// Every operation ends here.
    fn finish(&mut self, queue: &Arc<Queue>, outcome: &mut Outcome) {
        if self.commits.is_some() {
            let charge_max = match (queue.is_memory_short(), self.readers.iter().any(Option::is_some)) {
                (true, _) => TAIL_CHARGE_SHORT,
                (false, true) => TAIL_CHARGE_READ,
                (false, false) => TAIL_CHARGE_IDLE,
            };
            let (charged, committed) = (self.log.tail_charge(), self.committed());
            self.log.shrink_tail(committed, charge_max);
            self.charge -= (charged - self.log.tail_charge()) as i64;
        }
        outcome.charge += std::mem::take(&mut self.charge);
    }

    fn reader(&self, id: ConsumerId) -> Option<&Reader> {
        self.readers.get(id.slot as usize)?.as_ref().filter(|reader| reader.id == id)
    }

    fn reader_mut(&mut self, id: ConsumerId) -> Option<&mut Reader> {
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

    pub(crate) fn unsubscribe(&mut self, queue: &Arc<Queue>, id: ConsumerId, outcome: &mut Outcome) {
        if self.reader(id).is_none() {
            return;
        }
        if let Some(reader) = self.readers[id.slot as usize].take() {
            self.charge -= reader.window_charge as i64;
        }
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

    pub(crate) fn on_timer(&mut self, queue: &Arc<Queue>, now_ms: u64, outcome: &mut Outcome) {
        self.timer_ms = u64::MAX;
        if !self.deleted {
            self.retain(now_ms, outcome);
            self.finish(queue, outcome);
        }
    }

    /// Marks it as gone and returns its consumers, in the order they came.
    pub(crate) fn delete(&mut self, outcome: &mut Outcome) -> Vec<Subscription> {
        self.deleted = true;
        let mut readers: Vec<Reader> = self.readers.drain(..).flatten().collect();
        let held = self.log.tail_charge() + readers.iter().map(|reader| reader.window_charge).sum::<usize>();
        self.log.clear();
        outcome.charge += std::mem::take(&mut self.charge) - held as i64;
        readers.sort_by_key(|reader| reader.id.generation);
        readers.into_iter().map(|reader| reader.subscription).collect()
    }
}

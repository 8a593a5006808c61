//! Streams: queues of type `stream`. A log of messages, each with an offset from 0, which consuming does not shorten: every consumer has
//! a place of its own in it, and retention alone takes messages out. Source: RabbitMQ, "Streams".
//!
//! In the store a stream is a queue of two lanes: its messages, at positions one above their offsets, and the summaries of its chunks
//! (ADR 0010). Like the state of any queue this is plain state: no lock, no socket, no clock.

pub(crate) mod age;
mod chunk;
pub(crate) mod commit;
mod consumers;
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
use super::{Counters, Incoming, Queue};
use crate::mailbox::Delivery;
use commit::Commits;
use leveret_store::{Lane, Target};
use log::Log;
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
        self.counters.came(incoming);
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

//! One publisher: a thread that owns a connection and keeps it full, as far as rate and confirms allow.

use super::batch::Batch;
use super::clock::now_ns;
use super::confirms::Confirms;
use super::connection::{Connection, refuse_close};
use super::counters::Counters;
use super::latency::Latencies;
use super::pace::Pace;
use super::plan::Plan;
use super::ready::{Interest, wait};
use leveret_protocol::methods::confirm;
use leveret_protocol::{FrameKind, Method};
use std::io::{ErrorKind, Write};
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// How long a stopped publisher waits for what it has begun.
const STOP_NS_MAX: u64 = 10_000_000_000;
/// Without confirms, the broker's words are looked for every so many writes.
const WRITES_PER_READ: u32 = 32;

/// A publisher with its connection open.
pub(crate) struct Publisher<'run> {
    counters: &'run Counters,
    connection: Connection,
    batch: Batch,
    confirms: Option<Confirms>,
    /// Waits for so much room in the window before it writes again, so that writes stay large.
    chunk_min: u64,
    pace: Option<Pace>,
    quota: u64,
    in_flight_max: u64,
    copies: u64,
    sent: u64,
    next_in_batch: usize,
    unwritten: Range<usize>,
    unwritten_messages: u64,
    writes: u32,
    stopping_since_ns: Option<u64>,
    latencies: Latencies,
}

/// What a publisher does next.
#[derive(Debug, PartialEq)]
enum Step {
    Publish(usize),
    Wait(Duration),
    Done,
}

impl<'run> Publisher<'run> {
    /// Connects publisher `index`.
    ///
    /// # Errors
    /// When the broker cannot be reached or refuses.
    pub(crate) fn open(
        plan: &Plan,
        counters: &'run Counters,
        index: usize,
    ) -> Result<Publisher<'run>, String> {
        let options = &plan.options;
        let mut connection = Connection::open(&options.url, &format!("publisher {index}"), 1, 0)?;
        if options.confirm > 0 {
            connection.request(|out| confirm::Select { no_wait: false }.write(1, out))?;
            connection.wait_for(confirm::SelectOk::ID)?;
        }
        connection.socket.set_nonblocking(true).map_err(|error| error.to_string())?;
        Ok(Publisher {
            batch: Batch::new(plan, index, connection.frame_max)?,
            counters,
            connection,
            confirms: (options.confirm > 0).then(|| Confirms::new(options.confirm)),
            chunk_min: if options.rate > 0.0 { 1 } else { (options.confirm / 8).max(1) },
            pace: None,
            quota: plan.quota(index).unwrap_or(u64::MAX),
            in_flight_max: options.in_flight,
            copies: plan.copies(),
            sent: 0,
            next_in_batch: 0,
            unwritten: 0..0,
            unwritten_messages: 0,
            writes: 0,
            stopping_since_ns: None,
            latencies: Latencies::new()?,
        })
    }

    /// Publishes until stopped or done. `pace` is the schedule at a fixed rate. Returns confirm latencies.
    ///
    /// # Errors
    /// When the connection breaks or the broker closes it.
    pub(crate) fn run(mut self, pace: Option<Pace>) -> Result<Latencies, String> {
        self.pace = pace;
        loop {
            if self.unwritten.is_empty() {
                match self.step(now_ns()) {
                    Step::Publish(count) => self.prepare(count),
                    Step::Wait(timeout) => {
                        self.wait(Interest::Read, timeout)?;
                        continue;
                    }
                    Step::Done => break,
                }
            }
            if !self.write()? {
                if self.has_given_up(now_ns()) {
                    return Ok(self.latencies);
                }
                self.wait(Interest::ReadAndWrite, Duration::from_millis(100))?;
            } else if self.wants_to_read() {
                self.read()?;
            }
        }
        self.connection.close();
        Ok(self.latencies)
    }

    fn step(&mut self, now: u64) -> Step {
        let unconfirmed = self.confirms.as_ref().map_or(0, Confirms::open);
        if self.sent == self.quota || self.counters.stop_publishing.load(Relaxed) {
            let done = unconfirmed == 0 || self.has_given_up(now);
            return if done { Step::Done } else { Step::Wait(Duration::from_millis(10)) };
        }
        let mut count = (self.batch.messages() - self.next_in_batch) as u64;
        count = count.min(self.quota - self.sent);
        if let Some(confirms) = &self.confirms {
            let room = confirms.room();
            if room < self.chunk_min {
                return Step::Wait(Duration::from_millis(100));
            }
            count = count.min(room);
        }
        if self.in_flight_max > 0 {
            let counts = self.counters.snapshot();
            let in_flight = counts.published.saturating_sub(counts.consumed / self.copies);
            if in_flight >= self.in_flight_max {
                return Step::Wait(Duration::from_micros(50));
            }
            count = count.min(self.in_flight_max - in_flight);
        }
        if let Some(pace) = &self.pace {
            let due = pace.due_by(now).saturating_sub(self.sent);
            if due == 0 {
                return Step::Wait(Duration::from_nanos(pace.due_ns(self.sent).saturating_sub(now)));
            }
            count = count.min(due);
        }
        Step::Publish(count as usize)
    }

    /// Whether it was told to stop so long ago that what is open stays open.
    fn has_given_up(&mut self, now: u64) -> bool {
        let stopping = self.counters.stop_publishing.load(Relaxed);
        stopping && now - *self.stopping_since_ns.get_or_insert(now) > STOP_NS_MAX
    }

    fn prepare(&mut self, count: usize) {
        let now = now_ns();
        for index in 0..count {
            let due = self.pace.as_ref().map_or(now, |pace| pace.due_ns(self.sent + index as u64));
            self.batch.stamp(self.next_in_batch + index, due);
            if let Some(confirms) = &mut self.confirms {
                confirms.published(due);
            }
        }
        self.unwritten = self.batch.range(self.next_in_batch, count);
        self.unwritten_messages = count as u64;
        self.next_in_batch = (self.next_in_batch + count) % self.batch.messages();
        self.sent += count as u64;
    }

    /// Writes once; false when the socket takes no more for now.
    fn write(&mut self) -> Result<bool, String> {
        match self.connection.socket.write(self.batch.frames(self.unwritten.clone())) {
            Ok(written) => {
                self.unwritten.start += written;
                self.writes = self.writes.wrapping_add(1);
                if self.unwritten.is_empty() {
                    self.counters.published.fetch_add(self.unwritten_messages, Relaxed);
                }
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) => {
                // The broker's last words explain more.
                self.read()?;
                Err(format!("the connection of a publisher broke: {error}"))
            }
        }
    }

    fn wants_to_read(&self) -> bool {
        match &self.confirms {
            Some(confirms) => confirms.room() < confirms.open(),
            None => self.writes.is_multiple_of(WRITES_PER_READ),
        }
    }

    fn wait(&mut self, interest: Interest, timeout: Duration) -> Result<(), String> {
        if wait(&self.connection.socket, interest, timeout)? { self.read() } else { Ok(()) }
    }

    /// Takes what the broker said, without waiting for it.
    fn read(&mut self) -> Result<(), String> {
        match self.connection.buffer.fill(&mut self.connection.socket) {
            Ok(0) => return Err("the broker closed the connection of a publisher".into()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(());
            }
            Err(error) => return Err(format!("the connection of a publisher broke: {error}")),
        }
        let arrived = now_ns();
        let (mut confirmed, mut nacked) = (0, 0);
        while let Some(frame) = self.connection.buffer.next()? {
            if frame.kind != FrameKind::Method {
                continue;
            }
            let method = Method::decode(frame.payload).map_err(|error| error.to_string())?;
            match (&method, &mut self.confirms) {
                (Method::BasicAck(ack), Some(confirms)) => {
                    confirmed += confirms.settle(ack.delivery_tag, ack.multiple, |due| {
                        if self.counters.is_measured(due) {
                            self.latencies.due(due, arrived);
                        }
                    });
                }
                (Method::BasicNack(nack), Some(confirms)) => {
                    nacked += confirms.settle(nack.delivery_tag, nack.multiple, |_| ());
                }
                (Method::ConnectionBlocked(_), _) => {
                    self.counters.blocked.fetch_add(1, Relaxed);
                }
                (Method::ChannelFlow(_), _) => {
                    return Err("the broker sent channel.flow, which bench does not follow".into());
                }
                _ => refuse_close(&method)?,
            }
        }
        self.latencies.arrived(arrived);
        self.counters.confirmed.fetch_add(confirmed, Relaxed);
        self.counters.nacked.fetch_add(nacked, Relaxed);
        Ok(())
    }
}

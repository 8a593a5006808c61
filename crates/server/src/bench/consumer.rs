//! One connection with a consumer on each of its channels: reads large, counts, acknowledges in multiples.

use super::clock::now_ns;
use super::connection::{Connection, is_timeout, refuse_close, short};
use super::counters::Counters;
use super::latency::Latencies;
use super::plan::Plan;
use leveret_protocol::methods::basic;
use leveret_protocol::{FieldTable, FrameKind, Method, Reader};
use std::io::Write as _;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Deliveries of many messages are read at once.
const BUFFER_BYTES: usize = 1 << 20;
/// After so long without a delivery what is left is acknowledged, and the switch to stop is looked at.
const IDLE: Duration = Duration::from_millis(20);
/// Where the body's size stands in a content header: behind class and weight.
const BODY_SIZE_AT: usize = 4;

/// A connection with its consumers.
pub(crate) struct Consumer<'run> {
    counters: &'run Counters,
    connection: Connection,
    /// By channel number; the first one, channel 0, stays unused.
    channels: Vec<Channel>,
    ack_every: u64,
    is_stamped: bool,
    acks: Vec<u8>,
    latencies: Latencies,
    work: Duration,
    taken: u64,
}

/// What is known of a channel.
#[derive(Clone, Default)]
struct Channel {
    /// Tag of the delivery whose content is arriving.
    arriving_tag: u64,
    body_left: u64,
    at_body_start: bool,
    /// Tag of the last delivery that arrived whole; only that may be acknowledged.
    whole_tag: u64,
    unacked: u64,
}

impl<'run> Consumer<'run> {
    /// Connects consumer connection `index` and starts its consumers.
    ///
    /// # Errors
    /// When the broker cannot be reached or refuses.
    pub(crate) fn open(
        plan: &Plan,
        counters: &'run Counters,
        index: usize,
    ) -> Result<Consumer<'run>, String> {
        let options = &plan.options;
        let queues = plan.subscriptions(index);
        let count = u16::try_from(queues.len()).map_err(|_| {
            format!("{} consumers on one connection are more than its channels", queues.len())
        })?;
        let mut connection =
            Connection::open(&options.url, &format!("consumer {index}"), count, BUFFER_BYTES)?;
        let mut requests = Vec::new();
        for (channel, queue) in (1..=count).zip(&queues) {
            let prefetch_count = options.prefetch;
            basic::Qos { prefetch_size: 0, prefetch_count, global: false }.write(channel, &mut requests);
            basic::Consume {
                queue: short(queue)?,
                consumer_tag: short("leveret-bench")?,
                no_local: false,
                no_ack: options.ack_every == 0,
                exclusive: false,
                // Deliveries may come before the replies of later channels, and an error comes in any case.
                no_wait: true,
                arguments: FieldTable::default(),
            }
            .write(channel, &mut requests);
        }
        connection.send(&requests)?;
        let timeouts = connection
            .socket
            .set_read_timeout(Some(IDLE))
            .and_then(|()| connection.socket.set_write_timeout(Some(Duration::from_secs(30))));
        timeouts.map_err(|error| error.to_string())?;
        Ok(Consumer {
            counters,
            connection,
            channels: vec![Channel::default(); queues.len() + 1],
            ack_every: options.ack_every,
            is_stamped: plan.is_stamped(),
            acks: Vec::new(),
            latencies: Latencies::new()?,
            work: if index == 0 { options.work.0.saturating_mul(options.slow) } else { options.work.0 },
            taken: 0,
        })
    }

    /// Consumes until stopped. Returns latencies end to end.
    ///
    /// # Errors
    /// When the connection breaks or the broker closes it.
    pub(crate) fn run(mut self) -> Result<Latencies, String> {
        while !self.counters.stop_consuming.load(Relaxed) {
            match self.connection.buffer.fill(&mut self.connection.socket) {
                Ok(0) => return Err("the broker closed the connection of a consumer".into()),
                Ok(_) => self.take()?,
                Err(error) if is_timeout(&error) => self.acknowledge_all(),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("the connection of a consumer broke: {error}")),
            }
            self.send_acks()?;
        }
        self.acknowledge_all();
        self.send_acks()?;
        self.connection.close();
        self.counters.note_consumer(self.taken);
        Ok(self.latencies)
    }

    /// Takes every whole frame that was read.
    fn take(&mut self) -> Result<(), String> {
        let arrived = now_ns();
        let mut consumed = 0;
        while let Some(frame) = self.connection.buffer.next()? {
            // Who works has not looked at what came meanwhile.
            let begun = if self.work.is_zero() { arrived } else { now_ns() };
            let Some(channel) = self.channels.get_mut(usize::from(frame.channel)) else { continue };
            let is_whole = match frame.kind {
                FrameKind::Method => {
                    channel.method(frame.payload)?;
                    false
                }
                FrameKind::Header => {
                    channel.header(frame.payload)?;
                    channel.body_left == 0
                }
                FrameKind::Body => {
                    if std::mem::take(&mut channel.at_body_start) && self.is_stamped {
                        let due = due_ns(frame.payload);
                        if self.counters.is_measured(due) {
                            self.latencies.due(due, begun);
                        }
                    }
                    channel.body_left = channel.body_left.saturating_sub(frame.payload.len() as u64);
                    channel.body_left == 0
                }
                FrameKind::Heartbeat => false,
            };
            if is_whole {
                consumed += 1;
                channel.whole_tag = channel.arriving_tag;
                channel.unacked += 1;
                if !self.work.is_zero() {
                    if self.counters.stop_consuming.load(Relaxed) {
                        return Ok(());
                    }
                    std::thread::sleep(self.work);
                    consumed -= 1;
                    self.taken += 1;
                    self.counters.consumed.fetch_add(1, Relaxed);
                }
                if self.ack_every > 0 && channel.unacked >= self.ack_every {
                    channel.acknowledge(frame.channel, &mut self.acks);
                    if !self.work.is_zero() {
                        self.connection.socket.write_all(&self.acks).map_err(|error| error.to_string())?;
                        self.acks.clear();
                    }
                }
            }
        }
        self.latencies.arrived(arrived);
        self.taken += consumed;
        self.counters.consumed.fetch_add(consumed, Relaxed);
        Ok(())
    }

    fn acknowledge_all(&mut self) {
        if self.ack_every > 0 {
            for (number, channel) in (0..).zip(&mut self.channels).filter(|(_, channel)| channel.unacked > 0)
            {
                channel.acknowledge(number, &mut self.acks);
            }
        }
    }

    fn send_acks(&mut self) -> Result<(), String> {
        if !self.acks.is_empty() {
            self.connection.send(&self.acks)?;
            self.acks.clear();
        }
        Ok(())
    }
}

impl Channel {
    #[inline]
    fn method(&mut self, payload: &[u8]) -> Result<(), String> {
        // Nearly every method is a delivery, of which only the tag is of interest.
        if let Some(arguments) = payload.strip_prefix(&[0, 60, 0, 60]) {
            let mut reader = Reader::new(arguments);
            let tag = reader.short_str().and_then(|_consumer_tag| reader.u64());
            self.arriving_tag = tag.map_err(|error| format!("basic.deliver: {error}"))?;
            return Ok(());
        }
        refuse_close(&Method::decode(payload).map_err(|error| error.to_string())?)
    }

    #[inline]
    fn header(&mut self, payload: &[u8]) -> Result<(), String> {
        let size = payload
            .get(BODY_SIZE_AT..)
            .and_then(|rest| rest.first_chunk())
            .ok_or("a content header is too short")?;
        self.body_left = u64::from_be_bytes(*size);
        self.at_body_start = true;
        Ok(())
    }

    fn acknowledge(&mut self, number: u16, acks: &mut Vec<u8>) {
        basic::Ack { delivery_tag: self.whole_tag, multiple: true }.write(number, acks);
        self.unacked = 0;
    }
}

/// When the message was due: the first eight bytes of its body. 0, which is before every measurement, when they
/// are not there.
#[inline]
fn due_ns(body: &[u8]) -> u64 {
    body.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

//! One direction of a connection: reads, delays, inspects, counts, passes on.

use super::framer::{Framer, Piece};
use super::hub::Hub;
use super::inspector::Verdict;
use super::link::Link;
use super::rules::{Direction, Ending, Rules};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;

/// Bytes on their way in one direction, above which no more are read.
const QUEUED_BYTES_MAX: usize = 256 * 1024;

/// See the module's documentation.
pub(crate) struct Pump<'a> {
    direction: Direction,
    hub: &'a Hub,
    link: &'a Link,
    rules: watch::Receiver<Rules>,
    framer: Framer,
    /// With the time (of the broker's clock) at which each goes on, at the earliest: none overtakes another.
    queue: VecDeque<(u64, Piece)>,
    queued_bytes: usize,
    source_ended: bool,
    sink_gone: bool,
}

impl<'a> Pump<'a> {
    pub(crate) fn new(
        direction: Direction,
        hub: &'a Hub,
        link: &'a Link,
        rules: watch::Receiver<Rules>,
    ) -> Self {
        Self {
            direction,
            hub,
            link,
            rules,
            framer: Framer::new(direction == Direction::ToBroker),
            queue: VecDeque::new(),
            queued_bytes: 0,
            source_ended: false,
            sink_gone: false,
        }
    }

    /// Runs until the source has ended and all it said was passed on. A sink that is gone does not end it: what the source says
    /// then goes nowhere, so that it is not held up.
    pub(crate) async fn run(
        mut self,
        source: &mut (impl AsyncRead + Unpin),
        sink: &mut (impl AsyncWrite + Unpin),
    ) {
        let (hub, link, at) = (self.hub, self.link, self.direction as usize);
        // A cut at nothing.
        self.check_cut();
        loop {
            let (stalled, delay, ends) = {
                let rules = self.rules.borrow_and_update();
                (rules.stalled[at], rules.delay[at], rules.end.is_some())
            };
            if ends {
                // Whoever runs this sees it as well and drops it; nothing may pass meanwhile.
                return std::future::pending().await;
            }
            if self.source_ended && self.queue.is_empty() {
                let _ = sink.shutdown().await;
                return;
            }
            let due_ms = self.queue.front().map(|(due_ms, _)| *due_ms);
            let may_read = !self.source_ended && !stalled && self.queued_bytes < QUEUED_BYTES_MAX;
            let injects = self.direction == Direction::ToClient && !stalled && self.queue.is_empty();
            tokio::select! {
                biased;
                changed = self.rules.changed() => if changed.is_err() { return },
                () = hub.clock.sleep_until(due_ms.unwrap_or(0)), if due_ms.is_some() && !stalled => {
                    self.pass_on(sink).await;
                }
                () = link.injected.notified(), if injects => self.pass_on(sink).await,
                read = source.read_buf(&mut self.framer.buffer), if may_read => {
                    self.took(&read, hub.clock.now_ms() + delay.as_millis() as u64);
                }
            }
        }
    }

    /// Puts what was read in the queue.
    fn took(&mut self, read: &io::Result<usize>, due_ms: u64) {
        self.hub.moved();
        while let Some(piece) = self.framer.next() {
            self.enqueue(due_ms, piece);
        }
        if !matches!(read, Ok(1..)) {
            self.source_ended = true;
            if let Some(piece) = self.framer.rest() {
                self.enqueue(due_ms, piece);
            }
        }
    }

    fn enqueue(&mut self, due_ms: u64, piece: Piece) {
        self.queued_bytes += piece.bytes().len();
        self.queue.push_back((due_ms, piece));
    }

    /// Writes everything that is due, in one piece.
    async fn pass_on(&mut self, sink: &mut (impl AsyncWrite + Unpin)) {
        let now_ms = self.hub.clock.now_ms();
        let mut out = Vec::new();
        let mut is_cut = false;
        while !is_cut && self.queue.front().is_some_and(|(due_ms, _)| *due_ms <= now_ms) {
            let Some((_, piece)) = self.queue.pop_front() else { break };
            self.queued_bytes -= piece.bytes().len();
            self.inject(&mut out);
            is_cut = self.pass(&piece, &mut out);
        }
        if !is_cut {
            self.inject(&mut out);
        }
        if !out.is_empty() && !self.sink_gone {
            self.sink_gone = sink.write_all(&out).await.is_err() || sink.flush().await.is_err();
        }
        self.hub.moved();
        self.check_cut();
    }

    /// Appends what goes on of a piece. `true`: the connection is cut here.
    fn pass(&mut self, piece: &Piece, out: &mut Vec<u8>) -> bool {
        let passed = self.link.passed(self.direction);
        let bytes = piece.bytes();
        let before = passed.bytes.load(Ordering::Relaxed);
        let allowed = self.rules.borrow().bytes_allowed(self.direction, before, bytes.len());
        passed.bytes.fetch_add(allowed as u64, Ordering::Relaxed);
        if allowed < bytes.len() {
            out.extend_from_slice(&bytes[..allowed]);
            return true;
        }
        let verdict = match piece {
            Piece::Raw(_) => Verdict::Pass,
            Piece::Frame(bytes) => {
                passed.frames.fetch_add(1, Ordering::Relaxed);
                self.inspect(bytes)
            }
        };
        match verdict {
            Verdict::Pass => out.extend_from_slice(bytes),
            Verdict::Replace(other) => out.extend_from_slice(&other),
            Verdict::Withhold => {}
        }
        self.cut().is_some()
    }

    fn inspect(&self, bytes: &[u8]) -> Verdict {
        let mut inspector = self.link.inspector.lock();
        match self.direction {
            Direction::ToClient => inspector.towards_client(bytes),
            Direction::ToBroker => {
                let verdict = inspector.towards_broker(self.link.index, bytes, self.hub);
                if !inspector.injected.is_empty() {
                    self.link.injected.notify_one();
                }
                verdict
            }
        }
    }

    fn inject(&self, out: &mut Vec<u8>) {
        if self.direction == Direction::ToClient {
            let mut inspector = self.link.inspector.lock();
            if inspector.is_between_contents() {
                out.append(&mut inspector.injected);
            }
        }
    }

    fn cut(&self) -> Option<Ending> {
        let passed = self.link.passed(self.direction);
        let (frames, bytes) = (passed.frames.load(Ordering::Relaxed), passed.bytes.load(Ordering::Relaxed));
        self.rules.borrow().cut_reached(self.direction, frames, bytes)
    }

    fn check_cut(&self) {
        if let Some(ending) = self.cut() {
            self.link.end(ending);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leveret_broker::Broker;
    use leveret_protocol::methods::basic;
    use leveret_protocol::{BASIC_CLASS, ContentHeader, RawProperties, put_body};

    /// A reader would take a nack between a content's frames on the same channel for an error of the connection.
    #[tokio::test]
    async fn a_nack_waits_for_the_end_of_a_content_that_comes_in_parts() {
        let broker = Broker::in_memory();
        let hub = Hub::new(broker.clock().clone(), broker, 0);
        let (rules, changes) = watch::channel(Rules::default());
        let link = Link::new(0, 1, rules);
        let (mut from, mut source) = tokio::io::duplex(4096);
        let (mut sink, mut to) = tokio::io::duplex(4096);
        let (mut first, mut last, mut nack) = (Vec::new(), Vec::new(), Vec::new());
        basic::Deliver::default().write(1, &mut first);
        ContentHeader { class_id: BASIC_CLASS, body_size: 3, properties: RawProperties::EMPTY }
            .write(1, &mut first);
        put_body(&mut last, 1, b"abc", 0);
        basic::Nack { delivery_tag: 1, ..Default::default() }.write(1, &mut nack);

        let script = async {
            let mut got = vec![0; first.len()];
            from.write_all(&first).await.unwrap();
            to.read_exact(&mut got).await.unwrap();
            link.inspector.lock().injected = nack.clone();
            link.injected.notify_one();
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            from.write_all(&last).await.unwrap();
            drop(from);
            to.read_to_end(&mut got).await.unwrap();
            got
        };
        let pump = Pump::new(Direction::ToClient, &hub, &link, changes).run(&mut source, &mut sink);
        let ((), got) = tokio::join!(pump, script);
        assert_eq!(got, [first, last, nack].concat());
    }
}

//! One socket: bytes out, frames in, sorted by channel.

use crate::event::{Event, Message};
use crate::log::{Log, describe};
use crate::target::target;
use leveret_protocol::{ContentHeader, Frame, FrameKind, Method, Properties, parse_frame};
use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long an expectation waits before it fails.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A socket to the broker, with everything that arrived and nobody asked for yet.
pub(crate) struct Wire {
    stream: TcpStream,
    unparsed: Vec<u8>,
    waiting: HashMap<u16, VecDeque<Event>>,
    partial: HashMap<u16, (Message, u64)>,
    eof: bool,
    pub(crate) log: Log,
}

impl Wire {
    /// Connects; sends nothing.
    #[track_caller]
    pub(crate) fn connect() -> Self {
        Self::connect_to(target().address)
    }

    /// Connects to the broker there; sends nothing.
    #[track_caller]
    pub(crate) fn connect_to(address: SocketAddr) -> Self {
        let stream = match TcpStream::connect_timeout(&address, DEADLINE) {
            Ok(stream) => stream,
            Err(error) => panic!("no broker at {address}: {error}"),
        };
        for result in [stream.set_nodelay(true), stream.set_write_timeout(Some(DEADLINE))] {
            assert!(result.is_ok(), "socket options: {result:?}");
        }
        Self {
            stream,
            unparsed: Vec::new(),
            waiting: HashMap::new(),
            partial: HashMap::new(),
            eof: false,
            log: Log::default(),
        }
    }

    /// Sends bytes as they are. That the broker has closed already shows when something is expected.
    pub(crate) fn send_bytes(&mut self, what: &str, bytes: &[u8]) {
        self.log.sent(what);
        if let Err(error) = self.stream.write_all(bytes) {
            self.log.sent(&format!("(not written: {error})"));
        }
    }

    /// Ends the socket.
    pub(crate) fn cut(&mut self) {
        self.log.sent("(end of stream)");
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Sends whole frames.
    pub(crate) fn send_frames(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Ok(Some((frame, length))) = parse_frame(rest, 0) {
            self.log.sent(&describe(&frame));
            rest = &rest[length..];
        }
        if let Err(error) = self.stream.write_all(bytes) {
            self.log.sent(&format!("(not written: {error})"));
        }
    }

    /// The next that arrives on a channel, or the end of the connection. What arrives on others is kept for them.
    ///
    /// # Panics
    /// When nothing comes before the deadline, and when the connection is closed while a channel waits.
    #[track_caller]
    pub(crate) fn next_on(&mut self, channel: u16) -> Event {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(event) = self.waiting.get_mut(&channel).and_then(VecDeque::pop_front) {
                return event;
            }
            if self.eof {
                return Event::Eof;
            }
            if channel != 0 && self.is_closed() {
                self.fail(&format!("something on channel {channel}, but the broker closed the connection"));
            }
            if !self.read(until) {
                self.fail(&format!("something on channel {channel}, but nothing came within {DEADLINE:?}"));
            }
        }
    }

    /// Everything that arrived and nobody asked for, by channel; when there is nothing, what comes within `wait`. The end of the
    /// socket comes on channel 0, every time.
    pub(crate) fn arrivals(&mut self, wait: Duration) -> Vec<(u16, Event)> {
        if !self.eof && self.waiting.values().all(VecDeque::is_empty) {
            self.read(Instant::now() + wait);
        }
        let mut channels: Vec<u16> = self.waiting.keys().copied().collect();
        channels.sort_unstable();
        let mut arrivals: Vec<_> = channels
            .into_iter()
            .flat_map(|channel| {
                let events = self.waiting.remove(&channel).unwrap_or_default();
                events.into_iter().map(move |event| (channel, event))
            })
            .collect();
        if self.eof {
            arrivals.push((0, Event::Eof));
        }
        arrivals
    }

    /// Expects that nothing that arrived waits on a channel.
    #[track_caller]
    pub(crate) fn nothing_on(&self, channel: u16) {
        if self.waiting.get(&channel).is_some_and(|events| !events.is_empty()) {
            self.fail(&format!("nothing on channel {channel}"));
        }
    }

    /// Whether a `connection.close` waits to be read.
    fn is_closed(&self) -> bool {
        let closes = |event: &Event| matches!(event.method(), Some(Method::ConnectionClose(_)));
        self.waiting.get(&0).is_some_and(|events| events.iter().any(closes))
    }

    /// Reads once; whether something came before the deadline, the end included.
    fn read(&mut self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || self.stream.set_read_timeout(Some(left)).is_err() {
            return false;
        }
        let mut buffer = [0; 65536];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.end("end of stream"),
            Ok(count) => {
                self.unparsed.extend_from_slice(&buffer[..count]);
                self.parse();
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return false;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => self.end(&error.to_string()),
        }
        true
    }

    fn end(&mut self, how: &str) {
        self.log.received(&format!("({how})"));
        self.eof = true;
    }

    /// Reads eight bytes that are no frame: the broker's answer to a wrong protocol header.
    #[track_caller]
    pub(crate) fn next_header(&mut self) -> [u8; 8] {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some((header, rest)) = self.unparsed.split_first_chunk::<8>() {
                let (header, rest) = (*header, rest.to_vec());
                self.unparsed = rest;
                return header;
            }
            if self.eof || !self.read(until) {
                self.fail("a protocol header");
            }
        }
    }

    fn parse(&mut self) {
        // A protocol header instead of frames stays for `next_header`.
        if self.unparsed.starts_with(b"AMQP") {
            return;
        }
        let bytes = std::mem::take(&mut self.unparsed);
        let mut rest = bytes.as_slice();
        loop {
            match parse_frame(rest, 0) {
                Ok(Some((frame, length))) => {
                    self.log.received(&describe(&frame));
                    self.take(&frame);
                    rest = &rest[length..];
                }
                Ok(None) => break,
                Err(error) => panic!("the broker sent no frame: {error}\n{}", self.log),
            }
        }
        self.unparsed = rest.to_vec();
    }

    fn take(&mut self, frame: &Frame<'_>) {
        let channel = frame.channel;
        match frame.kind {
            FrameKind::Heartbeat => self.arrived(channel, Event::Heartbeat),
            FrameKind::Method => match Method::decode(frame.payload) {
                Ok(method) if method.has_content() => {
                    let message = Message {
                        method: frame.payload.to_vec(),
                        properties: Properties::default(),
                        raw_properties: Vec::new(),
                        body: Vec::new(),
                        frames: Vec::new(),
                    };
                    self.partial.insert(channel, (message, 0));
                }
                Ok(_) => self.arrived(channel, Event::Method(frame.payload.to_vec())),
                Err(error) => panic!("the broker sent no method: {error}\n{}", self.log),
            },
            FrameKind::Header => {
                let header = ContentHeader::decode(frame.payload);
                match (self.partial.get_mut(&channel), header) {
                    (Some((message, size)), Ok(header)) => {
                        message.raw_properties = header.properties.as_bytes().to_vec();
                        match Properties::try_from(header.properties) {
                            Ok(properties) => message.properties = properties,
                            Err(error) => panic!("the broker sent strange properties: {error}\n{}", self.log),
                        }
                        *size = header.body_size;
                    }
                    (_, header) => panic!("the broker sent a header out of place: {header:?}\n{}", self.log),
                }
                self.complete(channel);
            }
            FrameKind::Body => {
                let Some((message, _)) = self.partial.get_mut(&channel) else {
                    panic!("the broker sent a body out of place\n{}", self.log)
                };
                message.body.extend_from_slice(frame.payload);
                message.frames.push(frame.payload.len());
                self.complete(channel);
            }
        }
    }

    fn complete(&mut self, channel: u16) {
        let whole =
            self.partial.get(&channel).is_some_and(|(message, size)| message.body.len() as u64 >= *size);
        if whole && let Some((message, _)) = self.partial.remove(&channel) {
            self.arrived(channel, Event::Message(Box::new(message)));
        }
    }

    fn arrived(&mut self, channel: u16, event: Event) {
        self.waiting.entry(channel).or_default().push_back(event);
    }

    /// Fails the test.
    #[track_caller]
    pub(crate) fn fail(&self, expected: &str) -> ! {
        panic!("expected {expected}\n{}", self.log)
    }
}

//! A small blocking AMQP client that never loses what was received: when the broker dies, everything that had reached the socket is
//! still handed out before the end is.

use crate::message::Message;
use crate::topology::{self, QueueNo};
use leveret_protocol::methods::{basic, channel, connection};
use leveret_protocol::{
    Content, ContentMethod, FieldTable, FieldValue, Inbound, InboundLimits, Incoming, Method,
    PROTOCOL_HEADER, RawProperties, RawValue, Role, ShortStr, put_content,
};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Patience with a broker that says nothing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const FRAME_MAX: u32 = 131_072;

/// Why something did not work.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The connection ended. Expected when the broker was killed.
    Gone(String),
    /// The broker closed a channel, or with channel 0 the connection.
    Closed { channel: u16, code: u16, text: String },
    /// What no broker should do.
    Wrong(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gone(how) => write!(f, "the connection ended: {how}"),
            Self::Closed { channel, code, text } => {
                write!(f, "the broker closed channel {channel}: {code} {text}")
            }
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

/// A message as it arrived.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) tag: u64,
    pub(crate) redelivered: bool,
    /// What it is, or what is wrong with it.
    pub(crate) message: Result<Message, String>,
    /// `x-delivery-count`.
    pub(crate) delivery_count: u32,
    /// The queue it died in last and why, from `x-death`.
    pub(crate) death: Option<(QueueNo, String)>,
}

/// What arrived.
#[derive(Debug)]
pub(crate) enum Event {
    /// `basic.ack` or, with `false`, `basic.nack`, from the broker.
    Confirm {
        tag: u64,
        multiple: bool,
        stored: bool,
    },
    Message(Box<Arrived>),
    /// A delivery of a stream.
    Streamed {
        tag: u64,
        offset: u64,
        body: Vec<u8>,
    },
    Returned,
    /// Any other method by its name, with the number it carries (messages in a queue).
    Reply(&'static str, u32),
    Closed {
        channel: u16,
        code: u16,
        text: String,
    },
}

/// An open connection with channel 1 open.
pub(crate) struct Client {
    socket: TcpStream,
    input: Vec<u8>,
    at: usize,
    inbound: Inbound,
    out: Vec<u8>,
    /// Arrived while a reply was awaited.
    aside: VecDeque<Event>,
}

pub(crate) fn short(text: &str) -> ShortStr<'_> {
    ShortStr::truncate(text)
}

fn gone(error: &std::io::Error) -> Trouble {
    Trouble::Gone(error.to_string())
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self, Trouble> {
        let socket = TcpStream::connect(address).map_err(|error| gone(&error))?;
        socket
            .set_nodelay(true)
            .and_then(|()| socket.set_write_timeout(Some(PATIENCE)))
            .map_err(|error| gone(&error))?;
        let limits = InboundLimits { frame_max: FRAME_MAX, message_bytes_max: 1 << 30, channel_max: 0 };
        let inbound = Inbound::new(Role::Client, limits);
        let (input, out, aside) = (Vec::new(), Vec::new(), VecDeque::new());
        let mut client = Self { socket, input, at: 0, inbound, out, aside };
        client.out.extend_from_slice(&PROTOCOL_HEADER);
        client.flush()?;
        client.wait("connection.start")?;
        let start_ok = connection::StartOk {
            client_properties: FieldTable::from([("capabilities", FieldTable::from([("basic.nack", true)]))]),
            mechanism: short("PLAIN"),
            response: b"\0guest\0guest",
            locale: short("en_US"),
        };
        client.put(0, start_ok);
        client.flush()?;
        client.wait("connection.tune")?;
        client.put(0, connection::TuneOk { channel_max: 2047, frame_max: FRAME_MAX, heartbeat: 0 });
        client.call(0, connection::Open { virtual_host: short("/") }, "connection.open-ok")?;
        client.call(1, channel::Open, "channel.open-ok")?;
        Ok(client)
    }

    /// Puts a method into the buffer.
    pub(crate) fn put<'m>(&mut self, channel: u16, method: impl Into<Method<'m>>) {
        method.into().write(channel, &mut self.out);
    }

    /// Puts a publishing into the buffer.
    pub(crate) fn put_message(&mut self, channel: u16, message: &Message) {
        let route = &topology::ROUTES[usize::from(message.route)];
        let raw = message.properties();
        let properties = RawProperties::parse(&raw).unwrap_or(RawProperties::EMPTY);
        self.put_publish(channel, route.exchange, route.key, false, properties, &message.body());
    }

    pub(crate) fn put_publish(
        &mut self,
        channel: u16,
        exchange: &str,
        key: &str,
        mandatory: bool,
        properties: RawProperties<'_>,
        body: &[u8],
    ) {
        basic::Publish {
            exchange: short(exchange),
            routing_key: short(key),
            mandatory,
            ..Default::default()
        }
        .write(channel, &mut self.out);
        put_content(&mut self.out, channel, properties, body, FRAME_MAX);
    }

    /// Writes the buffer out.
    pub(crate) fn flush(&mut self) -> Result<(), Trouble> {
        let written = self.socket.write_all(&self.out);
        self.out.clear();
        written.map_err(|error| gone(&error))
    }

    /// Sends a method and waits for the reply of that name; the number it carries.
    ///
    /// A reply that came before the connection ended counts, even when what was sent behind it could not be written.
    pub(crate) fn call<'m>(
        &mut self,
        channel: u16,
        method: impl Into<Method<'m>>,
        reply: &str,
    ) -> Result<u32, Trouble> {
        self.put(channel, method);
        // (an error shows when reading, behind what had arrived)
        let _ = self.flush();
        self.wait(reply)
    }

    /// Waits for the reply of that name; what comes before it is put aside.
    pub(crate) fn wait(&mut self, name: &str) -> Result<u32, Trouble> {
        loop {
            match self.receive(Some(PATIENCE))? {
                Some(Event::Reply(found, number)) if found == name => return Ok(number),
                Some(Event::Closed { channel, code, text }) => {
                    return Err(Trouble::Closed { channel, code, text });
                }
                Some(Event::Reply(found, _)) => {
                    return Err(Trouble::Wrong(format!("expected {name}, got {found}")));
                }
                Some(other) => self.aside.push_back(other),
                None => {
                    return Err(Trouble::Wrong(format!("no {name} in {} s", PATIENCE.as_secs())));
                }
            }
        }
    }

    /// The next thing that arrived, `None` when nothing does in that time.
    pub(crate) fn event(&mut self, patience: Duration) -> Result<Option<Event>, Trouble> {
        match self.aside.pop_front() {
            Some(event) => Ok(Some(event)),
            None => self.receive(Some(patience)),
        }
    }

    /// Something that arrived already, without asking the socket.
    pub(crate) fn event_at_hand(&mut self) -> Result<Option<Event>, Trouble> {
        match self.aside.pop_front() {
            Some(event) => Ok(Some(event)),
            None => self.receive(None),
        }
    }

    /// No more will be sent; what the broker says until it hangs up can still be read.
    pub(crate) fn hang_up(&mut self) {
        self.out.clear();
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    fn receive(&mut self, patience: Option<Duration>) -> Result<Option<Event>, Trouble> {
        let deadline = patience.map(|patience| Instant::now() + patience);
        loop {
            let step = match self.inbound.next(&self.input[self.at..]) {
                Err(refused) => return Err(Trouble::Wrong(format!("the broker sent nonsense: {refused}"))),
                Ok(Some((Incoming::Method { channel, method }, used))) => {
                    Some((Some(plain(channel, &method)), used))
                }
                Ok(Some((Incoming::Content { content, .. }, used))) => {
                    Some((Some(with_content(&content)), used))
                }
                Ok(Some((Incoming::Heartbeat | Incoming::Partial, used))) => Some((None, used)),
                Ok(None) => None,
            };
            match step {
                Some((event, used)) => {
                    self.at += used;
                    if let Some(event) = event {
                        self.answer_close(&event);
                        return Ok(Some(event));
                    }
                }
                None => {
                    let Some(deadline) = deadline else { return Ok(None) };
                    if !self.fill(deadline)? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Reads more; `false` when nothing came until the deadline.
    fn fill(&mut self, deadline: Instant) -> Result<bool, Trouble> {
        self.input.drain(..std::mem::take(&mut self.at));
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_micros(100));
        self.socket.set_read_timeout(Some(left)).map_err(|error| gone(&error))?;
        let end = self.input.len();
        self.input.resize(end + 128 * 1024, 0);
        let read = self.socket.read(&mut self.input[end..]);
        self.input.truncate(end + read.as_ref().map_or(0, |count| *count));
        match read {
            Ok(0) => Err(Trouble::Gone("end of the stream".to_owned())),
            Ok(_) => Ok(true),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(gone(&error)),
        }
    }

    fn answer_close(&mut self, event: &Event) {
        let mut out = Vec::new();
        match event {
            Event::Closed { channel: 0, .. } => connection::CloseOk.write(0, &mut out),
            Event::Closed { channel, .. } => channel::CloseOk.write(*channel, &mut out),
            _ => return,
        }
        // It may be gone already.
        let _ = self.socket.write_all(&out);
    }
}

fn plain(channel: u16, method: &Method<'_>) -> Event {
    match method {
        Method::BasicAck(ack) => {
            Event::Confirm { tag: ack.delivery_tag, multiple: ack.multiple, stored: true }
        }
        Method::BasicNack(nack) => {
            Event::Confirm { tag: nack.delivery_tag, multiple: nack.multiple, stored: false }
        }
        Method::ChannelClose(close) => {
            Event::Closed { channel, code: close.reply_code, text: close.reply_text.to_string() }
        }
        Method::ConnectionClose(close) => {
            Event::Closed { channel: 0, code: close.reply_code, text: close.reply_text.to_string() }
        }
        Method::QueueDeclareOk(ok) => Event::Reply(method.id().name(), ok.message_count),
        Method::QueueDeleteOk(ok) => Event::Reply(method.id().name(), ok.message_count),
        _ => Event::Reply(method.id().name(), 0),
    }
}

fn with_content(content: &Content<'_>) -> Event {
    let (tag, redelivered, exchange, key) = match content.method() {
        ContentMethod::Deliver(m) => (m.delivery_tag, m.redelivered, m.exchange, m.routing_key),
        ContentMethod::GetOk(m) => (m.delivery_tag, m.redelivered, m.exchange, m.routing_key),
        ContentMethod::Return(_) => return Event::Returned,
        other => return Event::Reply(other.id().name(), 0),
    };
    let properties = content.properties();
    let headers = properties.headers();
    if let Some(RawValue::I64(offset)) = headers.and_then(|headers| headers.get("x-stream-offset")) {
        return Event::Streamed { tag, offset: offset as u64, body: content.body.as_slice().to_vec() };
    }
    let delivery_count = match headers.and_then(|headers| headers.get("x-delivery-count")) {
        Some(RawValue::I64(count)) => count as u32,
        _ => 0,
    };
    let death = headers.and_then(|headers| headers.decode().ok()).and_then(|headers| last_death(&headers));
    let message = Message::read(content.body.as_slice()).and_then(|message| {
        message.check(properties, exchange.as_bytes(), key.as_bytes(), death.is_some())?;
        Ok(message)
    });
    Event::Message(Box::new(Arrived { tag, redelivered, message, delivery_count, death }))
}

fn last_death(headers: &FieldTable) -> Option<(QueueNo, String)> {
    let FieldValue::Array(deaths) = headers.get("x-death")? else { return None };
    let death = deaths.first()?.as_table()?;
    let queue = topology::number(&String::from_utf8_lossy(death.get("queue")?.as_bytes()?))?;
    Some((queue, String::from_utf8_lossy(death.get("reason")?.as_bytes()?).into_owned()))
}

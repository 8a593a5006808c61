//! A small blocking client that can be told to behave badly.

use leveret_protocol::methods::{basic, channel, connection, queue};
use leveret_protocol::{
    BASIC_CLASS, ContentHeader, ContentMethod, FieldTable, FieldValue, Inbound, InboundLimits, Incoming,
    Method, PROTOCOL_HEADER, RawProperties, Role, ShortStr, put_body,
};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Patience with a broker that says nothing.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// Frames are at most so long in both directions.
pub(crate) const FRAME_MAX: u32 = 131_072;

/// What a client asks for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wish {
    /// In seconds; 0 for none.
    pub(crate) heartbeat: u16,
}

/// An open connection with channel 1 open.
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    input: Vec<u8>,
    at: usize,
    inbound: Inbound,
}

/// What arrived, as far as faults care.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    Ack(u64),
    Delivery {
        tag: u64,
        redelivered: bool,
        body: Vec<u8>,
    },
    /// `basic.get-ok`: delivery tag and length of the body.
    Got(u64, usize),
    /// `channel.close`, or on channel 0 `connection.close`; answered.
    Close {
        channel: u16,
        code: u16,
        text: String,
    },
    /// A reply by its name, with the number it carries (messages in a queue).
    Reply(&'static str, u32),
    Heartbeat,
    /// The stream ended or was reset.
    End,
}

/// The broken pieces of a program are not worth more than a sentence.
pub(crate) type Outcome<T> = Result<T, String>;

pub(crate) fn short(text: &str) -> ShortStr<'_> {
    ShortStr::truncate(text)
}

/// A bare socket.
pub(crate) fn dial(address: SocketAddr) -> Outcome<TcpStream> {
    let socket = TcpStream::connect(address).map_err(|error| format!("connect: {error}"))?;
    socket.set_nodelay(true).and_then(|()| socket.set_read_timeout(Some(READ_TIMEOUT))).map_err(say)?;
    Ok(socket)
}

fn say(error: std::io::Error) -> String {
    error.to_string()
}

impl Client {
    pub(crate) fn connect(address: SocketAddr, wish: Wish) -> Outcome<Self> {
        let limits = InboundLimits { frame_max: FRAME_MAX, message_bytes_max: 1 << 30, channel_max: 0 };
        let inbound = Inbound::new(Role::Client, limits);
        let mut client = Self { socket: dial(address)?, input: Vec::new(), at: 0, inbound };
        client.send(&PROTOCOL_HEADER)?;
        client.wait("connection.start")?;
        let start_ok = connection::StartOk {
            client_properties: FieldTable::new(),
            mechanism: short("PLAIN"),
            response: b"\0guest\0guest",
            locale: short("en_US"),
        };
        client.send_method(0, start_ok)?;
        client.wait("connection.tune")?;
        let tune_ok =
            connection::TuneOk { channel_max: 2047, frame_max: FRAME_MAX, heartbeat: wish.heartbeat };
        client.send_method(0, tune_ok)?;
        client.send_method(0, connection::Open { virtual_host: short("/") })?;
        client.wait("connection.open-ok")?;
        client.open(1)?;
        Ok(client)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.socket.write_all(bytes).map_err(|error| format!("write: {error}"))
    }

    pub(crate) fn send_method<'m>(&mut self, channel: u16, method: impl Into<Method<'m>>) -> Outcome<()> {
        let mut out = Vec::new();
        method.into().write(channel, &mut out);
        self.send(&out)
    }

    /// Waits for the reply of that name; deliveries and confirms before it are dropped. The number it carries.
    pub(crate) fn wait(&mut self, name: &str) -> Outcome<u32> {
        loop {
            match self.event()? {
                Event::Reply(found, number) if found == name => return Ok(number),
                Event::Delivery { .. } | Event::Ack(_) | Event::Heartbeat => {}
                other => return Err(format!("expected {name}, got {other:?}")),
            }
        }
    }

    /// The next thing that arrives.
    pub(crate) fn event(&mut self) -> Outcome<Event> {
        loop {
            let step = match self.inbound.next(&self.input[self.at..]) {
                Err(refused) => return Err(format!("the broker sent nonsense: {refused}")),
                Ok(Some((Incoming::Method { channel, method }, used))) => {
                    Some((Some(reply(channel, &method)), used))
                }
                Ok(Some((Incoming::Content { content, .. }, used))) => {
                    let body = content.body.as_slice();
                    let event = match content.method() {
                        ContentMethod::Deliver(m) => Event::Delivery {
                            tag: m.delivery_tag,
                            redelivered: m.redelivered,
                            body: body.to_vec(),
                        },
                        ContentMethod::GetOk(m) => Event::Got(m.delivery_tag, body.len()),
                        other => Event::Reply(other.id().name(), 0),
                    };
                    Some((Some(event), used))
                }
                Ok(Some((Incoming::Heartbeat, used))) => Some((Some(Event::Heartbeat), used)),
                Ok(Some((Incoming::Partial, used))) => Some((None, used)),
                Ok(None) => None,
            };
            let Some((event, used)) = step else {
                if self.fill()? {
                    continue;
                }
                return Ok(Event::End);
            };
            self.at += used;
            if let Some(event) = event {
                self.answer_close(&event);
                return Ok(event);
            }
        }
    }

    /// Reads more; `false` at the end.
    fn fill(&mut self) -> Outcome<bool> {
        self.input.drain(..std::mem::take(&mut self.at));
        let end = self.input.len();
        self.input.resize(end + 256 * 1024, 0);
        let read = self.socket.read(&mut self.input[end..]);
        self.input.truncate(end + read.as_ref().map_or(0, |count| *count));
        match read {
            Ok(count) => Ok(count > 0),
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
                Ok(false)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(format!("the broker said nothing for {} s", READ_TIMEOUT.as_secs()))
            }
            Err(error) => Err(format!("read: {error}")),
        }
    }

    fn answer_close(&mut self, event: &Event) {
        let mut out = Vec::new();
        match event {
            Event::Close { channel: 0, .. } => connection::CloseOk.write(0, &mut out),
            Event::Close { channel, .. } => channel::CloseOk.write(*channel, &mut out),
            _ => return,
        }
        // It may be gone already.
        let _ = self.socket.write_all(&out);
    }

    /// Reads to the end of the stream; what the broker said last, in short.
    pub(crate) fn farewell(&mut self) -> Outcome<String> {
        let mut said = "end of stream".to_owned();
        loop {
            match self.event()? {
                Event::End => return Ok(said),
                Event::Close { code, text, .. } => said = format!("{code} {text}"),
                _ => {}
            }
        }
    }

    pub(crate) fn open(&mut self, channel: u16) -> Outcome<()> {
        self.send_method(channel, channel::Open)?;
        self.wait("channel.open-ok").map(drop)
    }

    pub(crate) fn queue<'a>(&self, name: &'a str) -> queue::Declare<'a> {
        queue::Declare { queue: short(name), ..Default::default() }
    }

    /// Declares a queue; how many messages are in it.
    pub(crate) fn declare(&mut self, name: &str, arguments: &[(&str, i64)]) -> Outcome<u32> {
        let arguments = arguments.iter().map(|(name, value)| (*name, FieldValue::from(*value))).collect();
        self.send_method(1, queue::Declare { arguments, ..self.queue(name) })?;
        self.wait("queue.declare-ok")
    }

    pub(crate) fn delete(&mut self, name: &str) -> Outcome<u32> {
        self.send_method(1, queue::Delete { queue: short(name), ..Default::default() })?;
        self.wait("queue.delete-ok")
    }

    pub(crate) fn publish(&mut self, channel: u16, queue: &str, body: &[u8]) -> Outcome<()> {
        let mut out = Vec::new();
        put_publish(&mut out, channel, queue, body);
        self.send(&out)
    }

    pub(crate) fn consume(&mut self, queue: &str, tag: &str, no_ack: bool) -> Outcome<()> {
        let (queue, consumer_tag) = (short(queue), short(tag));
        self.send_method(1, basic::Consume { queue, consumer_tag, no_ack, ..Default::default() })?;
        self.wait("basic.consume-ok").map(drop)
    }

    /// Closes as one should.
    pub(crate) fn close(mut self) -> Outcome<()> {
        self.send_method(0, connection::Close { reply_code: 200, ..Default::default() })?;
        self.wait("connection.close-ok").map(drop)
    }

    /// Goes without a word: a reset, as when a machine loses power and another answers for it.
    pub(crate) fn reset(self) {
        let _ = socket2::SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }
}

/// Appends a transient publishing to a queue.
pub(crate) fn put_publish(out: &mut Vec<u8>, channel: u16, queue: &str, body: &[u8]) {
    basic::Publish { routing_key: short(queue), ..Default::default() }.write(channel, out);
    let properties = RawProperties::EMPTY;
    ContentHeader { class_id: BASIC_CLASS, body_size: body.len() as u64, properties }.write(channel, out);
    put_body(out, channel, body, FRAME_MAX);
}

fn reply(channel: u16, method: &Method<'_>) -> Event {
    match method {
        Method::BasicAck(ack) => Event::Ack(ack.delivery_tag),
        Method::ChannelClose(close) => {
            Event::Close { channel, code: close.reply_code, text: close.reply_text.to_string() }
        }
        Method::ConnectionClose(close) => {
            Event::Close { channel: 0, code: close.reply_code, text: close.reply_text.to_string() }
        }
        Method::QueueDeclareOk(ok) => Event::Reply(method.id().name(), ok.message_count),
        Method::QueueDeleteOk(ok) => Event::Reply(method.id().name(), ok.message_count),
        Method::QueuePurgeOk(ok) => Event::Reply(method.id().name(), ok.message_count),
        _ => Event::Reply(method.id().name(), 0),
    }
}

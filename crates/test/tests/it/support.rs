//! A client that speaks frame by frame and shows what it got as short texts.

use leveret_protocol::handshake::{Answer, ClientHandshake, ClientStep, Tuning};
use leveret_protocol::methods::{basic, channel, confirm, connection, queue};
use leveret_protocol::{
    BASIC_CLASS, ContentHeader, ContentMethod, FieldTable, Inbound, InboundLimits, Incoming, Method,
    Properties, RawProperties, Role, ShortStr, put_body,
};
use leveret_test::TestBroker;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub(crate) struct Raw {
    stream: Box<dyn Stream>,
    input: Vec<u8>,
    inbound: Inbound,
}

pub(crate) fn short(text: &str) -> ShortStr<'_> {
    ShortStr::new(text).unwrap()
}

pub(crate) fn declare(name: &str) -> queue::Declare<'_> {
    queue::Declare { queue: short(name), durable: true, ..Default::default() }
}

impl Raw {
    /// In process, with channel 1 open.
    pub(crate) async fn to(broker: &TestBroker) -> Self {
        Self::try_named(broker, "raw", 0).await.unwrap()
    }

    pub(crate) async fn named(broker: &TestBroker, name: &str) -> Self {
        Self::try_named(broker, name, 0).await.unwrap()
    }

    pub(crate) async fn try_named(broker: &TestBroker, name: &str, heartbeat: u16) -> io::Result<Self> {
        let stream = broker.connector().connect().await?;
        Self::over(stream, name, heartbeat).await
    }

    pub(crate) async fn over(stream: impl Stream + 'static, name: &str, heartbeat: u16) -> io::Result<Self> {
        let mut stream: Box<dyn Stream> = Box::new(stream);
        let wish = Tuning { channel_max: 0, frame_max: 0, heartbeat };
        let mut machine = ClientHandshake::new(wish, short("/"));
        let (mut input, mut out) = (Vec::new(), Vec::new());
        loop {
            let Some((step, used)) = machine.next(&input, &mut out).unwrap() else {
                stream.write_all(&out).await?;
                out.clear();
                if stream.read_buf(&mut input).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                continue;
            };
            let is_open = matches!(step, ClientStep::Open);
            if let ClientStep::Start(_) = step {
                let names = ["consumer_cancel_notify", "connection.blocked"];
                let capabilities: FieldTable = names.into_iter().map(|name| (name, true)).collect();
                let answer = Answer {
                    client_properties: [
                        ("connection_name", name.into()),
                        ("capabilities", capabilities.into()),
                    ]
                    .into_iter()
                    .collect::<Vec<(&str, leveret_protocol::FieldValue)>>()
                    .into_iter()
                    .collect(),
                    mechanism: short("PLAIN"),
                    response: b"\0guest\0guest",
                    locale: short("en_US"),
                };
                machine.start_ok(answer, &mut out);
            }
            input.drain(..used);
            if is_open {
                stream.write_all(&out).await?;
                let limits = InboundLimits { frame_max: 131_072, message_bytes_max: 1 << 30, channel_max: 0 };
                let mut raw = Self { stream, input, inbound: Inbound::new(Role::Client, limits) };
                assert_eq!(raw.call(channel::Open).await, "channel.open-ok");
                return Ok(raw);
            }
        }
    }

    pub(crate) async fn tell<'m>(&mut self, method: impl Into<Method<'m>>) {
        let mut out = Vec::new();
        method.into().write(1, &mut out);
        self.stream.write_all(&out).await.unwrap();
    }

    pub(crate) async fn call<'m>(&mut self, method: impl Into<Method<'m>>) -> String {
        self.tell(method).await;
        self.next().await
    }

    pub(crate) async fn confirm(&mut self) {
        assert_eq!(self.call(confirm::Select::default()).await, "confirm.select-ok");
    }

    /// Publishes to a queue, persistently.
    pub(crate) async fn publish(&mut self, queue: &str, body: &str) {
        let mut out = Vec::new();
        basic::Publish { routing_key: short(queue), ..Default::default() }.write(1, &mut out);
        let mut raw = Vec::new();
        let headers = FieldTable::from([("n", body.get(..10).unwrap_or(body))]);
        Properties { delivery_mode: Some(2), headers: Some(headers), ..Default::default() }.encode(&mut raw);
        let properties = RawProperties::parse(&raw).unwrap();
        ContentHeader { class_id: BASIC_CLASS, body_size: body.len() as u64, properties }.write(1, &mut out);
        put_body(&mut out, 1, body.as_bytes(), 4096);
        self.stream.write_all(&out).await.unwrap();
    }

    /// The next thing that arrives, as a text; how the stream ended, if it did.
    pub(crate) async fn next(&mut self) -> String {
        loop {
            match self.inbound.next(&self.input).unwrap() {
                Some((incoming, used)) => {
                    let text = describe(&incoming);
                    self.input.drain(..used);
                    if text == "connection.close 320" {
                        let mut out = Vec::new();
                        connection::CloseOk.write(0, &mut out);
                        let _ = self.stream.write_all(&out).await;
                    }
                    if let Some(text) = Some(text).filter(|text| !text.is_empty()) {
                        return text;
                    }
                }
                None => match self.stream.read_buf(&mut self.input).await {
                    Ok(0) => return "end".into(),
                    Ok(_) => {}
                    Err(error) => return format!("{:?}", error.kind()),
                },
            }
        }
    }

    /// What lies here after everything has settled.
    pub(crate) async fn arrived(&mut self, broker: &TestBroker) -> Vec<String> {
        broker.settle().await;
        let mut all = Vec::new();
        loop {
            tokio::select! {
                biased;
                text = self.next() => {
                    let is_over = text == "end" || text == "ConnectionReset";
                    all.push(text);
                    if is_over {
                        return all;
                    }
                }
                () = std::future::ready(()) => return all,
            }
        }
    }
}

fn describe(incoming: &Incoming<'_>) -> String {
    match incoming {
        Incoming::Partial => String::new(),
        Incoming::Heartbeat => "heartbeat".into(),
        Incoming::Content { content, .. } => {
            let name = match content.method() {
                ContentMethod::Deliver(m) if m.redelivered => "redelivery",
                ContentMethod::Deliver(_) => "deliver",
                ContentMethod::Return(_) => "return",
                ContentMethod::GetOk(_) => "get-ok",
                ContentMethod::Publish(_) => "publish",
            };
            format!("{name} {}", String::from_utf8_lossy(content.body.as_slice()))
        }
        Incoming::Method { method, .. } => match method {
            Method::BasicAck(m) => {
                format!("ack {}{}", m.delivery_tag, if m.multiple { " multiple" } else { "" })
            }
            Method::BasicNack(m) => format!("nack {}", m.delivery_tag),
            Method::ConnectionClose(m) => format!("connection.close {}", m.reply_code),
            other => other.id().name().into(),
        },
    }
}

/// Numbers of publishings in acks, whether they came alone or together.
pub(crate) fn acked_through(texts: &[String]) -> Option<u64> {
    texts.iter().filter_map(|text| text.strip_prefix("ack ")?.split(' ').next()?.parse().ok()).max()
}

/// What a future panics with.
pub(crate) async fn panic_of(future: impl Future<Output = ()> + Send + 'static) -> String {
    let error = tokio::spawn(future).await.unwrap_err().into_panic();
    *error.downcast::<String>().expect("a text")
}

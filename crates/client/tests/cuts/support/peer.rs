//! A broker's side of a connection that does what the test says: it answers as a broker does until a given method comes.

use bytes::BytesMut;
use leveret_client::{Address, Connector};
use leveret_protocol::handshake::{Greeting, ServerHandshake, ServerStep, Tuning};
use leveret_protocol::methods::{basic, channel, confirm, connection, exchange, queue};
use leveret_protocol::{
    FieldTable, Inbound, InboundLimits, Method, RawProperties, Role, ShortStr, put_content, put_heartbeat,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;

use super::got::{Got, describe};

/// Bytes a pipe takes before whoever writes has to wait.
const PIPE_BYTES: usize = 16 << 10;

/// Connections that a client opens come in here.
pub(crate) struct Peers(mpsc::UnboundedReceiver<DuplexStream>);

impl Peers {
    pub(crate) fn new() -> (Connector, Self) {
        Self::at(|_| true)
    }

    /// Where somebody listens; elsewhere the connection is refused.
    pub(crate) fn at(is_there: impl Fn(&Address) -> bool + Send + Sync + 'static) -> (Connector, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let connector = Connector::new(move |address| {
            let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
            let is_there = is_there(&address) && sender.send(theirs).is_ok();
            let refused = std::io::ErrorKind::ConnectionRefused;
            std::future::ready(is_there.then_some(ours).ok_or_else(|| refused.into()))
        });
        (connector, Self(receiver))
    }

    /// The next connection, as it is.
    pub(crate) async fn accept(&mut self) -> Peer {
        Peer::new(self.0.recv().await.expect("the test holds the connector"))
    }

    /// The next connection, open.
    pub(crate) async fn open(&mut self) -> Peer {
        self.open_with(0).await
    }

    /// The same with heartbeats, in seconds.
    pub(crate) async fn open_with(&mut self, heartbeat: u16) -> Peer {
        let mut peer = self.accept().await;
        peer.shake(usize::MAX, heartbeat).await;
        peer
    }

    /// The next connection of a minute, if there is one.
    pub(crate) async fn accept_or_never(&mut self) -> Option<Peer> {
        let minute = std::time::Duration::from_secs(60);
        tokio::time::timeout(minute, self.0.recv()).await.ok().flatten().map(Peer::new)
    }

    /// Whether a connection waits.
    pub(crate) fn is_called(&self) -> bool {
        !self.0.is_empty()
    }
}

pub(crate) struct Peer {
    stream: DuplexStream,
    input: BytesMut,
    inbound: Inbound,
    /// Publishings so far on each channel.
    published: Vec<u64>,
    /// Publishings are confirmed.
    pub(crate) confirms: bool,
    /// What is not answered.
    pub(crate) mute: Vec<&'static str>,
}

pub(crate) fn short(text: &str) -> ShortStr<'_> {
    ShortStr::new(text).unwrap()
}

/// Steps of a handshake: the header is answered, then start-ok, then open.
pub(crate) const STEPS: usize = 3;

impl Peer {
    fn new(stream: DuplexStream) -> Self {
        let limits = InboundLimits { frame_max: 131_072, message_bytes_max: 1 << 30, channel_max: 0 };
        let inbound = Inbound::new(Role::Server, limits);
        Self { stream, input: BytesMut::new(), inbound, published: vec![0; 64], confirms: true, mute: vec![] }
    }

    /// Answers so many steps of the handshake.
    pub(crate) async fn shake(&mut self, steps: usize, heartbeat: u16) {
        let mut machine = ServerHandshake::new(Greeting {
            server_properties: FieldTable::from([("product", "silence")]),
            mechanisms: "PLAIN".into(),
            locales: "en_US".into(),
        });
        let (mut out, mut answered) = (Vec::new(), 0);
        while machine.negotiated().is_none() {
            let Some((step, used)) = machine.next(&self.input, &mut out).unwrap() else {
                if !out.is_empty() {
                    if answered == steps {
                        return;
                    }
                    answered += 1;
                    self.stream.write_all(&out).await.unwrap();
                    out.clear();
                }
                assert_ne!(self.stream.read_buf(&mut self.input).await.unwrap(), 0, "it left");
                continue;
            };
            match step {
                ServerStep::Authenticate { .. } => {
                    machine.accept(Tuning { channel_max: 2047, frame_max: 131_072, heartbeat }, &mut out);
                }
                ServerStep::Open { .. } => machine.open_ok(&mut out),
                _ => {}
            }
            let _ = self.input.split_to(used);
        }
        if answered < steps {
            self.stream.write_all(&out).await.unwrap();
        }
    }

    /// What comes next; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Got> {
        loop {
            if let Some((incoming, used)) = self.inbound.next(&self.input).unwrap() {
                let got = describe(&incoming);
                let _ = self.input.split_to(used);
                if got.name == "channel.close-ok" {
                    self.inbound.forget_channel(got.channel);
                }
                if got.name.is_empty() {
                    continue;
                }
                return Some(got);
            }
            if !matches!(self.stream.read_buf(&mut self.input).await, Ok(1..)) {
                return None;
            }
        }
    }

    /// Bytes, whatever they are; 0 at the end of the stream.
    pub(crate) async fn read_some(&mut self) -> usize {
        self.input.clear();
        self.stream.read_buf(&mut self.input).await.unwrap_or(0)
    }

    /// Answers what is there, without waiting, and says that it is alive.
    pub(crate) async fn serve_and_beat(&mut self) {
        while let Ok(Some(got)) = tokio::time::timeout(std::time::Duration::ZERO, self.next()).await {
            self.answer(&got).await;
        }
        self.beat().await;
    }

    /// Nothing but heartbeats came until now.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        while let Ok(got) = tokio::time::timeout(std::time::Duration::ZERO, self.next()).await {
            if got.is_none_or(|got| got.name != "heartbeat") {
                return false;
            }
        }
        true
    }

    pub(crate) async fn tell<'m>(&mut self, channel: u16, method: impl Into<Method<'m>>) {
        let mut out = Vec::new();
        method.into().write(channel, &mut out);
        self.say(&out).await;
    }

    /// Bytes as they are. A client that is gone does not mind.
    pub(crate) async fn say(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    pub(crate) async fn beat(&mut self) {
        let mut out = Vec::new();
        put_heartbeat(&mut out);
        self.say(&out).await;
    }

    pub(crate) async fn deliver(&mut self, channel: u16, tag: u64, consumer_tag: &str, body: &str) {
        let mut out = Vec::new();
        basic::Deliver { consumer_tag: short(consumer_tag), delivery_tag: tag, ..Default::default() }
            .write(channel, &mut out);
        put_content(&mut out, channel, RawProperties::EMPTY, body.as_bytes(), 4096);
        self.say(&out).await;
    }

    /// Closes a channel as a broker does.
    pub(crate) async fn close_channel(&mut self, channel: u16, code: u16, by: (u16, u16)) {
        let (class_id, method_id) = by;
        let reply_text = short("NO");
        self.tell(channel, channel::Close { reply_code: code, reply_text, class_id, method_id }).await;
        self.inbound.forget_channel(channel);
        self.published[usize::from(channel)] = 0;
    }

    pub(crate) async fn close_connection(&mut self, code: u16) {
        let reply_text = short("GO");
        self.tell(0, connection::Close { reply_code: code, reply_text, ..Default::default() }).await;
    }

    /// Answers everything until this comes, which is not answered. Panics when the client leaves before.
    #[track_caller]
    pub(crate) fn until(&mut self, name: &'static str) -> impl Future<Output = Got> {
        let place = std::panic::Location::caller();
        async move {
            loop {
                let got = self.next().await;
                let Some(got) = got else { panic!("{place}: the client left before {name}") };
                if got.name == name {
                    return got;
                }
                self.answer(&got).await;
            }
        }
    }

    /// Answers everything until the client leaves; gives what came.
    pub(crate) async fn serve(&mut self) -> Vec<Got> {
        let mut all = Vec::new();
        while let Some(got) = self.next().await {
            self.answer(&got).await;
            all.push(got);
        }
        all
    }

    /// What a broker answers.
    pub(crate) async fn answer(&mut self, got: &Got) {
        if self.mute.contains(&got.name) {
            return;
        }
        let (mut out, number) = (Vec::new(), got.channel);
        match got.name {
            "connection.close" => connection::CloseOk.write(0, &mut out),
            "channel.open" => {
                self.published[usize::from(number)] = 0;
                channel::OpenOk.write(number, &mut out);
            }
            "channel.close" => {
                self.inbound.forget_channel(number);
                channel::CloseOk.write(number, &mut out);
            }
            "confirm.select" => confirm::SelectOk.write(number, &mut out),
            "basic.qos" => basic::QosOk.write(number, &mut out),
            "basic.consume" => {
                basic::ConsumeOk { consumer_tag: short(&got.text) }.write(number, &mut out);
            }
            "basic.cancel" => basic::CancelOk { consumer_tag: short(&got.text) }.write(number, &mut out),
            "exchange.declare" => exchange::DeclareOk.write(number, &mut out),
            "queue.declare" => {
                queue::DeclareOk { queue: short(&got.text), ..Default::default() }.write(number, &mut out);
            }
            "queue.bind" => queue::BindOk.write(number, &mut out),
            "basic.publish" => {
                self.published[usize::from(number)] += 1;
                if self.confirms {
                    let delivery_tag = self.published[usize::from(number)];
                    basic::Ack { delivery_tag, multiple: false }.write(number, &mut out);
                }
            }
            _ => {}
        }
        self.say(&out).await;
    }
}

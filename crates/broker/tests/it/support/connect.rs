//! Opening a connection, with wishes.

use super::{Client, short};
use leveret_broker::Broker;
use leveret_protocol::FieldTable;
use leveret_protocol::handshake::{Answer, ClientHandshake, ClientStep, Tuning};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Any transport.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// What a client says of itself and asks for.
#[derive(Debug, Clone)]
pub(crate) struct Connect {
    pub(crate) tuning: Tuning,
    /// `consumer_cancel_notify`, `connection.blocked`, `authentication_failure_close`.
    pub(crate) capable: bool,
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
    pub(crate) vhost: &'static str,
}

impl Default for Connect {
    fn default() -> Self {
        let tuning = Tuning { channel_max: 0, frame_max: 0, heartbeat: 0 };
        Self { tuning, capable: true, user: "guest", password: "guest", vhost: "/" }
    }
}

impl Connect {
    /// A client that knows nothing of RabbitMQ's notifications.
    pub(crate) fn plain() -> Self {
        Self { capable: false, ..Self::default() }
    }

    pub(crate) fn heartbeat_s(seconds: u16) -> Self {
        let tuning = Tuning { channel_max: 0, frame_max: 0, heartbeat: seconds };
        Self { tuning, ..Self::default() }
    }

    /// In process.
    pub(crate) async fn to(self, broker: &Broker) -> Client {
        self.over(broker.connect()).await
    }

    /// Over any transport, with channel 1 open.
    pub(crate) async fn over(self, stream: impl Stream + 'static) -> Client {
        match self.try_over(stream).await {
            Ok(client) => client,
            Err(refusal) => panic!("the broker refused the connection: {refusal}"),
        }
    }

    /// The same; the error is what the broker said in `connection.close`, or that it closed the stream.
    pub(crate) async fn try_over(self, stream: impl Stream + 'static) -> Result<Client, String> {
        let mut stream: Box<dyn Stream> = Box::new(stream);
        let mut machine = ClientHandshake::new(self.tuning, short(self.vhost));
        let (mut input, mut out) = (Vec::new(), Vec::new());
        loop {
            let (used, open) = match machine.next(&input, &mut out).map_err(|error| error.to_string())? {
                None => {
                    if stream.read_buf(&mut input).await.map_err(|error| error.to_string())? == 0 {
                        return Err("the stream ended".into());
                    }
                    continue;
                }
                Some((ClientStep::Start(_), used)) => {
                    let response = format!("\0{}\0{}", self.user, self.password);
                    let answer = Answer {
                        client_properties: self.properties(),
                        mechanism: short("PLAIN"),
                        response: response.as_bytes(),
                        locale: short("en_US"),
                    };
                    machine.start_ok(answer, &mut out);
                    (used, false)
                }
                Some((ClientStep::Closed(close), _)) => {
                    return Err(format!("{} {}", close.reply_code, close.reply_text));
                }
                Some((ClientStep::Open, used)) => (used, true),
                Some((_, used)) => (used, false),
            };
            input.drain(..used);
            // A server that gave up may not read what is left to say; what it said before is what counts.
            let _ = stream.write_all(&out).await;
            out.clear();
            if open {
                let tuning = machine.negotiated().unwrap();
                let mut client = Client::new(stream, input, tuning);
                client.open(1).await;
                return Ok(client);
            }
        }
    }

    fn properties(&self) -> FieldTable {
        let names = ["consumer_cancel_notify", "connection.blocked", "authentication_failure_close"];
        let capabilities: FieldTable = names.into_iter().map(|name| (name, self.capable)).collect();
        FieldTable::from([("capabilities", capabilities)])
    }
}

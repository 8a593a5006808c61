//! One attempt at one address: every socket address that its name has, in order, each with the deadline of an attempt. A cluster behind one
//! name is so many brokers, of which one may be away.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use leveret_protocol::FieldTable;
use parking_lot::Mutex;
use tokio::time::timeout;

use super::handshake::handshake;
use super::link::Link;
use super::tries::Tries;
use crate::error::ConnectError;
use crate::options::ConnectOptions;
use crate::transport::Connector;
use crate::uri::Address;

/// Why an attempt at an address failed; the errors themselves are among the [`Tries`].
pub(super) struct Failed {
    pub(super) text: String,
    /// Whether it is to be tried again.
    pub(super) is_transient: bool,
}

/// An open connection, and what the broker says of itself.
pub(super) type Dialed = (Link, FieldTable);

pub(super) async fn dial(
    connector: Connector,
    address: Address,
    options: ConnectOptions,
    tries: Arc<Mutex<Tries>>,
) -> Result<Dialed, Failed> {
    let after = options.connect_timeout;
    let resolved = timeout(after, connector.resolve(&address)).await;
    let unreachable = |source| ConnectError::Unreachable { address: address.to_string(), source };
    match resolved.map_err(|_| ConnectError::Timeout(after)).and_then(|found| found.map_err(unreachable)) {
        Ok(sockets) => dial_each(&connector, &address, sockets, &options, &tries).await,
        Err(error) => {
            let text = error.to_string();
            let mut tries = tries.lock();
            tries.begin(&address, None);
            tries.failed(&address, None, error);
            Err(Failed { text, is_transient: true })
        }
    }
}

async fn dial_each(
    connector: &Connector,
    address: &Address,
    sockets: Vec<Option<SocketAddr>>,
    options: &ConnectOptions,
    tries: &Mutex<Tries>,
) -> Result<Dialed, Failed> {
    let after = options.connect_timeout;
    let mut failed = Failed { text: String::new(), is_transient: true };
    for socket in sockets {
        tries.lock().begin(address, socket);
        let connecting = async {
            let mut stream = connector.open(address, socket, options).await?;
            let mut input = BytesMut::new();
            let (tuning, broker) = handshake(&mut stream, &mut input, options).await?;
            Ok((Link::new(stream, input, tuning, options.message_bytes_max), broker))
        };
        let error = match timeout(after, connecting).await.unwrap_or(Err(ConnectError::Timeout(after))) {
            Ok(dialed) => return Ok(dialed),
            Err(error) => error,
        };
        tracing::warn!(%address, ?socket, %error, "attempt to connect failed");
        if !failed.text.is_empty() {
            failed.text.push_str("; ");
        }
        failed.text.push_str(&error.to_string());
        failed.is_transient = error.is_transient();
        tries.lock().failed(address, socket, error);
        if !failed.is_transient {
            break;
        }
    }
    Err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use leveret_protocol::handshake::{Greeting, ServerHandshake, ServerStep, Tuning};
    use std::time::{Duration, Instant};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    /// A broker's side, as far as an open connection.
    async fn shake(mut stream: TcpStream) -> TcpStream {
        let mut machine = ServerHandshake::new(Greeting {
            server_properties: FieldTable::from([("product", "the third")]),
            mechanisms: "PLAIN".to_owned(),
            locales: "en_US".to_owned(),
        });
        let (mut input, mut out, mut open) = (BytesMut::new(), Vec::new(), false);
        while !open {
            let Some((step, used)) = machine.next(&input, &mut out).unwrap() else {
                stream.write_all(&out).await.unwrap();
                out.clear();
                assert_ne!(stream.read_buf(&mut input).await.unwrap(), 0);
                continue;
            };
            match step {
                ServerStep::Authenticate { .. } => {
                    let tuning = Tuning { channel_max: 10, frame_max: 131_072, heartbeat: 0 };
                    machine.accept(tuning, &mut out);
                }
                ServerStep::Open { .. } => {
                    machine.open_ok(&mut out);
                    open = true;
                }
                _ => {}
            }
            let _ = input.split_to(used);
        }
        stream.write_all(&out).await.unwrap();
        stream
    }

    /// The first that the name had was waited for until the deadline of the whole, and the others were not tried at all.
    #[tokio::test]
    async fn every_address_of_a_name_is_tried_with_a_deadline_of_its_own() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sockets: Vec<_> = [&silent, &closed, &there].map(|socket| socket.local_addr().unwrap()).into();
        drop(closed);
        let broker = tokio::spawn(async move { shake(there.accept().await.unwrap().0).await });
        let (name, tries) = (Address::new("mq.example", 5672), Mutex::default());
        let after = Duration::from_millis(200);
        let options = ConnectOptions::default().connect_timeout(after);
        let began = Instant::now();
        let each = |sockets: &[SocketAddr]| sockets.iter().copied().map(Some).collect::<Vec<_>>();
        let connector = Connector::socket();
        let dialed = dial_each(&connector, &name, each(&sockets), &options, &tries).await;
        let (_link, broker_says) = dialed.unwrap_or_else(|failed| panic!("{}", failed.text));
        assert_eq!(broker_says.get("product").and_then(|product| product.as_str()), Some("the third"));
        assert!(began.elapsed() >= after, "the first was given its time");
        drop(broker.await.unwrap());
        tries.lock().clear();

        let failed = dial_each(&connector, &name, each(&sockets[..2]), &options, &tries).await.err().unwrap();
        assert!(failed.is_transient);
        let error = tries.lock().take(after).unwrap();
        let ConnectError::NoBroker { tried } = &error else { panic!("{error:?}") };
        assert_eq!(tried.len(), 2, "{error}");
        for (tried, socket) in tried.iter().zip(&sockets) {
            assert_eq!(tried.address, format!("mq.example:5672 ({socket})"));
        }
        assert!(matches!(tried[0].error, ConnectError::Timeout(time) if time == after), "{error}");
        assert!(matches!(tried[1].error, ConnectError::Unreachable { .. }), "{error}");
    }
}

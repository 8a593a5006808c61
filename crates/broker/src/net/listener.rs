//! Accepting connections: plain TCP, TLS, and inside the process.

use super::connection::Connection;
use super::handshake::Handshake;
use super::tls::{self, Tls, TlsInfo};
use crate::auth::{PeerInfo, PeerTls};
use crate::broker::{Broker, BrokerInner};
use crate::inspect::Endpoints;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, TcpStream};

/// Connections the kernel holds for a listener that is busy.
const BACKLOG: u32 = 4096;
/// Bytes the in-process transport buffers in each direction.
const IN_PROCESS_BYTES: usize = 256 * 1024;
/// Pause after a failed accept (no file handles left, for example), so that the loop does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

impl Broker {
    /// Listens for AMQP 0-9-1 over plain TCP. Returns the address, whose port the system chose when 0 was asked for.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn listen_amqp(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        let listener = bind(address)?;
        let bound = listener.local_addr()?;
        let broker = Arc::downgrade(&self.0);
        let task = tokio::spawn(async move {
            loop {
                let accepted = listener.accept().await;
                let Some(broker) = broker.upgrade() else { return };
                match accepted {
                    Ok((stream, peer)) => accept_plain(broker, stream, peer),
                    Err(error) => refuse_accept(&broker, &error).await,
                }
            }
        });
        self.0.add_listener(task.abort_handle());
        Ok(bound)
    }

    /// Listens for AMQP 0-9-1 over TLS. Certificates that [`Tls::reload`] reads are used for connections that come later.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn listen_amqps(&self, address: SocketAddr, tls: Arc<Tls>) -> io::Result<SocketAddr> {
        let listener = bind(address)?;
        let bound = listener.local_addr()?;
        let broker = Arc::downgrade(&self.0);
        let task = tokio::spawn(async move {
            loop {
                let accepted = listener.accept().await;
                let Some(broker) = broker.upgrade() else { return };
                match accepted {
                    Ok((stream, peer)) => {
                        tokio::spawn(accept_tls(broker, stream, peer, tls.clone()));
                    }
                    Err(error) => refuse_accept(&broker, &error).await,
                }
            }
        });
        self.0.add_listener(task.abort_handle());
        Ok(bound)
    }

    /// A connection without a socket: the broker serves the other end of the returned stream.
    #[must_use]
    pub fn connect(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(IN_PROCESS_BYTES);
        serve(self.0.clone(), ours, PeerInfo::in_process(), Arrival::in_process());
        theirs
    }
}

impl Broker {
    /// The same for the broker's own part, a shovel: it logs in with anything, is RabbitMQ's user `none`, and may do everything in every
    /// virtual host. `name` is what lists of connections show.
    #[must_use]
    pub fn connect_trusted(&self, name: &str) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(IN_PROCESS_BYTES);
        let peer = PeerInfo { trusted: true, ..PeerInfo::in_process() };
        serve(self.0.clone(), ours, peer, Arrival { name: name.into(), ..Arrival::in_process() });
        theirs
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG as i32)?;
    TcpListener::from_std(socket.into())
}

async fn refuse_accept(broker: &Arc<BrokerInner>, error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted; raise the limit on open files (ulimit -n) if it was reached");
    broker.clock().sleep(ACCEPT_RETRY).await;
}

fn accept_plain(broker: Arc<BrokerInner>, stream: TcpStream, peer: SocketAddr) {
    let arrival = Arrival::of(&stream, peer);
    let _ = stream.set_nodelay(true);
    serve(broker, stream, PeerInfo::at(peer.ip(), PeerTls::Off), arrival);
}

async fn accept_tls(broker: Arc<BrokerInner>, stream: TcpStream, peer: SocketAddr, tls: Arc<Tls>) {
    let mut arrival = Arrival::of(&stream, peer);
    let _ = stream.set_nodelay(true);
    let timeout = broker.config().handshake_timeout;
    match tokio::time::timeout(timeout, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => {
            let peer_tls = tls::peer(stream.get_ref().1);
            arrival.tls = Some(Box::new(tls::info(stream.get_ref().1)));
            serve(broker, stream, PeerInfo::at(peer.ip(), peer_tls), arrival);
        }
        Ok(Err(error)) => tracing::warn!(connection = %arrival.name, %error, "TLS handshake failed"),
        Err(_) => tracing::warn!(connection = %arrival.name, ?timeout, "TLS handshake took too long"),
    }
}

/// Where a connection comes from.
struct Arrival {
    /// RabbitMQ's name of it: `peer:port -> own:port`.
    name: String,
    endpoints: Option<Endpoints>,
    tls: Option<Box<TlsInfo>>,
}

impl Arrival {
    fn of(stream: &TcpStream, peer: SocketAddr) -> Self {
        match stream.local_addr() {
            Ok(own) => {
                Self { name: format!("{peer} -> {own}"), endpoints: Some(Endpoints { peer, own }), tls: None }
            }
            Err(_) => Self { name: peer.to_string(), endpoints: None, tls: None },
        }
    }

    fn in_process() -> Self {
        Self { name: "in-process".into(), endpoints: None, tls: None }
    }
}

fn serve<S>(broker: Arc<BrokerInner>, stream: S, peer: PeerInfo, arrival: Arrival)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Arrival { name, endpoints, tls } = arrival;
    let handle = match broker.admit() {
        Ok(handle) => handle,
        Err(refusal) => {
            tracing::warn!(connection = %name, %refusal, "connection refused");
            return;
        }
    };
    let _ = handle.name.set(name.as_str().into());
    endpoints.inspect(|endpoints| _ = handle.endpoints.set(*endpoints));
    tls.into_iter().for_each(|tls| _ = handle.tls.set(tls));
    let handshake = Handshake::new(broker.clone(), peer, handle.clone());
    tokio::spawn(Connection::new(stream, broker, handle, handshake, name).run());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};

    /// Takes all that is written at once and hands it on when it is flushed, as TLS does.
    struct Holding {
        inner: DuplexStream,
        held: Vec<u8>,
    }

    impl AsyncRead for Holding {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.inner).poll_read(cx, buf)
        }
    }

    impl AsyncWrite for Holding {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.held.extend_from_slice(buf);
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            let this = &mut *self;
            while !this.held.is_empty() {
                match Pin::new(&mut this.inner).poll_write(cx, &this.held) {
                    Poll::Ready(Ok(count)) => drop(this.held.drain(..count)),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.inner).poll_shutdown(cx)
        }
    }

    /// The accident: the end of what a slow reader was sent over TLS stayed in the TLS layer until something else was to be written.
    #[tokio::test]
    async fn what_the_stream_holds_is_flushed_to_the_end() {
        let broker = Broker::in_memory();
        let (inner, mut client) = tokio::io::duplex(16);
        serve(
            broker.0.clone(),
            Holding { inner, held: Vec::new() },
            PeerInfo::in_process(),
            Arrival::in_process(),
        );
        client.write_all(b"AMQP\0\0\x09\x01").await.unwrap();
        let mut head = [0; 7];
        client.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
        let mut rest = vec![0; length + 1];
        let read = tokio::time::timeout(Duration::from_secs(10), client.read_exact(&mut rest)).await;
        read.expect("the rest of connection.start stays in the stream").unwrap();
        assert_eq!(rest[length], 0xCE);
    }
}

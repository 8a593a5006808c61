//! Accepting connections: plain TCP, TLS, and inside the process.

use super::connection::Connection;
use super::handshake::Handshake;
use super::tls::{self, Tls};
use crate::auth::{PeerInfo, PeerTls};
use crate::broker::{Broker, BrokerInner};
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
        serve(self.0.clone(), ours, PeerInfo::in_process(), "in-process".into());
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
    let name = name_of(&stream, peer);
    let _ = stream.set_nodelay(true);
    serve(broker, stream, PeerInfo::at(peer.ip(), PeerTls::Off), name);
}

async fn accept_tls(broker: Arc<BrokerInner>, stream: TcpStream, peer: SocketAddr, tls: Arc<Tls>) {
    let name = name_of(&stream, peer);
    let _ = stream.set_nodelay(true);
    let timeout = broker.config().handshake_timeout;
    match tokio::time::timeout(timeout, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => {
            let peer_tls = tls::peer(stream.get_ref().1);
            serve(broker, stream, PeerInfo::at(peer.ip(), peer_tls), name);
        }
        Ok(Err(error)) => tracing::warn!(connection = %name, %error, "TLS handshake failed"),
        Err(_) => tracing::warn!(connection = %name, ?timeout, "TLS handshake took too long"),
    }
}

/// RabbitMQ's name of a connection: `peer:port -> own:port`.
fn name_of(stream: &TcpStream, peer: SocketAddr) -> String {
    match stream.local_addr() {
        Ok(own) => format!("{peer} -> {own}"),
        Err(_) => peer.to_string(),
    }
}

fn serve<S>(broker: Arc<BrokerInner>, stream: S, peer: PeerInfo, name: String)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handle = match broker.admit() {
        Ok(handle) => handle,
        Err(refusal) => {
            tracing::warn!(connection = %name, %refusal, "connection refused");
            return;
        }
    };
    let _ = handle.name.set(name.as_str().into());
    let handshake = Handshake::new(broker.clone(), peer, handle.id);
    tokio::spawn(Connection::new(stream, broker, handle, handshake, name).run());
}

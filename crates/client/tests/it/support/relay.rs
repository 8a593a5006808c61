//! A way to a broker that can be cut: bytes are carried over a port of its own, with TLS or without, and never looked at.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use leveret_client::{Address, ConnectOptions, Connection, ConnectionState};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use super::SOON;

#[derive(Default)]
struct Shared {
    /// Raised to end every connection made before.
    cuts: watch::Sender<u64>,
    /// Whether the broker does not notice the end of a connection for now.
    holds: watch::Sender<bool>,
    refuses: AtomicBool,
    /// What the broker may send over the next connection before that ends.
    allowed: AtomicU64,
    /// What the broker has sent over the newest connection.
    arrived: AtomicU64,
    /// Connections so far.
    opened: AtomicU64,
}

pub(crate) struct Relay {
    shared: Arc<Shared>,
    options: ConnectOptions,
    accepting: tokio::task::AbortHandle,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

impl Relay {
    /// To the first address of these options.
    pub(super) async fn start(options: ConnectOptions) -> Self {
        let shared = Arc::new(Shared { allowed: AtomicU64::new(u64::MAX), ..Shared::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        let there = options.addresses[0].clone();
        let mut options = options.addresses([address(here)]);
        // The certificate is the broker's, whatever the way to it.
        if let Some(tls) = &mut options.tls {
            tls.server_name.get_or_insert_with(|| there.host.clone());
            // RabbitMQ 3.10 sometimes does not notice the end of a TLS connection that it writes to just then, before heartbeats are
            // missing.
            options.heartbeat = Duration::from_secs(1);
        }
        let accepting = tokio::spawn(accept(listener, there, shared.clone())).abort_handle();
        Self { shared, options, accepting }
    }

    pub(crate) fn options(&self) -> ConnectOptions {
        self.options.clone()
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::connect(self.options()).await.unwrap()
    }

    /// Ends every connection.
    pub(crate) fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// From now on the broker does not notice that connections end, or all at once that they have.
    pub(crate) fn hold(&self, holds: bool) {
        self.shared.holds.send_replace(holds);
    }

    /// From now on connections end as soon as they are made, or no longer.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.shared.refuses.store(refuses, SeqCst);
    }

    /// The next connection ends once the broker has sent so many bytes over it.
    pub(crate) fn cut_next_after(&self, bytes: u64) {
        self.shared.allowed.store(bytes, SeqCst);
    }

    /// Bytes that the broker has sent over the newest connection.
    pub(crate) fn arrived(&self) -> u64 {
        self.shared.arrived.load(SeqCst)
    }

    /// Connections made so far.
    pub(crate) fn opened(&self) -> u64 {
        self.shared.opened.load(SeqCst)
    }

    /// Cuts and waits until the connection is back.
    pub(crate) async fn cut_and_wait(&self, connection: &Connection) {
        let mut watch = connection.watch();
        self.cut();
        let lost = watch.wait_for(|state| matches!(state, ConnectionState::Recovering { .. }));
        timeout(SOON, lost).await.unwrap().unwrap();
        let back = watch.wait_for(|state| matches!(state, ConnectionState::Connected));
        timeout(SOON, back).await.unwrap().unwrap();
    }
}

fn address(address: SocketAddr) -> Address {
    Address::new(address.ip().to_string(), address.port())
}

async fn accept(listener: TcpListener, there: Address, shared: Arc<Shared>) {
    while let Ok((ours, _)) = listener.accept().await {
        if shared.refuses.load(SeqCst) {
            continue;
        }
        shared.opened.fetch_add(1, SeqCst);
        shared.arrived.store(0, SeqCst);
        let allowed = shared.allowed.swap(u64::MAX, SeqCst);
        let (mut cuts, mut holds) = (shared.cuts.subscribe(), shared.holds.subscribe());
        let (there, shared) = (there.clone(), shared.clone());
        tokio::spawn(async move {
            let Ok(mut theirs) = TcpStream::connect((&*there.host, there.port)).await else { return };
            let _ = (ours.set_nodelay(true), theirs.set_nodelay(true));
            let (from_client, to_client) = ours.into_split();
            let (from_broker, to_broker) = theirs.split();
            // Whichever side ends, both do.
            tokio::select! {
                () = carry(from_client, to_broker, |_| {}) => {}
                () = carry(from_broker.take(allowed), to_client, |bytes| {
                    shared.arrived.fetch_add(bytes, SeqCst);
                }) => {}
                _ = cuts.changed() => {}
            }
            let _ = holds.wait_for(|holds| !holds).await;
            // In order, and what the broker still sends is read.
            let _ = theirs.shutdown().await;
            let _ = timeout(SOON, tokio::io::copy(&mut theirs, &mut tokio::io::sink())).await;
        });
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut passed: impl FnMut(u64),
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
        passed(length as u64);
    }
}

//! Between a test and a broker that runs somewhere: where its connections fail.

use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use leveret::client::uri::Address;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::looks::BESIDE;

pub(super) struct Relay {
    port: u16,
    shared: Arc<Shared>,
    /// Ends with the relay.
    ends: CancellationToken,
}

struct Shared {
    brokers: Vec<Address>,
    /// Of the connections that are open.
    cut: Mutex<CancellationToken>,
    refuses: AtomicBool,
    stalled: watch::Sender<bool>,
}

impl Relay {
    pub(super) fn start(brokers: Vec<Address>) -> Self {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            brokers,
            cut: Mutex::default(),
            refuses: AtomicBool::new(false),
            stalled: watch::Sender::new(false),
        });
        let ends = CancellationToken::new();
        let (accepting, end) = (shared.clone(), ends.clone());
        BESIDE.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Some(Ok((client, _))) = end.run_until_cancelled(listener.accept()).await {
                if accepting.refuses.load(SeqCst) {
                    let _ = client.set_zero_linger();
                    continue;
                }
                tokio::spawn(accepting.clone().carry(client));
            }
        });
        Self { port, shared, ends }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Resets every connection, on both sides.
    pub(super) fn cut(&self) {
        std::mem::take(&mut *self.shared.cut.lock()).cancel();
    }

    pub(super) fn refuse(&self, refuses: bool) {
        self.shared.refuses.store(refuses, SeqCst);
    }

    pub(super) fn stall_answers(&self) {
        self.shared.stalled.send_replace(true);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.ends.cancel();
        self.cut();
    }
}

impl Shared {
    async fn carry(self: Arc<Self>, mut client: TcpStream) {
        let cut = self.cut.lock().clone();
        let Some(mut broker) = self.reach().await else { return };
        let _ = (client.set_nodelay(true), broker.set_nodelay(true));
        {
            let (mut from_client, mut to_client) = client.split();
            let (mut from_broker, mut to_broker) = broker.split();
            let never = watch::Sender::new(false);
            tokio::select! {
                () = cut.cancelled() => {}
                () = copy(&mut from_client, &mut to_broker, never.subscribe()) => {}
                () = copy(&mut from_broker, &mut to_client, self.stalled.subscribe()) => {}
            }
        }
        if cut.is_cancelled() {
            let _ = (client.set_zero_linger(), broker.set_zero_linger());
        }
    }

    async fn reach(&self) -> Option<TcpStream> {
        for Address { host, port } in &self.brokers {
            if let Ok(broker) = TcpStream::connect((host.as_str(), *port)).await {
                return Some(broker);
            }
        }
        None
    }
}

/// Until one side ends. What arrives while it is stalled is kept by the sockets.
async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut stalled: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let _ = stalled.wait_for(|stalled| !stalled).await;
        let read = tokio::select! {
            biased;
            _ = stalled.wait_for(|stalled| *stalled) => continue,
            read = from.read(&mut buffer) => read,
        };
        match read {
            Ok(count) if count > 0 && to.write_all(&buffer[..count]).await.is_ok() => {}
            _ => return,
        }
    }
}

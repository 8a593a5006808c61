//! A way to a broker that the test can cut, or that cuts itself.

use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// `tx.commit`, from the size of its frame to its end.
pub(super) const TX_COMMIT: &[u8] = &[0, 0, 0, 4, 0, 90, 0, 20, 0xCE];

/// See the module's documentation.
pub(super) struct Way {
    pub(super) address: SocketAddr,
    is_cut: Arc<watch::Sender<bool>>,
}

impl Way {
    /// `until`: cuts itself before it carries these bytes from a client to the broker.
    pub(super) async fn to(broker: SocketAddr, until: Option<&'static [u8]>) -> Way {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let is_cut = Arc::new(watch::Sender::new(false));
        let cut = is_cut.clone();
        tokio::spawn(async move {
            let mut over = cut.subscribe();
            loop {
                tokio::select! {
                    () = cut_off(&mut over) => return,
                    accepted = listener.accept() => {
                        let client = accepted.unwrap().0;
                        let broker = TcpStream::connect(broker).await.unwrap();
                        let (from_client, to_client) = client.into_split();
                        let (from_broker, to_broker) = broker.into_split();
                        tokio::spawn(carry(from_client, to_broker, cut.clone(), until));
                        tokio::spawn(carry(from_broker, to_client, cut.clone(), None));
                    }
                }
            }
        });
        Way { address, is_cut }
    }

    pub(super) fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    /// Waits until it has cut itself.
    pub(super) async fn is_cut(&self) {
        cut_off(&mut self.is_cut.subscribe()).await;
    }
}

async fn cut_off(is_cut: &mut watch::Receiver<bool>) {
    is_cut.wait_for(|is_cut| *is_cut).await.map(drop).unwrap();
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    cut: Arc<watch::Sender<bool>>,
    until: Option<&'static [u8]>,
) {
    let mut over = cut.subscribe();
    let mut piece = vec![0; 65_536];
    // What is looked for may lie across pieces.
    let mut tail = Vec::new();
    loop {
        let count = tokio::select! {
            () = cut_off(&mut over) => return,
            read = from.read(&mut piece) => read.unwrap_or(0),
        };
        if let Some(until) = until {
            tail.extend_from_slice(&piece[..count]);
            if tail.windows(until.len()).any(|part| part == until) {
                cut.send_replace(true);
                return;
            }
            tail.drain(..tail.len().saturating_sub(until.len() - 1));
        }
        if count == 0 || to.write_all(&piece[..count]).await.is_err() {
            return;
        }
    }
}

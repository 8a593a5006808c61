//! The handle that tests hold.

use crate::builder::{Builder, Data, Setup};
use crate::faults::Faults;
use crate::relay::{Ending, Hub};
use crate::transport::{ClientEnd, Connector};
use leveret_broker::{Broker, Clock};
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// A broker for one test; see the crate's documentation. Clones are handles to the same broker, which ends with the last of them:
/// its connections are closed, its folder is removed.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use leveret_test::TestBroker;
///
/// let broker = TestBroker::start().await;
/// println!("any AMQP client may connect to {}", broker.url().await);
/// assert!(broker.queues().is_empty());
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct TestBroker(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) hub: Arc<Hub>,
    pub(crate) setup: Setup,
    pub(crate) data: Data,
    /// Where its data lies now, last; those before belong to brokers that were killed and may not know it yet.
    pub(crate) folders: Mutex<Vec<TempDir>>,
    listener: tokio::sync::Mutex<Option<(SocketAddr, AbortHandle)>>,
}

impl TestBroker {
    /// Starts a broker in memory on a virtual clock. Call it inside a tokio runtime.
    ///
    /// # Panics
    /// It does not start.
    pub async fn start() -> Self {
        match Self::builder().start().await {
            Ok(broker) => broker,
            Err(error) => panic!("the test broker does not start: {error}"),
        }
    }

    /// Settings for another kind of start.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(
        setup: Setup,
        data: Data,
        folder: Option<TempDir>,
        clock: Clock,
        broker: Broker,
        record_bytes_max: usize,
    ) -> Self {
        let hub = Arc::new(Hub::new(clock, broker, record_bytes_max));
        let folders = Mutex::new(folder.into_iter().collect());
        Self(Arc::new(Inner { hub, setup, data, folders, listener: tokio::sync::Mutex::new(None) }))
    }

    /// Opens connections without sockets.
    #[must_use]
    pub fn connector(&self) -> Connector {
        Connector(Arc::downgrade(&self.0.hub))
    }

    /// Where clients that need a socket connect to: `amqp://guest:guest@127.0.0.1:PORT`. The port is opened at the first call and
    /// stays the same over restarts; all faults apply to connections that come through it.
    ///
    /// # Panics
    /// No port of the loopback interface can be opened.
    pub async fn url(&self) -> String {
        let config = &self.0.setup.config;
        format!("amqp://{}:{}@{}", config.default_user, config.default_pass, self.address().await)
    }

    /// The address of [`url`](Self::url).
    ///
    /// # Panics
    /// No port of the loopback interface can be opened.
    pub async fn address(&self) -> SocketAddr {
        let mut listener = self.0.listener.lock().await;
        if let Some((address, _)) = &*listener {
            return *address;
        }
        let opened = TcpListener::bind("127.0.0.1:0").await.and_then(|socket| {
            let address = socket.local_addr()?;
            Ok((socket, address))
        });
        let (socket, address) = match opened {
            Ok(opened) => opened,
            Err(error) => panic!("no port on 127.0.0.1 can be opened: {error}"),
        };
        let hub = Arc::downgrade(&self.0.hub);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let Some(hub) = hub.upgrade() else { return };
                let _ = stream.set_nodelay(true);
                // A connection that is refused is reset: the port itself stays, or somebody else might take it.
                let reset = socket2::SockRef::from(&stream).try_clone();
                if hub.open(ClientEnd::Socket(stream)).is_err()
                    && let Ok(socket) = reset
                {
                    let _ = socket.set_linger(Some(std::time::Duration::ZERO));
                }
            }
        });
        *listener = Some((address, task.abort_handle()));
        address
    }

    /// What can be made to go wrong.
    #[must_use]
    pub fn faults(&self) -> Faults {
        Faults(self.0.hub.clone())
    }

    /// The broker itself, for everything this type has no word for. A restart puts another one in its place.
    ///
    /// # Panics
    /// A restart is under way.
    #[must_use]
    pub fn broker(&self) -> Broker {
        match self.0.hub.broker() {
            Some(broker) => broker,
            None => panic!("the test broker is being restarted, or its restart failed"),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some((_, task)) = self.listener.get_mut().take() {
            task.abort();
        }
        self.hub.end_all(Ending::Close);
        if let Some(broker) = self.hub.put_broker(None) {
            // Its tasks may outlive this handle by some turns, and its folder is about to be removed.
            broker.close_store();
        }
    }
}

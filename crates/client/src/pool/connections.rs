//! The few connections that a pool's publishers or channels lie on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

use crate::connection::{Connection, ConnectionState};
use crate::error::{ConnectError, Error};
use crate::options::ConnectOptions;
use crate::transport::Connector;

/// They are made when they are needed and taken in turn. One that was closed for good is replaced; one that recovers is waited for by
/// what runs on it.
#[derive(Debug)]
pub(super) struct Connections {
    connector: Connector,
    options: ConnectOptions,
    slots: Mutex<Vec<Arc<Slot>>>,
    next: AtomicUsize,
}

#[derive(Debug, Default)]
struct Slot {
    connection: OnceCell<Connection>,
    /// One that is being made, and that nobody waits for at the moment.
    left: Mutex<Option<Making>>,
}

type Making = JoinHandle<Result<Connection, ConnectError>>;

/// A connection in the making, for as long as its borrower waits; it is left for the next one, who would begin with the first address
/// again, and never come to the second where the first takes longer than borrowers wait.
struct Waited<'a>(&'a Slot, Option<Making>);

impl Drop for Waited<'_> {
    fn drop(&mut self) {
        *self.0.left.lock() = self.1.take();
    }
}

impl Connections {
    pub(super) fn new(connector: Connector, options: ConnectOptions, count: usize) -> Self {
        let slots = (0..count.max(1)).map(|_| Arc::default()).collect();
        Self { connector, options, slots: Mutex::new(slots), next: AtomicUsize::new(0) }
    }

    pub(super) async fn next(&self) -> Result<Connection, ConnectError> {
        let slot = {
            let mut slots = self.slots.lock();
            let at = self.next.fetch_add(1, Relaxed) % slots.len();
            let is_over =
                |connection: &Connection| matches!(connection.state(), ConnectionState::Closed { .. });
            if slots[at].connection.get().is_some_and(is_over) {
                slots[at] = Arc::default();
            }
            slots[at].clone()
        };
        slot.connection.get_or_try_init(|| self.make(&slot)).await.cloned()
    }

    /// Waits for the one that was left, if it comes to something, or for a new one.
    async fn make(&self, slot: &Slot) -> Result<Connection, ConnectError> {
        let left = slot.left.lock().take();
        // What it failed with while nobody waited was the matter then.
        let stale = left.as_ref().is_some_and(JoinHandle::is_finished);
        if let Some(left) = left {
            let made = waited(slot, left).await;
            if made.is_ok() || !stale {
                return made;
            }
        }
        let (connector, options) = (self.connector.clone(), self.options.clone());
        waited(slot, tokio::spawn(Connection::connect_over(connector, options))).await
    }
}

async fn waited(slot: &Slot, making: Making) -> Result<Connection, ConnectError> {
    let mut waited = Waited(slot, Some(making));
    let Some(making) = &mut waited.1 else { return Err(gone()) };
    let made = making.await;
    waited.1 = None;
    made.unwrap_or_else(|_| Err(gone()))
}

fn gone() -> ConnectError {
    ConnectError::Closed(Error::Lost("the runtime is shutting down".into()))
}

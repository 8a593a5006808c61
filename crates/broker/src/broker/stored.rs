//! Waiting until changes are on stable storage.

use super::Broker;
use leveret_store::{Notify, State, Store, Ticket};
use std::sync::Arc;
use std::time::Duration;

/// How often the store is looked at while it waits for space: it does not say when it began to.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Changes are not on stable storage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotStored {
    /// The disk is full. The changes are in force and wait; they are stored once there is space.
    #[error("the disk is full ({text}): the change is in force and is stored once there is space")]
    Full {
        /// What the disk said.
        text: String,
    },
    /// The store failed, or is closed because the broker stops. What is in force may be gone after the next start.
    #[error("{text}")]
    Failed {
        /// What failed and what to do.
        text: String,
    },
}

/// Wakes whoever waits, from the store's thread.
#[derive(Debug, Default)]
struct Waiter(tokio::sync::Notify);

impl Notify for Waiter {
    fn notify(&self) {
        self.0.notify_one();
    }
}

impl Broker {
    /// Waits until every change of virtual hosts, users, permissions, policies, parameters and entities that was made before the call is on
    /// stable storage: after a crash it is there. Returns at once for a broker in memory. It takes as long as the disk takes, and ends when the
    /// store cannot go on.
    ///
    /// # Errors
    /// The disk is full, or the store has failed or is closed.
    pub async fn stored(&self) -> Result<(), NotStored> {
        let Some(store) = self.0.store() else { return Ok(()) };
        self.0.save_definitions();
        let ticket = self.0.changes().ticket();
        if self.0.changes().lost() > 0 {
            return Err(failed(store));
        }
        let waiter = Arc::new(Waiter::default());
        let watcher: Arc<dyn Notify> = waiter.clone();
        store.watch(ticket, &watcher);
        while !is_stored(store, ticket)? {
            tokio::select! {
                () = waiter.0.notified() => {}
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
        Ok(())
    }
}

fn is_stored(store: &Store, ticket: Ticket) -> Result<bool, NotStored> {
    // The state first: what was stored before it failed is then known.
    let state = store.state();
    if store.synced() >= ticket {
        return Ok(true);
    }
    match state {
        State::Running => Ok(false),
        State::Full { text } => Err(NotStored::Full { text }),
        State::Failed { text } => Err(NotStored::Failed { text }),
    }
}

/// It does not take anything any more.
fn failed(store: &Store) -> NotStored {
    match store.state() {
        State::Failed { text } => NotStored::Failed { text },
        _ => NotStored::Failed { text: leveret_store::StoreError::Closed.to_string() },
    }
}

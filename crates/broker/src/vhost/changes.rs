//! Changes of entities on their way into the store.

use crate::definitions::stored;
use crate::exchange::Destination;
use crate::queue::Queue;
use crate::topology::{Binding, Removed, Topology};
use leveret_store::{Batch, Store, Ticket, Urgency};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Remembers the last of them.
#[derive(Debug, Default)]
pub(crate) struct Changes(AtomicU64);

impl Changes {
    /// Appends a batch; nothing happens when there is nothing in it.
    pub(crate) fn append(&self, store: Option<&Arc<Store>>, batch: &mut Batch) {
        let Some(store) = store else { return batch.clear() };
        if !batch.is_empty()
            // A store that failed says so to whoever waits for it.
            && let Ok(ticket) = store.append(batch, Urgency::Synced, None)
        {
            self.note(ticket);
        }
    }

    /// A change was appended elsewhere.
    pub(crate) fn note(&self, ticket: Ticket) {
        self.0.fetch_max(ticket, Ordering::AcqRel);
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.0.load(Ordering::Acquire)
    }
}

pub(super) fn is_lasting(queue: &Queue) -> bool {
    queue.spec().durable && queue.spec().exclusive_owner.is_none()
}

/// Whether a binding outlives a restart: both of its ends do.
pub(super) fn is_lasting_binding(topology: &Topology<Arc<Queue>>, binding: &Binding) -> bool {
    topology.exchange(binding.source()).is_some_and(|exchange| exchange.durable)
        && match binding.destination() {
            Destination::Queue(name) => topology.queue(name).is_some_and(|queue| is_lasting(queue)),
            Destination::Exchange(name) => topology.exchange(name).is_some_and(|exchange| exchange.durable),
        }
}

/// What went is taken out of the store. Whether all of it was there is not known any more; what was not is not missed.
pub(super) fn removed(batch: &mut Batch, vhost: &str, removed: &Removed) {
    for exchange in &removed.exchanges {
        stored::remove_exchange(batch, vhost, exchange);
    }
    for binding in &removed.bindings {
        stored::remove_binding(batch, vhost, binding);
    }
}

//! Changes of entities on their way into the store.

use crate::definitions::stored;
use crate::exchange::Destination;
use crate::queue::Queue;
use crate::topology::{Binding, Removed, Topology};
use leveret_store::{Batch, Store, Ticket, Urgency};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Remembers the last of them, and how many the store did not take.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    last: AtomicU64,
    lost: AtomicU64,
}

impl Changes {
    /// Appends a batch; nothing happens when there is nothing in it.
    pub(crate) fn append(&self, store: Option<&Arc<Store>>, batch: &mut Batch) {
        let Some(store) = store else { return batch.clear() };
        if batch.is_empty() {
            return;
        }
        match store.append(batch, Urgency::Synced, None) {
            Ok(ticket) => self.note(ticket),
            // The store has just failed, or is closed. Whoever asked for the change sees the count and answers nothing.
            Err(_) => _ = self.lost.fetch_add(1, Ordering::AcqRel),
        }
    }

    /// A change was appended elsewhere.
    pub(crate) fn note(&self, ticket: Ticket) {
        self.last.fetch_max(ticket, Ordering::AcqRel);
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.last.load(Ordering::Acquire)
    }

    /// Changes that the store did not take.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Acquire)
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

#[cfg(test)]
mod tests {
    use super::*;
    use leveret_store::Options;
    use leveret_store::disk::MemoryDisk;

    /// The accident: a change that the store had just stopped taking was answered with an -ok, because nobody waited for it.
    #[test]
    fn what_the_store_does_not_take_is_counted() {
        let disk = Arc::new(MemoryDisk::new());
        let (store, _) = Store::open(disk, Options::default(), &mut |_| ()).unwrap();
        let (changes, mut batch) = (Changes::default(), Batch::new());
        batch.put(b"key", b"value");
        changes.append(Some(&store), &mut batch);
        assert_eq!((changes.ticket(), changes.lost()), (1, 0));
        store.close();
        batch.put(b"key", b"value");
        changes.append(Some(&store), &mut batch);
        assert_eq!((changes.ticket(), changes.lost()), (1, 1));
    }
}

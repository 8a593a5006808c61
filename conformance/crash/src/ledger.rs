//! What the store has promised, at every call to its disk.

use leveret_store::{Store, Ticket};
use parking_lot::Mutex;
use std::sync::Arc;

/// Batches by ticket, over all starts of one disk.
#[derive(Debug, Default)]
pub struct Ledger {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    store: Option<Arc<Store>>,
    /// Batches before the last start; all of them were stored.
    before: u64,
    /// Tickets of those since.
    tickets: Vec<Ticket>,
    /// One more is being handed over.
    begun: bool,
}

/// What is known at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// So many batches were appended.
    pub appended: u64,
    /// So many of them, from the first on, are said to be synced.
    pub synced: u64,
}

impl Known {
    /// Both in one number.
    #[must_use]
    pub fn pack(self) -> u64 {
        self.appended << 32 | self.synced
    }

    /// The reverse.
    #[must_use]
    pub fn unpack(both: u64) -> Self {
        Self { appended: both >> 32, synced: both & 0xffff_ffff }
    }
}

impl Ledger {
    /// The store has started; everything before is stored.
    pub fn started(&self, store: &Arc<Store>) {
        let mut inner = self.inner.lock();
        inner.before += inner.tickets.len() as u64;
        inner.tickets.clear();
        inner.store = Some(store.clone());
    }

    /// The store is stopped, in order: everything is stored.
    pub fn stopped(&self) {
        let mut inner = self.inner.lock();
        inner.before += inner.tickets.len() as u64;
        inner.tickets.clear();
        inner.store = None;
    }

    /// A batch is about to be appended.
    pub fn begin(&self) {
        self.inner.lock().begun = true;
    }

    /// It was appended under this ticket; or refused.
    pub fn end(&self, ticket: Option<Ticket>) {
        let mut inner = self.inner.lock();
        inner.begun = false;
        inner.tickets.extend(ticket);
    }

    /// What is known now.
    #[must_use]
    pub fn known(&self) -> Known {
        let inner = self.inner.lock();
        let appended = inner.before + inner.tickets.len() as u64;
        let synced = inner.store.as_ref().map_or(0, |store| store.synced());
        let synced = inner.tickets.partition_point(|ticket| *ticket <= synced) as u64;
        Known { appended: appended + u64::from(inner.begun), synced: inner.before + synced }
    }
}

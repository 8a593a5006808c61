//! What was borrowed, until it is dropped.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::{Entry, Inner, Manage};

/// A borrowed item: goes back to its pool when it is dropped.
pub struct Guard<M: Manage> {
    inner: Arc<Inner<M>>,
    /// `None` only while it is dropped.
    entry: Option<Entry<M::Item>>,
    lease: u64,
    is_discarded: bool,
    _permit: OwnedSemaphorePermit,
}

impl<M: Manage> Guard<M> {
    pub(super) fn new(
        inner: Arc<Inner<M>>,
        entry: Entry<M::Item>,
        permit: OwnedSemaphorePermit,
        place: &'static Location<'static>,
    ) -> Self {
        let lease = inner.leases.begin(place);
        Self { inner, entry: Some(entry), lease, is_discarded: false, _permit: permit }
    }

    /// The item is broken: it goes, and another is made when it is needed.
    pub fn discard(mut self) {
        self.is_discarded = true;
    }
}

impl<M: Manage> Deref for Guard<M> {
    type Target = M::Item;

    fn deref(&self) -> &M::Item {
        match &self.entry {
            Some(entry) => &entry.item,
            None => unreachable!("a guard has its item until it is dropped"),
        }
    }
}

impl<M: Manage> DerefMut for Guard<M> {
    fn deref_mut(&mut self) -> &mut M::Item {
        match &mut self.entry {
            Some(entry) => &mut entry.item,
            None => unreachable!("a guard has its item until it is dropped"),
        }
    }
}

impl<M: Manage> fmt::Debug for Guard<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("pool", &self.inner.options.name).finish_non_exhaustive()
    }
}

impl<M: Manage> Drop for Guard<M> {
    fn drop(&mut self) {
        if let Some(held) = self.inner.leases.end(self.lease)
            && held.reported
        {
            let (pool, held_ms) = (&*self.inner.options.name, held.time.as_millis() as u64);
            tracing::info!(pool, borrowed_at = %held.place, held_ms, "what was reported as a leak came back");
        }
        // (The permit goes after this, as a field: who waits finds the item.)
        if let Some(entry) = self.entry.take()
            && !self.is_discarded
        {
            self.inner.give_back(entry);
        }
    }
}

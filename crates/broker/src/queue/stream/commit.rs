//! What of a stream is on stable storage: up to there its messages are delivered, kept on disk alone and taken out by retention.
//!
//! Messages get their offsets under the queue's lock and are appended to the store after it, so several batches may be on their way at
//! a time and be appended in another order. A consumer that saw an offset may remember it, so no offset is shown that a crash could
//! give to another message.

use super::super::Queue;
use leveret_store::{Notify, Store, Ticket};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use tokio::runtime::Handle;

/// A batch on its way: where it begins, where the next does.
#[derive(Debug)]
struct Batch {
    first: u64,
    end: u64,
    /// `None`: not appended yet.
    ticket: Option<Ticket>,
}

#[derive(Debug, Default)]
struct Inner {
    batches: VecDeque<Batch>,
    /// The store was asked to say when the first of them is stored.
    watched: bool,
}

/// See the module's documentation. Its lock is a leaf.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    inner: Mutex<Inner>,
    end: AtomicU64,
}

impl Commits {
    /// Everything before this offset is on stable storage.
    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// A restart found everything before this offset.
    pub(crate) fn restore(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }

    /// Offsets `first..end` are about to be appended; said under the queue's lock.
    pub(crate) fn begin(&self, first: u64, end: u64) {
        self.inner.lock().batches.push_back(Batch { first, end, ticket: None });
    }

    /// Everything before this offset was appended.
    pub(crate) fn appended_end(&self) -> u64 {
        let inner = self.inner.lock();
        let waiting = inner.batches.iter().find(|batch| batch.ticket.is_none());
        waiting.map(|batch| batch.first).or(inner.batches.back().map(|batch| batch.end)).unwrap_or(self.end())
    }

    fn appended(&self, first: u64, ticket: Ticket) {
        let mut inner = self.inner.lock();
        if let Some(batch) = inner.batches.iter_mut().find(|batch| batch.first == first) {
            batch.ticket = Some(ticket);
        }
    }

    /// What to wait for next, if nobody waits yet.
    fn begin_watch(&self) -> Option<Ticket> {
        let mut inner = self.inner.lock();
        let ticket = inner.batches.front()?.ticket?;
        (!std::mem::replace(&mut inner.watched, true)).then_some(ticket)
    }

    /// Everything up to `synced` is on stable storage.
    fn advance(&self, synced: Ticket) {
        let mut inner = self.inner.lock();
        inner.watched = false;
        while let Some(batch) = inner.batches.pop_front_if(|batch| batch.ticket.is_some_and(|t| t <= synced))
        {
            self.end.store(batch.end, Ordering::Release);
        }
    }
}

/// Wakes a stream when the store has what it waits for.
#[derive(Debug)]
struct Watcher {
    queue: Weak<Queue>,
    runtime: Handle,
}

impl Notify for Watcher {
    fn notify(&self) {
        if let Some(queue) = self.queue.upgrade() {
            self.runtime.spawn(async move { go_on(&queue) });
        }
    }
}

/// The batch that begins at `first` was appended.
pub(crate) fn appended(queue: &Arc<Queue>, first: u64, ticket: Ticket, store: &Store) {
    if let Some(commits) = queue.commits() {
        commits.appended(first, ticket);
        watch(queue, commits, store);
    }
}

fn watch(queue: &Arc<Queue>, commits: &Commits, store: &Store) {
    let Some(vhost) = queue.vhost() else { return };
    if let Some(ticket) = commits.begin_watch() {
        let watcher = Watcher { queue: Arc::downgrade(queue), runtime: vhost.runtime().clone() };
        store.watch(ticket, &(Arc::new(watcher) as Arc<dyn Notify>));
    }
}

fn go_on(queue: &Arc<Queue>) {
    let (Some(commits), Some(vhost)) = (queue.commits(), queue.vhost()) else { return };
    let Some(store) = vhost.store() else { return };
    // Failure first: what was stored before it is then known, and nothing more is waited for.
    let failed = store.is_failed();
    commits.advance(store.synced());
    let now_ms = vhost.clock().now_ms();
    queue.with(|state, queue, outcome| state.committed(queue, now_ms, outcome));
    if !failed {
        watch(queue, commits, store);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_counts_before_what_lies_before_it() {
        let commits = Commits::default();
        commits.begin(0, 5);
        commits.begin(5, 9);
        commits.begin(9, 10);
        assert_eq!((commits.begin_watch(), commits.appended_end()), (None, 0), "nothing was appended");
        commits.appended(5, 1);
        assert_eq!((commits.begin_watch(), commits.appended_end()), (None, 0), "the first is missing");
        commits.appended(0, 2);
        assert_eq!((commits.begin_watch(), commits.appended_end()), (Some(2), 9));
        assert_eq!(commits.begin_watch(), None, "watched already");
        commits.advance(1);
        assert_eq!(commits.end(), 0);
        commits.advance(2);
        assert_eq!((commits.end(), commits.begin_watch()), (9, None));
        commits.appended(9, 3);
        commits.advance(3);
        assert_eq!((commits.end(), commits.appended_end()), (10, 10));
    }
}

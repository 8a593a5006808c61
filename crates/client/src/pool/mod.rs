//! A pool of things that are dear to make: channels, publishers, connections.
//!
//! Bounded in number, fair to who waits, with a deadline; idle items are checked before they are lent again and go when they are old.
//! Nothing is lent again that is not clean ([`Manage::is_reusable`]). What is held too long is reported once, with the place that
//! borrowed it. No lock is held while anything is awaited.

mod channels;
mod connections;
mod error;
mod guard;
mod keeper;
mod leases;
mod options;
mod stats;
#[cfg(test)]
mod tests;

pub use channels::{Channels, OpenError, Pools, PoolsOptions, Publishers};
pub use error::PoolError;
pub use guard::Guard;
pub use options::PoolOptions;
pub use stats::PoolStats;

use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use leases::Leases;

use crate::deadline;

/// How the items of a pool are made and looked after.
pub trait Manage: Send + Sync + 'static {
    /// What is lent.
    type Item: Send + 'static;
    /// Why none could be made.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Makes one. May be dropped when the borrower's deadline has passed.
    fn create(&self) -> impl Future<Output = Result<Self::Item, Self::Error>> + Send;

    /// Whether an item that lay idle for a while still works. Asked before it is lent again.
    fn check(&self, item: &mut Self::Item) -> impl Future<Output = bool> + Send;

    /// Whether an item that comes back is as good as new; one that is not is dropped and another made when it is needed.
    fn is_reusable(&self, item: &Self::Item) -> bool;
}

#[derive(Debug, Default)]
struct Figures {
    waiting: AtomicUsize,
    created: AtomicU64,
    closed: AtomicU64,
    timeouts: AtomicU64,
}

/// An item and its age; what drops it counts it.
struct Entry<T> {
    item: T,
    born: Instant,
    idle_since: Instant,
    figures: Arc<Figures>,
}

impl<T> Drop for Entry<T> {
    fn drop(&mut self) {
        self.figures.closed.fetch_add(1, Relaxed);
    }
}

struct Inner<M: Manage> {
    manage: M,
    options: PoolOptions,
    permits: Arc<Semaphore>,
    /// The one that came back last is at the end and goes out first, so that what is not needed grows old.
    idle: Mutex<VecDeque<Entry<M::Item>>>,
    leases: Leases,
    figures: Arc<Figures>,
    closed: AtomicBool,
}

/// See the module's documentation. Clones are the same pool.
///
/// ```
/// use leveret_client::pool::{Manage, Pool, PoolOptions};
/// use std::convert::Infallible;
///
/// struct Buffers;
///
/// impl Manage for Buffers {
///     type Item = Vec<u8>;
///     type Error = Infallible;
///     async fn create(&self) -> Result<Vec<u8>, Infallible> { Ok(Vec::new()) }
///     async fn check(&self, _: &mut Vec<u8>) -> bool { true }
///     fn is_reusable(&self, item: &Vec<u8>) -> bool { item.is_empty() }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let pool = Pool::new(Buffers, PoolOptions::new("buffers").size_max(2));
/// let mut buffer = pool.get().await.unwrap();
/// buffer.push(1);
/// assert_eq!(pool.stats().in_use, 1);
/// drop(buffer); // not empty: it is not lent again
/// assert_eq!((pool.stats().idle, pool.stats().closed), (0, 1));
/// # });
/// ```
pub struct Pool<M: Manage>(Arc<Inner<M>>);

impl<M: Manage> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: Manage> fmt::Debug for Pool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("options", &self.0.options).field("stats", &self.stats()).finish()
    }
}

impl<M: Manage> Pool<M> {
    /// An empty pool. Its keeper, a task that lives as long as the pool, is started on the current tokio runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(manage: M, options: PoolOptions) -> Self {
        let inner = Arc::new(Inner {
            permits: Arc::new(Semaphore::new(options.size_max.clamp(1, Semaphore::MAX_PERMITS))),
            idle: Mutex::default(),
            leases: Leases::default(),
            figures: Arc::default(),
            closed: AtomicBool::new(false),
            manage,
            options,
        });
        tokio::spawn(keeper::keep(Arc::downgrade(&inner)));
        Self(inner)
    }

    /// Borrows an item; who asked first gets it first. It goes back when the guard is dropped. Waits for at most `wait_max`, making
    /// one included. Dropping the future gives the place in the line up and loses nothing.
    ///
    /// # Errors
    /// See [`PoolError`].
    #[track_caller]
    pub fn get(&self) -> impl Future<Output = Result<Guard<M>, PoolError<M::Error>>> + Send + use<M> {
        let place = Location::caller();
        let inner = self.0.clone();
        async move { Inner::borrow(inner, place).await }
    }

    /// Figures of this moment.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        let inner = &*self.0;
        let (in_use, leaked, leaks) = inner.leases.count();
        PoolStats {
            idle: inner.idle.lock().len(),
            in_use,
            waiting: inner.figures.waiting.load(Relaxed),
            created: inner.figures.created.load(Relaxed),
            closed: inner.figures.closed.load(Relaxed),
            leaked,
            leaks,
            timeouts: inner.figures.timeouts.load(Relaxed),
        }
    }

    /// The pool's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.options.name
    }

    /// Closes it: idle items go, who waits is refused, and lent items go when they come back.
    pub fn close(&self) {
        self.0.closed.store(true, Relaxed);
        self.0.permits.close();
        let idle = std::mem::take(&mut *self.0.idle.lock());
        drop(idle);
    }
}

/// Counts who waits, also when the waiting is given up.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl<M: Manage> Inner<M> {
    async fn borrow(
        inner: Arc<Self>,
        place: &'static Location<'static>,
    ) -> Result<Guard<M>, PoolError<M::Error>> {
        let pool = || inner.options.name.clone();
        let deadline = deadline::after(Instant::now(), inner.options.wait_max);
        let timed_out = || {
            inner.figures.timeouts.fetch_add(1, Relaxed);
            let waited_ms = inner.options.wait_max.as_millis() as u64;
            PoolError::Timeout { pool: pool(), waited_ms, in_use: inner.leases.count().0 }
        };
        let permit = match inner.permits.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let waiters = inner.figures.waiting.fetch_add(1, Relaxed);
                let _waiting = Waiting(&inner.figures.waiting);
                if waiters >= inner.options.waiters_max {
                    return Err(PoolError::Busy { pool: pool(), waiters });
                }
                match timeout_at(deadline, inner.permits.clone().acquire_owned()).await {
                    Ok(Ok(permit)) => permit,
                    Ok(Err(_)) => return Err(PoolError::Closed { pool: pool() }),
                    Err(_) => return Err(timed_out()),
                }
            }
        };
        loop {
            let idle = inner.idle.lock().pop_back();
            let Some(mut entry) = idle else { break };
            if !inner.is_fresh(&entry) || !inner.manage.is_reusable(&entry.item) {
                continue;
            }
            if entry.idle_since.elapsed() >= inner.options.check_after {
                match timeout_at(deadline, inner.manage.check(&mut entry.item)).await {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(_) => return Err(timed_out()),
                }
            }
            return Ok(Guard::new(inner.clone(), entry, permit, place));
        }
        match timeout_at(deadline, inner.manage.create()).await {
            Ok(Ok(item)) => {
                let entry = inner.entry(item);
                Ok(Guard::new(inner.clone(), entry, permit, place))
            }
            Ok(Err(source)) => Err(PoolError::Create { pool: pool(), source }),
            Err(_) => Err(timed_out()),
        }
    }

    fn entry(&self, item: M::Item) -> Entry<M::Item> {
        self.figures.created.fetch_add(1, Relaxed);
        let now = Instant::now();
        Entry { item, born: now, idle_since: now, figures: self.figures.clone() }
    }

    fn is_fresh(&self, entry: &Entry<M::Item>) -> bool {
        entry.born.elapsed() < self.options.lifetime_max && entry.idle_since.elapsed() < self.options.idle_max
    }

    fn give_back(&self, mut entry: Entry<M::Item>) {
        entry.idle_since = Instant::now();
        if self.is_fresh(&entry) && self.manage.is_reusable(&entry.item) {
            let mut idle = self.idle.lock();
            // Looked at under the lock, so that closing finds it.
            if !self.closed.load(Relaxed) {
                idle.push_back(entry);
            }
        }
    }
}

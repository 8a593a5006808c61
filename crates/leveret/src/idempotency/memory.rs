//! What was handled, in memory: for one process, and forgotten with it.

mod entries;

use std::hash::BuildHasher as _;
use std::time::Duration;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::time::Instant;

use self::entries::{Entries, Progress};
use super::{Answer, Claim, Committed, IdempotencyStore};

use crate::deadline;

/// Entries unless told otherwise.
const ENTRIES_MAX: usize = 100_000;

/// Remembers in memory, for the workers of one process that share it; a restart forgets everything.
///
/// Bounded: when there are as many keys as it may hold, what was done longest ago is forgotten, and the window is shorter for that.
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::{Idempotency, Json, MemoryStore, Queue};
/// use std::time::Duration;
///
/// mq.declare(Queue::durable("orders").dead_letter()).await?;
/// let once = Idempotency::new(MemoryStore::with_entries_max(1_000_000)).window(Duration::from_secs(3600));
/// let worker = mq.worker("orders").idempotent(once).handler(|_: Json<u32>| async {});
/// # let _ = worker;
/// # Ok(()) }
/// # leveret::test::run_example(example);
/// ```
#[derive(Debug)]
pub struct MemoryStore {
    entries: Mutex<Entries>,
    hasher: RandomState,
    entries_max: usize,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_entries_max(ENTRIES_MAX)
    }
}

impl MemoryStore {
    /// With another bound on the keys that were done. Default: 100,000, about 20 MB.
    #[must_use]
    pub fn with_entries_max(entries_max: usize) -> Self {
        Self {
            entries: Mutex::default(),
            hasher: RandomState::default(),
            entries_max: entries_max.clamp(1, u32::MAX as usize / 2),
        }
    }

    fn claimed(&self, key: &str, lease: Duration) -> Claim {
        let (hash, now) = (self.hasher.hash_one(key), Instant::now());
        let mut entries = self.entries.lock();
        match entries.find(hash, key) {
            Some((_, Progress::Done, until)) if until > now => Claim::Done,
            Some((_, Progress::Claimed, until)) if until > now => Claim::InProgress,
            Some((token, ..)) => Claim::New(entries.claim_again(token, deadline::after(now, lease))),
            None => Claim::New(entries.insert(hash, key, deadline::after(now, lease))),
        }
    }

    fn done(&self, key: &str, token: u64, window: Duration) -> Committed {
        let now = Instant::now();
        let mut entries = self.entries.lock();
        let token = if entries.has(token) {
            token
        } else {
            // The lease was over, and somebody may have claimed it since.
            let hash = self.hasher.hash_one(key);
            match entries.find(hash, key) {
                Some((_, _, until)) if until > now => return Committed::Lost,
                Some((other, ..)) => entries.claim_again(other, now),
                None => entries.insert(hash, key, now),
            }
        };
        entries.done(token, deadline::after(now, window));
        entries.sweep(now, self.entries_max);
        Committed::Done
    }
}

impl IdempotencyStore for MemoryStore {
    fn claim<'a>(&'a self, key: &'a str, lease: Duration) -> Answer<'a, Claim> {
        Box::pin(std::future::ready(Ok(self.claimed(key, lease))))
    }

    fn claim_now(&self, key: &str, lease: Duration) -> Option<Claim> {
        Some(self.claimed(key, lease))
    }

    fn commit<'a>(&'a self, key: &'a str, token: u64, window: Duration) -> Answer<'a, Committed> {
        Box::pin(std::future::ready(Ok(self.done(key, token, window))))
    }

    fn commit_now(&self, key: &str, token: u64, window: Duration) -> Option<Committed> {
        Some(self.done(key, token, window))
    }

    fn release<'a>(&'a self, _key: &'a str, token: u64) -> Answer<'a, ()> {
        self.entries.lock().release(token);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(10);
    const WINDOW: Duration = Duration::from_secs(60);

    fn token(claim: Claim) -> u64 {
        match claim {
            Claim::New(token) => token,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_one_callers_until_it_is_done_released_or_over() {
        let store = MemoryStore::default();
        let claim = || async { store.claim("k", LEASE).await.unwrap() };
        let first = token(claim().await);
        assert_eq!(claim().await, Claim::InProgress);
        store.release("k", first).await.unwrap();
        let second = token(claim().await);
        tokio::time::advance(LEASE).await;
        let third = token(claim().await);
        store.release("k", second).await.unwrap();
        assert_eq!(claim().await, Claim::InProgress, "what is another's by now is not given back");
        store.commit("k", third, WINDOW).await.unwrap();
        store.release("k", third).await.unwrap();
        assert_eq!(claim().await, Claim::Done);
        tokio::time::advance(WINDOW).await;
        token(claim().await);
    }

    #[tokio::test(start_paused = true)]
    async fn it_has_a_bound_and_forgets_the_oldest() {
        let store = MemoryStore::with_entries_max(2);
        for key in ["a", "b", "c"] {
            let token = token(store.claim(key, LEASE).await.unwrap());
            store.commit(key, token, WINDOW).await.unwrap();
        }
        token(store.claim("a", LEASE).await.unwrap());
        assert_eq!(store.claim("b", LEASE).await.unwrap(), Claim::Done);
        assert_eq!(store.entries.lock().remembered(), 2);
        tokio::time::advance(WINDOW).await;
        let d = token(store.claim("d", LEASE).await.unwrap());
        store.commit("d", d, WINDOW).await.unwrap();
        assert_eq!(store.entries.lock().len(), 2, "a that is claimed and d: what is over is gone");
    }
}

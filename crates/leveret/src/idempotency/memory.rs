//! What was handled, in memory: for one process, and forgotten with it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Answer, Claim, Committed, IdempotencyStore};

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
    state: Mutex<State>,
    entries_max: usize,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<Arc<str>, Entry, RandomState>,
    /// What was done, in the order in which it was.
    done: VecDeque<(Arc<str>, u64)>,
    last_token: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    token: u64,
    done: bool,
    until: Instant,
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
        Self { state: Mutex::default(), entries_max: entries_max.max(1) }
    }
}

impl State {
    /// Forgets what is over, and what is too much.
    fn sweep(&mut self, now: Instant, entries_max: usize) {
        while let Some((key, token)) = self.done.front() {
            let entry = self.entries.get(key).filter(|entry| entry.token == *token);
            if entry.is_some_and(|entry| entry.until > now) && self.done.len() <= entries_max {
                return;
            }
            if entry.is_some() {
                self.entries.remove(key);
            }
            self.done.pop_front();
        }
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
        Box::pin(std::future::ready(Ok(self.put(key, token, window))))
    }

    fn commit_now(&self, key: &str, token: u64, window: Duration) -> Option<Committed> {
        Some(self.put(key, token, window))
    }

    fn release<'a>(&'a self, key: &'a str, token: u64) -> Answer<'a, ()> {
        let mut state = self.state.lock();
        if state.entries.get(key).is_some_and(|entry| entry.token == token && !entry.done) {
            state.entries.remove(key);
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

impl MemoryStore {
    fn put(&self, key: &str, token: u64, window: Duration) -> Committed {
        let now = Instant::now();
        let mut state = self.state.lock();
        let known = state.entries.get_key_value(key);
        if known.is_some_and(|(_, entry)| entry.until > now && entry.token != token) {
            return Committed::Lost;
        }
        let key = known.map_or_else(|| key.into(), |(key, _)| key.clone());
        state.entries.insert(key.clone(), Entry { token, done: true, until: now + window });
        state.done.push_back((key, token));
        state.sweep(now, self.entries_max);
        Committed::Done
    }

    fn claimed(&self, key: &str, lease: Duration) -> Claim {
        let now = Instant::now();
        let mut state = self.state.lock();
        match state.entries.get(key).filter(|entry| entry.until > now) {
            Some(Entry { done: true, .. }) => Claim::Done,
            Some(_) => Claim::InProgress,
            None => {
                state.last_token += 1;
                let token = state.last_token;
                state.entries.insert(key.into(), Entry { token, done: false, until: now + lease });
                Claim::New(token)
            }
        }
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
        assert_eq!(store.state.lock().done.len(), 2);
        tokio::time::advance(WINDOW).await;
        let d = token(store.claim("d", LEASE).await.unwrap());
        store.commit("d", d, WINDOW).await.unwrap();
        assert_eq!(store.state.lock().entries.len(), 2, "a that is claimed and d: what is over is gone");
    }
}

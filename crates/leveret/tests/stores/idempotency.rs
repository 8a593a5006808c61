//! What every idempotency store promises, asked of each: one table of tests.
//!
//! Leases and windows that are to end are a millisecond long, and the store is asked until they have; those that are to last, an hour.

use std::sync::Arc;
use std::time::Duration;

use leveret::idempotency::{Claim, Committed, IdempotencyStore};
use leveret::{MemoryStore, RedbStore, RedisStore, SqlStore};
use sqlx::{Postgres, Sqlite};

use crate::databases::{Fresh, TestDatabase};

const LONG: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(1);

/// A store of one test's own. Opened again, it is the same store for another process, or the next.
trait TestStore: Sized {
    type Store: IdempotencyStore;
    /// Whether what is done outlives the process.
    const LASTS: bool = true;
    async fn fresh() -> Self;
    async fn open(&self) -> Self::Store;
}

struct Memory;

impl TestStore for Memory {
    type Store = MemoryStore;
    const LASTS: bool = false;

    async fn fresh() -> Self {
        Self
    }

    async fn open(&self) -> MemoryStore {
        MemoryStore::default()
    }
}

struct Redb(tempfile::TempDir);

impl TestStore for Redb {
    type Store = RedbStore;

    async fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self) -> RedbStore {
        RedbStore::open(self.0.path().join("handled.redb")).unwrap()
    }
}

struct Redis(String);

impl TestStore for Redis {
    type Store = RedisStore;

    async fn fresh() -> Self {
        Self(format!("test:{:016x}:", rand::random::<u64>()))
    }

    async fn open(&self) -> RedisStore {
        let url = std::env::var("LEVERET_TEST_REDIS_URL");
        let url = url.expect("LEVERET_TEST_REDIS_URL says where Redis is: conformance/stores/run sets it");
        RedisStore::connect(&url).await.unwrap().prefix(&self.0)
    }
}

impl<DB: TestDatabase> TestStore for Fresh<DB> {
    type Store = SqlStore<DB>;

    async fn fresh() -> Self {
        DB::fresh().await
    }

    async fn open(&self) -> SqlStore<DB> {
        let store = SqlStore::new(self.pool.clone());
        store.migrate().await.unwrap();
        store
    }
}

macro_rules! on_each_store {
    ($($name:ident),* $(,)?) => {
        on_each_store!(memory: super::Memory, #[cfg(all())], $($name),*);
        on_each_store!(redb: super::Redb, #[cfg(all())], $($name),*);
        on_each_store!(sqlite: super::Fresh<super::Sqlite>, #[cfg(all())], $($name),*);
        on_each_store!(postgres: super::Fresh<super::Postgres>, #[ignore = "needs PostgreSQL: conformance/stores/run"], $($name),*);
        on_each_store!(redis: super::Redis, #[ignore = "needs Redis: conformance/stores/run"], $($name),*);
    };
    ($store:ident: $of:ty, #[$if:meta], $($name:ident),*) => {
        mod $store {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[$if]
            async fn $name() {
                super::$name::<$of>().await;
            })*
        }
    };
}

on_each_store!(
    a_key_is_one_callers_until_it_is_done_or_released,
    of_many_who_claim_a_key_one_has_it,
    a_lease_that_is_over_is_the_next_ones,
    who_lost_its_lease_commits_only_what_nobody_else_has,
    what_is_done_is_forgotten_after_its_window,
    what_is_done_outlives_its_process,
    keys_are_anything,
);

fn token(claim: Claim) -> u64 {
    match claim {
        Claim::New(token) => token,
        other => panic!("{other:?}"),
    }
}

/// Claims a key as soon as that can be done.
async fn claim_soon(store: &impl IdempotencyStore, key: &str) -> u64 {
    let claimed = async {
        loop {
            if let Claim::New(token) = store.claim(key, LONG).await.unwrap() {
                return token;
            }
            tokio::time::sleep(SHORT).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), claimed).await.expect("what is over can be claimed")
}

async fn a_key_is_one_callers_until_it_is_done_or_released<S: TestStore>() {
    let place = S::fresh().await;
    let store = place.open().await;
    let claim = async || store.claim("k", LONG).await.unwrap();
    let first = token(claim().await);
    assert_eq!(claim().await, Claim::InProgress);
    token(store.claim("another", LONG).await.unwrap());
    store.release("k", first + 1).await.unwrap();
    assert_eq!(claim().await, Claim::InProgress, "another's token gives nothing back");
    store.release("k", first).await.unwrap();
    let second = token(claim().await);
    assert_ne!(first, second);
    assert_eq!(store.commit("k", second, LONG).await.unwrap(), Committed::Done);
    assert_eq!(claim().await, Claim::Done);
    store.release("k", second).await.unwrap();
    assert_eq!(claim().await, Claim::Done, "what is done is not given back");
}

async fn of_many_who_claim_a_key_one_has_it<S: TestStore>() {
    let place = S::fresh().await;
    let store = Arc::new(place.open().await);
    for key in ["1", "2", "3"] {
        let claims: Vec<_> = (0..16)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.claim(key, LONG).await.unwrap() })
            })
            .collect();
        let (mut new, mut in_progress) = (0, 0);
        for claim in claims {
            match claim.await.unwrap() {
                Claim::New(_) => new += 1,
                Claim::InProgress => in_progress += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((new, in_progress), (1, 15), "{key}");
    }
}

async fn a_lease_that_is_over_is_the_next_ones<S: TestStore>() {
    let place = S::fresh().await;
    let store = place.open().await;
    let first = token(store.claim("k", SHORT).await.unwrap());
    let second = claim_soon(&store, "k").await;
    assert_ne!(first, second);
    store.release("k", first).await.unwrap();
    assert_eq!(
        store.claim("k", LONG).await.unwrap(),
        Claim::InProgress,
        "what is another's is not given back"
    );
}

async fn who_lost_its_lease_commits_only_what_nobody_else_has<S: TestStore>() {
    let place = S::fresh().await;
    let store = place.open().await;
    // Over, and nobody came: it is done.
    let alone = token(store.claim("alone", SHORT).await.unwrap());
    tokio::time::sleep(SHORT * 5).await;
    assert_eq!(store.commit("alone", alone, LONG).await.unwrap(), Committed::Done);
    assert_eq!(store.claim("alone", LONG).await.unwrap(), Claim::Done);
    // Another is at it: what is written is the other's to say.
    let first = token(store.claim("k", SHORT).await.unwrap());
    let second = claim_soon(&store, "k").await;
    assert_eq!(store.commit("k", first, LONG).await.unwrap(), Committed::Lost);
    assert_eq!(store.claim("k", LONG).await.unwrap(), Claim::InProgress);
    assert_eq!(store.commit("k", second, LONG).await.unwrap(), Committed::Done);
    // It was done by another: that is told as well.
    assert_eq!(store.commit("k", first, LONG).await.unwrap(), Committed::Lost);
    assert_eq!(store.claim("k", LONG).await.unwrap(), Claim::Done);
}

async fn what_is_done_is_forgotten_after_its_window<S: TestStore>() {
    let place = S::fresh().await;
    let store = place.open().await;
    let first = token(store.claim("k", LONG).await.unwrap());
    store.commit("k", first, SHORT).await.unwrap();
    claim_soon(&store, "k").await;
}

async fn what_is_done_outlives_its_process<S: TestStore>() {
    let place = S::fresh().await;
    let store = place.open().await;
    let done = token(store.claim("done", LONG).await.unwrap());
    store.commit("done", done, LONG).await.unwrap();
    drop(store);
    let store = place.open().await;
    match store.claim("done", LONG).await.unwrap() {
        Claim::Done => assert!(S::LASTS),
        claim => assert!(!S::LASTS, "{claim:?}"),
    }
}

async fn keys_are_anything<S: TestStore>() {
    let place = S::fresh().await;
    let store = place.open().await;
    let keys = ["", "done", "' OR 1=1; --", "ä/{}*\u{1F407}", &"k".repeat(2000)];
    for key in keys {
        let token = token(store.claim(key, LONG).await.unwrap());
        store.commit(key, token, LONG).await.unwrap();
    }
    for key in keys {
        assert_eq!(store.claim(key, LONG).await.unwrap(), Claim::Done, "{key:?}");
    }
}

//! What was handled, in a file: for one process, over its restarts.
//!
//! One thread owns the database. It does everything that waits for it in one transaction, so that one sync serves all workers. What
//! is done is synced before the worker acks; a claim is not: after a crash nobody holds one.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use redb::{Database, Durability, ReadableTable, TableDefinition};
use tokio::sync::{mpsc, oneshot};

use super::{Answer, Claim, Committed, IdempotencyStore};
use crate::failure::BoxError;

/// Key to token, whether it is done, and until when that counts, in milliseconds since 1970.
const ENTRIES: TableDefinition<'_, &str, (u64, bool, u64)> = TableDefinition::new("entries");
/// What is done, by when it is over.
const DONE: TableDefinition<'_, (u64, &str), ()> = TableDefinition::new("done");
/// Operations that may wait; then workers do.
const WAITING_MAX: usize = 1024;
/// Operations in one transaction, at most.
const BATCH_MAX: usize = 256;
/// What is over is forgotten at most so fast: so many per operation.
const FORGET_PER_OPERATION: usize = 4;

enum What {
    Claim { lease: Duration, token: u64 },
    Commit { token: u64, window: Duration },
    Release { token: u64 },
}

/// What is answered.
enum Told {
    Claim(Claim),
    Committed(Committed),
    Released,
}

struct Operation {
    key: String,
    what: What,
    reply: oneshot::Sender<Result<Told, String>>,
}

/// Remembers in a file of `redb`'s, for the workers of one process; another process cannot open it meanwhile. What was done survives
/// restarts and power loss. It keeps what was done for the whole window: 100 bytes and the key for each message, about.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("handled.redb");
/// use leveret::{Idempotency, RedbStore};
///
/// let once = Idempotency::new(RedbStore::open(&path)?);
/// # Ok::<(), leveret::BoxError>(())
/// ```
#[derive(Debug)]
pub struct RedbStore {
    operations: Option<mpsc::Sender<Operation>>,
    thread: Option<JoinHandle<()>>,
    last_token: AtomicU64,
}

impl RedbStore {
    /// Opens the file, or makes it. Waits for the disk: call it when the application starts.
    ///
    /// # Errors
    /// The file is another process's or no such file; the disk failed.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, BoxError> {
        let database = Database::create(path)?;
        let begin = database.begin_write()?;
        {
            // Whoever held a claim is gone: the file is ours alone.
            begin.open_table(ENTRIES)?.retain(|_, (_, done, _)| done)?;
            begin.open_table(DONE)?;
        }
        begin.commit()?;
        let (operations, waiting) = mpsc::channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name("leveret-idempotency".to_owned());
        let thread = thread.spawn(move || serve(&database, waiting))?;
        Ok(Self { operations: Some(operations), thread: Some(thread), last_token: AtomicU64::new(0) })
    }

    async fn ask(&self, key: &str, what: What) -> Result<Told, BoxError> {
        let (reply, answer) = oneshot::channel();
        let gone = || "the thread of the idempotency store has ended";
        let operations = self.operations.as_ref().ok_or_else(gone)?;
        operations.send(Operation { key: key.to_owned(), what, reply }).await.map_err(|_| gone())?;
        Ok(answer.await.map_err(|_| gone())??)
    }
}

impl Drop for RedbStore {
    /// Waits for the operations under way.
    fn drop(&mut self) {
        drop(self.operations.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl IdempotencyStore for RedbStore {
    fn claim<'a>(&'a self, key: &'a str, lease: Duration) -> Answer<'a, Claim> {
        let token = self.last_token.fetch_add(1, Relaxed) + 1;
        Box::pin(async move {
            let told = self.ask(key, What::Claim { lease, token }).await?;
            Ok(if let Told::Claim(claim) = told { claim } else { Claim::InProgress })
        })
    }

    fn commit<'a>(&'a self, key: &'a str, token: u64, window: Duration) -> Answer<'a, Committed> {
        Box::pin(async move {
            let told = self.ask(key, What::Commit { token, window }).await?;
            Ok(if let Told::Committed(committed) = told { committed } else { Committed::Lost })
        })
    }

    fn release<'a>(&'a self, key: &'a str, token: u64) -> Answer<'a, ()> {
        Box::pin(async move { self.ask(key, What::Release { token }).await.map(drop) })
    }
}

fn serve(database: &Database, mut waiting: mpsc::Receiver<Operation>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        match apply(database, &batch) {
            Ok(told) => {
                // Who asked may have stopped waiting; that is its right.
                batch
                    .into_iter()
                    .zip(told)
                    .for_each(|(operation, told)| drop(operation.reply.send(Ok(told))));
            }
            Err(error) => {
                let text = format!("the idempotency store failed: {error}");
                batch.into_iter().for_each(|operation| drop(operation.reply.send(Err(text.clone()))));
            }
        }
    }
}

/// All in one transaction, in order.
fn apply(database: &Database, batch: &[Operation]) -> Result<Vec<Told>, BoxError> {
    let now = unix_ms();
    let after = |time: Duration| now.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let mut write = database.begin_write()?;
    let lasting = batch.iter().any(|operation| matches!(operation.what, What::Commit { .. }));
    write.set_durability(if lasting { Durability::Immediate } else { Durability::None })?;
    let mut told = Vec::with_capacity(batch.len());
    {
        let (mut entries, mut done) = (write.open_table(ENTRIES)?, write.open_table(DONE)?);
        for Operation { key, what, .. } in batch {
            let key = key.as_str();
            let known = entries.get(key)?.map(|entry| entry.value()).filter(|(.., until)| *until > now);
            told.push(match (what, known) {
                (What::Claim { .. }, Some((_, true, _))) => Told::Claim(Claim::Done),
                (What::Claim { .. }, Some(_)) => Told::Claim(Claim::InProgress),
                (What::Claim { lease, token }, None) => {
                    entries.insert(key, (*token, false, after(*lease)))?;
                    Told::Claim(Claim::New(*token))
                }
                (What::Commit { token, .. }, Some((holder, ..))) if holder != *token => {
                    Told::Committed(Committed::Lost)
                }
                (What::Commit { token, window }, _) => {
                    let until = after(*window);
                    entries.insert(key, (*token, true, until))?;
                    done.insert((until, key), ())?;
                    Told::Committed(Committed::Done)
                }
                (What::Release { token }, Some((holder, false, _))) if holder == *token => {
                    entries.remove(key)?;
                    Told::Released
                }
                (What::Release { .. }, _) => Told::Released,
            });
        }
        for _ in 0..batch.len() * FORGET_PER_OPERATION {
            let Some(((until, key), ())) =
                done.first()?.map(|(at, _)| ((at.value().0, at.value().1.to_owned()), ()))
            else {
                break;
            };
            if until > now {
                break;
            }
            done.remove((until, key.as_str()))?;
            // Done again since, or claimed again, it is another entry.
            let is_same =
                entries.get(key.as_str())?.is_some_and(|entry| entry.value().1 && entry.value().2 == until);
            if is_same {
                entries.remove(key.as_str())?;
            }
        }
    }
    write.commit()?;
    Ok(told)
}

fn unix_ms() -> u64 {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn token(claim: Claim) -> u64 {
        match claim {
            Claim::New(token) => token,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_was_done_outlives_its_process_and_claims_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("handled.redb");
        let store = RedbStore::open(&path).unwrap();
        let first = token(store.claim("done", LONG).await.unwrap());
        store.commit("done", first, LONG).await.unwrap();
        token(store.claim("begun", LONG).await.unwrap());
        assert_eq!(store.claim("begun", LONG).await.unwrap(), Claim::InProgress);
        let failed = token(store.claim("failed", LONG).await.unwrap());
        store.release("failed", failed + 100).await.unwrap();
        assert_eq!(
            store.claim("failed", LONG).await.unwrap(),
            Claim::InProgress,
            "another's token gives nothing back"
        );
        store.release("failed", failed).await.unwrap();
        token(store.claim("failed", LONG).await.unwrap());
        assert!(RedbStore::open(&path).is_err(), "it is one process's");
        drop(store);

        let store = RedbStore::open(&path).unwrap();
        assert_eq!(store.claim("done", LONG).await.unwrap(), Claim::Done);
        token(store.claim("begun", LONG).await.unwrap());
    }

    #[tokio::test]
    async fn what_is_over_can_be_claimed_and_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("handled.redb");
        let store = RedbStore::open(&path).unwrap();
        for key in ["a", "b", "c"] {
            let token = token(store.claim(key, Duration::ZERO).await.unwrap());
            store.commit(key, token, Duration::ZERO).await.unwrap();
        }
        token(store.claim("a", LONG).await.unwrap());
        drop(store);
        let database = Database::create(&path).unwrap();
        let read = redb::ReadableDatabase::begin_read(&database).unwrap();
        let left = redb::ReadableTableMetadata::len(&read.open_table(DONE).unwrap()).unwrap();
        assert_eq!(left, 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_many_who_claim_a_key_one_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = std::sync::Arc::new(RedbStore::open(folder.path().join("handled.redb")).unwrap());
        let claims: Vec<_> = (0..32)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.claim("k", LONG).await.unwrap() })
            })
            .collect();
        let mut new = 0;
        for claim in claims {
            new += usize::from(matches!(claim.await.unwrap(), Claim::New(_)));
        }
        assert_eq!(new, 1);
    }
}

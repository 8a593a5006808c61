//! Messages that come twice are handled once, within a window.
//!
//! At-least-once delivery makes duplicates: after a lost connection, a crash between handling and ack, a publisher that sends again. Here
//! each message is claimed before its handler is called and marked as done after it succeeded. A failure gives the claim back, so that the
//! next attempt is no duplicate. What remains is the moment between a handler's effect and the mark: a crash there makes the handler run
//! again. Only an effect that is written in the same transaction as the mark is free of it.

mod memory;
#[cfg(feature = "redb")]
mod redb;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use memory::MemoryStore;
#[cfg(feature = "redb")]
pub use redb::RedbStore;

use crate::failure::{BoxError, Failure};
use crate::message::Incoming;

/// What a store answers, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// Nobody has it: it is the caller's now, by this token.
    New(u64),
    /// Somebody is at it, and has not let it go for longer than the lease.
    InProgress,
    /// It was done.
    Done,
}

/// Remembers which messages were handled.
///
/// An implementation makes `claim` atomic: of two callers at most one is told [`Claim::New`].
pub trait IdempotencyStore: Send + Sync + 'static {
    /// Claims a key for at most `lease`; after that another may have it.
    fn claim<'a>(&'a self, key: &'a str, lease: Duration) -> Answer<'a, Claim>;

    /// The same if it can be answered without waiting, which costs less; `None`: to be asked by [`claim`](Self::claim).
    fn claim_now(&self, key: &str, lease: Duration) -> Option<Claim> {
        let _ = (key, lease);
        None
    }

    /// It is done, and to be remembered for so long.
    fn commit<'a>(&'a self, key: &'a str, token: u64, window: Duration) -> Answer<'a, ()>;

    /// The same if it can be done without waiting; `false`: nothing was done, [`commit`](Self::commit) is to be called.
    fn commit_now(&self, key: &str, token: u64, window: Duration) -> bool {
        let _ = (key, token, window);
        false
    }

    /// It is not done; the next who claims it may have it. Nothing happens if somebody else has it by now.
    fn release<'a>(&'a self, key: &'a str, token: u64) -> Answer<'a, ()>;
}

type Key = dyn Fn(&Incoming) -> Option<String> + Send + Sync;

/// How a worker makes sure that a message is handled once; for [`WorkerBuilder::idempotent`](crate::WorkerBuilder::idempotent).
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::{Idempotency, MemoryStore, Queue, Text};
/// # use tokio_util::sync::CancellationToken;
///
/// mq.declare(Queue::durable("payments").dead_letter()).await?;
/// let payments = mq.publisher("payments").build::<Text>().await?;
/// for _ in 0..2 {
///     payments.send_with("one coffee", |message| message.message_id("order 7")).await?;
/// }
///
/// let once = Idempotency::new(MemoryStore::default());
/// # let stop = CancellationToken::new();
/// # let queue = mq.consuming().channel().await?;
/// # let running = tokio::spawn({
/// #     let (mq, stop) = (mq.clone(), stop.clone());
/// #     async move {
/// mq.worker("payments").idempotent(once).run(|Text(what): Text| async move { println!("{what} is paid") }, stop).await
/// #     }
/// # });
/// # let passive = leveret::client::QueueDeclare { passive: true, ..Default::default() };
/// # while queue.queue_declare("payments", passive.clone()).await?.messages > 0 {
/// #     tokio::task::yield_now().await;
/// # }
/// # tokio::time::sleep(std::time::Duration::from_millis(50)).await;
/// # stop.cancel();
/// # let report = running.await??;
/// # assert_eq!((report.acked, report.duplicates), (2, 1));
/// # Ok(())
/// # }
/// # leveret::test::run_example(example);
/// ```
#[derive(Clone)]
pub struct Idempotency {
    store: Arc<dyn IdempotencyStore>,
    /// `None`: the message id.
    key: Option<Arc<Key>>,
    lease: Duration,
    window: Duration,
    open: bool,
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idempotency")
            .field("lease", &self.lease)
            .field("window", &self.window)
            .field("fail_open", &self.open)
            .finish_non_exhaustive()
    }
}

impl Idempotency {
    /// With a store. The key is the message id, for each queue by itself; a message without one is handled each time it comes.
    pub fn new(store: impl IdempotencyStore) -> Self {
        Self::shared(Arc::new(store))
    }

    /// With a store that others use as well.
    #[must_use]
    pub fn shared(store: Arc<dyn IdempotencyStore>) -> Self {
        Self {
            store,
            key: None,
            lease: Duration::from_secs(300),
            window: Duration::from_secs(24 * 3600),
            open: false,
        }
    }

    /// Another key, for example a business id. `None`: the message is handled each time it comes.
    #[must_use]
    pub fn by(self, key: impl Fn(&Incoming) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { key: Some(Arc::new(key)), ..self }
    }

    /// How long a claim holds when its worker is lost. Longer than a handler ever takes: after it two may work on the same. Default: 5 min.
    #[must_use]
    pub fn lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// How long it is remembered what was done. Longer than the longest ladder and outage together: what comes again later than that is
    /// handled again. Default: 24 h.
    #[must_use]
    pub fn window(self, window: Duration) -> Self {
        Self { window, ..self }
    }

    /// When the store cannot be asked, messages are handled all the same, perhaps twice. Default: they fail and are tried again.
    #[must_use]
    pub fn fail_open(self) -> Self {
        Self { open: true, ..self }
    }

    /// Asks for a message.
    pub(crate) async fn claim(&self, message: &Incoming) -> Result<Permission<'_>, Failure> {
        let own = self.key.as_ref().map(|key| key(message));
        let id = match &own {
            None => message.message_id(),
            Some(own) => own.as_deref(),
        };
        let Some(id) = id else { return Ok(Permission::Handle(None)) };
        let key = [message.queue(), "/", id].concat();
        let claimed = match self.store.claim_now(&key, self.lease) {
            Some(claim) => Ok(claim),
            None => self.store.claim(&key, self.lease).await,
        };
        match claimed {
            Ok(Claim::New(token)) => Ok(Permission::Handle(Some(Claimed { idempotency: self, key, token }))),
            Ok(Claim::InProgress) => Ok(Permission::Wait),
            Ok(Claim::Done) => Ok(Permission::Duplicate),
            Err(error) if self.open => {
                tracing::error!(key, error, "the idempotency store cannot be asked; handled without");
                Ok(Permission::Handle(None))
            }
            Err(error) => Err(Failure::transient(error).reason("idempotency-store")),
        }
    }
}

/// What may be done with a message.
pub(crate) enum Permission<'a> {
    Handle(Option<Claimed<'a>>),
    /// Another worker is at it.
    Wait,
    Duplicate,
}

/// A key that is ours.
pub(crate) struct Claimed<'a> {
    idempotency: &'a Idempotency,
    key: String,
    token: u64,
}

impl Claimed<'_> {
    /// Its handling ended.
    pub(crate) async fn end(self, done: bool) {
        let Idempotency { store, window, .. } = self.idempotency;
        if done && store.commit_now(&self.key, self.token, *window) {
            return;
        }
        let told = if done {
            store.commit(&self.key, self.token, *window).await
        } else {
            store.release(&self.key, self.token).await
        };
        if let Err(error) = told {
            // Nothing to be undone: at worst it is handled again, or waits for the end of the lease.
            tracing::error!(key = self.key, done, error, "the idempotency store could not be told");
        }
    }
}

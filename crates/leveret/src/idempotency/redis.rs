//! What was handled, in Redis: for any number of processes.
//!
//! Each operation is one script, which Redis runs alone. The value of a key is the token of who has claimed it, or `done`; the time it
//! counts is the key's own time to live, so that Redis forgets by itself.

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Script};

use super::{Answer, Claim, Committed, IdempotencyStore, new_token};
use crate::failure::BoxError;

/// What Redis has to answer.
const ANSWER_TIME: Duration = Duration::from_secs(2);
/// What a connection may take.
const CONNECT_TIME: Duration = Duration::from_secs(5);
const DONE: &str = "done";

static CLAIM: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local held = redis.call('GET', KEYS[1])
        if held then return held end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return ARGV[1]",
    )
});
static COMMIT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local held = redis.call('GET', KEYS[1])
        if held and held ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
        return 1",
    )
});
static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new("if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 0")
});

/// Remembers in Redis (or what speaks its protocol: Valkey, a cluster's shard), for the workers of any number of processes.
///
/// It is as durable as Redis is: what a restart without an append-only file, an eviction or a failover to a replica that was behind
/// forgets is handled again. Redis has to answer within 2 s; else the message fails or is handled all the same, as
/// [`fail_open`](super::Idempotency::fail_open) says. For TLS (`rediss://`) the application enables one of the crate `redis`'s own features.
///
/// ```no_run
/// # async fn example() -> Result<(), leveret::BoxError> {
/// use leveret::{Idempotency, RedisStore};
///
/// let once = Idempotency::new(RedisStore::connect("redis://localhost:6379/").await?);
/// # let _ = once;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    /// Comes back by itself.
    connection: ConnectionManager,
    prefix: String,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Connects to `redis://user:password@host:port/database`; keys begin with `leveret:handled:`.
    ///
    /// # Errors
    /// No such address; nobody answers within 5 s, several times.
    pub async fn connect(url: &str) -> Result<Self, BoxError> {
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(ANSWER_TIME))
            .set_connection_timeout(Some(CONNECT_TIME));
        Ok(Self::over(ConnectionManager::new_with_config(Client::open(url)?, config).await?))
    }

    /// Over a connection that the application has made as it likes.
    #[must_use]
    pub fn over(connection: ConnectionManager) -> Self {
        Self { connection, prefix: "leveret:handled:".to_owned() }
    }

    /// Another beginning of its keys.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

/// At least one millisecond: Redis takes no less.
fn millis(time: Duration) -> u64 {
    // Its clock is added to it, in a signed number.
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(1, u64::MAX >> 4)
}

impl IdempotencyStore for RedisStore {
    fn claim<'a>(&'a self, key: &'a str, lease: Duration) -> Answer<'a, Claim> {
        Box::pin(async move {
            let token = new_token();
            let mut call = CLAIM.key(self.key(key));
            let held: String =
                call.arg(token).arg(millis(lease)).invoke_async(&mut self.connection.clone()).await?;
            Ok(match held {
                held if held == token.to_string() => Claim::New(token),
                held if held == DONE => Claim::Done,
                _ => Claim::InProgress,
            })
        })
    }

    fn commit<'a>(&'a self, key: &'a str, token: u64, window: Duration) -> Answer<'a, Committed> {
        Box::pin(async move {
            let mut call = COMMIT.key(self.key(key));
            let call = call.arg(token).arg(DONE).arg(millis(window));
            let committed: bool = call.invoke_async(&mut self.connection.clone()).await?;
            Ok(if committed { Committed::Done } else { Committed::Lost })
        })
    }

    fn release<'a>(&'a self, key: &'a str, token: u64) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut call = RELEASE.key(self.key(key));
            Ok(call.arg(token).invoke_async(&mut self.connection.clone()).await?)
        })
    }
}

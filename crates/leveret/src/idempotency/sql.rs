//! What was handled, in a table of the application's database: for any number of processes, and in the application's own transactions.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sqlx::Pool;

use super::{Answer, Claim, Committed, IdempotencyStore, WINDOW, new_token};
use crate::failure::BoxError;
use crate::sql::{Dialect, SqlDatabase, millis, table_name};

/// The table unless told otherwise.
const TABLE: &str = "leveret_handled";
/// What is over is looked for so often, while messages are handled.
const PRUNE_INTERVAL: Duration = Duration::from_secs(1);
/// Rows that are over and deleted together, at most.
const PRUNE_MAX: u32 = 1000;

/// Remembers in a table of the application's database, for the workers of any number of processes: SQLite with the feature `sqlite`,
/// PostgreSQL with `postgres`. A row is kept for the whole window, 100 bytes and the key, about; all times are the database's.
///
/// For a [worker](crate::WorkerBuilder::idempotent) it is a store as others are. In a handler that writes to the same database it is more, an
/// *inbox*: with [`claim_in`](Self::claim_in) the mark is part of the transaction, so that effect and mark are committed together,
/// and no crash makes the effect happen twice.
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::{Failure, MessageId, Queue, SqlStore, State, Text};
/// use sqlx::{Sqlite, SqlitePool};
/// # use tokio_util::sync::CancellationToken;
///
/// async fn book(MessageId(id): MessageId, Text(what): Text, State(pool): State<SqlitePool>, State(inbox): State<SqlStore<Sqlite>>) -> Result<(), Failure> {
///     let mut tx = pool.begin().await?;
///     if inbox.claim_in(&mut tx, &id).await? {
///         sqlx::query("INSERT INTO bookings VALUES ($1)").bind(what).execute(&mut *tx).await?;
///     }
///     Ok(tx.commit().await?) // effect and mark, or neither
/// }
///
/// # let (folder, stop) = (tempfile::tempdir()?, CancellationToken::new());
/// # let url = format!("sqlite://{}?mode=rwc", folder.path().join("shop.db").display());
/// let pool = SqlitePool::connect(&url).await?;
/// # sqlx::query("CREATE TABLE bookings (what TEXT)").execute(&pool).await?;
/// let inbox = SqlStore::new(pool.clone());
/// inbox.migrate().await?;
/// mq.declare(Queue::durable("bookings").dead_letter()).await?;
/// # let bookings = mq.publisher("bookings").build::<Text>().await?;
/// # for _ in 0..2 {
/// #     bookings.send_with("table 7", |message| message.message_id("b-1")).await?;
/// # }
/// # let (seen, done) = (std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0)), stop.clone());
/// # let book = move |id: MessageId, what: Text, pool: State<SqlitePool>, inbox: State<SqlStore<Sqlite>>| {
/// #     let (seen, done) = (seen.clone(), done.clone());
/// #     async move {
/// #         let booked = book(id, what, pool, inbox).await;
/// #         if seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1 { done.cancel() }
/// #         booked
/// #     }
/// # };
/// mq.worker("bookings").state(pool.clone()).state(inbox).run(book, stop).await?;
/// # let booked: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM bookings").fetch_one(&pool).await?;
/// # assert_eq!(booked, 1);
/// # Ok(())
/// # }
/// # leveret::test::run_example(example);
/// ```
pub struct SqlStore<DB: SqlDatabase> {
    pub(super) pool: Pool<DB>,
    table: Arc<str>,
    pub(super) window: Duration,
    pruned: Arc<Mutex<Option<Instant>>>,
}

impl<DB: SqlDatabase> Clone for SqlStore<DB> {
    fn clone(&self) -> Self {
        let Self { pool, table, window, pruned } = self;
        Self { pool: pool.clone(), table: table.clone(), window: *window, pruned: pruned.clone() }
    }
}

impl<DB: SqlDatabase> fmt::Debug for SqlStore<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore")
            .field("database", &DB::NAME)
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

fn schema<DB: Dialect>(table: &str) -> [String; 2] {
    let index = table.replace('.', "_");
    [
        format!(
            "CREATE TABLE IF NOT EXISTS {table} (
    id TEXT PRIMARY KEY,
    token BIGINT NOT NULL,  -- whose it is
    done BIGINT NOT NULL,   -- 0: somebody is at it, 1: done
    until BIGINT NOT NULL   -- how long that counts, milliseconds since 1970
)"
        ),
        format!("CREATE INDEX IF NOT EXISTS {index}_until ON {table} (until)"),
    ]
}

impl<DB: SqlDatabase> SqlStore<DB> {
    /// In the table `leveret_handled` of this database. Does not touch it yet.
    #[must_use]
    pub fn new(pool: Pool<DB>) -> Self {
        Self { pool, table: TABLE.into(), window: WINDOW, pruned: Arc::default() }
    }

    /// In another table, for example one for each service that shares the database.
    ///
    /// # Errors
    /// More than 50 bytes, or not of letters, digits and `_`.
    pub fn in_table(pool: Pool<DB>, table: &str) -> Result<Self, BoxError> {
        Ok(Self { table: table_name(table)?, ..Self::new(pool) })
    }

    /// How long [`claim_in`](Self::claim_in) remembers. (A worker says it by [`Idempotency::window`](super::Idempotency::window).) Default: 24 h.
    #[must_use]
    pub fn window(self, window: Duration) -> Self {
        Self { window, ..self }
    }

    /// Makes the table with its index, unless it is there.
    ///
    /// # Errors
    /// The database's.
    pub async fn migrate(&self) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        DB::alone(&mut tx, &self.table).await?;
        for statement in schema::<DB>(&self.table) {
            DB::execute(&mut tx, statement, &[]).await?;
        }
        tx.commit().await
    }

    /// What [`migrate`](Self::migrate) does, as SQL for migrations of the application's own.
    #[must_use]
    pub fn schema(&self) -> String {
        schema::<DB>(&self.table).map(|statement| statement + ";\n").concat()
    }

    pub(super) async fn is_done(&self, conn: &mut DB::Connection, key: &str) -> Result<bool, sqlx::Error> {
        let sql = format!("SELECT done FROM {} WHERE id = $1", self.table);
        let rows = DB::fetch(conn, sql, &[key.into()]).await?;
        Ok(rows.first().map(|row| DB::int(row, 0)).transpose()? == Some(1))
    }

    /// Takes a key that is free, over or the token's own.
    pub(super) async fn take(
        &self,
        conn: &mut DB::Connection,
        key: &str,
        token: u64,
        done: bool,
        time: Duration,
    ) -> Result<u64, sqlx::Error> {
        let (table, now) = (&self.table, DB::NOW_MS);
        let sql = format!(
            "INSERT INTO {table} AS t (id, token, done, until) VALUES ($1, $2, $3, {now} + $4)
            ON CONFLICT (id) DO UPDATE SET token = excluded.token, done = excluded.done, until = excluded.until
            WHERE t.until <= {now} OR t.token = excluded.token"
        );
        let args = [key.into(), number(token).into(), i64::from(done).into(), millis(time).into()];
        DB::execute(conn, sql, &args).await
    }

    /// Deletes what is over, now and then.
    pub(super) async fn forget_some(&self, conn: &mut DB::Connection) -> Result<(), sqlx::Error> {
        {
            let mut pruned = self.pruned.lock();
            if pruned.is_some_and(|pruned| pruned.elapsed() < PRUNE_INTERVAL) {
                return Ok(());
            }
            *pruned = Some(Instant::now());
        }
        let (table, now) = (&self.table, DB::NOW_MS);
        let sql = format!(
            "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE until <= {now} ORDER BY until LIMIT {PRUNE_MAX}{skip})",
            skip = DB::SKIP_LOCKED
        );
        DB::execute(conn, sql, &[]).await.map(drop)
    }
}

/// Tokens are below 2^63.
fn number(token: u64) -> i64 {
    i64::try_from(token).unwrap_or(i64::MAX)
}

impl<DB: SqlDatabase> IdempotencyStore for SqlStore<DB> {
    fn claim<'a>(&'a self, key: &'a str, lease: Duration) -> Answer<'a, Claim> {
        Box::pin(async move {
            let mut conn = self.pool.acquire().await?;
            let token = new_token();
            if self.take(&mut conn, key, token, false, lease).await? > 0 {
                return Ok(Claim::New(token));
            }
            // Gone meanwhile: whoever had it gave it back just now, and it is to be asked for again.
            Ok(if self.is_done(&mut conn, key).await? { Claim::Done } else { Claim::InProgress })
        })
    }

    fn commit<'a>(&'a self, key: &'a str, token: u64, window: Duration) -> Answer<'a, Committed> {
        Box::pin(async move {
            let mut conn = self.pool.acquire().await?;
            let taken = self.take(&mut conn, key, token, true, window).await?;
            if let Err(error) = self.forget_some(&mut conn).await {
                tracing::warn!(table = %self.table, %error, "what is over is not forgotten yet");
            }
            Ok(if taken > 0 { Committed::Done } else { Committed::Lost })
        })
    }

    fn release<'a>(&'a self, key: &'a str, token: u64) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut conn = self.pool.acquire().await?;
            let sql = format!("DELETE FROM {} WHERE id = $1 AND token = $2 AND done = 0", self.table);
            DB::execute(&mut conn, sql, &[key.into(), number(token).into()]).await?;
            Ok(())
        })
    }
}

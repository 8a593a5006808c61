//! Messages that are sent if, and only if, a transaction of the application's database is committed.
//!
//! Writing to a database and sending a message are two things, and a crash between them leaves one without the other. With an outbox
//! the message is a row of the same transaction ([`Outbox::add`]); a [`Relay`] sends what is committed, and takes it out when the broker has
//! confirmed it. Between the confirm and that a crash makes it go out again, with the same message id: consumers handle it
//! once with [`Idempotency`](crate::Idempotency).

mod error;
mod figures;
mod lanes;
mod look;
mod message;
mod relay;
mod rows;
mod send;

use std::fmt;
use std::sync::Arc;

use sqlx::Pool;

pub use error::OutboxError;
pub use look::{FailingRow, OutboxStats};
pub use message::OutboxMessage;
pub use relay::Relay;

use crate::mq::Mq;
use crate::relayed::{RelayError, RelayReport};
use crate::sql::{Arg, SqlDatabase, table_name};
use crate::trace;

/// The table unless told otherwise.
const TABLE: &str = "leveret_outbox";

/// Messages in a table of the application's database, on their way to the broker; clones are the same.
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::{Json, Outbox, OutboxMessage, Queue};
/// use sqlx::sqlite::SqlitePoolOptions;
/// # use tokio_util::sync::CancellationToken;
///
/// mq.declare(Queue::durable("orders").dead_letter()).await?;
/// # let (folder, stop) = (tempfile::tempdir()?, CancellationToken::new());
/// # let url = format!("sqlite://{}?mode=rwc", folder.path().join("shop.db").display());
/// let pool = SqlitePoolOptions::new().connect(&url).await?; // or PgPoolOptions
/// # sqlx::query("CREATE TABLE orders (what TEXT)").execute(&pool).await?;
/// let outbox = Outbox::new(pool.clone());
/// outbox.migrate().await?;
/// let relay = tokio::spawn(outbox.relay(&mq).run(stop.clone()));
///
/// let mut tx = pool.begin().await?;
/// sqlx::query("INSERT INTO orders VALUES ('coffee')").execute(&mut *tx).await?;
/// outbox.add(&mut tx, OutboxMessage::encode::<Json<&str>>(&"coffee")?.to_queue("orders")).await?;
/// tx.commit().await?; // both, or neither
/// # while outbox.stats().await?.waiting > 0 {
/// #     tokio::task::yield_now().await;
/// # }
/// # stop.cancel();
/// # assert_eq!(relay.await??.sent, 1);
/// # Ok(())
/// # }
/// # leveret::test::run_example(example);
/// ```
pub struct Outbox<DB: SqlDatabase> {
    pool: Pool<DB>,
    table: Arc<str>,
}

impl<DB: SqlDatabase> Clone for Outbox<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), table: self.table.clone() }
    }
}

impl<DB: SqlDatabase> fmt::Debug for Outbox<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("database", &DB::NAME)
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl<DB: SqlDatabase> Outbox<DB> {
    /// In the table `leveret_outbox` of this database. Does not touch it yet.
    #[must_use]
    pub fn new(pool: Pool<DB>) -> Self {
        Self { pool, table: TABLE.into() }
    }

    /// In another table, for example one for each service that shares the database: `orders_outbox`, `sales.outbox`.
    ///
    /// # Errors
    /// [`OutboxError::Table`]: more than 50 bytes, or not of letters, digits and `_`.
    pub fn in_table(pool: Pool<DB>, table: &str) -> Result<Self, OutboxError> {
        Ok(Self { pool, table: table_name(table)? })
    }

    /// Makes the table with its indexes, unless it is there.
    ///
    /// # Errors
    /// [`OutboxError::Database`].
    pub async fn migrate(&self) -> Result<(), OutboxError> {
        let mut tx = self.pool.begin().await?;
        DB::alone(&mut tx, &self.table).await?;
        for statement in rows::schema::<DB>(&self.table) {
            DB::execute(&mut tx, statement, &[]).await?;
        }
        Ok(tx.commit().await?)
    }

    /// What [`migrate`](Self::migrate) does, as SQL for migrations of the application's own.
    #[must_use]
    pub fn schema(&self) -> String {
        rows::schema::<DB>(&self.table).map(|statement| statement + ";\n").concat()
    }

    /// Writes a message in the caller's transaction, and answers its message id, which is the row's id: 32 hexadecimal digits unless the
    /// message has its own. It goes out when the transaction is committed, with the trace context of now.
    ///
    /// With a [key](OutboxMessage::key) on PostgreSQL, other transactions that write the same key wait until this one ends: only so is the order
    /// in which they are written the order in which they are committed. Two that write several keys do so in the same order, or
    /// PostgreSQL ends one of them as a deadlock.
    ///
    /// # Errors
    /// The database says no: roll the transaction back. Nothing was written if it is [`OutboxError::NoDestination`] or [`TooLong`](OutboxError::TooLong).
    pub async fn add(
        &self,
        tx: &mut DB::Connection,
        message: impl Into<OutboxMessage>,
    ) -> Result<String, OutboxError> {
        let OutboxMessage { mut message, key, mandatory } = message.into();
        let exchange = message.exchange.as_deref().unwrap_or_default();
        let routing_key = message.routing_key.as_deref().unwrap_or_default();
        if exchange.is_empty() && routing_key.is_empty() {
            return Err(OutboxError::NoDestination);
        }
        let id =
            message.properties.message_id.get_or_insert_with(|| format!("{:032x}", rand::random::<u128>()));
        for (what, text) in
            [("the exchange", exchange), ("the routing key", routing_key), ("the message id", id)]
        {
            if text.len() > 255 {
                return Err(OutboxError::TooLong { what, bytes: text.len() });
            }
        }
        let id = id.clone();
        trace::inherit(&mut message.properties);
        let mut properties = Vec::new();
        message.properties.encode(&mut properties);
        if let Some(key) = &key {
            DB::alone(tx, &format!("{}/{key}", self.table)).await?;
        }
        let now = DB::NOW_MS;
        let sql = format!(
            "INSERT INTO {} (id, ordering_key, exchange, routing_key, mandatory, properties, body, added_at, due_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, {now}, 0)",
            self.table
        );
        let args = [
            id.as_str().into(),
            Arg::Text(key.as_deref()),
            exchange.into(),
            routing_key.into(),
            i64::from(mandatory).into(),
            Arg::Bytes(&properties),
            Arg::Bytes(&message.body),
        ];
        DB::execute(tx, sql, &args).await?;
        DB::notify(tx, &self.channel()).await?;
        Ok(id)
    }

    /// What sends the messages, over this broker; several may run at once, in one process or in many.
    pub fn relay(&self, mq: &Mq) -> Relay<DB> {
        Relay::new(self.clone(), mq.clone())
    }

    /// What relays listen to.
    fn channel(&self) -> String {
        self.table.replace('.', "_")
    }
}

//! Looking into the outbox, and what a person does with rows that cannot be sent.

use std::time::Duration;

use super::{Outbox, OutboxError};
use crate::sql::SqlDatabase;

/// How an outbox is; for metrics, alerts and readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct OutboxStats {
    /// Messages that are not sent yet.
    pub waiting: u64,
    /// Of these, those that were tried and failed.
    pub failing: u64,
    /// How long the oldest of those that wait has been waiting.
    pub oldest: Option<Duration>,
    /// Messages that were sent and are kept.
    pub sent: u64,
}

/// A message that failed and will be tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailingRow {
    /// Its message id.
    pub id: String,
    /// What it is ordered by, and so which other messages wait for it.
    pub key: Option<String>,
    /// Where it goes.
    pub exchange: String,
    /// With which routing key.
    pub routing_key: String,
    /// How often it failed.
    pub attempts: u64,
    /// Why, the last time.
    pub last_error: String,
    /// Since it was written.
    pub age: Duration,
}

impl<DB: SqlDatabase> Outbox<DB> {
    /// Counts what is there: reads an index, and is cheap while little waits and little is kept.
    ///
    /// # Errors
    /// [`OutboxError::Database`].
    pub async fn stats(&self) -> Result<OutboxStats, OutboxError> {
        let (table, now) = (&self.table, DB::NOW_MS);
        let sql = format!(
            "SELECT COUNT(*), SUM(CASE WHEN attempts > 0 THEN 1 ELSE 0 END), {now} - MIN(added_at),
                (SELECT COUNT(*) FROM {table} WHERE sent_at IS NOT NULL)
            FROM {table} WHERE sent_at IS NULL"
        );
        let mut conn = self.pool.acquire().await?;
        let rows = DB::fetch(&mut conn, sql, &[]).await?;
        let Some(row) = rows.first() else { return Ok(OutboxStats::default()) };
        let count = |column| DB::int(row, column).map(positive);
        let waiting = count(0)?;
        let oldest = (waiting > 0).then_some(Duration::from_millis(count(2)?));
        Ok(OutboxStats { waiting, failing: count(1)?, oldest, sent: count(3)? })
    }

    /// Messages that failed, the oldest first, at most so many.
    ///
    /// # Errors
    /// [`OutboxError::Database`].
    pub async fn failing(&self, rows_max: u32) -> Result<Vec<FailingRow>, OutboxError> {
        let (table, now) = (&self.table, DB::NOW_MS);
        let sql = format!(
            "SELECT id, ordering_key, exchange, routing_key, attempts, last_error, {now} - added_at FROM {table}
            WHERE sent_at IS NULL AND attempts > 0 ORDER BY seq LIMIT $1"
        );
        let mut conn = self.pool.acquire().await?;
        let rows = DB::fetch(&mut conn, sql, &[i64::from(rows_max).into()]).await?;
        let failing = rows.iter().map(|row| {
            let text = |column| DB::text(row, column);
            Ok(FailingRow {
                id: text(0)?.unwrap_or_default(),
                key: text(1)?,
                exchange: text(2)?.unwrap_or_default(),
                routing_key: text(3)?.unwrap_or_default(),
                attempts: positive(DB::int(row, 4)?),
                last_error: text(5)?.unwrap_or_default(),
                age: Duration::from_millis(positive(DB::int(row, 6)?)),
            })
        });
        Ok(failing.collect::<Result<_, sqlx::Error>>()?)
    }

    /// Lets all that failed be tried at once, for example after their queue was declared. Says how many they were.
    ///
    /// # Errors
    /// [`OutboxError::Database`].
    pub async fn retry_now(&self) -> Result<u64, OutboxError> {
        let (table, now) = (&self.table, DB::NOW_MS);
        let sql = format!(
            "UPDATE {table} SET due_at = 0 WHERE sent_at IS NULL AND attempts > 0 AND due_at > {now}"
        );
        let mut conn = self.pool.acquire().await?;
        let rows = DB::execute(&mut conn, sql, &[]).await?;
        DB::notify(&mut conn, &self.channel()).await?;
        Ok(rows)
    }

    /// Gives a message up: takes it out unsent, and those that waited for it may go. `false`: it is not there, or was sent. What a relay
    /// is just sending may go out all the same.
    ///
    /// # Errors
    /// [`OutboxError::Database`].
    pub async fn discard(&self, id: &str) -> Result<bool, OutboxError> {
        let sql = format!("DELETE FROM {} WHERE id = $1 AND sent_at IS NULL", self.table);
        let mut conn = self.pool.acquire().await?;
        Ok(DB::execute(&mut conn, sql, &[id.into()]).await? > 0)
    }
}

/// Counts and ages are never less than nothing, whatever a clock did.
fn positive(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

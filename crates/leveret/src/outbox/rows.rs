//! The table of the outbox, and everything that is asked of it.

use std::time::Duration;

use super::Outbox;
use crate::sql::{Arg, Dialect, SqlDatabase, list_of, millis};

/// Rows that one statement deletes at most when what was sent is forgotten.
const PRUNE_MAX: i64 = 1000;

/// A row that is a relay's for the time of its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) seq: i64,
    pub(super) id: String,
    pub(super) key: Option<String>,
    pub(super) exchange: String,
    pub(super) routing_key: String,
    pub(super) mandatory: bool,
    /// As on the wire: flags and values.
    pub(super) properties: Vec<u8>,
    pub(super) body: Vec<u8>,
    /// How often it failed.
    pub(super) attempts: u32,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Sent,
    /// Because of this; not again before the pause is over.
    Failed {
        reason: String,
        pause: Duration,
    },
    /// Not begun, or not to be blamed on it.
    Released,
}

/// The statements that make the table, for this database.
pub(super) fn schema<DB: Dialect>(table: &str) -> [String; 4] {
    let (key, bytes) = (DB::COUNTED_KEY, DB::BYTES);
    let index = table.replace('.', "_");
    [
        format!(
            "CREATE TABLE IF NOT EXISTS {table} (
    seq {key},                          -- the order
    id TEXT NOT NULL UNIQUE,            -- the message id
    ordering_key TEXT,                  -- rows with the same go out one after the other
    exchange TEXT NOT NULL,
    routing_key TEXT NOT NULL,
    mandatory BIGINT NOT NULL,          -- 1: counts as sent only if a queue took it
    properties {bytes} NOT NULL,        -- flags and values as AMQP 0-9-1 has them on the wire
    body {bytes} NOT NULL,
    added_at BIGINT NOT NULL,           -- milliseconds since 1970, as all times here
    due_at BIGINT NOT NULL,             -- not before this
    attempts BIGINT NOT NULL DEFAULT 0, -- how often it failed
    last_error TEXT,                    -- why, the last time
    leased_by TEXT,                     -- the relay that is at it
    leased_until BIGINT NOT NULL DEFAULT 0,
    sent_at BIGINT                      -- when the broker had it, if such rows are kept
)"
        ),
        format!("CREATE INDEX IF NOT EXISTS {index}_waiting ON {table} (seq) WHERE sent_at IS NULL"),
        format!(
            "CREATE INDEX IF NOT EXISTS {index}_ordered ON {table} (ordering_key, seq) WHERE sent_at IS NULL AND ordering_key IS NOT NULL"
        ),
        format!("CREATE INDEX IF NOT EXISTS {index}_sent ON {table} (sent_at) WHERE sent_at IS NOT NULL"),
    ]
}

/// Rows that can go out now: nobody is at them, and nothing holds them back, not even an earlier row of the same key.
fn ready<DB: Dialect>(table: &str) -> String {
    let now = DB::NOW_MS;
    format!(
        "{table} AS o WHERE o.sent_at IS NULL AND o.due_at <= {now} AND o.leased_until <= {now} AND NOT EXISTS (
            SELECT 1 FROM {table} AS p
            WHERE p.ordering_key = o.ordering_key AND p.ordering_key IS NOT NULL AND p.seq < o.seq AND p.sent_at IS NULL
                AND (p.due_at > {now} OR p.leased_until > {now}))"
    )
}

impl<DB: SqlDatabase> Outbox<DB> {
    /// Takes rows that can go out, at most so many and so many bytes of bodies (one always), for the time of the lease.
    pub(super) async fn claim(
        &self,
        relay: &str,
        lease: Duration,
        rows_max: u32,
        bytes_max: u64,
    ) -> Result<Vec<Row>, sqlx::Error> {
        let (table, ready) = (&*self.table, ready::<DB>(&self.table));
        let mut conn = self.pool.acquire().await?;
        // Looking first: where there is nothing, nobody who writes has to wait.
        if DB::fetch(&mut conn, format!("SELECT o.seq FROM {ready} LIMIT 1"), &[]).await?.is_empty() {
            return Ok(Vec::new());
        }
        drop(conn);
        let mut tx = self.pool.begin().await?;
        if let Some(bound) = DB::BOUND {
            DB::execute(&mut tx, bound.to_owned(), &[]).await?;
        }
        // One relay at a time, or a later row of a key might be taken while another relay takes the earlier one.
        DB::alone(&mut tx, table).await?;
        let now = DB::NOW_MS;
        let sql = format!(
            "UPDATE {table} SET leased_by = $1, leased_until = {now} + $2 WHERE seq IN (
                SELECT s.seq FROM (
                    SELECT r.seq, r.size, SUM(r.size) OVER (ORDER BY r.seq) AS total FROM (
                        SELECT o.seq, LENGTH(o.body) AS size FROM {ready} ORDER BY o.seq LIMIT $3
                    ) AS r
                ) AS s WHERE s.total <= $4 OR s.total = s.size)
            RETURNING seq, id, ordering_key, exchange, routing_key, mandatory, properties, body, attempts"
        );
        let bytes_max = i64::try_from(bytes_max).unwrap_or(i64::MAX);
        let args = [relay.into(), millis(lease).into(), i64::from(rows_max).into(), Arg::Int(bytes_max)];
        let mut rows = Vec::new();
        for row in DB::fetch(&mut tx, sql, &args).await? {
            let text = |column| DB::text(&row, column);
            rows.push(Row {
                seq: DB::int(&row, 0)?,
                id: text(1)?.unwrap_or_default(),
                key: text(2)?,
                exchange: text(3)?.unwrap_or_default(),
                routing_key: text(4)?.unwrap_or_default(),
                mandatory: DB::int(&row, 5)? != 0,
                properties: DB::bytes(&row, 6)?,
                body: DB::bytes(&row, 7)?,
                attempts: u32::try_from(DB::int(&row, 8)?).unwrap_or(u32::MAX),
            });
        }
        tx.commit().await?;
        rows.sort_unstable_by_key(|row| row.seq);
        Ok(rows)
    }

    /// Writes down what became of rows. What was sent is sent, whosever the row is by now; all else is said only of rows that are still
    /// the relay's.
    pub(super) async fn settle(
        &self,
        relay: &str,
        outcomes: &[(i64, Outcome)],
        keep: Option<Duration>,
    ) -> Result<(), sqlx::Error> {
        let (table, now) = (&*self.table, DB::NOW_MS);
        let of = |wanted: &Outcome| -> Vec<i64> {
            outcomes.iter().filter(|(_, outcome)| outcome == wanted).map(|(seq, _)| *seq).collect()
        };
        let mut tx = self.pool.begin().await?;
        let sent = of(&Outcome::Sent);
        if !sent.is_empty() {
            let mut args = Vec::new();
            let list = list_of(&sent, &mut args);
            let sql = match keep {
                None => format!("DELETE FROM {table} WHERE seq IN ({list})"),
                Some(_) => format!(
                    "UPDATE {table} SET sent_at = {now}, leased_by = NULL, leased_until = 0 WHERE seq IN ({list})"
                ),
            };
            DB::execute(&mut tx, sql, &args).await?;
        }
        for (seq, outcome) in outcomes {
            let Outcome::Failed { reason, pause } = outcome else { continue };
            let sql = format!(
                "UPDATE {table} SET attempts = attempts + 1, last_error = $1, due_at = {now} + $2, leased_by = NULL, leased_until = 0
                WHERE seq = $3 AND leased_by = $4"
            );
            let args = [reason.as_str().into(), millis(*pause).into(), (*seq).into(), relay.into()];
            DB::execute(&mut tx, sql, &args).await?;
        }
        let released = of(&Outcome::Released);
        if !released.is_empty() {
            let mut args = vec![relay.into()];
            let list = list_of(&released, &mut args);
            let sql = format!(
                "UPDATE {table} SET leased_by = NULL, leased_until = 0 WHERE leased_by = $1 AND seq IN ({list})"
            );
            DB::execute(&mut tx, sql, &args).await?;
        }
        tx.commit().await
    }

    /// Forgets what was sent longer ago than that; some of it, if it is much.
    pub(super) async fn prune(&self, keep: Duration) -> Result<u64, sqlx::Error> {
        let (table, now) = (&*self.table, DB::NOW_MS);
        let sql = format!(
            "DELETE FROM {table} WHERE seq IN (SELECT seq FROM {table} WHERE sent_at <= {now} - $1 ORDER BY sent_at LIMIT {PRUNE_MAX})"
        );
        let mut conn = self.pool.acquire().await?;
        DB::execute(&mut conn, sql, &[millis(keep).into()]).await
    }
}

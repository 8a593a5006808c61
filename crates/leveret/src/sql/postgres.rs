//! PostgreSQL: many writers at a time, advisory locks, `LISTEN` and `NOTIFY`.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;
use sqlx::{AssertSqlSafe, Pool, Postgres, Row as _};
use tokio::sync::Notify;

use super::{Arg, Dialect, Later, asked_by_sqlx};

impl Dialect for Postgres {
    const NOW_MS: &'static str = "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT)";
    const BYTES: &'static str = "BYTEA";
    const COUNTED_KEY: &'static str = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY";
    const POLL: Duration = Duration::from_secs(1);
    const ONE_WRITER: bool = false;
    const SKIP_LOCKED: &'static str = " FOR UPDATE SKIP LOCKED";
    const BOUND: Option<&'static str> = Some(
        "SELECT set_config('lock_timeout', '10s', true), set_config('idle_in_transaction_session_timeout', '10s', true)",
    );

    asked_by_sqlx!();

    fn alone<'a>(conn: &'a mut Self::Connection, name: &'a str) -> Later<'a, ()> {
        Box::pin(async move {
            let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
            sqlx::query(sql).bind(name).execute(conn).await.map(drop)
        })
    }

    fn notify<'a>(conn: &'a mut Self::Connection, name: &'a str) -> Later<'a, ()> {
        Box::pin(
            async move { sqlx::query("SELECT pg_notify($1, '')").bind(name).execute(conn).await.map(drop) },
        )
    }

    fn listen<'a>(pool: &'a Pool<Self>, name: &'a str, heard: &'a Arc<Notify>) -> Option<Later<'a, ()>> {
        Some(Box::pin(async move {
            let mut listener = PgListener::connect_with(pool).await?;
            listener.listen(name).await?;
            loop {
                // Something may have been written before it listened, or while its connection was away.
                heard.notify_one();
                listener.try_recv().await?;
            }
        }))
    }
}

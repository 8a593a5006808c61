//! SQLite: one writer at a time, nobody to be told anything.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Pool, Row as _, Sqlite};
use tokio::sync::Notify;

use super::{Arg, Dialect, Later, asked_by_sqlx};

impl Dialect for Sqlite {
    // Not `unixepoch('subsec')`, which libraries of before 2023 lack.
    const NOW_MS: &'static str = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";
    const BYTES: &'static str = "BLOB";
    const COUNTED_KEY: &'static str = "INTEGER PRIMARY KEY AUTOINCREMENT";
    const POLL: Duration = Duration::from_millis(100);
    const ONE_WRITER: bool = true;
    const SKIP_LOCKED: &'static str = "";
    const BOUND: Option<&'static str> = None;

    asked_by_sqlx!();

    /// A transaction that has begun to write is alone with it: what is to be done alone begins with writing.
    fn alone<'a>(_: &'a mut Self::Connection, _: &'a str) -> Later<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn notify<'a>(_: &'a mut Self::Connection, _: &'a str) -> Later<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn listen<'a>(_: &'a Pool<Self>, _: &'a str, _: &'a Arc<Notify>) -> Option<Later<'a, ()>> {
        None
    }
}

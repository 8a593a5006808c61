//! What outbox and idempotency store ask of a database: the same words for all, and the few in which databases differ.
//!
//! Only `&str` of this crate's own and checked names of tables become SQL; every value is an argument.

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Database, Pool};
use tokio::sync::Notify;

/// Bytes in the name of a table, with those that names of indexes add still within PostgreSQL's 63.
const TABLE_BYTES_MAX: usize = 50;

/// What a database answers, later.
pub(crate) type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'a>>;

/// A database that can be asked: [`sqlx::Sqlite`] with the feature `sqlite`, [`sqlx::Postgres`] with the feature `postgres`.
pub trait SqlDatabase: Dialect {}

impl<DB: Dialect> SqlDatabase for DB {}

/// A value on its way into the database.
#[derive(Debug, Clone, Copy)]
pub enum Arg<'a> {
    /// A number, or a time in milliseconds.
    Int(i64),
    /// Text, or none.
    Text(Option<&'a str>),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl From<i64> for Arg<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text))
    }
}

/// Where databases differ. Not named outside: what of it is used there is [`SqlDatabase`].
#[allow(unnameable_types)]
pub trait Dialect: Database {
    /// Milliseconds since 1970 by the clock of the database, the same for all of a statement.
    const NOW_MS: &'static str;
    /// The type of bytes.
    const BYTES: &'static str;
    /// A primary key that the database counts up.
    const COUNTED_KEY: &'static str;
    /// Between two looks whether there is something to do, unless somebody is told otherwise.
    const POLL: Duration;

    /// Whether one transaction at a time writes.
    const ONE_WRITER: bool;
    /// What makes a `SELECT` in a `DELETE` leave out rows that others are at.
    const SKIP_LOCKED: &'static str;
    /// What a transaction of ours begins with, so that one whose process hangs does not hold up others for ever.
    const BOUND: Option<&'static str>;

    /// Does something, and says to how many rows.
    fn execute<'a>(conn: &'a mut Self::Connection, sql: String, args: &'a [Arg<'a>]) -> Later<'a, u64>;

    /// Asks for rows.
    fn fetch<'a>(
        conn: &'a mut Self::Connection,
        sql: String,
        args: &'a [Arg<'a>],
    ) -> Later<'a, Vec<Self::Row>>;

    /// A number of a row; 0 for none.
    fn int(row: &Self::Row, column: usize) -> Result<i64, sqlx::Error>;
    /// A text of a row.
    fn text(row: &Self::Row, column: usize) -> Result<Option<String>, sqlx::Error>;
    /// Bytes of a row.
    fn bytes(row: &Self::Row, column: usize) -> Result<Vec<u8>, sqlx::Error>;

    /// Until the transaction ends, only it does what goes by this name.
    fn alone<'a>(conn: &'a mut Self::Connection, name: &'a str) -> Later<'a, ()>;

    /// Tells those who listen to this name, when the transaction is committed.
    fn notify<'a>(conn: &'a mut Self::Connection, name: &'a str) -> Later<'a, ()>;

    /// Wakes `heard` at every [`notify`](Self::notify); ends only with an error. `None`: this database cannot.
    fn listen<'a>(pool: &'a Pool<Self>, name: &'a str, heard: &'a Arc<Notify>) -> Option<Later<'a, ()>>;
}

/// What is the same for all databases of `sqlx`'s, written down for each: its traits cannot be named for all at once.
macro_rules! asked_by_sqlx {
    () => {
        fn execute<'a>(conn: &'a mut Self::Connection, sql: String, args: &'a [Arg<'a>]) -> Later<'a, u64> {
            Box::pin(async move {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for arg in args {
                    query = match *arg {
                        Arg::Int(value) => query.bind(value),
                        Arg::Text(text) => query.bind(text),
                        Arg::Bytes(bytes) => query.bind(bytes),
                    };
                }
                Ok(query.execute(conn).await?.rows_affected())
            })
        }

        fn fetch<'a>(
            conn: &'a mut Self::Connection,
            sql: String,
            args: &'a [Arg<'a>],
        ) -> Later<'a, Vec<Self::Row>> {
            Box::pin(async move {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for arg in args {
                    query = match *arg {
                        Arg::Int(value) => query.bind(value),
                        Arg::Text(text) => query.bind(text),
                        Arg::Bytes(bytes) => query.bind(bytes),
                    };
                }
                query.fetch_all(conn).await
            })
        }

        fn int(row: &Self::Row, column: usize) -> Result<i64, sqlx::Error> {
            Ok(row.try_get::<Option<i64>, _>(column)?.unwrap_or_default())
        }

        fn text(row: &Self::Row, column: usize) -> Result<Option<String>, sqlx::Error> {
            row.try_get(column)
        }

        fn bytes(row: &Self::Row, column: usize) -> Result<Vec<u8>, sqlx::Error> {
            row.try_get(column)
        }
    };
}
pub(crate) use asked_by_sqlx;

/// A name that can stand in SQL as it is.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "{0:?} cannot be the name of a table here: letters, digits and _, no digit first, a schema and a dot before it if need be, at most 50 bytes"
)]
pub struct TableName(String);

/// The name of a table, checked: it becomes part of SQL.
pub(crate) fn table_name(name: &str) -> Result<Arc<str>, TableName> {
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if name.len() <= TABLE_BYTES_MAX && name.split('.').count() <= 2 && name.split('.').all(is_word) {
        Ok(name.into())
    } else {
        Err(TableName(name.to_owned()))
    }
}

/// `$1, $2` and so on, of `args` and these numbers: as many as the next power of two, the last one repeated, so that there are few
/// statements to be prepared.
pub(crate) fn list_of(numbers: &[i64], args: &mut Vec<Arg<'_>>) -> String {
    let mut list = String::new();
    for at in 0..numbers.len().next_power_of_two() {
        let Some(number) = numbers.get(at).or(numbers.last()) else { break };
        args.push((*number).into());
        let comma = if at == 0 { "" } else { ", " };
        list.push_str(&format!("{comma}${}", args.len()));
    }
    list
}

/// A time span as databases are told it.
pub(crate) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plain_name_is_refused() {
        for good in ["leveret_outbox", "sales.outbox", "_a9"] {
            assert_eq!(&*table_name(good).unwrap(), good);
        }
        for bad in ["", "a b", "a;drop table b", "9a", "a.b.c", ".a", "a.", "\"a\"", "ä", &"a".repeat(51)] {
            assert!(table_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lists_have_few_lengths() {
        let mut args = vec![Arg::Int(7)];
        assert_eq!(list_of(&[1, 2, 3], &mut args), "$2, $3, $4, $5");
        assert!(matches!(args[3..], [Arg::Int(3), Arg::Int(3)]));
        assert_eq!(list_of(&[1], &mut Vec::new()), "$1");
    }
}

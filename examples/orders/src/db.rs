//! A part's own database: SQLite in a file, or a schema of PostgreSQL's. The same statements for both; numbers are `BIGINT`.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgPool, PgRow};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteRow, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Postgres, Row as _, Sqlite, Transaction};

pub(crate) type DbError = sqlx::Error;

/// Connections of one part.
const CONNECTIONS_MAX: u32 = 4;
/// How long a statement waits for another's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// Where the databases of a run are.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A file for each part.
    Folder(PathBuf),
    /// A schema for each part: this prefix and the part's name.
    Server { url: String, prefix: String },
}

/// An open database.
#[derive(Debug, Clone)]
pub(crate) enum Db {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// What a statement is given.
pub(crate) enum Value {
    Int(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

/// `args![a, b]`: values of numbers and texts.
macro_rules! args {
    ($($value:expr),* $(,)?) => { [$($crate::db::Value::from($value)),*] };
}
pub(crate) use args;

/// A line of a result.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub(crate) fn int(&self, column: usize) -> Result<i64, DbError> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }

    pub(crate) fn text(&self, column: usize) -> Result<String, DbError> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}

/// Puts values into a query.
macro_rules! bound {
    ($sql:expr, $values:expr) => {
        $values.iter().fold(sqlx::query($sql), |query, value| match value {
            Value::Int(number) => query.bind(*number),
            Value::Text(text) => query.bind(text.clone()),
        })
    };
}

impl Place {
    /// Opens a part's database and makes its tables, unless they are there.
    pub(crate) async fn open(&self, name: &str, schema: &str) -> Result<Db, DbError> {
        let db = match self {
            Self::Folder(folder) => Db::Sqlite(open_file(&folder.join(format!("{name}.db"))).await?),
            Self::Server { url, prefix } => {
                Db::Postgres(open_schema(url, &format!("{prefix}_{name}")).await?)
            }
        };
        for statement in schema.split(';').map(str::trim).filter(|text| !text.is_empty()) {
            let statement = AssertSqlSafe(statement.to_owned());
            let _changed = match &db {
                Db::Sqlite(pool) => sqlx::query(statement).execute(pool).await?.rows_affected(),
                Db::Postgres(pool) => sqlx::query(statement).execute(pool).await?.rows_affected(),
            };
        }
        Ok(db)
    }

    /// Removes what is left of a part on a server; a folder is its owner's.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), DbError> {
        let Self::Server { url, prefix } = self else { return Ok(()) };
        let pool = PgPool::connect(url).await?;
        let drop_it = format!("DROP SCHEMA IF EXISTS {prefix}_{name} CASCADE");
        sqlx::query(AssertSqlSafe(drop_it)).execute(&pool).await?;
        pool.close().await;
        Ok(())
    }
}

async fn open_file(path: &Path) -> Result<SqlitePool, DbError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit is on the disk: what was acked has to survive power loss as well.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT);
    PoolOptions::new().max_connections(CONNECTIONS_MAX).connect_with(options).await
}

async fn open_schema(url: &str, schema: &str) -> Result<PgPool, DbError> {
    let options = PgConnectOptions::from_str(url)?.options([("search_path", schema)]);
    let pool: PgPool = PoolOptions::new().max_connections(CONNECTIONS_MAX).connect_with(options).await?;
    // Two who make the same at the same time would collide in spite of IF NOT EXISTS; whoever comes second sees it made.
    let make = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
    let mut transaction = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock(7)").execute(&mut *transaction).await?;
    sqlx::query(AssertSqlSafe(make)).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(pool)
}

impl Db {
    /// Begins to write.
    pub(crate) async fn begin(&self) -> Result<Tx, DbError> {
        Ok(match self {
            // A transaction that reads first and writes then would fail where another has written between.
            Self::Sqlite(pool) => Tx::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Reads.
    pub(crate) async fn rows(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, DbError> {
        Ok(match self {
            Self::Sqlite(pool) => {
                bound!(sql, values).fetch_all(pool).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                bound!(sql, values).fetch_all(pool).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Reads one number.
    pub(crate) async fn number(&self, sql: &'static str) -> Result<i64, DbError> {
        self.rows(sql, &[]).await?.first().ok_or(DbError::RowNotFound)?.int(0)
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// An open transaction; dropped it is rolled back.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Changes something; how many rows is the answer.
    pub(crate) async fn run(&mut self, sql: &'static str, values: &[Value]) -> Result<u64, DbError> {
        Ok(match self {
            Self::Sqlite(tx) => bound!(sql, values).execute(&mut **tx).await?.rows_affected(),
            Self::Postgres(tx) => bound!(sql, values).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// Reads the first row.
    pub(crate) async fn row(&mut self, sql: &'static str, values: &[Value]) -> Result<Option<Row>, DbError> {
        Ok(match self {
            Self::Sqlite(tx) => bound!(sql, values).fetch_optional(&mut **tx).await?.map(Row::Sqlite),
            Self::Postgres(tx) => bound!(sql, values).fetch_optional(&mut **tx).await?.map(Row::Postgres),
        })
    }

    pub(crate) async fn commit(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }
}

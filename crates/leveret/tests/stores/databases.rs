//! A fresh database for each test, and what tests ask of it in SQL.

use leveret::SqlDatabase;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Pool, Postgres, Sqlite};

/// A database of one test's own.
pub(crate) struct Fresh<DB: SqlDatabase> {
    pub(crate) pool: Pool<DB>,
    _folder: Option<tempfile::TempDir>,
}

/// What tests ask in words of their own.
pub(crate) trait TestDatabase: SqlDatabase {
    async fn fresh() -> Fresh<Self>;
    /// Does this, and says to how many rows.
    async fn sql(pool: &Pool<Self>, sql: &str) -> u64;
    /// The one number of this.
    fn number(pool: &Pool<Self>, sql: &str) -> impl Future<Output = i64> + Send;
}

macro_rules! asked {
    () => {
        async fn sql(pool: &Pool<Self>, sql: &str) -> u64 {
            sqlx::query(AssertSqlSafe(sql)).execute(pool).await.unwrap().rows_affected()
        }

        async fn number(pool: &Pool<Self>, sql: &str) -> i64 {
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await.unwrap()
        }
    };
}

impl TestDatabase for Sqlite {
    async fn fresh() -> Fresh<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options =
            SqliteConnectOptions::new().filename(folder.path().join("test.db")).create_if_missing(true);
        let options = options.journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePoolOptions::new().connect_with(options).await.unwrap();
        Fresh { pool, _folder: Some(folder) }
    }

    asked!();
}

impl TestDatabase for Postgres {
    async fn fresh() -> Fresh<Self> {
        let url = std::env::var("LEVERET_TEST_POSTGRES_URL");
        let url =
            url.expect("LEVERET_TEST_POSTGRES_URL says where PostgreSQL is: conformance/stores/run sets it");
        let schema = format!("test_{:016x}", rand::random::<u64>());
        let admin = PgPoolOptions::new().max_connections(1).connect(&url).await.unwrap();
        Self::sql(&admin, &format!("CREATE SCHEMA {schema}")).await;
        admin.close().await;
        let options: PgConnectOptions = url.parse().unwrap();
        let options = options.options([("search_path", schema.as_str())]);
        let pool = PgPoolOptions::new().max_connections(8).connect_with(options).await.unwrap();
        Fresh { pool, _folder: None }
    }

    asked!();
}

/// Makes a test of each function for each database.
macro_rules! on_each_database {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(<sqlx::Sqlite as crate::databases::TestDatabase>::fresh().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            #[ignore = "needs PostgreSQL: conformance/stores/run"]
            async fn $name() {
                super::$name(<sqlx::Postgres as crate::databases::TestDatabase>::fresh().await).await;
            })*
        }
    };
}
pub(crate) use on_each_database;

//! Marking what was handled in the handler's own transaction.

use super::new_token;
use super::sql::SqlStore;
use crate::sql::SqlDatabase;

/// Why a key could not be marked in a transaction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InboxError {
    /// The database says no, or is away.
    #[error("inbox: {0}")]
    Database(#[from] sqlx::Error),
    /// A worker has a lease on the same key, from this store without a transaction. Whether it succeeds is not known: try again.
    #[error("{0:?} is being handled elsewhere")]
    InProgress(String),
}

impl<DB: SqlDatabase> SqlStore<DB> {
    /// Marks a key as done in the caller's transaction. `true`: it is new, and done if the transaction is committed. `false`: it was done.
    ///
    /// Another transaction that claims the same key at the same time waits until this one has ended, and is then told how. Call it
    /// first: in SQLite a transaction that has only read cannot always begin to write. Where several queues' handlers share the table, let the
    /// key begin with who handles it.
    ///
    /// # Errors
    /// The database's: roll back. [`InboxError::InProgress`].
    pub async fn claim_in(&self, tx: &mut DB::Connection, key: &str) -> Result<bool, InboxError> {
        if DB::ONE_WRITER {
            self.forget_some(tx).await?;
        } else if let Some(mut other) = self.pool.try_acquire() {
            // Not in the caller's transaction, which would hold on to what it deletes.
            self.forget_some(&mut other).await?;
        }
        if self.take(tx, key, new_token(), true, self.window).await? > 0 {
            return Ok(true);
        }
        if self.is_done(tx, key).await? { Ok(false) } else { Err(InboxError::InProgress(key.to_owned())) }
    }
}

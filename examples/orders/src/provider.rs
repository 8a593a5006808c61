//! A payment provider, as they are: slow, sometimes silent, sometimes silent after it took the money. It has books of its own, which
//! nobody's transaction reaches, and one courtesy: whoever asks twice with the same key is charged once.

use std::time::Duration;

use crate::chance::{draw, happens};
use crate::db::{Db, DbError, args};
use crate::order::{Order, UNREADABLE};
use crate::settings::Settings;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS charges (order_key TEXT PRIMARY KEY, cents BIGINT NOT NULL, state TEXT NOT NULL, calls BIGINT NOT NULL);
";
/// The name of its books.
pub(crate) const BOOKS: &str = "provider";

/// What it answers.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Charged,
    Declined,
}

/// Why it does not answer.
#[derive(Debug)]
pub(crate) enum ProviderError {
    Silent,
    BadCard,
    Books(DbError),
}

impl std::fmt::Display for ProviderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Silent => f.write_str("the payment provider does not answer"),
            Self::BadCard => f.write_str("the provider cannot read the card"),
            Self::Books(error) => write!(f, "the provider is out of order: {error}"),
        }
    }
}

impl std::error::Error for ProviderError {}

impl From<DbError> for ProviderError {
    fn from(error: DbError) -> Self {
        Self::Books(error)
    }
}

/// The provider.
pub(crate) struct Provider {
    books: Db,
    seed: u64,
}

impl Provider {
    pub(crate) async fn open(settings: &Settings) -> Result<Self, DbError> {
        Ok(Self { books: books(settings).await?, seed: settings.seed })
    }

    /// Charges for an order, once however often it is asked.
    pub(crate) async fn charge(&self, order: &Order) -> Result<Answer, ProviderError> {
        if order.card == UNREADABLE {
            return Err(ProviderError::BadCard);
        }
        let (seed, number) = (self.seed, order.id.unsigned_abs());
        let key = order.id.to_string();
        let mut books = self.books.begin().await?;
        let sql = "INSERT INTO charges (order_key, cents, state, calls) VALUES ($1, $2, 'open', 1)
            ON CONFLICT (order_key) DO UPDATE SET calls = charges.calls + 1";
        books.run(sql, &args![key.as_str(), order.cents]).await?;
        let sql = "SELECT state, calls FROM charges WHERE order_key = $1";
        let row = books.row(sql, &args![key.as_str()]).await?.ok_or(DbError::RowNotFound)?;
        let (state, calls) = (row.text(0)?, row.int(1)?);
        let luck = draw(seed, &format!("call {calls}"), number) % 1000;
        let never = happens(seed, "never answers", number, 20);
        let declined = state == "void" || happens(seed, "declined", number, 50);
        let is_charged = state == "charged" || !(declined || never || luck < 120);
        if is_charged && state == "open" {
            let sql = "UPDATE charges SET state = 'charged' WHERE order_key = $1";
            books.run(sql, &args![key.as_str()]).await?;
        }
        books.commit().await?;
        tokio::time::sleep(Duration::from_millis(2 + luck % 10)).await;
        match (is_charged, never || luck < 120) {
            // It took the money, and the answer was lost.
            (true, _) if (120..170).contains(&luck) => Err(ProviderError::Silent),
            (true, _) => Ok(Answer::Charged),
            (false, true) => Err(ProviderError::Silent),
            (false, false) => Ok(Answer::Declined),
        }
    }

    /// Gives back what was taken for an order, and takes nothing more for it.
    pub(crate) async fn void(&self, order: &Order) -> Result<(), ProviderError> {
        let mut books = self.books.begin().await?;
        let sql = "INSERT INTO charges (order_key, cents, state, calls) VALUES ($1, $2, 'void', 0)
            ON CONFLICT (order_key) DO UPDATE SET state = 'void'";
        books.run(sql, &args![order.id.to_string().as_str(), order.cents]).await?;
        Ok(books.commit().await?)
    }
}

/// Opens its books.
pub(crate) async fn books(settings: &Settings) -> Result<Db, DbError> {
    settings.place().open(BOOKS, SCHEMA).await
}

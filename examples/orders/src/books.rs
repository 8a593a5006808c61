//! The books of all parts, read by the one who watches: how far they are, and whether they balance.

use leveret::BoxError;

use crate::db::{Db, DbError};
use crate::ledger::Ledger;
use crate::order::Order;
use crate::outbox::Events;
use crate::parts::Part;
use crate::settings::Settings;
use crate::{office, provider};

/// The databases of a run.
pub(crate) struct Books {
    create: Db,
    stock: Db,
    payment: Db,
    logistics: Db,
    provider: Db,
    outboxes: Vec<Events>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) created: i64,
    pub(crate) reserved: i64,
    pub(crate) paid: i64,
    pub(crate) shipped: i64,
    pub(crate) refused: i64,
}

impl Counts {
    /// Orders of which it is known what became of them.
    pub(crate) fn ended(self) -> i64 {
        self.shipped + self.refused
    }
}

impl Books {
    pub(crate) async fn open(settings: &Settings) -> Result<Self, BoxError> {
        let place = settings.place();
        let mut outboxes = Vec::new();
        let mut open = async |part: Part| {
            let db = place.open(part.name(), &format!("{}{}", part.schema(), office::SCHEMA)).await?;
            outboxes.push(Events::open(&db).await?);
            Ok::<_, BoxError>(db)
        };
        let (create, stock) = (open(Part::Create).await?, open(Part::Stock).await?);
        let (payment, logistics) = (open(Part::Payment).await?, open(Part::Logistics).await?);
        let provider = provider::books(settings).await?;
        Ok(Self { create, stock, payment, logistics, provider, outboxes })
    }

    pub(crate) async fn counts(&self) -> Result<Counts, DbError> {
        Ok(Counts {
            created: self.create.number("SELECT COUNT(*) FROM orders").await?,
            reserved: self.stock.number("SELECT COUNT(DISTINCT order_id) FROM reservations").await?,
            paid: self
                .payment
                .number("SELECT COUNT(DISTINCT order_id) FROM payments WHERE state = 'taken'")
                .await?,
            shipped: self
                .create
                .number("SELECT COUNT(DISTINCT order_id) FROM ends WHERE state = 'shipped'")
                .await?,
            refused: self
                .create
                .number("SELECT COUNT(DISTINCT order_id) FROM ends WHERE state = 'refused'")
                .await?,
        })
    }

    /// Events that were written and not sent.
    pub(crate) async fn unsent(&self) -> Result<u64, BoxError> {
        let mut unsent = 0;
        for outbox in &self.outboxes {
            unsent += outbox.waiting().await?;
        }
        Ok(unsent)
    }

    /// Everything, for the account.
    pub(crate) async fn ledger(&self, settings: &Settings) -> Result<Ledger, DbError> {
        let mut ledger = Ledger::new(settings.orders);
        for row in self.create.rows("SELECT id FROM orders", &[]).await? {
            ledger.created(&Order::of(settings.seed, row.int(0)?));
        }
        for row in self.create.rows("SELECT order_id, state, reason FROM ends", &[]).await? {
            ledger.ended(row.int(0)?, &row.text(1)?, &row.text(2)?);
        }
        for row in self.logistics.rows("SELECT order_id, item, quantity FROM shipments", &[]).await? {
            ledger.shipped(row.int(0)?, &row.text(1)?, row.int(2)?);
        }
        for row in self.stock.rows("SELECT item, left_over FROM stock", &[]).await? {
            ledger.left(&row.text(0)?, row.int(1)?);
        }
        for row in
            self.provider.rows("SELECT order_key, cents FROM charges WHERE state = 'charged'", &[]).await?
        {
            ledger.charged(row.text(0)?.parse().unwrap_or_default(), row.int(1)?);
        }
        for row in self.payment.rows("SELECT order_id FROM payments WHERE state = 'taken'", &[]).await? {
            ledger.paid(row.int(0)?);
        }
        Ok(ledger)
    }

    pub(crate) async fn close(self) {
        for db in [self.create, self.stock, self.payment, self.logistics, self.provider] {
            db.close().await;
        }
    }
}

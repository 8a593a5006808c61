//! The toolkit's outbox, over either database: events are written in the same transaction as what they tell of, and sent afterwards.
//!
//! Sent twice when a part dies between sending and forgetting; never lost, and never sent for what was rolled back.

use std::time::Duration;

use leveret::{BoxError, Json, Mq, Outbox, OutboxMessage, SqlDatabase, TraceContext};
use sqlx::{Postgres, Sqlite};
use tokio_util::sync::CancellationToken;

use crate::db::{Db, Tx};
use crate::order::Event;

/// What a part was sending when it was killed waits so long. Short, because parts are killed all the time here.
const LEASE: Duration = Duration::from_secs(2);
/// How often it is looked for events.
const POLL: Duration = Duration::from_millis(20);
/// Pauses between attempts to send.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// A part's outbox.
#[derive(Debug, Clone)]
pub(crate) enum Events {
    Sqlite(Outbox<Sqlite>),
    Postgres(Outbox<Postgres>),
}

impl Events {
    /// In a part's database; makes the table unless it is there.
    pub(crate) async fn open(db: &Db) -> Result<Self, BoxError> {
        Ok(match db {
            Db::Sqlite(pool) => {
                let outbox = Outbox::new(pool.clone());
                outbox.migrate().await?;
                Self::Sqlite(outbox)
            }
            Db::Postgres(pool) => {
                let outbox = Outbox::new(pool.clone());
                outbox.migrate().await?;
                Self::Postgres(outbox)
            }
        })
    }

    /// Writes an event; it is sent after the commit.
    pub(crate) async fn add(
        &self,
        tx: &mut Tx,
        (exchange, kind): (&str, &'static str),
        event: &Event,
        context: &TraceContext,
    ) -> Result<(), BoxError> {
        let message = OutboxMessage::encode::<Json<Event>>(event)?
            .to(exchange.to_owned(), kind)
            .message_type(kind)
            .with(|mut message| {
                context.inject(&mut message.properties);
                message
            });
        match (self, tx) {
            (Self::Sqlite(outbox), Tx::Sqlite(tx)) => outbox.add(tx, message).await?,
            (Self::Postgres(outbox), Tx::Postgres(tx)) => outbox.add(tx, message).await?,
            _ => return Err("the outbox is in another database".into()),
        };
        Ok(())
    }

    /// How many events are not sent yet.
    pub(crate) async fn waiting(&self) -> Result<u64, BoxError> {
        Ok(match self {
            Self::Sqlite(outbox) => outbox.stats().await?.waiting,
            Self::Postgres(outbox) => outbox.stats().await?.waiting,
        })
    }

    /// Sends what is written, until `stop`.
    pub(crate) async fn relay(&self, mq: &Mq, stop: CancellationToken) -> Result<(), BoxError> {
        match self {
            Self::Sqlite(outbox) => relay(outbox, mq, stop).await,
            Self::Postgres(outbox) => relay(outbox, mq, stop).await,
        }
    }
}

async fn relay<DB: SqlDatabase>(
    outbox: &Outbox<DB>,
    mq: &Mq,
    stop: CancellationToken,
) -> Result<(), BoxError> {
    let relay = outbox.relay(mq).lease(LEASE).poll_interval(POLL).retry_pauses(PAUSES.0, PAUSES.1);
    relay.run(stop).await?;
    Ok(())
}

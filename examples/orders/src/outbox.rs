//! The toolkit's outbox, over either database: events are written in the same transaction as what they tell of, and sent afterwards.
//!
//! Sent twice when a part dies between sending and forgetting; never lost, and never sent for what was rolled back.

use std::time::Duration;

use leveret::{App, BoxError, Json, Mq, Outbox, OutboxMessage, Relay, SqlDatabase, TraceContext};
use sqlx::{Postgres, Sqlite};

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

    /// With a relay that sends what is written.
    pub(crate) fn relayed(&self, app: App, mq: &Mq) -> App {
        match self {
            Self::Sqlite(outbox) => app.relay(relay(outbox, mq)),
            Self::Postgres(outbox) => app.relay(relay(outbox, mq)),
        }
    }
}

fn relay<DB: SqlDatabase>(outbox: &Outbox<DB>, mq: &Mq) -> Relay<DB> {
    outbox.relay(mq).lease(LEASE).poll_interval(POLL).retry_pauses(PAUSES.0, PAUSES.1)
}

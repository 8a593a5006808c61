//! Events are written in the same transaction as what they tell of, and sent afterwards.
//!
//! Sent twice when a relay dies between sending and marking; never lost, and never sent for what was rolled back.

use std::time::Duration;

use leveret::{Json, Mq, Publisher, TraceContext};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::db::{Db, DbError, Tx, args};
use crate::order::Event;

/// The table of a part's outbox.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS outbox (id {id}, kind TEXT NOT NULL, body TEXT NOT NULL, traceparent TEXT NOT NULL,
        sent BIGINT NOT NULL DEFAULT 0);
    CREATE INDEX IF NOT EXISTS outbox_unsent ON outbox (id) WHERE sent = 0;
";
/// Rows sent at a time.
const BATCH: usize = 64;
/// How often it is looked for rows that nobody in this process told of.
const POLL: Duration = Duration::from_millis(500);
/// Between two attempts when something failed.
const PAUSE: Duration = Duration::from_millis(200);

/// Writes an event; it is sent after the commit.
pub(crate) async fn add(
    tx: &mut Tx,
    kind: &str,
    event: &Event,
    context: &TraceContext,
) -> Result<(), DbError> {
    let body = serde_json::to_string(event).map_err(|error| DbError::Encode(error.into()))?;
    let traceparent = context.traceparent.as_deref().unwrap_or_default();
    let sql = "INSERT INTO outbox (kind, body, traceparent) VALUES ($1, $2, $3)";
    tx.run(sql, &args![kind, body.as_str(), traceparent]).await.map(drop)
}

/// How many events are not sent yet.
pub(crate) async fn waiting(db: &Db) -> Result<i64, DbError> {
    db.number("SELECT COUNT(*) FROM outbox WHERE sent = 0").await
}

/// Sends what is written, until `stop`.
pub(crate) struct Relay<'a> {
    pub(crate) part: &'static str,
    pub(crate) db: &'a Db,
    pub(crate) publisher: Publisher<Json<Event>>,
    pub(crate) wake: &'a Notify,
}

impl<'a> Relay<'a> {
    /// For this part's outbox, to this exchange.
    pub(crate) async fn open(
        part: &'static str,
        db: &'a Db,
        mq: &Mq,
        exchange: &str,
        wake: &'a Notify,
    ) -> Result<Self, leveret::client::Error> {
        let publisher = mq.publisher_to(exchange.to_owned(), "").build().await?;
        Ok(Self { part, db, publisher, wake })
    }

    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            let pause = match self.batch().await {
                Ok(BATCH) => continue,
                Ok(_) => POLL,
                Err(error) => {
                    tracing::warn!(part = self.part, %error, "events wait in the outbox");
                    PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                _ = timeout(pause, self.wake.notified()) => {}
            }
        }
    }

    /// Sends some, all of them confirmed before they are marked.
    async fn batch(&self) -> Result<usize, leveret::BoxError> {
        let sql = "SELECT id, kind, body, traceparent FROM outbox WHERE sent = 0 ORDER BY id LIMIT 64";
        let rows = self.db.rows(sql, &[]).await?;
        let mut confirms = Vec::with_capacity(rows.len());
        for row in &rows {
            let (id, kind) = (row.int(0)?, row.text(1)?);
            let mut message = self.publisher.message(&serde_json::from_str(&row.text(2)?)?)?;
            // The row's id: whoever gets it twice can know.
            message = message.message_id(format!("{}-{id}", self.part)).routing_key(kind.clone());
            message.properties.kind = Some(kind.clone());
            let context = row.text(3)?;
            if !context.is_empty() {
                TraceContext::new(context).inject(&mut message.properties);
            }
            let context = TraceContext::of(&message.properties).traceparent;
            let span = tracing::info_span!("publish", otel.name = %format_args!("publish {kind}"), otel.kind = "producer",
                messaging.message.id = id, traceparent = context.as_deref());
            confirms.push((id, self.publisher.inner().enqueue(message).await?, span));
        }
        let mut sent = Vec::with_capacity(rows.len());
        let mut failed = None;
        for (id, confirm, span) in confirms {
            let confirmed = confirm.instrument(span).await;
            match confirmed {
                Ok(_) => sent.push(id),
                Err(error) => failed = Some(error),
            }
        }
        if !sent.is_empty() {
            let mut tx = self.db.begin().await?;
            for id in sent {
                tx.run("UPDATE outbox SET sent = 1 WHERE id = $1", &args![id]).await?;
            }
            tx.commit().await?;
        }
        failed.map_or(Ok(rows.len()), |error| Err(error.into()))
    }
}

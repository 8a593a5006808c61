//! What every part does with a message: enter it in the inbox, change its own tables, write what it has to tell into the outbox; all in
//! one transaction, so that none of it happens without the rest, and nothing twice.

use leveret::{Failure, Incoming, Json, Mq, Publisher, TraceContext};

use crate::chance::happens;
use crate::db::{Db, DbError, Tx, Value, args};
use crate::order::{Event, Order};
use crate::outbox::Events;
use crate::parts::Part;
use crate::settings::{Settings, Without};
use crate::tell::{Teller, Told};

/// The table of a part's inbox.
pub(crate) const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS inbox (message TEXT PRIMARY KEY);";
/// In so many of a thousand messages a part stumbles after it committed, and does not get to its ack.
const STUMBLES: u64 = 40;

/// A part's desk: its database and what goes with it.
pub(crate) struct Office {
    pub(crate) part: Part,
    pub(crate) db: Db,
    pub(crate) teller: Teller,
    pub(crate) seed: u64,
    without: Option<Without>,
    /// What is told to the others, and is not sent yet.
    pub(crate) events: Events,
    exchange: String,
    /// For a shop without outbox.
    direct: Publisher<Json<Event>>,
}

/// Work on one message: an open transaction.
pub(crate) struct Work {
    tx: Tx,
    context: TraceContext,
    /// To be sent after the commit, by a shop without outbox.
    direct: Vec<(&'static str, Event)>,
}

impl Office {
    pub(crate) async fn open(
        part: Part,
        settings: &Settings,
        mq: &Mq,
        teller: Teller,
    ) -> Result<Self, leveret::BoxError> {
        let db = settings.place().open(part.name(), &format!("{}{SCHEMA}", part.schema())).await?;
        let events = Events::open(&db).await?;
        let exchange = settings.exchange();
        let direct = mq.publisher_to(exchange.clone(), "").build().await?;
        let (seed, without) = (settings.seed, settings.without);
        Ok(Self { part, db, teller, seed, without, events, exchange, direct })
    }

    /// Begins work that no message asked for.
    pub(crate) async fn begin(&self, context: TraceContext) -> Result<Work, DbError> {
        Ok(Work { tx: self.db.begin().await?, context, direct: Vec::new() })
    }

    /// Begins work on a message; `None`: it was done before.
    pub(crate) async fn receive(&self, message: &Incoming) -> Result<Option<Work>, Failure> {
        let mut work = self.begin(TraceContext::of(message.properties())).await?;
        if self.without == Some(Without::Inbox) {
            return Ok(Some(work));
        }
        let Some(id) = message.message_id() else {
            return Err(Failure::permanent("it has no message id").reason("no-message-id"));
        };
        if work.run("INSERT INTO inbox (message) VALUES ($1) ON CONFLICT DO NOTHING", &args![id]).await? == 1
        {
            return Ok(Some(work));
        }
        self.teller.tell(Told::Duplicate);
        Ok(None)
    }

    /// Commits: now it has happened.
    pub(crate) async fn commit(&self, work: Work) -> Result<(), leveret::BoxError> {
        let Work { tx, direct, context, .. } = work;
        tx.commit().await?;
        for (kind, event) in direct {
            if self.stumbles(&format!("before it sends {kind}"), &event.order) {
                return Err("stumbled between commit and sending".into());
            }
            let mut message = self
                .direct
                .message(&event)?
                .routing_key(kind)
                .message_id(format!("{kind}-{}", event.order.id));
            message.properties.kind = Some(kind.to_owned());
            context.inject(&mut message.properties);
            self.direct.inner().send(message).await?;
        }
        Ok(())
    }

    /// Commits the work on a message. Sometimes the part stumbles right behind: the message comes again, and must find the inbox closed.
    pub(crate) async fn finish(&self, work: Work, message: &Incoming, order: &Order) -> Result<(), Failure> {
        self.commit(work).await.map_err(Failure::transient)?;
        let is_first = message.attempt() == 1 && !message.is_redelivered();
        if is_first && self.stumbles(&format!("at {}", message.routing_key()), order) {
            self.teller.tell(Told::Retry);
            return Err(Failure::transient("stumbled between commit and ack"));
        }
        Ok(())
    }

    fn stumbles(&self, when: &str, order: &Order) -> bool {
        let question = format!("{} stumbles {when}", self.part.name());
        happens(self.seed, &question, order.id.unsigned_abs(), STUMBLES)
    }
}

impl Work {
    pub(crate) async fn run(&mut self, sql: &'static str, values: &[Value]) -> Result<u64, DbError> {
        self.tx.run(sql, values).await
    }

    /// Tells the others, if this is committed.
    pub(crate) async fn tell(
        &mut self,
        office: &Office,
        kind: &'static str,
        order: &Order,
        reason: Option<&str>,
    ) -> Result<(), Failure> {
        let event = Event { order: order.clone(), reason: reason.map(str::to_owned) };
        if office.without == Some(Without::Outbox) {
            self.direct.push((kind, event));
            return Ok(());
        }
        let to = (office.exchange.as_str(), kind);
        office.events.add(&mut self.tx, to, &event, &self.context).await.map_err(Failure::transient)
    }
}

//! Takes money through a provider that is not to be relied on, and gives up in order.
//!
//! What happens at the provider is in no transaction of ours. So it is asked with a key that makes asking twice harmless, and a message
//! that was handled is not handled again ([`Idempotency`]) as long as the store remembers it.

use std::sync::Arc;
use std::time::Duration;

use leveret::{
    App, BoxError, Failure, Headers, Idempotency, Incoming, Json, Mq, RedbStore, RedisStore, State, Worker,
};

use super::{Builder, DRAIN};
use crate::counted::Counted;
use crate::db::args;
use crate::office::Office;
use crate::order::{Event, kind};
use crate::provider::{Answer, Provider, ProviderError};
use crate::settings::{Settings, Without};
use crate::tell::Told;
use crate::topology;

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS payments (order_id BIGINT NOT NULL, cents BIGINT NOT NULL, state TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS alerts (order_id BIGINT NOT NULL, why TEXT NOT NULL);
";

/// How long what was handled is remembered: longer than the ladder and any outage of an example.
const WINDOW: Duration = Duration::from_secs(3600);
/// Longer than a handler may take.
const LEASE: Duration = Duration::from_secs(30);

pub(super) async fn app(
    builder: Builder,
    settings: &Settings,
    mq: &Mq,
    office: &Arc<Office>,
) -> Result<App, BoxError> {
    let provider = Arc::new(Provider::open(settings).await?);
    let mut builder = builder.state(provider.clone());
    if settings.without != Some(Without::Inbox) {
        let once = match &settings.redis {
            Some(url) => {
                let store =
                    RedisStore::connect(url).await?.prefix(format!("{}-payment:", settings.exchange()));
                Idempotency::new(Counted::new(store, office.teller.clone()))
            }
            None => {
                let store = RedbStore::open(settings.folder().join("payment.redb"))?;
                Idempotency::new(Counted::new(store, office.teller.clone()))
            }
        };
        builder = builder.idempotent(once.window(WINDOW).lease(LEASE));
    }
    Ok(App::new().worker(builder.handler(pay)).worker(desk(settings, mq, office, provider)))
}

/// Looks after what could not be paid.
fn desk(settings: &Settings, mq: &Mq, office: &Arc<Office>, provider: Arc<Provider>) -> Worker {
    let builder = mq.worker(topology::unpaid_name(settings)).concurrency(2).drain_within(DRAIN);
    builder.state(office.clone()).state(provider).handler(give_up)
}

async fn pay(
    message: Incoming,
    Json(event): Json<Event>,
    State(office): State<Arc<Office>>,
    State(provider): State<Arc<Provider>>,
) -> Result<(), Failure> {
    let order = &event.order;
    let answer = provider.charge(order).await.map_err(|error| match error {
        ProviderError::BadCard => Failure::permanent(error).reason("bad-card"),
        error => {
            office.teller.tell(Told::Retry);
            Failure::transient(error).reason("provider")
        }
    })?;
    let Some(mut work) = office.receive(&message).await? else { return Ok(()) };
    let (state, kind, reason) = match answer {
        Answer::Charged => ("taken", kind::PAID, None),
        Answer::Declined => ("declined", kind::UNPAID, Some("card declined")),
    };
    let sql = "INSERT INTO payments (order_id, cents, state) VALUES ($1, $2, $3)";
    work.run(sql, &args![order.id, order.cents, state]).await?;
    work.tell(&office, kind, order, reason).await?;
    office.finish(work, &message, order).await
}

/// A dead letter: somebody is told, whatever the provider took is given back, and the order is refused.
async fn give_up(
    message: Incoming,
    Json(event): Json<Event>,
    Headers(headers): Headers,
    State(office): State<Arc<Office>>,
    State(provider): State<Arc<Provider>>,
) -> Result<(), Failure> {
    let order = &event.order;
    // The same entry as the payment's own: whichever of the two comes first decides, and a late copy finds it decided.
    let Some(mut work) = office.receive(&message).await? else { return Ok(()) };
    let text = |name| headers.get(name).and_then(|value| value.as_str()).unwrap_or("unknown").to_owned();
    let attempts = headers.get("x-attempts").and_then(|value| value.as_i64()).unwrap_or(1);
    let why = format!("{} (attempt {attempts})", text("x-error"));
    provider.void(order).await?;
    work.run("INSERT INTO alerts (order_id, why) VALUES ($1, $2)", &args![order.id, why.as_str()]).await?;
    work.tell(&office, kind::UNPAID, order, Some("not paid")).await?;
    office.teller.tell(Told::Alert { order: order.id, why });
    office.finish(work, &message, order).await
}

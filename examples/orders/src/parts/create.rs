//! Takes orders, and hears in the end what became of them.

use std::sync::Arc;
use std::time::Duration;

use leveret::{BoxError, Failure, Incoming, Json, State, TraceContext, Worker};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::Builder;
use crate::db::args;
use crate::office::Office;
use crate::order::{Event, Order, kind};
use crate::settings::Settings;

/// Nothing here forbids two ends of one order: the ledger is to see them.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS orders (id BIGINT PRIMARY KEY, item TEXT NOT NULL, quantity BIGINT NOT NULL, cents BIGINT NOT NULL);
    CREATE TABLE IF NOT EXISTS ends (order_id BIGINT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL);
";

pub(super) fn worker(builder: Builder) -> Worker {
    builder.handler(end)
}

/// Takes one order after the other, from where it was when it was killed.
pub(super) async fn take_orders(
    office: &Office,
    settings: &Settings,
    stop: &CancellationToken,
) -> Result<(), BoxError> {
    let mut pace = interval(Duration::from_secs_f64(1.0 / f64::from(settings.rate.max(1))));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut next = next_order(office).await?;
    while next <= settings.orders {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = pace.tick() => {}
        }
        if let Err(error) = take(office, &Order::of(settings.seed, next)).await {
            // It may have been taken all the same: its table knows.
            tracing::warn!(order = next, %error, "failed to take an order");
            next = next_order(office).await?;
            continue;
        }
        next += 1;
    }
    Ok(())
}

async fn next_order(office: &Office) -> Result<i64, BoxError> {
    Ok(1 + office.db.number("SELECT COALESCE(MAX(id), 0) FROM orders").await?)
}

async fn take(office: &Office, order: &Order) -> Result<(), BoxError> {
    let (trace, span) = (rand::random::<u128>().max(1), rand::random::<u64>().max(1));
    let context = format!("00-{trace:032x}-{span:016x}-01");
    // Everything that happens to the order is below this span, wherever it happens.
    let root = tracing::info_span!("take order", is = context.as_str(), order = order.id);
    write(office, order, TraceContext::new(context)).instrument(root).await
}

async fn write(office: &Office, order: &Order, context: TraceContext) -> Result<(), BoxError> {
    let mut work = office.begin(context).await?;
    let sql = "INSERT INTO orders (id, item, quantity, cents) VALUES ($1, $2, $3, $4)";
    work.run(sql, &args![order.id, order.item.as_str(), order.quantity, order.cents]).await?;
    work.tell(office, kind::CREATED, order, None).await.map_err(|failure| failure.to_string())?;
    office.commit(work).await
}

async fn end(
    message: Incoming,
    Json(event): Json<Event>,
    State(office): State<Arc<Office>>,
) -> Result<(), Failure> {
    let Some(mut work) = office.receive(&message).await? else { return Ok(()) };
    let state = if message.routing_key() == kind::SHIPPED { "shipped" } else { "refused" };
    let sql = "INSERT INTO ends (order_id, state, reason) VALUES ($1, $2, $3)";
    work.run(sql, &args![event.order.id, state, event.reason.as_deref().unwrap_or_default()]).await?;
    office.finish(work, &message, &event.order).await
}

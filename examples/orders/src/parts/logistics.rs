//! Sends what is paid for.

use std::sync::Arc;

use leveret::{Failure, Incoming, Json, State, Worker};

use super::Builder;
use crate::db::args;
use crate::office::Office;
use crate::order::{Event, kind};

/// Nothing here forbids two parcels for one order: the ledger is to see them.
pub(super) const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS shipments (order_id BIGINT NOT NULL, item TEXT NOT NULL, quantity BIGINT NOT NULL);";

pub(super) fn worker(builder: Builder) -> Worker {
    builder.handler(ship)
}

async fn ship(
    message: Incoming,
    Json(event): Json<Event>,
    State(office): State<Arc<Office>>,
) -> Result<(), Failure> {
    let order = &event.order;
    let Some(mut work) = office.receive(&message).await? else { return Ok(()) };
    let sql = "INSERT INTO shipments (order_id, item, quantity) VALUES ($1, $2, $3)";
    work.run(sql, &args![order.id, order.item.as_str(), order.quantity]).await?;
    work.tell(&office, kind::SHIPPED, order, None).await?;
    office.finish(work, &message, order).await
}

//! Takes what was ordered off the shelf, and puts it back when it is not paid for.

use std::sync::Arc;

use leveret::{BoxError, Failure, Incoming, Json, Routes, State, TraceContext, Worker};

use super::Builder;
use crate::db::args;
use crate::office::Office;
use crate::order::{Event, ITEMS, kind, stock_before};

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS stock (item TEXT PRIMARY KEY, left_over BIGINT NOT NULL);
    CREATE TABLE IF NOT EXISTS reservations (order_id BIGINT NOT NULL, item TEXT NOT NULL, quantity BIGINT NOT NULL);
";

pub(super) fn worker(builder: Builder) -> Worker {
    builder.handler(Routes::new().on(kind::CREATED, reserve).on(kind::UNPAID, put_back))
}

/// Fills the shelves, once.
pub(super) async fn fill(office: &Office, orders: i64) -> Result<(), BoxError> {
    let mut work = office.begin(TraceContext::default()).await?;
    for (item, _, per_hundred) in ITEMS {
        let sql = "INSERT INTO stock (item, left_over) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        work.run(sql, &args![item, stock_before(per_hundred, orders)]).await?;
    }
    office.commit(work).await
}

async fn reserve(
    message: Incoming,
    Json(event): Json<Event>,
    State(office): State<Arc<Office>>,
) -> Result<(), Failure> {
    let order = &event.order;
    let Some(mut work) = office.receive(&message).await? else { return Ok(()) };
    let sql = "UPDATE stock SET left_over = left_over - $1 WHERE item = $2 AND left_over >= $1";
    if work.run(sql, &args![order.quantity, order.item.as_str()]).await? == 1 {
        let sql = "INSERT INTO reservations (order_id, item, quantity) VALUES ($1, $2, $3)";
        work.run(sql, &args![order.id, order.item.as_str(), order.quantity]).await?;
        work.tell(&office, kind::RESERVED, order, None).await?;
    } else {
        work.tell(&office, kind::REFUSED, order, Some("sold out")).await?;
    }
    office.finish(work, &message, order).await
}

async fn put_back(
    message: Incoming,
    Json(event): Json<Event>,
    State(office): State<Arc<Office>>,
) -> Result<(), Failure> {
    let order = &event.order;
    let Some(mut work) = office.receive(&message).await? else { return Ok(()) };
    let sql = "UPDATE stock SET left_over = left_over + $1 WHERE item = $2";
    work.run(sql, &args![order.quantity, order.item.as_str()]).await?;
    work.tell(&office, kind::REFUSED, order, event.reason.as_deref()).await?;
    office.finish(work, &message, order).await
}

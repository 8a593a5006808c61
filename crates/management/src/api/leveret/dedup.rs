//! What queues and exchanges that drop duplicates remember.

use crate::api::exchanges::name_of;
use crate::api::queues;
use crate::call::Call;
use crate::error::ApiError;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use serde_json::json;

pub(super) const ROUTES: &[Route] = &[
    Route::get(
        "/api/leveret/queues/{vhost}/{name}/dedup",
        Access::VhostVisible,
        "Duplicates that a queue dropped, and what it remembers",
        of_queue,
    )
    .one("Deduplication"),
    Route::get(
        "/api/leveret/exchanges/{vhost}/{name}/dedup",
        Access::VhostVisible,
        "The same of an exchange that drops duplicates",
        of_exchange,
    )
    .one("Deduplication"),
];

fn of_queue(call: &Call) -> Answer {
    let figures = queues::find(call)?.figures();
    Ok(Reply::Json(json!({
        "published": figures.counters.published + figures.counters.arrived,
        "duplicates": figures.counters.duplicates,
        "sequence_gaps": figures.counters.sequence_gaps,
        "ids": figures.ids,
        "producers": figures.producers,
    })))
}

fn of_exchange(call: &Call) -> Answer {
    let figures = call.vhost()?.seen_figures(name_of(call, "name")).ok_or_else(ApiError::not_found)?;
    Ok(Reply::Json(json!({
        "published": figures.published,
        "duplicates": figures.duplicates,
        "sequence_gaps": figures.sequence_gaps,
        "ids": figures.ids,
        "producers": figures.producers,
    })))
}

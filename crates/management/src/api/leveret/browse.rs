//! Messages where they lie, page by page; pausing a queue.

use super::condition;
use crate::call::{Call, integer_of, text_of};
use crate::error::ApiError;
use crate::json::message::{self as shape, Encoding};
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use leveret_broker::queue::select::Place;
use leveret_broker::vhost::{Browse, BrowsedMessage, MessageState};
use serde_json::{Map, Value, json};

pub(super) const ROUTES: &[Route] = &[
    Route::post(
        "/api/leveret/queues/{vhost}/{name}/browse",
        Access::Vhost,
        "A page of a queue's messages that a filter wants; none is taken, marked or counted",
        browse,
    )
    .one("BrowsedMessages")
    .statuses(&[200])
    .body(&["filter", "cursor", "count", "bytes", "looked", "encoding", "truncate"]),
    Route::post(
        "/api/leveret/queues/{vhost}/{name}/pause",
        Access::Vhost,
        "Stops a queue's deliveries until it is resumed",
        pause,
    ),
    Route::post("/api/leveret/queues/{vhost}/{name}/resume", Access::Vhost, "Lets deliveries go on", resume),
];

/// A bound of the body, if it is there.
pub(super) fn bound(object: &Map<String, Value>, key: &str) -> Result<Option<usize>, ApiError> {
    let negative = || ApiError::bad_request(format!("{key} may not be negative"));
    integer_of(object, key)?.map(|number| usize::try_from(number).map_err(|_| negative())).transpose()
}

/// A place, as an earlier answer gave it.
pub(super) fn place(text: &str) -> Result<Place, ApiError> {
    text.parse()
        .map_err(|error: leveret_broker::queue::select::NotAPlace| ApiError::bad_request(error.to_string()))
}

fn browse(call: &Call) -> Answer {
    let object = call.object()?;
    let mut wanted = Browse { filter: condition::filter(object.get("filter"))?, ..Browse::default() };
    wanted.from = text_of(&object, "cursor")?.map(place).transpose()?;
    wanted.messages_max = bound(&object, "count")?.unwrap_or(wanted.messages_max);
    wanted.bytes_max = bound(&object, "bytes")?.unwrap_or(wanted.bytes_max);
    wanted.looked_max = bound(&object, "looked")?.unwrap_or(wanted.looked_max);
    let encoding = Encoding::of(&object)?;
    let truncate = bound(&object, "truncate")?.unwrap_or(usize::MAX);
    let page = call.vhost()?.browse(&call.actor()?, call.param("name"), &wanted)?;
    let all: Vec<Value> = page.messages.iter().map(|one| browsed(one, encoding, truncate)).collect();
    Ok(Reply::Json(json!({
        "messages": all,
        "next": page.next.map(|place| place.to_string()),
        "looked": page.looked,
    })))
}

fn browsed(one: &BrowsedMessage, encoding: Encoding, truncate: usize) -> Value {
    let mut json = shape::message(&one.message, encoding, truncate);
    let mut put = |name: &str, value: Value| _ = json.insert(name.to_owned(), value);
    put("place", one.place.to_string().into());
    put("redelivered", one.redelivered.into());
    put("delivery_count", one.delivery_count.into());
    if let Some(unix_ms) = one.expires_unix_ms {
        put("expires_at", unix_ms.into());
    }
    if let MessageState::Waiting { until_unix_ms } = one.state {
        put("waits_until", until_unix_ms.into());
    }
    Value::Object(json)
}

fn pause(call: &Call) -> Answer {
    call.vhost()?.pause_queue(&call.actor()?, call.param("name"))?;
    Ok(Reply::NoContent)
}

fn resume(call: &Call) -> Answer {
    call.vhost()?.resume_queue(&call.actor()?, call.param("name"))?;
    Ok(Reply::NoContent)
}

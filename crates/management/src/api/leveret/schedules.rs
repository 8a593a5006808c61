//! What delayed exchanges hold. Numbers of messages are texts: they are larger than what a number of JavaScript holds exactly.

use crate::call::Call;
use crate::error::ApiError;
use crate::json::message::{self as shape, Encoding};
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use serde_json::{Value, json};

/// Messages of a page unless it is asked for otherwise.
const COUNT: usize = 100;
/// Messages of a page at most.
const COUNT_MAX: usize = 1_000;

pub(super) const ROUTES: &[Route] = &[
    Route::get(
        "/api/leveret/schedules/{vhost}/{exchange}",
        Access::Vhost,
        "Messages that a delayed exchange holds, what is due first before what is due later",
        list,
    )
    .one("ScheduledMessages")
    .query(&["after", "count", "truncate"]),
    Route::delete(
        "/api/leveret/schedules/{vhost}/{exchange}/{id}",
        Access::Vhost,
        "Cancels a message: it is never sent",
        cancel,
    ),
    Route::post(
        "/api/leveret/schedules/{vhost}/{exchange}/{id}/send",
        Access::Vhost,
        "Sends a message now",
        send,
    ),
];

fn list(call: &Call) -> Answer {
    let (vhost, actor, exchange) = (call.vhost()?, call.actor()?, call.param("exchange"));
    let after = call.number("after")?.unwrap_or(0);
    let size =
        |number: Option<u64>, default| number.map_or(default, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let count = size(call.number("count")?, COUNT).clamp(1, COUNT_MAX);
    let truncate = size(call.number("truncate")?, usize::MAX);
    let (waiting, bytes) = vhost.scheduled_count(&actor, exchange)?;
    let all = vhost.scheduled(&actor, exchange, after, count)?;
    let one = |one: &leveret_broker::vhost::ScheduledMessage| {
        let mut json = shape::message(&one.message, Encoding::Auto, truncate);
        json.insert("id".to_owned(), one.id.to_string().into());
        json.insert("due_at".to_owned(), one.due_unix_ms.into());
        Value::Object(json)
    };
    let messages: Vec<Value> = all.iter().map(one).collect();
    Ok(Reply::Json(json!({ "count": waiting, "bytes": bytes, "messages": messages })))
}

fn id(call: &Call) -> Result<u64, ApiError> {
    call.param("id").parse().map_err(|_| ApiError::not_found())
}

fn found(was_there: bool) -> Answer {
    if was_there { Ok(Reply::NoContent) } else { Err(ApiError::not_found()) }
}

fn cancel(call: &Call) -> Answer {
    found(call.vhost()?.cancel_scheduled(&call.actor()?, call.param("exchange"), id(call)?)?)
}

fn send(call: &Call) -> Answer {
    found(call.vhost()?.send_scheduled_now(&call.actor()?, call.param("exchange"), id(call)?)?)
}

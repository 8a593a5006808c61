//! Replaying, moving, copying, deleting and expiring messages. The broker goes on with it by itself; how far it came can be asked.

use super::browse::{bound, place};
use super::condition;
use crate::call::{Call, text_of};
use crate::error::ApiError;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use axum::http::StatusCode;
use leveret_broker::queue::select::Place;
use leveret_broker::queue::sweep::{Selection, Sweep, SweepState, To};
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(super) const ROUTES: &[Route] = &[
    Route::post(
        "/api/leveret/queues/{vhost}/{name}/sweeps",
        Access::Vhost,
        "Begins to replay, move, copy, delete or expire messages of a queue",
        begin,
    )
    .one("Sweep")
    .statuses(&[202])
    .body(&["action", "places", "filter", "to", "exchange", "routing_key", "per_second"]),
    Route::get(
        "/api/leveret/sweeps/{vhost}",
        Access::Vhost,
        "Sweeps that run, and the last that are over",
        list,
    )
    .many("Sweep"),
    Route::get("/api/leveret/sweeps/{vhost}/{id}", Access::Vhost, "How far a sweep came", show).one("Sweep"),
    Route::delete(
        "/api/leveret/sweeps/{vhost}/{id}",
        Access::Vhost,
        "Ends a sweep; what is done stays done",
        cancel,
    ),
];

fn shape(sweep: &Sweep) -> Value {
    let progress = sweep.progress();
    let state = match progress.state {
        SweepState::Done => "done",
        SweepState::Cancelled => "cancelled",
        SweepState::Stopped => "stopped",
        _ => "running",
    };
    json!({
        "id": sweep.id(),
        "queue": &**sweep.queue(),
        "action": sweep.action(),
        "state": state,
        "moved": progress.moved,
        "failed": progress.failed,
        "skipped": progress.skipped,
        "remaining": progress.remaining,
        "problem": progress.problem,
    })
}

fn selection(object: &Map<String, Value>) -> Result<Selection, ApiError> {
    let places = match object.get("places") {
        None | Some(Value::Null) => None,
        Some(Value::Array(all)) => {
            let all = all.iter().map(|one| place(one.as_str().unwrap_or_default()));
            Some(all.collect::<Result<Vec<Place>, _>>()?)
        }
        Some(_) => return Err(ApiError::bad_request("places is a list of places that a browse gave")),
    };
    let per_second = match bound(object, "per_second")? {
        None => None,
        Some(0) => return Err(ApiError::bad_request("per_second is 1 at least")),
        Some(rate) => Some(u32::try_from(rate).unwrap_or(u32::MAX)),
    };
    Ok(Selection { places, filter: condition::filter(object.get("filter"))?, per_second })
}

fn replay_to(object: &Map<String, Value>) -> Result<To, ApiError> {
    match text_of(object, "to")? {
        None | Some("origin") => Ok(To::Origin),
        Some("queue") => Ok(To::Queue),
        Some("exchange") => {
            let exchange = text_of(object, "exchange")?.unwrap_or_default();
            let routing_key = text_of(object, "routing_key")?.map(|key| key.as_bytes().to_vec());
            if routing_key.as_ref().is_some_and(|key| key.len() > 255) {
                return Err(ApiError::bad_request("routing_key may have 255 bytes at most"));
            }
            Ok(To::Exchange { exchange: exchange.into(), routing_key })
        }
        Some(other) => Err(ApiError::bad_request(format!("to is origin, queue or exchange, not {other}"))),
    }
}

fn begin(call: &Call) -> Answer {
    let object = call.object_with(&["action"])?;
    let (vhost, actor, queue) = (call.vhost()?, call.actor()?, call.param("name"));
    let selection = selection(&object)?;
    let to = || text_of(&object, "to")?.ok_or_else(|| ApiError::missing(&["to"]));
    let sweep = match text_of(&object, "action")?.unwrap_or_default() {
        "replay" => vhost.replay(&actor, queue, replay_to(&object)?, selection)?,
        "move" => vhost.move_messages(&actor, queue, to()?, selection)?,
        "copy" => vhost.copy_messages(&actor, queue, to()?, selection)?,
        "delete" => vhost.delete_messages(&actor, queue, selection)?,
        "expire" => vhost.expire_messages(&actor, queue, selection)?,
        other => {
            let reason = format!("action is replay, move, copy, delete or expire, not {other}");
            return Err(ApiError::bad_request(reason));
        }
    };
    Ok(Reply::Status(StatusCode::ACCEPTED, shape(&sweep)))
}

fn list(call: &Call) -> Answer {
    let all = call.vhost()?.sweeps(&call.actor()?);
    Ok(Reply::Json(all.iter().map(|sweep| shape(sweep)).collect()))
}

fn find(call: &Call) -> Result<Arc<Sweep>, ApiError> {
    let all = call.vhost()?.sweeps(&call.actor()?);
    let id = call.param("id");
    all.into_iter().find(|sweep| sweep.id().to_string() == id).ok_or_else(ApiError::not_found)
}

fn show(call: &Call) -> Answer {
    Ok(Reply::Json(shape(&*find(call)?)))
}

fn cancel(call: &Call) -> Answer {
    find(call)?.cancel();
    Ok(Reply::NoContent)
}

//! Publishing to an exchange and getting messages from a queue, for looking whether it works: not a way to move many.

use super::queues;
use crate::call::{Call, integer_of, text_of};
use crate::error::ApiError;
use crate::json::message::{self as shape, Encoding};
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use leveret_broker::vhost::{Afterwards, Posted};
use serde_json::{Value, json};

/// The default exchange's name in paths.
pub(super) const DEFAULT_EXCHANGE: &str = "amq.default";

pub(super) const ROUTES: &[Route] = &[
    Route::post("/api/exchanges/{vhost}/{name}/publish", Access::Vhost, "Publishes a message", publish)
        .one("Published")
        .statuses(&[200])
        .body(&["properties", "routing_key", "payload", "payload_encoding"]),
    Route::post("/api/queues/{vhost}/{name}/get", Access::Vhost, "Takes messages out of a queue", get)
        .many("Message")
        .statuses(&[200])
        .body(&["count", "ackmode", "encoding", "truncate"]),
];

fn publish(call: &Call) -> Answer {
    let name = match call.param("name") {
        DEFAULT_EXCHANGE => "",
        name => name,
    };
    let vhost = call.vhost()?;
    if vhost.topology().exchange(name).is_none() {
        let reason = format!("404 NOT_FOUND - no exchange '{name}' in vhost '{}'", vhost.name());
        return Err(ApiError::bad_request(reason));
    }
    let object = call.object_with(&["routing_key", "properties", "payload", "payload_encoding"])?;
    let key = text_of(&object, "routing_key")?.unwrap_or_default();
    if key.len() > 255 {
        return Err(ApiError::bad_request("routing_key may have 255 bytes at most"));
    }
    let properties = shape::properties_of(object.get("properties"))?;
    let payload = text_of(&object, "payload")?.unwrap_or_default();
    let body = match text_of(&object, "payload_encoding")? {
        None | Some("string") => payload.as_bytes().to_vec(),
        Some("base64") => {
            BASE64_STANDARD.decode(payload).map_err(|_| ApiError::bad_request("payload is not base64"))?
        }
        Some(other) => return Err(ApiError::bad_request(format!("unsupported_encoding: {other}"))),
    };
    if !call.broker().memory().alarms().is_empty() {
        return Err(ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "resource_alarm",
            "Publishers are blocked by a resource alarm: see /api/health/checks/alarms",
        ));
    }
    let bytes_max = call.broker().config().limits.message_bytes_max;
    match vhost.post(&call.actor()?, name, key.as_bytes(), &properties, body.into(), bytes_max)? {
        Posted::Routed => Ok(Reply::Json(json!({ "routed": true }))),
        Posted::Unroutable => Ok(Reply::Json(json!({ "routed": false }))),
        Posted::Rejected => Err(ApiError::bad_request("rejected: a queue is full and refuses publishings")),
    }
}

fn get(call: &Call) -> Answer {
    let queue = queues::find(call).map_err(|_| {
        let (queue, vhost) = (call.param("name"), call.param("vhost"));
        ApiError::missing_entity(format!("NOT_FOUND - no queue '{queue}' in vhost '{vhost}'"))
    })?;
    let object = call.object_with(&["count", "encoding"])?;
    let count = integer_of(&object, "count")?.unwrap_or(1);
    let count = usize::try_from(count).map_err(|_| ApiError::bad_request("count may not be negative"))?;
    // Older tools say `requeue`, newer ones `ackmode`.
    let afterwards = match (text_of(&object, "ackmode")?, object.get("requeue")) {
        (Some("ack_requeue_true"), _) | (None, Some(Value::Bool(true))) => Afterwards::Released,
        (Some("ack_requeue_false"), _) | (None, Some(Value::Bool(false))) => Afterwards::Gone,
        (Some("reject_requeue_true"), _) => Afterwards::Rejected,
        (Some("reject_requeue_false"), _) => Afterwards::Discarded,
        (Some(other), _) => return Err(ApiError::bad_request(format!("unknown ackmode {other}"))),
        (None, _) => return Err(ApiError::missing(&["ackmode"])),
    };
    let encoding = Encoding::of(&object)?;
    let truncate = integer_of(&object, "truncate")?.and_then(|bytes| usize::try_from(bytes).ok());
    let truncate = truncate.unwrap_or(usize::MAX);
    let taken = call.vhost()?.take(&call.actor()?, queue.name(), count, afterwards)?;
    let all = taken.iter().map(|taken| {
        let mut json = shape::message(&taken.message, encoding, truncate);
        json.insert("redelivered".to_owned(), taken.redelivered.into());
        json.insert("message_count".to_owned(), taken.left.into());
        Value::Object(json)
    });
    Ok(Reply::Json(all.collect()))
}

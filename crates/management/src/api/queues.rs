//! Queues.

use crate::call::{Call, flag_of, text_of};
use crate::error::ApiError;
use crate::json::Wanted;
use crate::json::queue::{self as shape, Detail};
use crate::page::{self, Listed};
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use leveret_broker::definitions::Arguments;
use leveret_broker::queue::Queue;
use leveret_broker::vhost::{DeclareQueue, DeleteQueue};
use leveret_protocol::FieldTable;
use serde_json::{Map, Value};
use std::sync::Arc;

pub(super) const ROUTES: &[Route] =
    &[
        Route::get("/api/queues", Access::Management, "Queues of all virtual hosts one may see", list)
            .many("Queue")
            .paged()
            .query(&["enable_queue_totals"]),
        Route::get("/api/queues/{vhost}", Access::VhostVisible, "Queues of a virtual host", list)
            .many("Queue")
            .paged()
            .query(&["enable_queue_totals"]),
        Route::get("/api/queues/{vhost}/{name}", Access::VhostVisible, "A queue", show)
            .one("Queue")
            .query(&["columns", "disable_stats", "enable_queue_totals"]),
        Route::put("/api/queues/{vhost}/{name}", Access::Vhost, "Declares a queue", declare).body(&[
            "durable",
            "auto_delete",
            "arguments",
            "node",
        ]),
        Route::delete("/api/queues/{vhost}/{name}", Access::Vhost, "Deletes a queue", delete)
            .query(&["if-empty", "if-unused"]),
        Route::delete("/api/queues/{vhost}/{name}/contents", Access::Vhost, "Purges a queue", purge),
        Route::post(
            "/api/queues/{vhost}/{name}/actions",
            Access::Vhost,
            "sync and cancel_sync, which have nothing to do here; pause and resume",
            act,
        )
        .body(&["action"]),
        Route::get("/api/queues/detailed", Access::Management, "Queues with all that is known of them", list)
            .many("Queue")
            .paged(),
    ];

/// The queue of the path.
pub(super) fn find(call: &Call) -> Result<Arc<Queue>, ApiError> {
    call.vhost()?.topology().queue(call.param("name")).cloned().ok_or_else(ApiError::not_found)
}

/// Arguments of a body.
pub(super) fn arguments_of(object: &Map<String, Value>) -> Result<FieldTable, ApiError> {
    match object.get("arguments") {
        None | Some(Value::Null) => Ok(FieldTable::new()),
        // RabbitMQ writes an empty table so at times.
        Some(Value::Array(values)) if values.is_empty() => Ok(FieldTable::new()),
        Some(value) => match serde_json::from_value::<Arguments>(value.clone()) {
            Ok(Arguments(table)) => Ok(table),
            Err(error) => Err(ApiError::bad_request(format!("arguments: {error}"))),
        },
    }
}

fn list(call: &Call) -> Answer {
    let mut queues: Vec<Arc<Queue>> = Vec::new();
    for vhost in call.visible_vhosts() {
        queues.extend(vhost.topology().queues().map(|(_, queue)| queue.clone()));
    }
    let detail = Detail::of(call);
    let listed = Listed {
        name: &|queue: &Arc<Queue>| queue.name(),
        key: &|queue, by| shape::key(call, queue, by),
        order: Some(&|one, other| (one.vhost_name(), one.name()).cmp(&(other.vhost_name(), other.name()))),
        json: &|queue, wanted| shape::queue(call, queue, detail, wanted),
    };
    page::list(call, queues, &listed)
}

fn show(call: &Call) -> Answer {
    let queue = find(call)?;
    let detail = Detail::of(call);
    let mut json = shape::queue(call, &queue, detail, Wanted::All);
    if let (Value::Object(json), false) = (&mut json, detail.without_stats) {
        json.insert("consumer_details".to_owned(), super::consumers::of_queue(call, &queue).into());
        // By channel and by exchange, what a queue is given and gives is not kept.
        json.insert("incoming".to_owned(), Value::Array(Vec::new()));
        json.insert("deliveries".to_owned(), Value::Array(Vec::new()));
    }
    page::one(call, json)
}

fn declare(call: &Call) -> Answer {
    let object = call.object()?;
    let declare = DeclareQueue {
        name: call.param("name").to_owned(),
        durable: flag_of(&object, "durable")?,
        exclusive: false,
        auto_delete: flag_of(&object, "auto_delete")?,
        arguments: arguments_of(&object)?,
    };
    let declared = call.vhost()?.declare_queue(&call.actor()?, declare)?;
    Ok(Reply::put(declared.created))
}

fn delete(call: &Call) -> Answer {
    find(call)?;
    let only = DeleteQueue { if_unused: call.flag("if-unused"), if_empty: call.flag("if-empty") };
    call.vhost()?.delete_queue(&call.actor()?, call.param("name"), only)?;
    Ok(Reply::NoContent)
}

fn purge(call: &Call) -> Answer {
    find(call)?;
    call.vhost()?.purge_queue(&call.actor()?, call.param("name"))?;
    Ok(Reply::NoContent)
}

fn act(call: &Call) -> Answer {
    let queue = find(call)?;
    let object = call.object_with(&["action"])?;
    let (vhost, actor) = (call.vhost()?, call.actor()?);
    match text_of(&object, "action")? {
        // There is one copy of each queue.
        Some("sync" | "cancel_sync") => {}
        Some("pause") => _ = vhost.pause_queue(&actor, queue.name())?,
        Some("resume") => _ = vhost.resume_queue(&actor, queue.name())?,
        other => {
            return Err(ApiError::bad_request(serde_json::json!(["unknown", other])));
        }
    }
    Ok(Reply::NoContent)
}

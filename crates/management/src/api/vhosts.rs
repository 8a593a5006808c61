//! Virtual hosts.

use crate::call::{Call, flag_of, text_of};
use crate::error::ApiError;
use crate::page::{self, Key, Listed};
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use crate::stats::Asked;
use axum::http::StatusCode;
use leveret_broker::auth::Permissions;
use leveret_broker::queue::arguments::QueueKind;
use leveret_broker::vhost::{VhostMetadata, VirtualHost};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Bytes of a name.
const NAME_BYTES_MAX: usize = 255;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/vhosts", Access::Management, "Virtual hosts that one may see", list)
        .many("VirtualHost")
        .paged(),
    Route::get("/api/vhosts/{vhost}", Access::VhostVisible, "A virtual host", show)
        .one("VirtualHost")
        .query(&["columns"]),
    Route::put("/api/vhosts/{vhost}", Access::Administrator, "Makes a virtual host", declare)
        .body(&["description", "tags", "default_queue_type", "tracing", "protected_from_deletion"])
        .makes_vhost(),
    Route::delete(
        "/api/vhosts/{vhost}",
        Access::Administrator,
        "Deletes a virtual host and all in it",
        delete,
    )
    .statuses(&[204, 412]),
    Route::post(
        "/api/vhosts/{vhost}/start/{node}",
        Access::Administrator,
        "Starts a virtual host: it runs from the moment it is there",
        start,
    ),
    Route::post(
        "/api/vhosts/{vhost}/deletion/protection",
        Access::Administrator,
        "Protects a virtual host from deletion",
        protect,
    ),
    Route::delete(
        "/api/vhosts/{vhost}/deletion/protection",
        Access::Administrator,
        "Lets a virtual host be deleted again",
        unprotect,
    ),
];

fn shape(call: &Call, vhost: &VirtualHost) -> Value {
    let VhostMetadata { description, tags, default_queue_type, protected_from_deletion } = vhost.metadata();
    let kind = default_queue_type.map_or("undefined", QueueKind::as_str);
    let description = description.unwrap_or_default();
    let mut metadata = json!({ "description": description, "tags": tags });
    if let (Some(kind), Value::Object(metadata)) = (default_queue_type, &mut metadata) {
        metadata.insert("default_queue_type".to_owned(), kind.as_str().into());
    }
    let state = Map::from_iter([(call.broker().config().node_name.clone(), "running".into())]);
    let mut json = Map::new();
    let mut put = |name: &str, value: Value| _ = json.insert(name.to_owned(), value);
    put("name", (&**vhost.name()).into());
    put("description", description.into());
    put("tags", tags.into());
    put("default_queue_type", kind.into());
    put("protected_from_deletion", protected_from_deletion.into());
    put("metadata", metadata);
    put("tracing", vhost.is_traced().into());
    put("cluster_state", Value::Object(state));
    if call.flag("disable_stats") {
        return Value::Object(json);
    }
    let (mut ready, mut unacked) = (0, 0);
    let queues: Vec<_> = vhost.topology().queues().map(|(_, queue)| queue.clone()).collect();
    for queue in queues {
        let figures = queue.figures();
        ready += (figures.ready + figures.waiting) as u64;
        unacked += figures.unacked;
    }
    let lengths = [ready + unacked, ready, unacked];
    let lengths = call.context.stats.lengths(Some(vhost.name()), lengths, Asked::of(call));
    lengths.into_iter().for_each(|(name, value)| put(&name, value));
    if let Value::Object(stats) = call.context.stats.total(Some(vhost.name()), Asked::of(call))
        && !stats.is_empty()
    {
        put("message_stats", Value::Object(stats));
    }
    Value::Object(json)
}

fn list(call: &Call) -> Answer {
    let listed = Listed {
        name: &|vhost: &Arc<VirtualHost>| vhost.name(),
        key: &|vhost, by| (by == "name").then(|| Key::text(vhost.name())),
        order: None,
        json: &|vhost, _| shape(call, vhost),
    };
    page::list(call, call.visible_vhosts(), &listed)
}

fn show(call: &Call) -> Answer {
    page::one(call, shape(call, &*call.vhost()?))
}

/// Tags: a list, or a text with commas.
pub(super) fn tags_of(value: Option<&Value>) -> Result<Vec<String>, ApiError> {
    let texts: Vec<&str> = match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => text.split(',').collect(),
        Some(Value::Array(all)) if all.iter().all(Value::is_string) => {
            all.iter().filter_map(Value::as_str).collect()
        }
        Some(other) => return Err(ApiError::bad_request(json!(["not_tags", other]))),
    };
    Ok(texts.into_iter().map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect())
}

fn declare(call: &Call) -> Answer {
    let name = call.param("vhost");
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        let reason = format!("a virtual host's name has 1 to {NAME_BYTES_MAX} bytes");
        return Err(ApiError::bad_request(reason));
    }
    let object = call.object()?;
    let there = call.broker().vhost(name);
    let mut metadata = there.as_ref().map(|vhost| vhost.metadata()).unwrap_or_default();
    // RabbitMQ from 3.11 on says some of it once more inside.
    let inner = object.get("metadata").and_then(Value::as_object);
    let found = |key: &str| object.get(key).or_else(|| inner?.get(key));
    if let Some(description) = found("description") {
        let text =
            description.as_str().ok_or_else(|| ApiError::bad_request(json!(["not_string", description])))?;
        metadata.description = Some(text.to_owned()).filter(|text| !text.is_empty());
    }
    if let Some(tags) = found("tags") {
        metadata.tags = tags_of(Some(tags))?;
    }
    let kind = match text_of(&object, "default_queue_type")? {
        Some(kind) => Some(kind),
        None => inner.and_then(|inner| inner.get("default_queue_type")?.as_str()),
    };
    if let Some(kind) = kind.filter(|kind| !matches!(*kind, "undefined" | "")) {
        let parsed = QueueKind::parse(kind.as_bytes());
        metadata.default_queue_type =
            Some(parsed.ok_or_else(|| ApiError::bad_request(format!("unsupported queue type {kind}")))?);
    }
    if object.contains_key("protected_from_deletion") {
        metadata.protected_from_deletion = flag_of(&object, "protected_from_deletion")?;
    }
    let tracing = object.get("tracing").map(|_| flag_of(&object, "tracing")).transpose()?;
    let is_new = there.is_none();
    let vhost = there.unwrap_or_else(|| call.broker().declare_vhost(name));
    if vhost.metadata() != metadata {
        vhost.set_metadata(metadata)?;
    }
    if is_new {
        // As in RabbitMQ, whoever makes it may use it.
        call.broker().auth().set_permissions(call.user()?.name(), name, Permissions::all())?;
    }
    match tracing {
        Some(true) => vhost.trace_on(),
        Some(false) => vhost.trace_off(),
        None => {}
    }
    Ok(Reply::put(is_new))
}

fn delete(call: &Call) -> Answer {
    let vhost = call.vhost()?;
    match call.broker().delete_vhost(vhost.name()) {
        Err(refusal) if vhost.metadata().protected_from_deletion => {
            let reason = refusal.to_string();
            return Err(ApiError::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", reason));
        }
        answer => answer?,
    }
    Ok(Reply::NoContent)
}

fn start(call: &Call) -> Answer {
    match call.param("node") == call.broker().config().node_name {
        true => Ok(Reply::NoContent),
        false => Err(ApiError::not_found()),
    }
}

fn protect(call: &Call) -> Answer {
    set_protected(call, true)
}

fn unprotect(call: &Call) -> Answer {
    set_protected(call, false)
}

fn set_protected(call: &Call, protected_from_deletion: bool) -> Answer {
    let vhost = call.vhost()?;
    vhost.set_metadata(VhostMetadata { protected_from_deletion, ..vhost.metadata() })?;
    Ok(Reply::NoContent)
}

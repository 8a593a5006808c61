//! Alarms, and how the store is.

use crate::call::Call;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use leveret_broker::Resource;
use leveret_store::State;
use serde_json::{Map, Value, json};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/leveret/alarms", Access::Management, "Resource alarms, and what they watch", alarms)
        .one("Alarms"),
    Route::get("/api/leveret/store", Access::Monitor, "How the store is, and what it holds", store)
        .one("Store"),
];

fn alarms(call: &Call) -> Answer {
    let (memory, config) = (call.broker().memory(), call.broker().config());
    let raised = memory.alarms();
    Ok(Reply::Json(json!({
        "alarms": [
            {
                "resource": "memory",
                "raised": raised.contains(&Resource::Memory),
                "bytes": memory.bytes(),
                "limit": config.limits.memory_high_watermark_bytes,
            },
            {
                "resource": "disk",
                "raised": raised.contains(&Resource::Disk),
                "free": call.broker().disk_free_bytes(),
                "limit": config.limits.disk_free_min_bytes,
            },
        ],
    })))
}

fn store(call: &Call) -> Answer {
    let broker = call.broker();
    let (Some(state), Some(stats)) = (broker.store_state(), broker.store_stats()) else {
        return Ok(Reply::Json(json!({ "state": "none" })));
    };
    let (state, problem) = match state {
        State::Running => ("running", None),
        State::Full { text } => ("full", Some(text)),
        State::Failed { text } => ("failed", Some(text)),
    };
    let mut json = Map::new();
    let mut put = |name: &str, value: Value| _ = json.insert(name.to_owned(), value);
    put("state", state.into());
    if let Some(problem) = problem {
        put("problem", problem.into());
    }
    put("files", stats.files.into());
    put("sealed_files", stats.sealed_files.into());
    put("disk_bytes", stats.file_bytes.into());
    put("live_bytes", stats.live_bytes.into());
    put("messages", stats.messages.into());
    put("index_bytes", stats.index_bytes.into());
    put("groups", stats.groups.into());
    put("syncs", stats.syncs.into());
    put("moved_bytes", stats.moved_bytes.into());
    put("unreadable", stats.unreadable.into());
    put("checkpoints", stats.checkpoints.into());
    put("pending_bytes", broker.store_pending_bytes().into());
    Ok(Reply::Json(Value::Object(json)))
}

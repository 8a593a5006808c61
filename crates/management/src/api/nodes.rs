//! The node: there is one.

use super::overview;
use crate::call::Call;
use crate::error::ApiError;
use crate::page;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use crate::system;
use leveret_broker::{DataLocation, RABBITMQ_VERSION, Resource};
use serde_json::{Map, Value, json};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/nodes", Access::Monitor, "Nodes: one", list).many("Node").paged(),
    Route::get("/api/nodes/{node}", Access::Monitor, "The node", show).one("Node").query(&["columns"]),
    Route::get("/api/nodes/{node}/memory", Access::Monitor, "What memory is used for", memory)
        .one("NodeMemory"),
];

fn shape(call: &Call) -> Value {
    let broker = call.broker();
    let (config, alarms) = (broker.config(), broker.memory().alarms());
    let mut json = system::figures();
    let mut put = |name: &str, value: Value| _ = json.insert(name.to_owned(), value);
    put("name", config.node_name.as_str().into());
    put("type", "disc".into());
    put("running", true.into());
    put("being_drained", false.into());
    put("partitions", json!([]));
    put("cluster_links", json!([]));
    put("uptime", broker.clock().unix_ms().saturating_sub(call.context.started_unix_ms).into());
    put("rates_mode", call.context.stats.rates_mode().into());
    put("sockets_used", broker.connection_count().into());
    put("mem_limit", config.limits.memory_high_watermark_bytes.into());
    put("mem_alarm", alarms.contains(&Resource::Memory).into());
    put("mem_calculation_strategy", "rss".into());
    put("message_memory", broker.memory().bytes().into());
    put("disk_free_limit", config.limits.disk_free_min_bytes.into());
    put("disk_free_alarm", alarms.contains(&Resource::Disk).into());
    if let Some(bytes) = broker.disk_free_bytes() {
        put("disk_free", bytes.into());
    }
    put("exchange_types", overview::exchange_types().into());
    let mechanisms = broker.auth().settings().mechanisms.iter();
    let mechanism = |name: &str| json!({ "name": name, "description": "", "enabled": true });
    put("auth_mechanisms", mechanisms.map(|one| mechanism(one.as_str())).collect());
    put(
        "applications",
        json!([{ "name": "leveret", "description": "Leveret", "version": env!("CARGO_PKG_VERSION") },
               { "name": "rabbit", "description": "RabbitMQ, as clients see it", "version": RABBITMQ_VERSION }]),
    );
    put("contexts", overview::contexts(call, false).into());
    put("enabled_plugins", super::features::PLUGINS.into());
    put("log_files", json!([]));
    put("config_files", json!([]));
    if let DataLocation::Directory(folder) = &config.data {
        put("db_dir", folder.display().to_string().into());
    }
    Value::Object(json)
}

fn list(call: &Call) -> Answer {
    page::list_json(call, vec![shape(call)])
}

fn known(call: &Call) -> Result<(), ApiError> {
    match call.param("node") == call.broker().config().node_name {
        true => Ok(()),
        false => Err(ApiError::not_found()),
    }
}

fn show(call: &Call) -> Answer {
    known(call)?;
    page::one(call, shape(call))
}

fn memory(call: &Call) -> Answer {
    known(call)?;
    let mut total = Map::new();
    if let Some(bytes) = system::resident_bytes() {
        total.insert("rss".to_owned(), bytes.into());
    }
    let messages = call.broker().memory().bytes();
    Ok(Reply::Json(json!({ "memory": { "strategy": "rss", "total": total, "messages": messages } })))
}

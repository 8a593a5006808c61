//! The broker as a whole.

use super::connections::visible_connections;
use crate::auth;
use crate::call::{Call, text_of};
use crate::error::ApiError;
use crate::page;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Holds, Route};
use crate::stats::Asked;
use leveret_broker::RABBITMQ_VERSION;
use leveret_broker::exchange::ExchangeKind;
use serde_json::{Map, Value, json};

/// What RabbitMQ says of its runtime.
const NO_ERLANG: &str = "none";

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/overview", Access::Management, "Versions, totals, listeners", overview)
        .one("Overview")
        .query(&["columns", "disable_stats"]),
    Route::get("/api/extensions", Access::Management, "Extensions of the console: none", extensions)
        .holds(Holds::NoEntries),
    Route::get("/api/cluster-name", Access::Management, "What the broker calls itself", cluster_name)
        .one("ClusterName"),
    Route::put("/api/cluster-name", Access::Administrator, "Has it call itself otherwise", set_cluster_name)
        .statuses(&[204])
        .body(&["name"]),
    Route::post(
        "/api/rebalance/queues",
        Access::Administrator,
        "Queues of a single node stay there",
        rebalance,
    ),
    Route::delete("/api/reset", Access::Administrator, "Counters' history begins anew", reset),
    Route::delete("/api/reset/{node}", Access::Administrator, "The same of a node", reset),
];

/// What the broker calls itself.
pub(super) fn name(call: &Call) -> String {
    let all = call.broker().global_parameters();
    let named = all.iter().find(|(name, _)| name == "cluster_name").and_then(|(_, value)| value.as_str());
    named.unwrap_or(&call.broker().config().node_name).to_owned()
}

/// Exchange types, as RabbitMQ lists its plugins.
pub(super) fn exchange_types() -> Vec<Value> {
    let one = |kind: &ExchangeKind| json!({ "name": kind.as_str(), "description": "", "enabled": true });
    ExchangeKind::ALL.iter().map(one).collect()
}

fn overview(call: &Call) -> Answer {
    let user = call.user()?;
    let node = &call.broker().config().node_name;
    let without_stats = call.flag("disable_stats");
    let mut json = Map::new();
    let mut put = |name: &str, value: Value| _ = json.insert(name.to_owned(), value);
    put("management_version", RABBITMQ_VERSION.into());
    put("rates_mode", call.context.stats.rates_mode().into());
    put("sample_retention_policies", call.context.stats.retention());
    put("exchange_types", exchange_types().into());
    put("product_name", "RabbitMQ".into());
    put("product_version", RABBITMQ_VERSION.into());
    put("rabbitmq_version", RABBITMQ_VERSION.into());
    put("leveret_version", env!("CARGO_PKG_VERSION").into());
    put("cluster_name", name(call).into());
    put("erlang_version", NO_ERLANG.into());
    put("erlang_full_version", NO_ERLANG.into());
    put("release_series_support_status", "supported".into());
    put("disable_stats", without_stats.into());
    put("enable_queue_totals", call.flag("enable_queue_totals").into());
    put("node", node.as_str().into());
    if !without_stats {
        put("message_stats", call.context.stats.total(None, Asked::of(call)));
        put("churn_rates", call.context.stats.churn(Asked::of(call)));
        put("statistics_db_event_queue", 0.into());
        let (queue_totals, object_totals) = totals(call);
        put("queue_totals", call.context.stats.lengths(None, queue_totals, Asked::of(call)).into());
        put("object_totals", object_totals);
    }
    if auth::is_monitor(user) {
        put("listeners", listeners(call).into());
        put("contexts", contexts(call, true).into());
    }
    page::one(call, Value::Object(json))
}

/// Messages and entities of the virtual hosts that the user may see.
fn totals(call: &Call) -> ([u64; 3], Value) {
    let (mut ready, mut unacked, mut consumers, mut queues, mut exchanges) = (0, 0, 0, 0, 0);
    for vhost in call.visible_vhosts() {
        let all: Vec<_> = {
            let topology = vhost.topology();
            exchanges += topology.exchange_count();
            topology.queues().map(|(_, queue)| queue.clone()).collect()
        };
        queues += all.len();
        for queue in all {
            let figures = queue.figures();
            ready += (figures.ready + figures.waiting) as u64;
            unacked += figures.unacked;
            consumers += figures.consumers;
        }
    }
    let connections = visible_connections(call);
    let channels: usize = connections.iter().map(|connection| connection.channels).sum();
    let queue_totals = [ready + unacked, ready, unacked];
    let object_totals = json!({
        "channels": channels,
        "connections": connections.len(),
        "consumers": consumers,
        "exchanges": exchanges,
        "queues": queues,
    });
    (queue_totals, object_totals)
}

fn listeners(call: &Call) -> Vec<Value> {
    let node = &call.broker().config().node_name;
    let one = |listener: &crate::Listener| {
        json!({
            "node": node,
            "protocol": listener.protocol,
            "ip_address": listener.address.ip().to_string(),
            "port": listener.address.port(),
            "socket_opts": {},
        })
    };
    call.context.options.listeners.iter().map(one).collect()
}

/// What is served over HTTP.
pub(super) fn contexts(call: &Call, with_node: bool) -> Vec<Value> {
    let http = call.context.options.listeners.iter().filter(|one| one.protocol.starts_with("http"));
    let one = |listener: &crate::Listener| {
        let description = match listener.protocol.as_str() {
            "http/prometheus" => "RabbitMQ Prometheus",
            _ => "RabbitMQ Management",
        };
        let mut json = json!({
            "description": description,
            "path": "/",
            "ip": listener.address.ip().to_string(),
            "port": listener.address.port().to_string(),
        });
        if let (true, Value::Object(json)) = (with_node, &mut json) {
            json.insert("node".to_owned(), call.broker().config().node_name.as_str().into());
        }
        json
    };
    http.map(one).collect()
}

fn extensions(_: &Call) -> Answer {
    Ok(Reply::Json(json!([])))
}

fn cluster_name(call: &Call) -> Answer {
    Ok(Reply::Json(json!({ "name": name(call) })))
}

fn set_cluster_name(call: &Call) -> Answer {
    let object = call.object_with(&["name"])?;
    let name = text_of(&object, "name")?.unwrap_or_default();
    if name.is_empty() {
        return Err(ApiError::bad_request("name may not be empty"));
    }
    call.broker().set_global_parameter("cluster_name", name.into())?;
    Ok(Reply::NoContent)
}

fn rebalance(_: &Call) -> Answer {
    Ok(Reply::NoContent)
}

fn reset(call: &Call) -> Answer {
    let node = call.param("node");
    if !node.is_empty() && node != call.broker().config().node_name {
        return Err(ApiError::not_found());
    }
    call.context.stats.reset();
    Ok(Reply::NoContent)
}

//! Resources of RabbitMQ's plugins whose work is not done here. Tools ask for them whether or not there is such a plugin; there is nothing.

use crate::call::Call;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Holds, Route};
use serde_json::json;

const STREAM_CONNECTIONS: &str = "Connections of the stream protocol: none";
const STREAM_PUBLISHERS: &str = "Publishers of the stream protocol: none";
const STREAM_CONSUMERS: &str = "Consumers of the stream protocol: none";
const LINKS: &str = "Federation links: none";

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/stream/connections", Access::Management, STREAM_CONNECTIONS, none)
        .holds(Holds::NoEntries),
    Route::get("/api/stream/connections/{vhost}", Access::VhostVisible, STREAM_CONNECTIONS, none)
        .holds(Holds::NoEntries),
    Route::get("/api/stream/publishers", Access::Management, STREAM_PUBLISHERS, none).holds(Holds::NoEntries),
    Route::get("/api/stream/publishers/{vhost}", Access::VhostVisible, STREAM_PUBLISHERS, none)
        .holds(Holds::NoEntries),
    Route::get("/api/stream/publishers/{vhost}/{stream}", Access::VhostVisible, STREAM_PUBLISHERS, none)
        .holds(Holds::NoEntries),
    Route::get("/api/stream/consumers", Access::Management, STREAM_CONSUMERS, none).holds(Holds::NoEntries),
    Route::get("/api/stream/consumers/{vhost}", Access::VhostVisible, STREAM_CONSUMERS, none)
        .holds(Holds::NoEntries),
    Route::get("/api/federation-links", Access::Monitor, LINKS, none).holds(Holds::NoEntries),
    Route::get("/api/federation-links/{vhost}", Access::Monitor, LINKS, none).holds(Holds::NoEntries),
];

fn none(_: &Call) -> Answer {
    Ok(Reply::Json(json!([])))
}

//! What shovels do. Setting one is setting a parameter of component `shovel`.

use crate::call::Call;
use crate::error::ApiError;
use crate::page;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use leveret_shovel::spec::Origin;
use leveret_shovel::{Spec, State, Status};
use serde_json::{Map, Value, json};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/shovels", Access::Monitor, "Shovels and what they do", list).many("Shovel").paged(),
    Route::get("/api/shovels/{vhost}", Access::Monitor, "Shovels of a virtual host", list)
        .many("Shovel")
        .paged(),
    Route::get("/api/shovels/vhost/{vhost}/{name}", Access::Monitor, "A shovel and what it does", show)
        .one("Shovel"),
    Route::delete("/api/shovels/vhost/{vhost}/{name}", Access::Monitor, "Deletes a shovel", delete),
    Route::delete(
        "/api/shovels/vhost/{vhost}/{name}/restart",
        Access::Monitor,
        "Stops a shovel and starts it anew",
        restart,
    ),
];

/// The component of their parameters.
const COMPONENT: &str = "shovel";

/// A moment as RabbitMQ's plugin writes it, hours without a zero in front; in UTC.
fn moment(unix_ms: u64) -> String {
    let text: String = crate::json::time(unix_ms).chars().take(19).collect();
    text.replace("T0", " ").replace('T', " ")
}

fn shape(node: &str, status: &Status) -> Value {
    let mut shape = Map::new();
    let mut put = |key: &str, value: Value| _ = shape.insert(key.to_owned(), value);
    put("node", node.into());
    put("timestamp", moment(status.since_unix_ms).into());
    put("name", status.name.clone().into());
    put("vhost", status.vhost.clone().into());
    put("type", "dynamic".into());
    match &status.state {
        State::Starting { reason } => {
            put("state", "starting".into());
            reason.iter().for_each(|reason| put("reason", reason.clone().into()));
        }
        State::Running { src_uri, dest_uri } => {
            put("state", "running".into());
            put("src_uri", src_uri.clone().into());
            put("src_protocol", "amqp091".into());
            put("dest_protocol", "amqp091".into());
            put("dest_uri", dest_uri.clone().into());
            status.spec.iter().for_each(|spec| ends(spec, &mut put));
        }
        State::Terminated { reason } => {
            put("state", "terminated".into());
            put("reason", reason.clone().into());
        }
        _ => {}
    }
    let figures = &status.figures;
    put("forwarded", figures.forwarded.into());
    put("pending", figures.pending.into());
    put("unroutable", figures.unroutable.into());
    put("remaining", figures.remaining.map_or_else(|| json!("unlimited"), Value::from));
    Value::Object(shape)
}

/// From where to where.
fn ends(spec: &Spec, put: &mut impl FnMut(&str, Value)) {
    match &spec.origin {
        Origin::Queue(queue, _) => put("src_queue", queue.clone().into()),
        Origin::Exchange(exchange, key) => {
            put("src_exchange", exchange.clone().into());
            if !key.is_empty() {
                put("src_exchange_key", key.clone().into());
            }
        }
    }
    let queue = spec.dest_queue.as_ref().map(|(queue, _)| queue);
    let parts = [
        ("dest_queue", queue),
        ("dest_exchange", spec.dest_exchange.as_ref()),
        ("dest_exchange_key", spec.dest_key.as_ref()),
    ];
    for (key, text) in parts {
        text.into_iter().for_each(|text| put(key, text.clone().into()));
    }
}

fn list(call: &Call) -> Answer {
    let node = &call.broker().config().node_name;
    let vhost = call.param("vhost");
    let all = call.context.options.shovels.list().into_iter();
    let seen = all.filter(|one| if vhost.is_empty() { call.sees(&one.vhost) } else { one.vhost == vhost });
    page::list_json(call, seen.map(|one| shape(node, &one)).collect())
}

fn found(call: &Call) -> Result<Status, ApiError> {
    let found = call.context.options.shovels.get(call.param("vhost"), call.param("name"));
    found.ok_or_else(ApiError::not_found)
}

fn show(call: &Call) -> Answer {
    page::one(call, shape(&call.broker().config().node_name, &found(call)?))
}

fn delete(call: &Call) -> Answer {
    match call.vhost()?.clear_parameter(COMPONENT, call.param("name"))? {
        true => Ok(Reply::NoContent),
        false => Err(ApiError::not_found()),
    }
}

fn restart(call: &Call) -> Answer {
    let Status { vhost, name, .. } = found(call)?;
    call.context.options.shovels.restart(&vhost, &name);
    Ok(Reply::NoContent)
}

//! Health checks: 200 with `{"status":"ok"}`, 503 with `failed` and why.

use crate::call::Call;
use crate::error::ApiError;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use axum::http::StatusCode;
use bytes::Bytes;
use leveret_broker::vhost::{Afterwards, DeclareQueue};
use leveret_broker::{RABBITMQ_VERSION, Resource};
use leveret_protocol::{FieldTable, Properties};
use serde_json::{Value, json};

/// The queue that the test of a virtual host goes through.
const ALIVENESS: &str = "aliveness-test";

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/aliveness-test/{vhost}", Access::Vhost, "Declares a queue, publishes, gets", aliveness)
        .one("Health")
        .statuses(&[200, 503]),
    Route::get("/api/healthchecks/node", Access::Management, "Whether the node is well", node)
        .one("Health")
        .statuses(&[200, 503]),
    Route::get("/api/healthchecks/node/{node}", Access::Management, "Whether the node is well", node)
        .one("Health")
        .statuses(&[200, 503]),
    Route::get("/api/health/checks/alarms", Access::Management, "Whether a resource runs short", alarms)
        .one("Health")
        .statuses(&[200, 503]),
    Route::get("/api/health/checks/local-alarms", Access::Management, "The same: there is one node", alarms)
        .one("Health")
        .statuses(&[200, 503]),
    Route::get(
        "/api/health/checks/certificate-expiration/{within}/{unit}",
        Access::Management,
        "Whether the certificate ends within days, weeks, months or years",
        certificate,
    )
    .one("Health")
    .statuses(&[200, 503]),
    Route::get(
        "/api/health/checks/port-listener/{port}",
        Access::Management,
        "Whether somebody listens at a port",
        port,
    )
    .one("Health")
    .statuses(&[200, 503]),
    Route::get(
        "/api/health/checks/protocol-listener/{protocol}",
        Access::Management,
        "Whether somebody listens for a protocol",
        protocol,
    )
    .one("Health")
    .statuses(&[200, 503]),
    Route::get(
        "/api/health/checks/virtual-hosts",
        Access::Management,
        "Whether all virtual hosts run: from the moment they are there",
        well,
    )
    .one("Health")
    .statuses(&[200, 503]),
    Route::get(
        "/api/health/checks/node-is-mirror-sync-critical",
        Access::Management,
        "Whether others depend on this node: there are no others",
        single,
    )
    .one("Health")
    .statuses(&[200, 503]),
    Route::get(
        "/api/health/checks/node-is-quorum-critical",
        Access::Management,
        "Whether others depend on this node: there are no others",
        single,
    )
    .one("Health")
    .statuses(&[200, 503]),
    Route::get(
        "/api/health/checks/quorum-queues-without-elected-leaders/vhost/{vhost}/pattern/{pattern}",
        Access::Management,
        "Quorum queues without a leader: none",
        well,
    )
    .one("Health")
    .statuses(&[200, 503]),
    Route::get("/api/health/checks/is-in-service", Access::Management, "Whether the node serves", in_service)
        .one("Health")
        .statuses(&[200, 503]),
    Route::get(
        "/api/health/checks/ready-to-serve-clients",
        Access::Anyone,
        "Whether clients are served; for load balancers, without a login",
        in_service,
    )
    .one("Health")
    .statuses(&[200, 503]),
    Route::get(
        "/api/health/checks/below-node-connection-limit",
        Access::Management,
        "Whether another connection would be let in",
        connection_limit,
    )
    .one("Health")
    .statuses(&[200, 503]),
    Route::get(
        "/api/health/checks/metadata-store/initialized",
        Access::Management,
        "Whether definitions are there",
        well,
    )
    .one("Health")
    .statuses(&[200, 503]),
    Route::get(
        "/api/version",
        Access::Management,
        "The version of RabbitMQ that clients may count on",
        version,
    )
    .one("Version"),
];

fn ok() -> Answer {
    Ok(Reply::Json(json!({ "status": "ok" })))
}

fn failed(reason: &str, mut more: Value) -> Answer {
    if let Value::Object(json) = &mut more {
        json.insert("status".to_owned(), "failed".into());
        json.insert("reason".to_owned(), reason.into());
    }
    Ok(Reply::Status(StatusCode::SERVICE_UNAVAILABLE, more))
}

fn well(_: &Call) -> Answer {
    ok()
}

fn single(_: &Call) -> Answer {
    Ok(Reply::Json(json!({ "status": "ok", "reason": "single node cluster" })))
}

fn version(_: &Call) -> Answer {
    Ok(Reply::Json(RABBITMQ_VERSION.into()))
}

fn alarms(call: &Call) -> Answer {
    let all = call.broker().memory().alarms();
    if all.is_empty() {
        return ok();
    }
    let node = &call.broker().config().node_name;
    let one = |resource: &Resource| {
        let resource = match resource {
            Resource::Disk => "disk",
            _ => "memory",
        };
        json!({ "node": node, "resource": resource })
    };
    failed(
        "There are alarms in effect in the cluster",
        json!({ "alarms": all.iter().map(one).collect::<Vec<_>>() }),
    )
}

fn node(call: &Call) -> Answer {
    let asked = call.param("node");
    if !asked.is_empty() && asked != call.broker().config().node_name {
        return Err(ApiError::not_found());
    }
    match stored(call) {
        Some(problem) => failed(&problem, json!({})),
        None => alarms(call),
    }
}

/// Why the store does not take anything, if it does not.
fn stored(call: &Call) -> Option<String> {
    match call.broker().store_state()? {
        leveret_store::State::Running => None,
        leveret_store::State::Full { text } | leveret_store::State::Failed { text } => Some(text),
    }
}

fn in_service(call: &Call) -> Answer {
    let is_open = call.context.options.listeners.iter().any(|one| one.protocol.starts_with("amqp"));
    match (stored(call), is_open, call.user.is_some()) {
        (None, true, _) => ok(),
        // Who is not logged in is told no more than that.
        (_, _, false) => failed("The node does not serve clients", json!({})),
        (Some(problem), _, true) => failed(&problem, json!({})),
        (None, false, true) => failed("No listener for AMQP is open", json!({})),
    }
}

fn certificate(call: &Call) -> Answer {
    let bad = |text: &str| Err(ApiError::bad_request(text));
    let Ok(within) = call.param("within").parse::<u64>() else {
        return bad("Invalid expiration period.");
    };
    let day_s = 24 * 60 * 60;
    let unit_s = match call.param("unit") {
        "day" | "days" => day_s,
        "week" | "weeks" => 7 * day_s,
        "month" | "months" => 30 * day_s,
        "year" | "years" => 365 * day_s,
        _ => return bad("Time unit not recognised. Supported units: days, weeks, months, years."),
    };
    let until_s = (call.broker().clock().unix_ms() / 1000).saturating_add(within.saturating_mul(unit_s));
    match call.context.options.certificate_end.unix_s() {
        Some(ends_s) if ends_s <= until_s => {
            failed("Certificates expiring", json!({ "expired": [{ "ends_unix_s": ends_s }] }))
        }
        _ => ok(),
    }
}

fn port(call: &Call) -> Answer {
    let Ok(wanted) = call.param("port").parse::<u16>() else {
        return Err(ApiError::bad_request(format!("Invalid port: {}", call.param("port"))));
    };
    let all: Vec<u16> = call.context.options.listeners.iter().map(|one| one.address.port()).collect();
    match all.contains(&wanted) {
        true => Ok(Reply::Json(json!({ "status": "ok", "port": wanted }))),
        false => failed("No active listener", json!({ "missing": wanted, "ports": all })),
    }
}

fn protocol(call: &Call) -> Answer {
    let asked = call.param("protocol");
    // Other names for the same, as RabbitMQ takes them.
    let wanted = match asked {
        "amqp091" | "amqp0-9-1" | "amqp0.9.1" => "amqp",
        "amqps" | "amqp-ssl" | "amqp+ssl" => "amqp/ssl",
        other => other,
    };
    let all: Vec<&str> = call.context.options.listeners.iter().map(|one| one.protocol.as_str()).collect();
    match all.contains(&wanted) {
        true => Ok(Reply::Json(json!({ "status": "ok", "protocol": asked }))),
        false => failed("No active listener", json!({ "missing": asked, "protocols": all })),
    }
}

fn connection_limit(call: &Call) -> Answer {
    let (open, limit) = (call.broker().connection_count(), call.broker().config().limits.connections_max);
    let figures = json!({ "connections": open, "limit": limit });
    match open < limit {
        true => ok(),
        false => failed("The node's connection limit is reached", figures),
    }
}

fn aliveness(call: &Call) -> Answer {
    let (vhost, actor) = (call.vhost()?, call.actor()?);
    let declare =
        DeclareQueue { name: ALIVENESS.to_owned(), arguments: FieldTable::new(), ..DeclareQueue::default() };
    vhost.declare_queue(&actor, declare)?;
    let bytes_max = call.broker().config().limits.message_bytes_max;
    let (properties, body) = (Properties::default(), Bytes::from_static(b"test_message"));
    vhost.post(&actor, "", ALIVENESS.as_bytes(), &properties, body, bytes_max)?;
    let taken = vhost.take(&actor, ALIVENESS, 1, Afterwards::Gone)?;
    match taken.is_empty() {
        false => ok(),
        true => failed("The message did not come back", json!({})),
    }
}

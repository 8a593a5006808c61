//! Feature flags, login attempts: what tools ask for before they use something.

use crate::call::Call;
use crate::error::ApiError;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Holds, Route};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

/// RabbitMQ's plugins whose work is done here.
pub(super) const PLUGINS: &[&str] = &[
    "rabbitmq_auth_mechanism_ssl",
    "rabbitmq_consistent_hash_exchange",
    "rabbitmq_delayed_message_exchange",
    "rabbitmq_event_exchange",
    "rabbitmq_management",
    "rabbitmq_random_exchange",
    "rabbitmq_recent_history_exchange",
    "rabbitmq_sharding",
];

/// Feature flags of RabbitMQ whose feature is here, and what they are.
const FLAGS: &[(&str, &str)] = &[
    ("classic_mirrored_queue_version", "Support setting version for classic mirrored queues"),
    ("detailed_queues_endpoint", "Add a detailed queues HTTP API endpoint"),
    ("drop_unroutable_metric", "Count unroutable publishes to be dropped in stats"),
    ("empty_basic_get_metric", "Count AMQP `basic.get` on empty queues in stats"),
    (
        "implicit_default_bindings",
        "Default bindings are now implicit, instead of being stored in the database",
    ),
    ("maintenance_mode_status", "Maintenance mode status"),
    ("quorum_queue", "Support queues of type `quorum`"),
    ("stream_queue", "Support queues of type `stream`"),
    ("user_limits", "Configure connection and channel limits for a user"),
    ("virtual_host_metadata", "Virtual host metadata (description, tags, etc)"),
];

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/feature-flags", Access::Management, "Feature flags: those that are here are on", flags)
        .many("FeatureFlag"),
    Route::put("/api/feature-flags/{name}/enable", Access::Administrator, "They are on already", enable)
        .statuses(&[204]),
    Route::get(
        "/api/auth/attempts/{node}",
        Access::Monitor,
        "Logins that were accepted and refused",
        attempts,
    )
    .many("LoginAttempts"),
    Route::get(
        "/api/auth/attempts/{node}/source",
        Access::Monitor,
        "The same by user and address: not kept, as in RabbitMQ unless it is told to",
        attempts_by_source,
    )
    .holds(Holds::NoEntries),
];

fn flags(_: &Call) -> Answer {
    let one = |(name, text): &(&str, &str)| {
        json!({
            "name": name,
            "desc": text,
            "doc_url": "",
            "state": "enabled",
            "stability": "stable",
            "provided_by": "rabbit",
        })
    };
    Ok(Reply::Json(Value::Array(FLAGS.iter().map(one).collect())))
}

fn enable(call: &Call) -> Answer {
    match FLAGS.iter().any(|(name, _)| *name == call.param("name")) {
        true => Ok(Reply::NoContent),
        false => Err(ApiError::bad_request(format!("feature flag {} is not known", call.param("name")))),
    }
}

fn check_node(call: &Call) -> Result<(), ApiError> {
    match call.param("node") == call.broker().config().node_name {
        true => Ok(()),
        false => Err(ApiError::not_found()),
    }
}

fn attempts(call: &Call) -> Answer {
    check_node(call)?;
    let one = |protocol: &str, accepted: u64, refused: u64| {
        json!({
            "protocol": protocol,
            "auth_attempts": accepted + refused,
            "auth_attempts_failed": refused,
            "auth_attempts_succeeded": accepted,
        })
    };
    let [accepted, refused] = &call.context.logins;
    let churn = call.broker().churn();
    Ok(Reply::Json(json!([
        one("http", accepted.load(Ordering::Relaxed), refused.load(Ordering::Relaxed)),
        one("amqp091", churn.logged_in, churn.login_refused),
    ])))
}

fn attempts_by_source(call: &Call) -> Answer {
    check_node(call)?;
    none(call)
}

fn none(_: &Call) -> Answer {
    Ok(Reply::Json(json!([])))
}

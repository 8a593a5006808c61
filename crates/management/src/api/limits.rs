//! Limits of virtual hosts and users, one by one.

use super::users;
use crate::call::{Call, integer_of};
use crate::error::ApiError;
use crate::page;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use leveret_broker::auth::UserLimits;
use leveret_broker::vhost::VirtualHost;
use serde_json::{Map, Value, json};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/vhost-limits", Access::Management, "Limits of virtual hosts", list_vhosts)
        .many("VirtualHostLimits")
        .paged(),
    Route::get("/api/vhost-limits/{vhost}", Access::VhostVisible, "Limits of a virtual host", show_vhost)
        .many("VirtualHostLimits")
        .paged(),
    Route::put("/api/vhost-limits/{vhost}/{name}", Access::Administrator, "Sets a limit", set_vhost)
        .statuses(&[204])
        .body(&["value"]),
    Route::delete("/api/vhost-limits/{vhost}/{name}", Access::Administrator, "Lifts a limit", clear_vhost),
    Route::get("/api/user-limits", Access::Administrator, "Limits of users", list_users)
        .many("UserLimits")
        .paged(),
    Route::get("/api/user-limits/{user}", Access::Administrator, "Limits of a user", show_user)
        .many("UserLimits")
        .paged(),
    Route::put("/api/user-limits/{user}/{name}", Access::Administrator, "Sets a limit", set_user)
        .statuses(&[204])
        .body(&["value"]),
    Route::delete("/api/user-limits/{user}/{name}", Access::Administrator, "Lifts a limit", clear_user),
];

fn of_vhost(vhost: &VirtualHost) -> Option<Value> {
    match vhost.limits().to_json() {
        Value::Object(limits) if limits.is_empty() => None,
        limits => Some(json!({ "vhost": &**vhost.name(), "value": limits })),
    }
}

fn list_vhosts(call: &Call) -> Answer {
    page::list_json(call, call.visible_vhosts().iter().filter_map(|vhost| of_vhost(vhost)).collect())
}

fn show_vhost(call: &Call) -> Answer {
    list_vhosts(call)
}

fn unknown(name: &str) -> ApiError {
    ApiError::bad_request(format!("there is no limit {name}"))
}

/// The value of the body; negative for none.
fn value(call: &Call) -> Result<Option<u64>, ApiError> {
    let object = call.object_with(&["value"])?;
    Ok(integer_of(&object, "value")?.and_then(|value| u64::try_from(value).ok()))
}

fn change_vhost(call: &Call, value: Option<u64>) -> Answer {
    let vhost = call.vhost()?;
    let mut limits = vhost.limits();
    match call.param("name") {
        "max-connections" => limits.connections_max = value,
        "max-queues" => limits.queues_max = value,
        other => return Err(unknown(other)),
    }
    vhost.set_limits(limits)?;
    Ok(Reply::NoContent)
}

fn set_vhost(call: &Call) -> Answer {
    change_vhost(call, value(call)?)
}

fn clear_vhost(call: &Call) -> Answer {
    change_vhost(call, None)
}

/// Sets one limit of a user by its name; a negative number lifts it.
///
/// # Errors
/// 400: no such limit, no number.
pub(super) fn set_user_limit(limits: &mut UserLimits, name: &str, value: &Value) -> Result<(), ApiError> {
    let number = value.as_i64().ok_or_else(|| ApiError::bad_request(json!(["not_integer", value])))?;
    let limit = u64::try_from(number).ok();
    match name {
        "max-connections" => limits.connections_max = limit,
        "max-channels" => limits.channels_max = limit,
        other => return Err(unknown(other)),
    }
    Ok(())
}

fn limits_json(limits: UserLimits) -> Map<String, Value> {
    let all = [("max-connections", limits.connections_max), ("max-channels", limits.channels_max)];
    all.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?.into()))).collect()
}

fn list_users(call: &Call) -> Answer {
    let one = |user: leveret_broker::auth::UserRecord| {
        let limits = limits_json(user.limits);
        (!limits.is_empty()).then(|| json!({ "user": &*user.name, "value": limits }))
    };
    page::list_json(call, call.broker().auth().users().into_iter().filter_map(one).collect())
}

fn show_user(call: &Call) -> Answer {
    let user = users::find(call, call.param("user"))?;
    let limits = limits_json(user.limits);
    let all = if limits.is_empty() { vec![] } else { vec![json!({ "user": &*user.name, "value": limits })] };
    page::list_json(call, all)
}

fn set_user(call: &Call) -> Answer {
    let object = call.object_with(&["value"])?;
    let number = integer_of(&object, "value")?.unwrap_or(-1);
    change_user(call, number)
}

fn clear_user(call: &Call) -> Answer {
    change_user(call, -1)
}

fn change_user(call: &Call, number: i64) -> Answer {
    let user = users::find(call, call.param("user"))?;
    let mut limits = user.limits;
    set_user_limit(&mut limits, call.param("name"), &number.into())?;
    call.broker().set_user_limits(&user.name, limits)?;
    Ok(Reply::NoContent)
}

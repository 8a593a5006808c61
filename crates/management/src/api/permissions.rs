//! Permissions and topic permissions.

use super::users;
use crate::call::{Call, text_of};
use crate::error::ApiError;
use crate::page;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use leveret_broker::auth::{Permissions, UserPermissions, UserTopicPermissions};
use serde_json::{Value, json};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/permissions", Access::Administrator, "Permissions of all users", list)
        .many("Permissions")
        .paged(),
    Route::get("/api/users/{user}/permissions", Access::Administrator, "Permissions of a user", of_user)
        .many("Permissions")
        .paged(),
    Route::get(
        "/api/vhosts/{vhost}/permissions",
        Access::Administrator,
        "Permissions in a virtual host",
        of_vhost,
    )
    .many("Permissions")
    .paged(),
    Route::get("/api/permissions/{vhost}/{user}", Access::Administrator, "What a user may do", show)
        .one("Permissions"),
    Route::put("/api/permissions/{vhost}/{user}", Access::Administrator, "Sets what a user may do", set)
        .body(&["configure", "write", "read"]),
    Route::delete("/api/permissions/{vhost}/{user}", Access::Administrator, "Takes permissions away", clear),
    Route::get("/api/topic-permissions", Access::Administrator, "Topic permissions", topics)
        .many("TopicPermissions")
        .paged(),
    Route::get(
        "/api/users/{user}/topic-permissions",
        Access::Administrator,
        "Topic permissions of a user",
        topics_of_user,
    )
    .many("TopicPermissions")
    .paged(),
    Route::get(
        "/api/vhosts/{vhost}/topic-permissions",
        Access::Administrator,
        "Topic permissions in a virtual host",
        topics_of_vhost,
    )
    .many("TopicPermissions")
    .paged(),
    Route::get(
        "/api/topic-permissions/{vhost}/{user}",
        Access::Administrator,
        "Topic permissions of a user in a virtual host",
        show_topics,
    )
    .many("TopicPermissions")
    .paged(),
    Route::put(
        "/api/topic-permissions/{vhost}/{user}",
        Access::Administrator,
        "Sets topic permissions",
        set_topics,
    )
    .body(&["exchange", "write", "read"]),
    Route::delete(
        "/api/topic-permissions/{vhost}/{user}",
        Access::Administrator,
        "Takes topic permissions away",
        clear_topics,
    ),
    Route::delete(
        "/api/topic-permissions/{vhost}/{user}/{exchange}",
        Access::Administrator,
        "Takes topic permissions on an exchange away",
        clear_topics,
    ),
];

fn shape(row: &UserPermissions) -> Value {
    json!({
        "user": &*row.user,
        "vhost": &*row.vhost,
        "configure": row.permissions.configure.to_string(),
        "write": row.permissions.write.to_string(),
        "read": row.permissions.read.to_string(),
    })
}

fn topic_shape(row: &UserTopicPermissions) -> Value {
    json!({
        "user": &*row.user,
        "vhost": &*row.vhost,
        "exchange": &*row.exchange,
        "write": row.permissions.write.to_string(),
        "read": row.permissions.read.to_string(),
    })
}

fn rows(call: &Call, meant: impl Fn(&UserPermissions) -> bool) -> Vec<Value> {
    call.broker().auth().permissions().iter().filter(|row| meant(row)).map(shape).collect()
}

fn topic_rows(call: &Call, meant: impl Fn(&UserTopicPermissions) -> bool) -> Vec<Value> {
    call.broker().auth().topic_permissions().iter().filter(|row| meant(row)).map(topic_shape).collect()
}

fn list(call: &Call) -> Answer {
    page::list_json(call, rows(call, |_| true))
}

fn of_user(call: &Call) -> Answer {
    let user = users::find(call, call.param("user"))?.name;
    page::list_json(call, rows(call, |row| row.user == user))
}

fn of_vhost(call: &Call) -> Answer {
    let vhost = call.param("vhost");
    page::list_json(call, rows(call, |row| *row.vhost == *vhost))
}

fn show(call: &Call) -> Answer {
    let (vhost, user) = (call.param("vhost"), users::find(call, call.param("user"))?.name);
    let found = rows(call, |row| row.user == user && *row.vhost == *vhost).pop();
    page::one(call, found.ok_or_else(ApiError::not_found)?)
}

/// Permissions are given to users who are there.
fn known_user(call: &Call) -> Result<&str, ApiError> {
    let user = call.param("user");
    match call.broker().auth().user(user) {
        Some(_) => Ok(user),
        None => Err(ApiError::bad_request("vhost_or_user_not_found")),
    }
}

fn set(call: &Call) -> Answer {
    let object = call.object_with(&["configure", "write", "read"])?;
    let user = known_user(call)?;
    let text = |key| Ok::<_, ApiError>(text_of(&object, key)?.unwrap_or_default());
    let permissions = Permissions::new(text("configure")?, text("write")?, text("read")?)
        .map_err(|error| ApiError::bad_request(error.to_string()))?;
    let had = rows(call, |row| *row.user == *user && *row.vhost == *call.param("vhost"));
    call.broker().auth().set_permissions(user, call.param("vhost"), permissions)?;
    Ok(Reply::put(had.is_empty()))
}

fn clear(call: &Call) -> Answer {
    show(call)?;
    call.broker().auth().clear_permissions(call.param("user"), call.param("vhost"))?;
    Ok(Reply::NoContent)
}

fn topics(call: &Call) -> Answer {
    page::list_json(call, topic_rows(call, |_| true))
}

fn topics_of_user(call: &Call) -> Answer {
    let user = users::find(call, call.param("user"))?.name;
    page::list_json(call, topic_rows(call, |row| row.user == user))
}

fn topics_of_vhost(call: &Call) -> Answer {
    let vhost = call.param("vhost");
    page::list_json(call, topic_rows(call, |row| *row.vhost == *vhost))
}

fn show_topics(call: &Call) -> Answer {
    let (vhost, user) = (call.param("vhost"), users::find(call, call.param("user"))?.name);
    let found = topic_rows(call, |row| row.user == user && *row.vhost == *vhost);
    if found.is_empty() { Err(ApiError::not_found()) } else { page::list_json(call, found) }
}

fn set_topics(call: &Call) -> Answer {
    let object = call.object_with(&["exchange", "write", "read"])?;
    let (user, vhost) = (known_user(call)?, call.param("vhost"));
    let text = |key| Ok::<_, ApiError>(text_of(&object, key)?.unwrap_or_default());
    let exchange = text("exchange")?;
    let had =
        topic_rows(call, |row| *row.user == *user && *row.vhost == *vhost && *row.exchange == *exchange);
    call.broker().auth().set_topic_permissions(user, vhost, exchange, text("write")?, text("read")?)?;
    Ok(Reply::put(had.is_empty()))
}

fn clear_topics(call: &Call) -> Answer {
    show_topics(call)?;
    let exchange = Some(call.param("exchange")).filter(|exchange| !exchange.is_empty());
    call.broker().auth().clear_topic_permissions(call.param("user"), call.param("vhost"), exchange)?;
    Ok(Reply::NoContent)
}

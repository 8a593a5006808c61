//! Connections and channels. Whoever sees all sees those of others; everybody else their own.

use crate::auth;
use crate::call::Call;
use crate::error::ApiError;
use crate::json::Wanted;
use crate::json::connection as shape;
use crate::page::{self, Key, Listed};
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use leveret_broker::{ChannelInfo, ConnectionInfo};
use std::collections::HashMap;

/// Why a connection is closed, if nobody says.
const CLOSED: &str = "Closed via management plugin";
/// Bytes of a reason: what fits into the client's frame beside the rest.
const REASON_BYTES_MAX: usize = 200;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/connections", Access::Management, "Connections", list).many("Connection").paged(),
    Route::get(
        "/api/vhosts/{vhost}/connections",
        Access::VhostVisible,
        "Connections to a virtual host",
        list,
    )
    .many("Connection")
    .paged(),
    Route::get("/api/connections/username/{user}", Access::Management, "Connections of a user", of_user)
        .many("Connection")
        .paged(),
    Route::delete(
        "/api/connections/username/{user}",
        Access::Management,
        "Closes a user's connections",
        close_all,
    ),
    Route::get("/api/connections/{name}", Access::Management, "A connection", show)
        .one("Connection")
        .query(&["columns", "disable_stats"]),
    Route::delete(
        "/api/connections/{name}",
        Access::Management,
        "Closes a connection; header X-Reason says why",
        close,
    ),
    Route::get(
        "/api/connections/{name}/channels",
        Access::Management,
        "Channels of a connection",
        channels_of,
    )
    .many("Channel")
    .paged(),
    Route::get("/api/channels", Access::Management, "Channels", channels).many("Channel").paged(),
    Route::get("/api/vhosts/{vhost}/channels", Access::VhostVisible, "Channels of a virtual host", channels)
        .many("Channel")
        .paged(),
    Route::get("/api/channels/{name}", Access::Management, "A channel, and its consumers", channel)
        .one("Channel")
        .query(&["columns", "disable_stats"]),
];

/// Open connections that the user may see, oldest first; those of the path's virtual host, if it names one.
pub(super) fn visible_connections(call: &Call) -> Vec<ConnectionInfo> {
    let Some(user) = &call.user else { return Vec::new() };
    let (sees_all, vhost) = (auth::is_monitor(user), call.param("vhost"));
    let all = call.broker().connections().into_iter();
    // Those that have not logged in yet are nobody's.
    all.filter(|connection| sees_all || connection.user.as_ref() == Some(user.name()))
        .filter(|connection| vhost.is_empty() || connection.vhost.as_deref() == Some(vhost))
        .collect()
}

fn key(connection: &ConnectionInfo, by: &str) -> Option<Key> {
    let text = |text: Option<&str>| Some(text.map_or(Key::None, Key::text));
    let number = |number: u64| Some(Key::Number(number as f64));
    match by {
        "name" => text(Some(&connection.name)),
        "user" => text(connection.user.as_deref()),
        "vhost" => text(connection.vhost.as_deref()),
        "channels" => number(connection.channels as u64),
        "connected_at" => number(connection.connected_at_unix_ms),
        "recv_oct" => number(connection.recv_oct),
        "send_oct" => number(connection.send_oct),
        _ => None,
    }
}

fn answer(call: &Call, all: Vec<ConnectionInfo>) -> Answer {
    let listed = Listed {
        name: &|connection: &ConnectionInfo| &connection.name,
        key: &key,
        order: None,
        json: &|connection, wanted| shape::connection(call, connection, wanted),
    };
    page::list(call, all, &listed)
}

fn list(call: &Call) -> Answer {
    answer(call, visible_connections(call))
}

fn of(call: &Call) -> Vec<ConnectionInfo> {
    let mut all = visible_connections(call);
    all.retain(|connection| connection.user.as_deref() == Some(call.param("user")));
    all
}

fn of_user(call: &Call) -> Answer {
    answer(call, of(call))
}

/// The connection of the path, if the user may see it.
fn find(call: &Call) -> Result<ConnectionInfo, ApiError> {
    let name = call.param("name");
    let found = call.broker().connections().into_iter().find(|connection| connection.name == name);
    let found = found.ok_or_else(ApiError::not_found)?;
    let user = call.user()?;
    match auth::is_monitor(user) || found.user.as_ref() == Some(user.name()) {
        true => Ok(found),
        false => Err(ApiError::not_authorised("User not authorised to access object")),
    }
}

fn show(call: &Call) -> Answer {
    page::one(call, shape::connection(call, &find(call)?, Wanted::All))
}

fn reason(call: &Call) -> String {
    let given = call.headers.get("x-reason").and_then(|value| value.to_str().ok());
    let given = given.filter(|text| !text.is_empty()).unwrap_or(CLOSED);
    given.chars().take(REASON_BYTES_MAX).collect()
}

/// Monitoring is looking: others' connections an administrator closes.
fn may_close(call: &Call, connection: &ConnectionInfo) -> Result<(), ApiError> {
    let user = call.user()?;
    match user.has_tag("administrator") || connection.user.as_ref() == Some(user.name()) {
        true => Ok(()),
        false => Err(ApiError::not_authorised("User not authorised to access object")),
    }
}

fn close(call: &Call) -> Answer {
    let connection = find(call)?;
    may_close(call, &connection)?;
    call.broker().close_connection(connection.id, &reason(call));
    Ok(Reply::NoContent)
}

fn close_all(call: &Call) -> Answer {
    let all = of(call);
    all.iter().try_for_each(|connection| may_close(call, connection))?;
    let reason = reason(call);
    all.iter().for_each(|connection| _ = call.broker().close_connection(connection.id, &reason));
    Ok(Reply::NoContent)
}

fn channel_answer(call: &Call, all: Vec<ChannelInfo>) -> Answer {
    let connections: HashMap<u64, ConnectionInfo> =
        visible_connections(call).into_iter().map(|connection| (connection.id, connection)).collect();
    let all = all.into_iter().filter(|channel| connections.contains_key(&channel.connection)).collect();
    let listed = Listed {
        name: &|channel: &ChannelInfo| &channel.name,
        key: &|channel, by| match by {
            "name" => Some(Key::text(&channel.name)),
            "user" => Some(Key::text(&channel.user)),
            "vhost" => Some(Key::text(&channel.vhost)),
            "messages_unacknowledged" => Some(Key::Number(channel.messages_unacknowledged as f64)),
            "messages_unconfirmed" => Some(Key::Number(channel.messages_unconfirmed as f64)),
            _ => None,
        },
        order: None,
        json: &|channel, wanted| shape::channel(call, channel, connections.get(&channel.connection), wanted),
    };
    page::list(call, all, &listed)
}

fn channels(call: &Call) -> Answer {
    channel_answer(call, call.broker().channels())
}

fn channels_of(call: &Call) -> Answer {
    let id = find(call)?.id;
    channel_answer(call, call.broker().channels_of(id))
}

fn channel(call: &Call) -> Answer {
    let name = call.param("name");
    let connections = visible_connections(call);
    let found = connections.iter().find_map(|connection| {
        name.starts_with(&connection.name)
            .then(|| call.broker().channels_of(connection.id))?
            .into_iter()
            .find(|channel| channel.name == name)
            .map(|channel| (channel, connection))
    });
    let (info, connection) = found.ok_or_else(ApiError::not_found)?;
    let mut json = shape::channel(call, &info, Some(connection), Wanted::All);
    let consumers = super::consumers::of_channel(call, &info, connection);
    if let serde_json::Value::Object(json) = &mut json {
        json.insert("consumer_details".to_owned(), consumers.into());
        // By queue and by exchange, what a channel did is not kept.
        json.insert("publishes".to_owned(), serde_json::json!([]));
        json.insert("deliveries".to_owned(), serde_json::json!([]));
    }
    page::one(call, json)
}

//! Definitions, of the whole broker and of a virtual host: out, and in again.

use crate::call::Call;
use crate::error::ApiError;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use axum::http::{HeaderValue, StatusCode, header};
use leveret_broker::definitions::{Definitions, OtherKeys};
use serde_json::Value;

pub(super) const ROUTES: &[Route] = &[
    Route::get(
        "/api/definitions",
        Access::Administrator,
        "Everything but messages, and queues that belong to a connection",
        all,
    )
    .one("Definitions")
    .query(&["download"]),
    Route::post("/api/definitions", Access::Administrator, "Adds what a document names", import)
        .definitions(),
    Route::get("/api/definitions/{vhost}", Access::Administrator, "The same of a virtual host", of_vhost)
        .one("Definitions")
        .query(&["download"]),
    Route::post(
        "/api/definitions/{vhost}",
        Access::Administrator,
        "Adds what a document names to a virtual host",
        import_vhost,
    )
    .definitions(),
];

/// What a document of one virtual host does not have.
const OF_THE_BROKER: [&str; 5] = ["users", "vhosts", "permissions", "topic_permissions", "global_parameters"];

fn answer(call: &Call, definitions: &Definitions) -> Answer {
    let mut json = serde_json::to_value(definitions).unwrap_or_default();
    if let (Value::Object(json), false) = (&mut json, call.param("vhost").is_empty()) {
        json.retain(|key, _| !OF_THE_BROKER.contains(&key.as_str()));
    }
    // RabbitMQ has both names of the version.
    if let Value::Object(json) = &mut json
        && let Some(version) = json.get("rabbitmq_version").cloned()
    {
        json.insert("rabbit_version".to_owned(), version);
    }
    let mut response = crate::reply::respond(Ok(Reply::Json(json)));
    if let Some(name) = call.query("download") {
        // What could end the text or the header is left out.
        let name: String = name.chars().filter(|c| c.is_ascii_graphic() && *c != '"').collect();
        if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
            response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
        }
    }
    Ok(Reply::Whole(Box::new(response)))
}

fn all(call: &Call) -> Answer {
    answer(call, &call.broker().definitions())
}

fn of_vhost(call: &Call) -> Answer {
    let vhost = call.param("vhost");
    let all = call.broker().definitions();
    let is_here = |of: &Option<String>| of.as_deref() == Some(vhost);
    let mut here = Definitions {
        rabbitmq_version: all.rabbitmq_version,
        product_name: all.product_name,
        product_version: all.product_version,
        ..Definitions::default()
    };
    here.parameters = all.parameters.into_iter().filter(|one| is_here(&one.vhost)).collect();
    here.policies = all.policies.into_iter().filter(|one| is_here(&one.vhost)).collect();
    here.queues = all.queues.into_iter().filter(|one| is_here(&one.vhost)).collect();
    here.exchanges = all.exchanges.into_iter().filter(|one| is_here(&one.vhost)).collect();
    here.bindings = all.bindings.into_iter().filter(|one| is_here(&one.vhost)).collect();
    // Whoever reads it says where it belongs. (Of parameters and policies RabbitMQ says it all the same.)
    here.queues.iter_mut().for_each(|one| one.vhost = None);
    here.exchanges.iter_mut().for_each(|one| one.vhost = None);
    here.bindings.iter_mut().for_each(|one| one.vhost = None);
    answer(call, &here)
}

fn parse(call: &Call) -> Result<Definitions, ApiError> {
    if !call.body.iter().any(|byte| !byte.is_ascii_whitespace()) {
        return Err(ApiError::bad_request("the body is to be a definitions document"));
    }
    match Definitions::parse(&call.body) {
        Ok(definitions) => Ok(definitions),
        Err(_) if serde_json::from_slice::<Value>(&call.body).is_err() => {
            Err(ApiError::bad_request("not_json"))
        }
        Err(error) => Err(ApiError::bad_request(error.to_string())),
    }
}

fn take_in(call: &Call, definitions: &Definitions) -> Answer {
    match call.broker().import(definitions) {
        Ok(()) => Ok(Reply::NoContent),
        Err(error) => Err(ApiError::new(StatusCode::BAD_REQUEST, "bad_request", error.to_string())),
    }
}

fn import(call: &Call) -> Answer {
    take_in(call, &parse(call)?)
}

fn import_vhost(call: &Call) -> Answer {
    let mut definitions = parse(call)?;
    let here = || Some(call.param("vhost").to_owned());
    let more = [
        ("users", definitions.users.len()),
        ("vhosts", definitions.vhosts.len()),
        ("permissions", definitions.permissions.len()),
        ("topic_permissions", definitions.topic_permissions.len()),
        ("global_parameters", definitions.global_parameters.len()),
    ];
    if let Some((what, _)) = more.iter().find(|(_, count)| *count > 0) {
        return Err(ApiError::bad_request(format!(
            "{what} belong to the whole broker: import such a document without a virtual host"
        )));
    }
    definitions.other = OtherKeys::new();
    definitions.parameters.iter_mut().for_each(|one| one.vhost = here());
    definitions.policies.iter_mut().for_each(|one| one.vhost = here());
    definitions.queues.iter_mut().for_each(|one| one.vhost = here());
    definitions.exchanges.iter_mut().for_each(|one| one.vhost = here());
    definitions.bindings.iter_mut().for_each(|one| one.vhost = here());
    take_in(call, &definitions)
}

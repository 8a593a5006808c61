//! The OpenAPI document, made from the table of routes.

mod schemas;

use crate::routes::{self, Access, Body, Holds, Method, Route};
use serde_json::{Map, Value, json};

/// Parameters that every list takes.
const LIST_QUERY: [(&str, &str); 8] = [
    ("page", "integer"),
    ("page_size", "integer"),
    ("name", "string"),
    ("use_regex", "boolean"),
    ("sort", "string"),
    ("sort_reverse", "boolean"),
    ("columns", "string"),
    ("disable_stats", "boolean"),
];

/// The document.
pub(crate) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes::all() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Value::Object(path) = path {
            path.insert(route.method.as_str().to_lowercase(), operation(route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Leveret HTTP API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "RabbitMQ's HTTP API, and Leveret's own below /api/leveret/. Virtual hosts and names in paths are percent-encoded: / is %2F.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": { "basic": { "type": "http", "scheme": "basic" } },
            "schemas": schemas::all(),
        },
        "security": [{ "basic": [] }],
    })
}

fn operation(route: &Route) -> Value {
    let mut parameters: Vec<Value> = route
        .path_parameters()
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }))
        .collect();
    let query = |name: &str, kind: &str| json!({ "name": name, "in": "query", "schema": { "type": kind } });
    if route.is_paged {
        parameters.extend(LIST_QUERY.map(|(name, kind)| query(name, kind)));
    }
    parameters.extend(route.query.iter().map(|name| query(name, "string")));
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [tag(route)],
        "parameters": parameters,
        "responses": responses(route),
        "x-required-access": access(route.access),
    });
    let schema = match route.body {
        Body::None => None,
        Body::Object(keys) => {
            let keys: Map<String, Value> =
                keys.iter().map(|key| ((*key).to_owned(), schemas::key(key))).collect();
            Some(json!({ "type": "object", "properties": keys }))
        }
        Body::Definitions => Some(json!({ "type": "object" })),
    };
    if let (Some(schema), Value::Object(operation)) = (schema, &mut operation) {
        let body = json!({ "content": { "application/json": { "schema": schema } } });
        operation.insert("requestBody".into(), body);
    }
    if let (Access::Anyone, Value::Object(operation)) = (route.access, &mut operation) {
        operation.insert("security".into(), json!([]));
    }
    operation
}

fn operation_id(route: &Route) -> String {
    let path =
        route.path.trim_start_matches("/api/").replace(['{', '}'], "").replace(['/', '-', ':', '.'], "_");
    format!("{}_{path}", route.method.as_str().to_lowercase())
}

fn tag(route: &Route) -> &'static str {
    let mut parts = route.path.split('/').skip(2);
    match parts.next() {
        Some("leveret") => "leveret",
        Some(first) => first,
        None => "console",
    }
}

fn access(access: Access) -> &'static str {
    match access {
        Access::Anyone => "nobody needs to log in",
        Access::Management => "tag management",
        Access::Policymaker => "tag policymaker",
        Access::Monitor => "tag monitoring",
        Access::Administrator => "tag administrator",
        Access::Vhost => "tag management, and permissions in the virtual host",
        Access::VhostVisible => "tag monitoring, or management and permissions in the virtual host",
        Access::VhostPolicymaker => "tag policymaker, and permissions in the virtual host",
    }
}

/// What an answer holds that is no refusal.
fn content(route: &Route) -> Option<Value> {
    let many = |entry: Value| match route.is_paged {
        false => json!({ "type": "array", "items": entry }),
        true => json!({ "anyOf": [{ "type": "array", "items": entry }, page(&entry)] }),
    };
    let schema = match route.holds {
        Holds::Nothing => return None,
        Holds::Text(media) => return Some(json!({ media: { "schema": { "type": "string" } } })),
        Holds::One(shape) => schemas::reference(shape),
        Holds::Many(shape) => many(schemas::reference(shape)),
        Holds::NoEntries => json!({ "type": "array", "maxItems": 0 }),
    };
    Some(json!({ "application/json": { "schema": schema } }))
}

/// What a list is when a page of it is asked for.
fn page(entry: &Value) -> Value {
    let counts = ["total_count", "filtered_count", "item_count", "page", "page_size", "page_count"];
    let mut properties: Map<String, Value> =
        counts.iter().map(|name| ((*name).to_owned(), json!({ "type": "integer" }))).collect();
    properties.insert("items".to_owned(), json!({ "type": "array", "items": entry }));
    json!({ "type": "object", "required": ["items", "total_count", "page"], "properties": properties })
}

fn words(status: u16) -> &'static str {
    match status {
        201 => "It is new",
        202 => "It has begun",
        412 => "It is protected",
        503 => "A check failed",
        _ => "Done",
    }
}

fn responses(route: &Route) -> Value {
    let error = |text: &str| {
        let schema = schemas::reference("Error");
        json!({ "description": text, "content": { "application/json": { "schema": schema } } })
    };
    let mut all = Map::new();
    // What any request may meet with.
    all.insert("400".into(), error("What was sent cannot be"));
    all.insert("404".into(), error("There is no such object"));
    all.insert("503".into(), error("There was no time, or no space"));
    if route.method != Method::Get {
        all.insert("403".into(), error("A page of another site asked"));
        all.insert("413".into(), error("The body is too large"));
    }
    if route.access != Access::Anyone {
        all.insert("401".into(), json!({ "description": "Not logged in, or not allowed" }));
        all.insert("429".into(), error("Too many failed logins"));
    }
    for status in route.statuses {
        let answer = match content(route) {
            Some(content) if *status < 300 || *status == 503 => {
                json!({ "description": words(*status), "content": content })
            }
            _ if *status >= 400 => error(words(*status)),
            _ => json!({ "description": words(*status) }),
        };
        all.insert(status.to_string(), answer);
    }
    Value::Object(all)
}

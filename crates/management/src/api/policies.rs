//! Policies, and those of operators.

use crate::call::{Call, integer_of, text_of};
use crate::error::ApiError;
use crate::page;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use leveret_broker::policy::{ApplyTo, Policy, PolicyScope};
use serde_json::{Value, json};

const KEYS: &[&str] = &["pattern", "definition", "priority", "apply-to"];

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/policies", Access::Policymaker, "Policies", list).many("Policy").paged(),
    Route::get("/api/policies/{vhost}", Access::VhostPolicymaker, "Policies of a virtual host", list)
        .many("Policy")
        .paged(),
    Route::get("/api/policies/{vhost}/{name}", Access::VhostPolicymaker, "A policy", show).one("Policy"),
    Route::put("/api/policies/{vhost}/{name}", Access::VhostPolicymaker, "Sets a policy", set).body(KEYS),
    Route::delete("/api/policies/{vhost}/{name}", Access::VhostPolicymaker, "Takes a policy away", clear),
    Route::get("/api/operator-policies", Access::Policymaker, "Operator policies", operator_list)
        .many("Policy")
        .paged(),
    Route::get(
        "/api/operator-policies/{vhost}",
        Access::VhostPolicymaker,
        "Operator policies of a virtual host",
        operator_list,
    )
    .many("Policy")
    .paged(),
    Route::get(
        "/api/operator-policies/{vhost}/{name}",
        Access::VhostPolicymaker,
        "An operator policy",
        operator_show,
    )
    .one("Policy"),
    Route::put(
        "/api/operator-policies/{vhost}/{name}",
        Access::Administrator,
        "Sets an operator policy",
        operator_set,
    )
    .body(KEYS),
    Route::delete(
        "/api/operator-policies/{vhost}/{name}",
        Access::Administrator,
        "Takes an operator policy away",
        operator_clear,
    ),
];

fn shape(vhost: &str, policy: &Policy) -> Value {
    json!({
        "vhost": vhost,
        "name": &*policy.name,
        "pattern": policy.pattern,
        "apply-to": policy.apply_to.as_str(),
        "definition": policy.definition,
        "priority": policy.priority,
    })
}

fn all(call: &Call, scope: PolicyScope) -> Answer {
    let mut all = Vec::new();
    for vhost in call.visible_vhosts() {
        all.extend(vhost.policies(scope).iter().map(|policy| shape(vhost.name(), policy)));
    }
    page::list_json(call, all)
}

fn one(call: &Call, scope: PolicyScope) -> Answer {
    let vhost = call.vhost()?;
    let policy = vhost.policy(scope, call.param("name")).ok_or_else(ApiError::not_found)?;
    page::one(call, shape(vhost.name(), &policy))
}

fn put(call: &Call, scope: PolicyScope) -> Answer {
    let object = call.object_with(&["pattern", "definition"])?;
    let definition = match object.get("definition") {
        Some(Value::Object(definition)) => definition.clone(),
        Some(Value::Array(values)) if values.is_empty() => serde_json::Map::new(),
        other => return Err(ApiError::bad_request(json!(["not_an_object", other]))),
    };
    let apply_to = match text_of(&object, "apply-to")? {
        None => ApplyTo::default(),
        Some(word) => ApplyTo::parse(word)?,
    };
    let name = call.param("name");
    let policy = Policy {
        name: name.into(),
        pattern: text_of(&object, "pattern")?.unwrap_or_default().to_owned(),
        apply_to,
        priority: integer_of(&object, "priority")?.unwrap_or(0),
        definition,
    };
    let vhost = call.vhost()?;
    let is_new = vhost.policy(scope, name).is_none();
    vhost.set_policy(scope, policy)?;
    Ok(Reply::put(is_new))
}

fn remove(call: &Call, scope: PolicyScope) -> Answer {
    match call.vhost()?.clear_policy(scope, call.param("name"))? {
        true => Ok(Reply::NoContent),
        false => Err(ApiError::not_found()),
    }
}

fn list(call: &Call) -> Answer {
    all(call, PolicyScope::User)
}

fn show(call: &Call) -> Answer {
    one(call, PolicyScope::User)
}

fn set(call: &Call) -> Answer {
    put(call, PolicyScope::User)
}

fn clear(call: &Call) -> Answer {
    remove(call, PolicyScope::User)
}

fn operator_list(call: &Call) -> Answer {
    all(call, PolicyScope::Operator)
}

fn operator_show(call: &Call) -> Answer {
    one(call, PolicyScope::Operator)
}

fn operator_set(call: &Call) -> Answer {
    put(call, PolicyScope::Operator)
}

fn operator_clear(call: &Call) -> Answer {
    remove(call, PolicyScope::Operator)
}

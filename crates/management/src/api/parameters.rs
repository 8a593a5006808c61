//! Runtime parameters, of virtual hosts and of the whole broker.

use crate::call::Call;
use crate::error::ApiError;
use crate::page;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use leveret_broker::policy::PolicyScope;
use leveret_broker::vhost::VirtualHost;
use serde_json::{Value, json};

/// The component under which RabbitMQ has policies of operators among the parameters.
const OPERATOR_POLICY: &str = "operator_policy";

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/parameters", Access::Policymaker, "Parameters", list).many("Parameter").paged(),
    Route::get("/api/parameters/{component}", Access::Policymaker, "Parameters of a component", list)
        .many("Parameter")
        .paged(),
    Route::get(
        "/api/parameters/{component}/{vhost}",
        Access::VhostPolicymaker,
        "Parameters of a component in a virtual host",
        list,
    )
    .many("Parameter")
    .paged(),
    Route::get("/api/parameters/{component}/{vhost}/{name}", Access::VhostPolicymaker, "A parameter", show)
        .one("Parameter"),
    Route::put(
        "/api/parameters/{component}/{vhost}/{name}",
        Access::VhostPolicymaker,
        "Sets a parameter",
        set,
    )
    .body(&["value"]),
    Route::delete(
        "/api/parameters/{component}/{vhost}/{name}",
        Access::VhostPolicymaker,
        "Takes a parameter away",
        clear,
    ),
    Route::get("/api/global-parameters", Access::Policymaker, "Parameters of the whole broker", list_global)
        .many("GlobalParameter")
        .paged(),
    Route::get("/api/global-parameters/{name}", Access::Policymaker, "One of them", show_global)
        .one("GlobalParameter"),
    Route::put("/api/global-parameters/{name}", Access::Administrator, "Sets one", set_global)
        .body(&["value"]),
    Route::delete("/api/global-parameters/{name}", Access::Administrator, "Takes one away", clear_global),
];

fn of_vhost(vhost: &VirtualHost) -> Vec<Value> {
    let shape = |component: &str, name: &str, value: Value| json!({ "value": value, "vhost": &**vhost.name(), "component": component, "name": name });
    let mut all: Vec<Value> =
        vhost.parameters().into_iter().map(|p| shape(&p.component, &p.name, p.value)).collect();
    all.extend(vhost.policies(PolicyScope::Operator).into_iter().map(|policy| {
        let value = json!({
            "pattern": policy.pattern,
            "definition": policy.definition,
            "priority": policy.priority,
            "apply-to": policy.apply_to.as_str(),
        });
        shape(OPERATOR_POLICY, &policy.name, value)
    }));
    all
}

fn found(call: &Call) -> Vec<Value> {
    let mut all: Vec<Value> = call.visible_vhosts().iter().flat_map(|vhost| of_vhost(vhost)).collect();
    for key in ["component", "name"] {
        let wanted = call.param(key);
        all.retain(|parameter| wanted.is_empty() || parameter[key] == wanted);
    }
    all
}

fn list(call: &Call) -> Answer {
    page::list_json(call, found(call))
}

fn show(call: &Call) -> Answer {
    page::one(call, found(call).pop().ok_or_else(ApiError::not_found)?)
}

fn value(call: &Call) -> Result<Value, ApiError> {
    Ok(call.object_with(&["value"])?.remove("value").unwrap_or_default())
}

fn set(call: &Call) -> Answer {
    let is_new = found(call).is_empty();
    let (component, name) = (call.param("component"), call.param("name"));
    call.vhost()?.set_parameter_by(Some(call.user()?), component, name, value(call)?)?;
    Ok(Reply::put(is_new))
}

fn clear(call: &Call) -> Answer {
    match call.vhost()?.clear_parameter(call.param("component"), call.param("name"))? {
        true => Ok(Reply::NoContent),
        false => Err(ApiError::not_found()),
    }
}

fn global(call: &Call) -> Vec<Value> {
    let all = call.broker().global_parameters().into_iter();
    all.map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn list_global(call: &Call) -> Answer {
    page::list_json(call, global(call))
}

fn show_global(call: &Call) -> Answer {
    let found = global(call).into_iter().find(|parameter| parameter["name"] == call.param("name"));
    page::one(call, found.ok_or_else(ApiError::not_found)?)
}

fn set_global(call: &Call) -> Answer {
    let name = call.param("name");
    let is_new = !global(call).iter().any(|parameter| parameter["name"] == name);
    call.broker().set_global_parameter(name, value(call)?)?;
    Ok(Reply::put(is_new))
}

fn clear_global(call: &Call) -> Answer {
    match call.broker().clear_global_parameter(call.param("name"))? {
        true => Ok(Reply::NoContent),
        false => Err(ApiError::not_found()),
    }
}

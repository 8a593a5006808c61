//! Exchanges.

use super::messages::DEFAULT_EXCHANGE;
use super::queues::arguments_of;
use crate::call::{Call, flag_of, text_of};
use crate::error::ApiError;
use crate::json::Wanted;
use crate::json::exchange::{self as shape, Shown};
use crate::page::{self, Key, Listed};
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use leveret_broker::exchange::{ExchangeKind, ExchangeSpec};
use leveret_broker::topology::Exchange;
use serde_json::Value;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/exchanges", Access::Management, "Exchanges of all virtual hosts one may see", list)
        .many("Exchange")
        .paged(),
    Route::get("/api/exchanges/{vhost}", Access::VhostVisible, "Exchanges of a virtual host", list)
        .many("Exchange")
        .paged(),
    Route::get("/api/exchanges/{vhost}/{name}", Access::VhostVisible, "An exchange", show)
        .one("Exchange")
        .query(&["columns", "disable_stats"]),
    Route::put("/api/exchanges/{vhost}/{name}", Access::Vhost, "Declares an exchange", declare).body(&[
        "type",
        "durable",
        "auto_delete",
        "internal",
        "arguments",
    ]),
    Route::delete("/api/exchanges/{vhost}/{name}", Access::Vhost, "Deletes an exchange", delete)
        .query(&["if-unused"]),
];

/// The name of an exchange as it is in paths.
pub(super) fn name_of<'c>(call: &'c Call, param: &str) -> &'c str {
    match call.param(param) {
        DEFAULT_EXCHANGE => "",
        name => name,
    }
}

fn shown(vhost: &str, exchange: &Exchange) -> Shown {
    Shown {
        vhost: vhost.to_owned(),
        spec: exchange.spec(),
        policy: exchange.policies.policy().map(ToString::to_string),
    }
}

fn list(call: &Call) -> Answer {
    let mut all = Vec::new();
    for vhost in call.visible_vhosts() {
        all.extend(vhost.topology().exchanges().map(|exchange| shown(vhost.name(), exchange)));
    }
    let listed = Listed {
        name: &|shown: &Shown| &shown.spec.name,
        key: &|shown, by| match by {
            "name" => Some(Key::text(&shown.spec.name)),
            "vhost" => Some(Key::text(&shown.vhost)),
            "type" => Some(Key::text(shown.spec.kind.as_str())),
            "durable" => Some(Key::flag(shown.spec.durable)),
            "auto_delete" => Some(Key::flag(shown.spec.auto_delete)),
            "internal" => Some(Key::flag(shown.spec.internal)),
            _ => None,
        },
        order: Some(&|one, other| (&one.vhost, &one.spec.name).cmp(&(&other.vhost, &other.spec.name))),
        json: &|shown, wanted| shape::exchange(call, shown, wanted),
    };
    page::list(call, all, &listed)
}

fn show(call: &Call) -> Answer {
    let vhost = call.vhost()?;
    let found =
        vhost.topology().exchange(name_of(call, "name")).map(|exchange| shown(vhost.name(), exchange));
    let mut json = shape::exchange(call, &found.ok_or_else(ApiError::not_found)?, Wanted::All);
    // Who publishes here and what it feeds, channel by channel, is not kept.
    if let Value::Object(json) = &mut json {
        json.insert("incoming".to_owned(), Value::Array(Vec::new()));
        json.insert("outgoing".to_owned(), Value::Array(Vec::new()));
    }
    page::one(call, json)
}

fn declare(call: &Call) -> Answer {
    let object = call.object()?;
    let Some(kind) = text_of(&object, "type")? else { return Err(ApiError::missing(&["type"])) };
    let durable = !object.contains_key("durable") || flag_of(&object, "durable")?;
    let spec = ExchangeSpec {
        name: name_of(call, "name").into(),
        kind: ExchangeKind::parse(kind)?,
        durable,
        auto_delete: flag_of(&object, "auto_delete")?,
        internal: flag_of(&object, "internal")?,
        arguments: arguments_of(&object)?,
    };
    Ok(Reply::put(call.vhost()?.declare_exchange(&call.actor()?, spec)?))
}

fn delete(call: &Call) -> Answer {
    let (vhost, name) = (call.vhost()?, name_of(call, "name"));
    if vhost.topology().exchange(name).is_none() {
        return Err(ApiError::not_found());
    }
    vhost.delete_exchange(&call.actor()?, name, call.flag("if-unused"))?;
    Ok(Reply::NoContent)
}

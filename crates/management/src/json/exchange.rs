//! An exchange.

use super::arguments;
use crate::call::Call;
use crate::stats::Asked;
use leveret_broker::exchange::ExchangeSpec;
use serde_json::{Map, Value};

/// What of an exchange is shown; taken out under the topology's lock.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) vhost: String,
    pub(crate) spec: ExchangeSpec,
    pub(crate) policy: Option<String>,
}

/// An exchange of a list.
pub(crate) fn exchange(call: &Call, shown: &Shown) -> Value {
    let spec = &shown.spec;
    let mut json = Map::new();
    let mut put = |name: &str, value: Value| _ = json.insert(name.to_owned(), value);
    put("name", (&*spec.name).into());
    put("vhost", shown.vhost.as_str().into());
    put("type", spec.kind.as_str().into());
    put("durable", spec.durable.into());
    put("auto_delete", spec.auto_delete.into());
    put("internal", spec.internal.into());
    put("arguments", arguments(&spec.arguments));
    if let Some(policy) = &shown.policy {
        put("policy", policy.as_str().into());
    }
    if !call.flag("disable_stats")
        && let Some(stats) = call.context.stats.exchange(&shown.vhost, &spec.name, Asked::of(call))
    {
        put("message_stats", stats);
    }
    Value::Object(json)
}

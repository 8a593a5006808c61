//! An exchange.

use super::{Object, Wanted, arguments};
use crate::call::Call;
use crate::stats::Asked;
use leveret_broker::exchange::ExchangeSpec;
use serde_json::Value;

/// What of an exchange is shown; taken out under the topology's lock.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) vhost: String,
    pub(crate) spec: ExchangeSpec,
    pub(crate) policy: Option<String>,
}

/// An exchange of a list.
pub(crate) fn exchange(call: &Call, shown: &Shown, wanted: Wanted<'_>) -> Value {
    let spec = &shown.spec;
    let mut json = Object::new(wanted);
    json.put("name", || &*spec.name);
    json.put("vhost", || shown.vhost.as_str());
    json.put("type", || spec.kind.as_str());
    json.put("durable", || spec.durable);
    json.put("auto_delete", || spec.auto_delete);
    json.put("internal", || spec.internal);
    json.put("arguments", || arguments(&spec.arguments));
    if let Some(policy) = &shown.policy {
        json.put("policy", || policy.as_str());
    }
    if !call.flag("disable_stats") {
        let stats = || call.context.stats.exchange(&shown.vhost, &spec.name, Asked::of(call));
        json.put_known("message_stats", stats);
    }
    json.end()
}

//! A queue.

use super::arguments;
use crate::call::Call;
use crate::page::Key;
use crate::stats::Asked;
use leveret_broker::queue::Queue;
use leveret_broker::queue::arguments::QueueKind;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What is left out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Detail {
    /// Neither figures nor counters.
    pub(crate) without_stats: bool,
    /// Figures although there are no counters.
    pub(crate) with_totals: bool,
}

impl Detail {
    pub(crate) fn of(call: &Call) -> Self {
        Self { without_stats: call.flag("disable_stats"), with_totals: call.flag("enable_queue_totals") }
    }
}

/// What lists are sorted by without the JSON.
pub(crate) fn key(queue: &Arc<Queue>, by: &str) -> Option<Key> {
    let number = |number: u64| Some(Key::Number(number as f64));
    match by {
        "name" => Some(Key::Text(queue.name().to_string())),
        "vhost" => Some(Key::Text(queue.vhost_name().to_string())),
        "type" => Some(Key::Text(queue.kind().as_str().to_owned())),
        "messages" | "messages_ready" | "messages_unacknowledged" | "consumers" | "message_bytes_ready" => {
            let figures = queue.figures();
            let ready = (figures.ready + figures.waiting) as u64;
            match by {
                "messages" => number(ready + figures.unacked),
                "messages_ready" => number(ready),
                "messages_unacknowledged" => number(figures.unacked),
                "consumers" => number(figures.consumers as u64),
                _ => number(figures.ready_bytes),
            }
        }
        _ => None,
    }
}

/// Who is alone with the queue.
fn put_consumers(queue: &Queue, count: usize, put: &mut impl FnMut(&str, Value)) {
    let consumers = if count == 0 { Vec::new() } else { queue.consumers() };
    let tag = |of: Option<&leveret_broker::ConsumerInfo>| json!(of.map(|one| &one.consumer_tag));
    put("exclusive_consumer_tag", tag(consumers.iter().find(|one| one.exclusive)));
    let single = match queue.kind() {
        QueueKind::Quorum => "single_active_consumer_ctag",
        _ => "single_active_consumer_tag",
    };
    put(single, tag(consumers.iter().find(|one| one.single_active && one.active)));
}

/// Where it is: here.
fn put_members(kind: QueueKind, node: &str, put: &mut impl FnMut(&str, Value)) {
    match kind {
        QueueKind::Classic => put("recoverable_slaves", Value::Null),
        QueueKind::Quorum | QueueKind::Stream => {
            put("leader", node.into());
            put("members", json!([node]));
            put("online", json!([node]));
        }
    }
}

/// A queue of a list.
pub(crate) fn queue(call: &Call, queue: &Queue, detail: Detail) -> Value {
    let spec = queue.spec();
    let node = call.broker().config().node_name.clone();
    let mut json = Map::new();
    let mut put = |name: &str, value: Value| _ = json.insert(name.to_owned(), value);
    put("name", (&*spec.name).into());
    put("vhost", (&**queue.vhost_name()).into());
    put("type", queue.kind().as_str().into());
    put("durable", spec.durable.into());
    put("auto_delete", spec.auto_delete.into());
    put("exclusive", spec.exclusive_owner.is_some().into());
    put("arguments", arguments(&spec.arguments));
    put("node", node.clone().into());
    if detail.without_stats && !detail.with_totals {
        return Value::Object(json);
    }
    let figures = queue.figures();
    let ready = (figures.ready + figures.waiting) as u64;
    put("messages", (ready + figures.unacked).into());
    put("messages_ready", ready.into());
    put("messages_unacknowledged", figures.unacked.into());
    put("state", if figures.paused { "paused" } else { "running" }.into());
    if detail.without_stats {
        return Value::Object(json);
    }
    put("consumers", figures.consumers.into());
    put_consumers(queue, figures.consumers, &mut put);
    put_members(queue.kind(), &node, &mut put);
    put("message_bytes_ready", figures.ready_bytes.into());
    put("message_bytes", (figures.ready_bytes + figures.unacked_bytes).into());
    put("message_bytes_unacknowledged", figures.unacked_bytes.into());
    put("messages_paged_out", figures.on_disk.into());
    put("head_message_timestamp", json!(queue.head_timestamp_s()));
    json.append(&mut call.context.stats.queue(queue, &figures, Asked::of(call)));
    let mut put = |name: &str, value: Value| _ = json.insert(name.to_owned(), value);
    let applied = queue.policies();
    put("policy", json!(applied.policy().map(|name| &**name)));
    put("operator_policy", json!(applied.operator_policy().map(|name| &**name)));
    put("effective_policy_definition", Value::Object(applied.effective_definition()));
    Value::Object(json)
}

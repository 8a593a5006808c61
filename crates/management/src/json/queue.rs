//! A queue.

use super::arguments;
use crate::call::Call;
use crate::page::Key;
use crate::stats::Asked;
use leveret_broker::name::Name;
use leveret_broker::queue::arguments::QueueKind;
use leveret_broker::queue::{Queue, QueueFigures};
use leveret_protocol::FieldValue;
use serde_json::{Map, Value, json};

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
pub(crate) fn key(call: &Call, queue: &Queue, by: &str) -> Option<Key> {
    let spec = queue.spec();
    let named = |name: Option<&Name>| name.map_or(Key::None, |name| Key::text(name));
    Some(match by {
        "name" => Key::text(queue.name()),
        "vhost" => Key::text(queue.vhost_name()),
        "type" => Key::text(queue.kind().as_str()),
        "durable" => Key::flag(spec.durable),
        "auto_delete" => Key::flag(spec.auto_delete),
        "exclusive" => Key::flag(spec.exclusive_owner.is_some()),
        "node" => Key::None,
        "policy" => named(queue.policies().policy()),
        "operator_policy" => named(queue.policies().operator_policy()),
        "head_message_timestamp" => {
            queue.head_timestamp_s().map_or(Key::None, |seconds| Key::Number(seconds as f64))
        }
        _ => {
            let argument = by.strip_prefix("arguments.").filter(|name| !name.contains('.'));
            return argument.map_or_else(|| figure(call, queue, by), |name| argument_key(queue, name));
        }
    })
}

fn argument_key(queue: &Queue, name: &str) -> Option<Key> {
    match queue.spec().arguments.get(name) {
        None => Some(Key::None),
        Some(FieldValue::Bool(flag)) => Some(Key::flag(*flag)),
        Some(FieldValue::LongString(text)) => std::str::from_utf8(text).ok().map(Key::text),
        Some(value) => value.as_i64().map(|number| Key::Number(number as f64)),
    }
}

/// Figures and their rates.
fn figure(call: &Call, queue: &Queue, by: &str) -> Option<Key> {
    let stats = &call.context.stats;
    if let Some(column) = stats.queue_column(by) {
        return Some(stats.queue_key(queue, column).map_or(Key::None, Key::Number));
    }
    let figures = queue.figures();
    Some(match by {
        "state" => Key::text(state(&figures)),
        "consumers" => Key::Number(figures.consumers as f64),
        "message_bytes_ready" => Key::Number(figures.ready_bytes as f64),
        "message_bytes_unacknowledged" => Key::Number(figures.unacked_bytes as f64),
        "message_bytes" => Key::Number((figures.ready_bytes + figures.unacked_bytes) as f64),
        "messages_paged_out" => Key::Number(figures.on_disk as f64),
        _ => return None,
    })
}

fn state(figures: &QueueFigures) -> &'static str {
    if figures.paused { "paused" } else { "running" }
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
    put("state", state(&figures).into());
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

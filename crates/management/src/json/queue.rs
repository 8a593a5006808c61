//! A queue.

use super::{Object, Wanted, arguments};
use crate::call::Call;
use crate::page::Key;
use crate::stats::Asked;
use leveret_broker::ConsumerInfo;
use leveret_broker::name::Name;
use leveret_broker::queue::arguments::QueueKind;
use leveret_broker::queue::{Queue, QueueFigures};
use leveret_protocol::FieldValue;
use serde_json::{Value, json};

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
fn put_consumers(queue: &Queue, count: usize, json: &mut Object<'_>) {
    let tag = |is_it: fn(&ConsumerInfo) -> bool| {
        let consumers = if count == 0 { Vec::new() } else { queue.consumers() };
        json!(consumers.iter().find(|one| is_it(one)).map(|one| &one.consumer_tag))
    };
    json.put("exclusive_consumer_tag", || tag(|one| one.exclusive));
    let single = match queue.kind() {
        QueueKind::Quorum => "single_active_consumer_ctag",
        _ => "single_active_consumer_tag",
    };
    json.put(single, || tag(|one| one.single_active && one.active));
}

/// Where it is: here.
fn put_members(kind: QueueKind, node: &str, json: &mut Object<'_>) {
    match kind {
        QueueKind::Classic => json.put("recoverable_slaves", || Value::Null),
        QueueKind::Quorum | QueueKind::Stream => {
            json.put("leader", || node);
            json.put("members", || json!([node]));
            json.put("online", || json!([node]));
        }
    }
}

/// A queue of a list.
pub(crate) fn queue(call: &Call, queue: &Queue, detail: Detail, wanted: Wanted<'_>) -> Value {
    let spec = queue.spec();
    let node = call.broker().config().node_name.as_str();
    let mut json = Object::new(wanted);
    json.put("name", || &*spec.name);
    json.put("vhost", || &**queue.vhost_name());
    json.put("type", || queue.kind().as_str());
    json.put("durable", || spec.durable);
    json.put("auto_delete", || spec.auto_delete);
    json.put("exclusive", || spec.exclusive_owner.is_some());
    json.put("arguments", || arguments(&spec.arguments));
    json.put("node", || node);
    if detail.without_stats && !detail.with_totals {
        return json.end();
    }
    let figures = queue.figures();
    let ready = (figures.ready + figures.waiting) as u64;
    json.put("messages", || ready + figures.unacked);
    json.put("messages_ready", || ready);
    json.put("messages_unacknowledged", || figures.unacked);
    json.put("state", || state(&figures));
    if detail.without_stats {
        return json.end();
    }
    json.put("consumers", || figures.consumers);
    put_consumers(queue, figures.consumers, &mut json);
    put_members(queue.kind(), node, &mut json);
    json.put("message_bytes_ready", || figures.ready_bytes);
    json.put("message_bytes", || figures.ready_bytes + figures.unacked_bytes);
    json.put("message_bytes_unacknowledged", || figures.unacked_bytes);
    json.put("messages_paged_out", || figures.on_disk);
    json.put("head_message_timestamp", || json!(queue.head_timestamp_s()));
    let is_counted = |name: &str| name == "message_stats" || name.starts_with("messages");
    json.append(is_counted, || call.context.stats.queue(queue, &figures, Asked::of(call)));
    let applied = queue.policies();
    json.put("policy", || json!(applied.policy().map(|name| &**name)));
    json.put("operator_policy", || json!(applied.operator_policy().map(|name| &**name)));
    json.put("effective_policy_definition", || Value::Object(applied.effective_definition()));
    json.end()
}

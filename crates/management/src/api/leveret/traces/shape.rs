//! What is followed, and what happened, as JSON.

use crate::api::leveret::condition;
use leveret_broker::trace::follow::{Follow, FollowEvent};
use serde_json::{Map, Value, json};

/// What is followed.
pub(super) fn shape(follow: &Follow) -> Value {
    let (state, bounds, subject) = (follow.state(), follow.bounds(), follow.subject());
    json!({
        "id": follow.id(),
        "vhost": &**follow.vhost(),
        "queue": subject.queue,
        "trace_id": subject.trace_id.map(hex),
        "filter": condition::written(&subject.filter),
        "state": if state.is_on { "running" } else { "over" },
        "began_at": state.began_unix_ms,
        "ends_at": state.ends_unix_ms,
        "events_max": bounds.events_max,
        "bytes_max": bounds.bytes_max,
        "events_seen": state.seen,
        "events": state.kept,
        "bytes": state.bytes,
    })
}

/// A step; what is not known is left out.
pub(super) fn event(event: &FollowEvent) -> Value {
    let mut json = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            json.insert(name.to_owned(), value);
        }
    };
    put("number", event.number.into());
    // Milliseconds, as everywhere; their fractions tell the order.
    put("time", json!(event.unix_us as f64 / 1e3));
    put("event", event.step.as_str().into());
    put("message_id", json!(event.message_id));
    put("exchange", event.exchange.as_str().into());
    put("routing_key", event.routing_key.as_str().into());
    put("payload_bytes", event.body_bytes.into());
    put("queue", json!(event.queue.as_deref()));
    put("position", json!(event.position.map(|position| position.to_string())));
    if event.routes() {
        put("queues", event.queues.iter().map(|name| &**name).collect());
        put("queue_count", event.queue_count.into());
    }
    put("connection", json!(event.connection.as_deref()));
    put("channel", json!(event.channel));
    put("user", json!(event.user.as_deref()));
    put("consumer_tag", json!(event.consumer_tag));
    put("delivery_tag", json!(event.delivery_tag));
    put("attempt", json!(event.attempt));
    put("requeue", json!(event.requeue));
    put("reason", json!(event.reason));
    if let Some((exchange, routing_key)) = &event.to {
        put("to", json!({ "exchange": exchange, "routing_key": routing_key }));
    }
    Value::Object(json)
}

fn hex(trace_id: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(trace_id))
}

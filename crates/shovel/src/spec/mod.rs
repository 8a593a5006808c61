//! What a shovel is to do: the parameter as a value.

mod check;
mod erlang;
mod uri;

pub use check::problems;
pub use uri::{Place, shown};

use leveret_broker::definitions::Arguments;
use leveret_client::{FieldTable, Properties};
use serde_json::{Map, Value};
use std::time::Duration;

/// RabbitMQ's defaults.
const PREFETCH: u16 = 1000;
const RECONNECT_DELAY: Duration = Duration::from_secs(5);

/// When the source is told that a message is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AckMode {
    /// When the target has confirmed it: nothing is lost, some may come twice after a failure.
    #[default]
    OnConfirm,
    /// When it was written to the target: what is on its way is lost with the connection.
    OnPublish,
    /// Never: the source forgets it as it sends it.
    NoAck,
}

/// When a shovel deletes itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeleteAfter {
    /// Never.
    #[default]
    Never,
    /// After as many messages as the queue had when it connected first.
    QueueLength,
    /// After so many messages.
    Count(u64),
}

/// Where messages are taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// A durable queue, declared with these arguments if it is not there.
    Queue(String, FieldTable),
    /// An exchange, and the key a queue of the shovel's own is bound with. That queue goes with the connection.
    Exchange(String, String),
}

/// What a shovel is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The source's URIs; the first that can be connected to is used.
    pub src_uris: Vec<String>,
    /// Where messages are taken.
    pub origin: Origin,
    /// Arguments of the consumer.
    pub consumer_args: FieldTable,
    /// Messages that may be on their way at once.
    pub prefetch: u16,
    /// When it deletes itself.
    pub delete_after: DeleteAfter,
    /// The source's queue is not declared: without it the shovel waits.
    pub src_predeclared: bool,
    /// The target's URIs.
    pub dest_uris: Vec<String>,
    /// The queue messages go to, declared with these arguments if it is not there.
    pub dest_queue: Option<(String, FieldTable)>,
    /// The exchange they go to; neither this nor a queue: each message's own.
    pub dest_exchange: Option<String>,
    /// The routing key they get; `None`: each message's own.
    pub dest_key: Option<String>,
    /// The target's queue is not declared.
    pub dest_predeclared: bool,
    /// Whether the way is told in the header `x-shovelled`.
    pub forward_headers: bool,
    /// Whether the time is told in the header `x-shovelled-timestamp`.
    pub timestamp_header: bool,
    /// Properties that replace the messages' own.
    pub properties: Properties,
    /// When the source is told.
    pub ack_mode: AckMode,
    /// Pause before it connects again; `None`: it does not.
    pub reconnect_delay: Option<Duration>,
}

impl Spec {
    /// Reads a parameter in which nothing is wrong.
    ///
    /// # Errors
    /// What [`problems`] finds, in one text.
    pub fn parse(name: &str, value: &Value) -> Result<Self, String> {
        let wrong = problems(name, value, &|_| None);
        match value.as_object() {
            Some(object) if wrong.is_empty() => Ok(Self::of(object)),
            _ => Err(wrong.join("; ")),
        }
    }

    fn of(object: &Map<String, Value>) -> Self {
        let any = |keys: &[&str]| keys.iter().find_map(|key| object.get(*key));
        let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
        let flag = |keys: &[&str]| any(keys).and_then(Value::as_bool).unwrap_or(false);
        let origin = match text("src-queue") {
            Some(queue) => Origin::Queue(queue, table(object.get("src-queue-args"))),
            None => Origin::Exchange(
                text("src-exchange").unwrap_or_default(),
                text("src-exchange-key").unwrap_or_default(),
            ),
        };
        let delete_after = match any(&["src-delete-after", "delete-after"]) {
            Some(Value::String(word)) if word == "queue-length" => DeleteAfter::QueueLength,
            Some(Value::Number(count)) => DeleteAfter::Count(whole(count)),
            _ => DeleteAfter::Never,
        };
        let ack_mode = match object.get("ack-mode").and_then(Value::as_str) {
            Some("on-publish") => AckMode::OnPublish,
            Some("no-ack") => AckMode::NoAck,
            _ => AckMode::OnConfirm,
        };
        let prefetch = match any(&["src-prefetch-count", "prefetch-count"]).and_then(Value::as_number) {
            None => PREFETCH,
            // 0 is AMQP's word for no limit; here everything has one.
            Some(count) => u16::try_from(whole(count)).ok().filter(|count| *count > 0).unwrap_or(u16::MAX),
        };
        let delay = object.get("reconnect-delay").and_then(Value::as_f64);
        let delay = delay.map_or(RECONNECT_DELAY, |s| Duration::try_from_secs_f64(s).unwrap_or_default());
        Self {
            src_uris: uri::list(object.get("src-uri")),
            origin,
            consumer_args: table(object.get("src-consumer-args")),
            prefetch,
            delete_after,
            src_predeclared: flag(&["src-predeclared"]),
            dest_uris: uri::list(object.get("dest-uri")),
            dest_queue: text("dest-queue").map(|queue| (queue, table(object.get("dest-queue-args")))),
            dest_exchange: text("dest-exchange"),
            dest_key: text("dest-exchange-key"),
            dest_predeclared: flag(&["dest-predeclared"]),
            forward_headers: flag(&["dest-add-forward-headers", "add-forward-headers"]),
            timestamp_header: flag(&["dest-add-timestamp-header", "add-timestamp-header"]),
            properties: properties(any(&["dest-publish-properties", "publish-properties"])),
            ack_mode,
            reconnect_delay: Some(delay).filter(|delay| !delay.is_zero()),
        }
    }
}

fn whole(number: &serde_json::Number) -> u64 {
    number.as_u64().unwrap_or_else(|| number.as_f64().map_or(0, |number| number as u64))
}

fn table(value: Option<&Value>) -> FieldTable {
    let parsed = value.and_then(|value| serde_json::from_value::<Arguments>(value.clone()).ok());
    parsed.unwrap_or_default().0
}

fn properties(value: Option<&Value>) -> Properties {
    let Some(object) = value.and_then(Value::as_object) else { return Properties::default() };
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| object.get(key).and_then(Value::as_number).map(whole);
    Properties {
        content_type: text("content_type"),
        content_encoding: text("content_encoding"),
        headers: None,
        delivery_mode: number("delivery_mode").map(|mode| mode as u8),
        priority: number("priority").map(|priority| priority as u8),
        correlation_id: text("correlation_id"),
        reply_to: text("reply_to"),
        expiration: text("expiration"),
        message_id: text("message_id"),
        timestamp: number("timestamp"),
        kind: text("type"),
        user_id: text("user_id"),
        app_id: text("app_id"),
        cluster_id: text("cluster_id"),
    }
}

#[cfg(test)]
mod tests;

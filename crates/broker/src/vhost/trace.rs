//! The firehose: a copy of every message that is published and delivered goes to the exchange `amq.rabbitmq.trace`, while that is
//! switched on. Source: RabbitMQ, "Firehose Tracer", and what 3.10.8 sends.
//!
//! Copies are published with the key `publish.EXCHANGE` or `deliver.QUEUE`, with what there is to know in headers, and are themselves
//! not traced. It is off after a start.

use super::VirtualHost;
use crate::exchange::Publication;
use crate::message::{Message, Parts};
use crate::queue::Queue;
use bytes::Bytes;
use leveret_protocol::{FieldTable, FieldValue, Properties, RawProperties};
use std::sync::Arc;
use std::sync::atomic::Ordering;

const EXCHANGE: &str = "amq.rabbitmq.trace";

/// Bytes of a routing key.
const KEY_BYTES_MAX: usize = 255;

/// On which channel a message passed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tap<'a> {
    /// Name of the connection.
    pub(crate) connection: &'a str,
    pub(crate) channel: u16,
    pub(crate) user: &'a str,
}

impl VirtualHost {
    /// Switches the firehose on. Costs every message of this virtual host a copy or more, from now on.
    pub fn trace_on(&self) {
        self.set_traced(true);
    }

    /// Switches it off.
    pub fn trace_off(&self) {
        self.set_traced(false);
    }

    fn set_traced(&self, on: bool) {
        self.traced.store(on, Ordering::Relaxed);
        // Publishers ask when they look routes up, which they do now.
        self.change(|topology, _| topology.touch());
    }

    /// Whether the firehose is on.
    #[inline]
    pub fn is_traced(&self) -> bool {
        self.traced.load(Ordering::Relaxed)
    }

    pub(crate) fn trace_publish<'k>(
        &self,
        tap: Tap<'_>,
        message: &Message,
        keys: impl Iterator<Item = &'k [u8]>,
        queues: &[Arc<Queue>],
    ) {
        let Some(mut headers) = self.headers(message, keys) else { return };
        self.put_tap(&mut headers, tap);
        headers.insert("routed_queues", array(queues.iter().map(|queue| queue.name().as_bytes())));
        self.publish_trace("publish.", message.exchange(), headers, message.body_bytes());
    }

    pub(crate) fn trace_deliver(&self, tap: Tap<'_>, message: &Message, queue: &str, redelivered: bool) {
        let own = std::iter::once(message.routing_key());
        let copies = message.properties().headers().and_then(|headers| headers.get("CC")?.decode().ok());
        let copies = match &copies {
            Some(FieldValue::Array(keys)) => keys.as_slice(),
            _ => &[],
        };
        let keys = own.chain(copies.iter().filter_map(FieldValue::as_bytes));
        let Some(mut headers) = self.headers(message, keys) else { return };
        headers.insert("redelivered", FieldValue::I32(redelivered.into()));
        self.put_tap(&mut headers, tap);
        self.publish_trace("deliver.", queue.as_bytes(), headers, message.body_bytes());
    }

    /// `None` for a copy, which is not traced again.
    fn headers<'k>(&self, message: &Message, keys: impl Iterator<Item = &'k [u8]>) -> Option<FieldTable> {
        if message.exchange() == EXCHANGE.as_bytes() {
            return None;
        }
        let properties = Properties::try_from(message.properties()).unwrap_or_default();
        let mut headers = FieldTable::new();
        headers.insert("exchange_name", FieldValue::LongString(message.exchange().to_vec()));
        headers.insert("routing_keys", array(keys));
        headers.insert("properties", FieldValue::Table(table(properties)));
        headers.insert("node", &*self.shared.node);
        Some(headers)
    }

    fn put_tap(&self, headers: &mut FieldTable, tap: Tap<'_>) {
        headers.insert("vhost", &**self.name());
        headers.insert("connection", tap.connection);
        headers.insert("channel", FieldValue::I32(tap.channel.into()));
        headers.insert("user", tap.user);
    }

    fn publish_trace(&self, prefix: &str, name: &[u8], headers: FieldTable, body: Bytes) {
        let mut key = prefix.as_bytes().to_vec();
        key.extend_from_slice(name);
        key.truncate(KEY_BYTES_MAX);
        self.publish_here(
            EXCHANGE,
            &key,
            &Properties { headers: Some(headers), ..Properties::default() },
            body,
        );
    }

    /// Publishes something of the broker's own. Nobody waits for it.
    pub(crate) fn publish_here(&self, exchange: &str, key: &[u8], properties: &Properties, body: Bytes) {
        let mut raw = Vec::new();
        properties.encode(&mut raw);
        let Ok(properties) = RawProperties::parse(&raw) else { return };
        let mut targets = Vec::new();
        let publication = Publication::new(exchange, key, properties);
        if self.route(&publication, &mut targets).is_err() || targets.is_empty() {
            return;
        }
        let parts = Parts { exchange: exchange.as_bytes(), routing_key: key, properties };
        let message = Message::new(parts, body, None, targets.len() as u32);
        let now_ms = self.clock().now_ms();
        for queue in targets {
            let outcome = queue.take_in(message.clone(), now_ms);
            queue.carry_out(outcome);
        }
    }
}

fn array<'k>(texts: impl Iterator<Item = &'k [u8]>) -> FieldValue {
    FieldValue::Array(texts.map(|text| FieldValue::LongString(text.to_vec())).collect())
}

/// Properties as a table: texts as long strings, numbers as such.
fn table(properties: Properties) -> FieldTable {
    let mut table = FieldTable::new();
    let texts = [
        ("content_type", properties.content_type),
        ("content_encoding", properties.content_encoding),
        ("correlation_id", properties.correlation_id),
        ("reply_to", properties.reply_to),
        ("expiration", properties.expiration),
        ("message_id", properties.message_id),
        ("type", properties.kind),
        ("user_id", properties.user_id),
        ("app_id", properties.app_id),
        ("cluster_id", properties.cluster_id),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            table.insert(name, text.as_str());
        }
    }
    if let Some(headers) = properties.headers {
        table.insert("headers", FieldValue::Table(headers));
    }
    for (name, number) in [("delivery_mode", properties.delivery_mode), ("priority", properties.priority)] {
        if let Some(number) = number {
            table.insert(name, FieldValue::I32(number.into()));
        }
    }
    if let Some(timestamp) = properties.timestamp {
        table.insert("timestamp", FieldValue::I64(timestamp as i64));
    }
    table
}
